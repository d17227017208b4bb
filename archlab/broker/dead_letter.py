"""Dead-lettering: the header x-death, and how a cycle is detected.

Follows https://www.rabbitmq.com/dlx.html#effects as RabbitMQ 3.10 does it.
"""

from __future__ import annotations

from archlab.broker.message import EXPIRATION, Message, in_order, parse_properties, rebuild
from archlab.broker.table import Field, Table, text
from archlab.broker.wire import short_string

DEATH = b"x-death"


def dead_letter(message: Message, queue: str, reason: str, exchange: str, routing_key: str | None, now: int) -> Message:
    """The message as it is published to `exchange` after dying in `queue`.

    `reason` is rejected, expired, maxlen or delivery_limit; `now` is the time in seconds since 1970.
    `routing_key` replaces the message's own if given. Its own expiration is taken off, so that it
    does not die again on arrival.
    """
    properties = parse_properties(message.properties)
    headers: Table = dict(properties.headers or {})
    carbon_copies = headers.get(b"CC")
    keys = [text(message.routing_key)]
    if carbon_copies is not None and carbon_copies.kind == "array":
        keys += [item for item in carbon_copies.value if item.kind == "longstr"]
    death: Table = {
        b"count": Field("long", 1),
        b"reason": text(reason),
        b"queue": text(queue),
        b"time": Field("timestamp", now),
        b"exchange": text(message.exchange),
        b"routing-keys": Field("array", keys),
    }
    if properties.expiration_text is not None:
        death[b"original-expiration"] = text(properties.expiration_text)
    _record(headers, death)
    if routing_key is not None:
        headers.pop(b"CC", None)
    key = message.routing_key if routing_key is None else routing_key
    fields = {flag: value for flag, value in properties.fields.items() if flag != EXPIRATION}
    return Message(
        exchange=exchange,
        routing_key=key,
        address=short_string(exchange) + short_string(key),
        properties=rebuild(fields, in_order(headers)),
        body=message.body,
        persistent=message.persistent,
    )


def _record(headers: Table, death: Table) -> None:
    """Adds a death to x-death: a further one of the same queue and reason only counts up, and moves to the front."""
    earlier = headers.get(DEATH)
    if earlier is None:
        headers[b"x-first-death-reason"] = death[b"reason"]
        headers[b"x-first-death-queue"] = death[b"queue"]
        headers[b"x-first-death-exchange"] = death[b"exchange"]
        headers[DEATH] = Field("array", [Field("table", death)])
        return
    if earlier.kind != "array":  # a client made something else of it
        headers[DEATH] = Field("array", [Field("table", death)])
        return
    others = []
    for event in earlier.value:
        if event.kind == "table" and all(event.value.get(key) == death[key] for key in (b"queue", b"reason")):
            count = event.value.get(b"count")
            death = {**event.value, b"count": Field("long", count.value + 1 if count is not None else 1)}
        else:
            others.append(event)
    headers[DEATH] = Field("array", [Field("table", death), *others])


def would_cycle(message: Message, queue: str) -> bool:
    """Whether the message died in `queue` before and has only died by itself (never by a reject) since.

    Such a message would go round for ever; RabbitMQ drops it, and so do we.
    """
    headers = parse_properties(message.properties).headers or {}
    deaths = headers.get(DEATH)
    if deaths is None or deaths.kind != "array":
        return False
    for event in deaths.value:
        if event.kind != "table" or event.value.get(b"reason") == text("rejected"):
            return False
        if event.value.get(b"queue") == text(queue):
            return True
    return False
