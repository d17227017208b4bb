"""A message: where it was published, its properties as they came, its body."""

from __future__ import annotations

import struct
from functools import lru_cache
from typing import NamedTuple

from archlab.broker.errors import AmqpError, precondition_failed
from archlab.broker.table import Field, Table, TableError, encode_table, parse_table

HEADERS, DELIVERY_MODE, REPLY_TO, EXPIRATION, USER_ID = 1 << 13, 1 << 12, 1 << 9, 1 << 8, 1 << 4

# The properties of class basic in the order of the wire; s short string, F table, o octet, q 64 bits.
_LAYOUT = (
    *((1 << bit, form) for bit, form in zip(range(15, 9, -1), "ssFoos", strict=True)),
    *((1 << bit, form) for bit, form in zip(range(9, 1, -1), "sssqssss", strict=True)),
)
_KNOWN_FLAGS = sum(flag for flag, _ in _LAYOUT)

LARGEST_BODY = 134_217_728  # octets; RabbitMQ's max_message_size
LONGEST_EXPIRY = 315_360_000_000  # milliseconds: ten years, as RabbitMQ has it


class Message:
    """What a queue holds and a consumer gets; shared by all queues it was routed to, never changed.

    `address` is exchange and routing key as on the wire, `properties` the property flags and list as
    they came, `expiration` the message's own time to live in ms.
    """

    __slots__ = ("address", "body", "exchange", "expiration", "persistent", "properties", "routing_key")

    def __init__(
        self,
        exchange: str,
        routing_key: str,
        address: bytes,
        properties: bytes,
        body: bytes,
        persistent: bool = False,
        expiration: int | None = None,
    ) -> None:
        self.exchange = exchange
        self.routing_key = routing_key
        self.address = address
        self.properties = properties
        self.body = body
        self.persistent = persistent
        self.expiration = expiration


class Properties(NamedTuple):
    """The parts of a message's properties that a broker acts on; `fields` has every property as on the wire."""

    fields: dict[int, bytes]
    headers: Table | None
    persistent: bool
    expiration: int | None
    expiration_text: str | None
    user_id: str | None
    reply_to: str | None

    def routing_headers(self) -> list[str]:
        """The further routing keys in the headers CC and BCC (an extension of RabbitMQ's)."""
        keys: list[str] = []
        for name in (b"CC", b"BCC"):
            field = (self.headers or {}).get(name)
            if field is None:
                continue
            if field.kind != "array":
                raise precondition_failed(
                    f'invalid message: {{unacceptable_type_in_header,"{name.decode()}",{field.kind}}}'
                )
            keys += [item.value.decode("utf-8", "replace") for item in field.value if item.kind == "longstr"]
        return keys


def parse_properties(raw: bytes) -> Properties:
    """Reads the property list of a content header.

    Raises AmqpError 541 where it cannot be read (as RabbitMQ does) and 406 for an impossible expiration or
    delivery mode.
    """
    # Publishers repeat themselves: most send the same few octets with every message.
    return _parse_cached(raw) if len(raw) <= 128 else _parse(raw)


def _parse(raw: bytes) -> Properties:
    fields: dict[int, bytes] = {}
    headers: Table | None = None
    try:
        flags = int.from_bytes(raw[:2], "big")
        if flags & ~_KNOWN_FLAGS or len(raw) < 2:
            raise IndexError
        position = 2
        for flag, form in _LAYOUT:
            if not flags & flag:
                continue
            start = position
            if form == "s":
                position += 1 + raw[position]
            elif form == "o":
                position += 1
            elif form == "q":
                position += 8
            else:
                position += 4 + int.from_bytes(raw[position : position + 4], "big")
                if position > len(raw):
                    raise IndexError
                headers = parse_table(raw, start + 4, position)
            fields[flag] = raw[start:position]
        if position != len(raw):
            raise IndexError
        texts = {flag: fields[flag][1:].decode() for flag in (EXPIRATION, USER_ID, REPLY_TO) if flag in fields}
    except (IndexError, TableError, UnicodeDecodeError):
        raise AmqpError(541, method=(0, 0)) from None
    expiration = texts.get(EXPIRATION)
    lives = _milliseconds(expiration)
    mode = fields.get(DELIVERY_MODE, b"\x01")[0]
    if mode not in (1, 2):
        raise precondition_failed(f"invalid message: {{delivery_mode_unknown,{mode}}}")
    return Properties(
        fields=fields,
        headers=headers,
        persistent=mode == 2,
        expiration=lives,
        expiration_text=expiration,
        user_id=texts.get(USER_ID),
        reply_to=texts.get(REPLY_TO),
    )


_parse_cached = lru_cache(maxsize=512)(_parse)


def _milliseconds(expiration: str | None) -> int | None:
    if expiration is None:
        return None
    digits = expiration[1:] if expiration.startswith(("+", "-")) else expiration
    leading = len(digits) - len(digits.lstrip("0123456789"))
    if not leading:
        raise precondition_failed(f"invalid expiration '{expiration}': no_integer")
    if leading < len(digits):
        raise precondition_failed(f"invalid expiration '{expiration}': {{leftover_string,\"{digits[leading:]}\"}}")
    value = int(expiration)
    if value < 0:
        raise precondition_failed(f"invalid expiration '{expiration}': {{value_negative,{value}}}")
    if value > LONGEST_EXPIRY:
        raise precondition_failed(f"invalid expiration '{expiration}': {{value_too_large,{value}}}")
    return value


def rebuild(fields: dict[int, bytes], headers: Table | None) -> bytes:
    """A property list from `fields`, its headers replaced."""
    fields = {flag: value for flag, value in fields.items() if flag != HEADERS}
    if headers is not None:
        fields[HEADERS] = encode_table(headers)
    return _joined(fields)


def with_reply_to(raw: bytes, address: str) -> bytes:
    """A property list with another reply_to."""
    octets = address.encode()
    return _joined({**parse_properties(raw).fields, REPLY_TO: bytes([len(octets)]) + octets})


def _joined(fields: dict[int, bytes]) -> bytes:
    return struct.pack(">H", sum(fields)) + b"".join(fields[flag] for flag, _ in _LAYOUT if flag in fields)


def with_header(message: Message, name: bytes, field: Field | None) -> bytes:
    """The message's property list with one header set, or taken off."""
    properties = parse_properties(message.properties)
    headers = {key: value for key, value in (properties.headers or {}).items() if key != name}
    if field is not None:
        headers = in_order({**headers, name: field})
    return rebuild(properties.fields, headers)


def in_order(headers: Table) -> Table:
    """By name, as RabbitMQ leaves headers where it has put one in."""
    return dict(sorted(headers.items()))
