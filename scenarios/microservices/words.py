"""Words of this topic, for `archlab explain`."""

from __future__ import annotations

from archlab.scenario import Word

WORDS = (
    Word(
        "blast radius",
        "What stops working when one part fails. To keep it small, give each part its own processes, and write "
        "callers that can work without the part.",
    ),
    Word(
        "saga",
        "One business transaction in several local transactions. When a step fails, the steps before it are undone, "
        "one by one. Meanwhile others can see a half-finished order.",
        see=("compensation",),
    ),
    Word(
        "compensation",
        "The action that undoes a step of a saga: a refund, a release of stock. It is idempotent, and repeated until "
        "it succeeds.",
        see=("saga",),
    ),
    Word(
        "distributed monolith",
        "Services that cannot be released or fail one by one. They share a database, call each other for every item, "
        "or reject each other's new fields.",
        see=("chatty", "tolerant reader"),
    ),
    Word("chatty", "Many small calls where one call is enough. Each call costs a round trip, and each can fail."),
    Word(
        "tolerant reader",
        "A consumer that reads the fields it needs from a message, and ignores unknown fields. So the sender can be "
        "released first.",
        see=("distributed monolith",),
    ),
    Word(
        "modular monolith",
        "One application whose modules use only their own tables and each other's interfaces. A test enforces this.",
    ),
)
