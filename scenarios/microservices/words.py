"""Words of this topic, for `archlab explain`."""

from __future__ import annotations

from archlab.scenario import Word

WORDS = (
    Word(
        "blast radius",
        "What stops working when one part fails. A small one needs processes of their own, and callers that can do "
        "without the part.",
    ),
    Word(
        "saga",
        "One business transaction in several local ones. When a step fails, those before it are undone, one by one. "
        "Others see what is half done meanwhile.",
        see=("compensation",),
    ),
    Word(
        "compensation",
        "What undoes a step of a saga: a refund, a release of stock. It is idempotent, and tried until it succeeds.",
        see=("saga",),
    ),
    Word(
        "distributed monolith",
        "Services that cannot be released or fail one by one. They share a database, call for every detail, or "
        "break on each other's new fields.",
        see=("chatty", "tolerant reader"),
    ),
    Word("chatty", "Many small calls where one would do. Each costs a round trip, and each can fail."),
    Word(
        "tolerant reader",
        "Takes from a message what it needs, and ignores unknown fields. So the sender can be released first.",
        see=("distributed monolith",),
    ),
    Word(
        "modular monolith", "One application whose modules keep to their own tables and interfaces, enforced by a test."
    ),
)
