"""Words of this topic, for `archlab explain`."""

from __future__ import annotations

from archlab.scenario import Word

WORDS = (
    Word(
        "fact",
        "An event that says what has happened, in the past tense, with what is known of it. Whoever publishes it does "
        "not know who listens.",
        also=("event",),
        see=("idempotent",),
    ),
    Word(
        "idempotent",
        "Doing it twice changes no more than doing it once. A consumer is idempotent where it keeps the key of an "
        "event in the same transaction as the effect.",
        also=("idempotency key",),
        see=("at least once",),
    ),
    Word(
        "at least once",
        "A message is delivered again until it is acknowledged, so that it is never lost and may come twice.",
        see=("idempotent", "acknowledgement"),
    ),
    Word(
        "acknowledgement",
        "What a consumer sends to the broker when a message may be forgotten. Before the effect it risks a loss, after "
        "the effect a duplicate.",
        also=("ack", "nack"),
        see=("at least once", "prefetch"),
    ),
    Word(
        "prefetch",
        "How many messages a consumer may hold without having acknowledged them.",
        see=("acknowledgement",),
    ),
    Word(
        "poison message",
        "A message that can never be handled, however often it is tried.",
        also=("poison",),
        see=("dead letter",),
    ),
    Word(
        "dead letter",
        "A message that was given up and set aside, for somebody to look at and perhaps to replay.",
        also=("dead-letter queue", "dead letters"),
        see=("poison message",),
    ),
)
