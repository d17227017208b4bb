"""Words of this topic, for `archlab explain`."""

from __future__ import annotations

from archlab.scenario import Word

WORDS = (
    Word(
        "fact",
        "An event that says what has happened, in the past tense, with all the known data. Its publisher does not "
        "know who listens.",
        also=("event",),
        see=("idempotent",),
    ),
    Word(
        "idempotent",
        "An operation is idempotent if repeating it changes nothing more. A consumer is idempotent if it stores the "
        "key of an event in the same transaction as the effect.",
        also=("idempotency key",),
        see=("at least once",),
    ),
    Word(
        "at least once",
        "A message is delivered again until it is acknowledged. So it is never lost, but it may arrive twice.",
        see=("idempotent", "acknowledgement"),
    ),
    Word(
        "acknowledgement",
        "The reply of a consumer that tells the broker to delete a message. Sent before the effect it risks a loss; "
        "sent after the effect it risks a duplicate.",
        also=("ack", "nack"),
        see=("at least once", "prefetch"),
    ),
    Word(
        "prefetch",
        "The number of messages that a consumer may receive before it has acknowledged them.",
        see=("acknowledgement",),
    ),
    Word(
        "poison message",
        "A message that can never be processed, however often a consumer tries.",
        also=("poison",),
        see=("dead letter",),
    ),
    Word(
        "dead letter",
        "A message that could not be processed and was set aside, so that somebody can inspect it and replay it.",
        also=("dead-letter queue", "dead letters"),
        see=("poison message",),
    ),
    Word(
        "circuit breaker",
        "It stops calls to a service that has failed several times in a row, for a while. So nobody waits for answers "
        "that will not come, and the service can catch up.",
        also=("breaker",),
        see=("retry storm",),
    ),
    Word(
        "retry storm",
        "Calls that are repeated keep a service so busy that the next calls are late and are repeated, too. It can "
        "go on after the fault that began it is over.",
        see=("circuit breaker",),
    ),
    Word(
        "heartbeat",
        "A small frame that client and broker send each other. Whoever sends none for about two intervals is taken to "
        "be gone, and its connection is closed.",
        see=("acknowledgement",),
    ),
    Word(
        "quorum queue",
        "A queue of RabbitMQ that is replicated over several nodes. It counts how often a message came back, and can "
        "set it aside at a delivery limit.",
        see=("dead letter", "prefetch"),
    ),
)
