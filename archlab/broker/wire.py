"""Decodes bytes to frames and methods, strictly, and encodes them.

The codec is pika's. It was written for a client that trusts its server, so what arrives here is
measured against the format of its method first: a string that runs past its frame, a byte too many, a
table that lies about its length are all refused before pika decodes them.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Any

from pika import frame, spec  # type: ignore[import-untyped]  # pika ships no py.typed marker

from archlab.broker.errors import AmqpError
from archlab.broker.table import Table, TableError, parse_table

PROTOCOL_HEADER = b"AMQP\x00\x00\x09\x01"
FRAME_METHOD, FRAME_HEADER, FRAME_BODY, FRAME_HEARTBEAT = 1, 2, 3, 8
FRAME_OVERHEAD = 8  # seven octets before the payload and the end marker after it
END = b"\xce"
HEARTBEAT_FRAME = b"\x08\x00\x00\x00\x00\x00\x00\xce"

PUBLISH = spec.Basic.Publish.INDEX

# What a client may send: h short, l long, q longlong, s short string, S long string, b bits, F table.
FORMATS = {
    spec.Connection.StartOk: "FsSs",
    spec.Connection.SecureOk: "S",
    spec.Connection.TuneOk: "hlh",
    spec.Connection.Open: "ssb",
    spec.Connection.Close: "hshh",
    spec.Connection.CloseOk: "",
    spec.Connection.UpdateSecret: "Ss",
    spec.Channel.Open: "s",
    spec.Channel.Flow: "b",
    spec.Channel.FlowOk: "b",
    spec.Channel.Close: "hshh",
    spec.Channel.CloseOk: "",
    spec.Access.Request: "sb",
    spec.Exchange.Declare: "hssbF",
    spec.Exchange.Delete: "hsb",
    spec.Exchange.Bind: "hsssbF",
    spec.Exchange.Unbind: "hsssbF",
    spec.Queue.Declare: "hsbF",
    spec.Queue.Bind: "hsssbF",
    spec.Queue.Unbind: "hsssF",
    spec.Queue.Purge: "hsb",
    spec.Queue.Delete: "hsb",
    spec.Basic.Qos: "lhb",
    spec.Basic.Consume: "hssbF",
    spec.Basic.Cancel: "sb",
    spec.Basic.Get: "hsb",
    spec.Basic.Ack: "qb",
    spec.Basic.Nack: "qb",
    spec.Basic.Reject: "qb",
    spec.Basic.Recover: "b",
    spec.Basic.RecoverAsync: "b",
    spec.Confirm.Select: "b",
    spec.Tx.Select: "",
    spec.Tx.Commit: "",
    spec.Tx.Rollback: "",
}
_FORMATS_BY_INDEX = {method.INDEX: form for method, form in FORMATS.items()}
_SIZES = {"h": 2, "l": 4, "q": 8, "b": 1}


class FrameReader:
    """Cuts a stream into frames. `limit` is the negotiated frame_max, in octets."""

    def __init__(self) -> None:
        self.limit = 4096  # RabbitMQ's initial_frame_max: before the tuning nobody needs more
        self._rest = b""

    def feed(self, data: bytes) -> Iterator[tuple[int, int, bytes]]:
        """Yields (frame type, channel, payload); keeps an unfinished frame for the next call.

        Raises AmqpError 501 where the stream makes no sense any more.
        """
        if self._rest:
            data = self._rest + data
        position, end = 0, len(data)
        try:
            while end - position >= 7:
                kind, channel, size = struct.unpack_from(">BHI", data, position)
                # RabbitMQ forgives eight octets: some clients count the frame's own octets wrongly.
                if size > self.limit:
                    position = end
                    raise frame_error(kind, b"", f"{{frame_too_large,{size},{self.limit - FRAME_OVERHEAD}}}")
                stop = position + 7 + size
                if stop >= end:
                    return
                payload = data[position + 7 : stop]
                if data[stop] != spec.FRAME_END:
                    position = end
                    raise frame_error(kind, payload, f"{{invalid_frame_end_marker,{data[stop]}}}")
                position = stop + 1
                yield kind, channel, payload
        finally:
            self._rest = data[position:]


def parse_method(payload: bytes) -> tuple[Any, Table]:
    """The method in a method frame, decoded by pika, and its table with types (empty if it has none).

    A method that only servers send comes without its fields. Raises AmqpError 501 for what cannot be decoded and
    503 for what is no method.
    """
    if len(payload) < 4:
        raise frame_error(FRAME_METHOD, payload, "unknown_frame")
    index = int.from_bytes(payload[:4], "big")
    identity = (index >> 16, index & 0xFFFF)
    if index not in spec.methods:
        raise AmqpError(503, "unknown method", identity)
    kind = spec.methods[index]
    # Not kind(), since pika's UpdateSecret wants its arguments; decoding sets all that is used.
    method = kind.__new__(kind)
    form = _FORMATS_BY_INDEX.get(index)
    if form is None:
        return method, {}
    table, payload = _measure(payload, form, identity)
    try:
        return method.decode(payload, 4), table
    except (ValueError, OverflowError, OSError, struct.error, LookupError) as error:
        raise _cannot_decode(payload, identity) from error


def _measure(payload: bytes, form: str, identity: tuple[int, int]) -> tuple[Table, bytes]:
    """Walks the fields, of which every octet must be accounted for.

    Returns the table among them, and the method with an empty one: pika does not know every value that we do.
    """
    position, end = 4, len(payload)
    table: Table = {}
    without = payload
    try:
        for field in form:
            if field in _SIZES:
                position += _SIZES[field]
            elif field == "s":
                stop = position + 1 + payload[position]
                payload[position + 1 : stop].decode()
                position = stop
            else:
                length = int.from_bytes(payload[position : position + 4], "big")
                position += 4 + length
                if position > end:
                    break
                if field == "F":
                    table = parse_table(payload, position - length, position)
                    without = payload[: position - length - 4] + b"\0\0\0\0" + payload[position:]
    except UnicodeDecodeError:
        raise AmqpError(501, "Malformed UTF-8 in shortstr") from None
    except TableError as error:
        raise AmqpError(502, str(error), identity) from None
    except IndexError:
        position = -1
    if position != end:
        raise _cannot_decode(payload, identity)
    return table, without


def parse_publish(payload: bytes) -> tuple[str, str, bytes, int]:
    """Basic.Publish, which is worth a path of its own: (exchange, routing key, the two as on the wire, bits)."""
    try:
        middle = 7 + payload[6]
        stop = middle + 1 + payload[middle]
        if stop + 1 != len(payload):
            raise IndexError
        return payload[7:middle].decode(), payload[middle + 1 : stop].decode(), payload[6:stop], payload[stop]
    except UnicodeDecodeError:
        raise AmqpError(501, "Malformed UTF-8 in shortstr") from None
    except IndexError:
        raise _cannot_decode(payload, (60, 40)) from None


def method_frame(channel: int, method: Any) -> bytes:
    return bytes(frame.Method(channel, method).marshal())


def short_string(value: str) -> bytes:
    data = value.encode()
    return bytes([len(data)]) + data


def content_frames(channel: int, method: bytes, properties: bytes, body: bytes, frame_max: int) -> bytes:
    """A method with its content as one run of octets; `method` and `properties` are payloads already encoded."""
    size = len(body)
    head = b"".join(
        (
            struct.pack(">BHI", FRAME_METHOD, channel, len(method)),
            method,
            struct.pack(">cBHIHHQ", END, FRAME_HEADER, channel, 12 + len(properties), 60, 0, size),
            properties,
        )
    )
    if not size:  # an empty body has no body frame
        return head + END
    piece = frame_max - FRAME_OVERHEAD
    if size <= piece:
        return b"".join((head, struct.pack(">cBHI", END, FRAME_BODY, channel, size), body, END))
    parts = [head, END]
    for start in range(0, size, piece):
        fragment = body[start : start + piece]
        parts += (struct.pack(">BHI", FRAME_BODY, channel, len(fragment)), fragment, END)
    return b"".join(parts)


def frame_error(kind: int, payload: bytes, why: str) -> AmqpError:
    return AmqpError(501, f"type {kind}, {_snippet(payload)}: {why}")


def unexpected_frame(kind: int, payload: bytes) -> AmqpError:
    return AmqpError(505, f"type {kind}, {_snippet(payload)}")


def _cannot_decode(payload: bytes, identity: tuple[int, int]) -> AmqpError:
    # What a login carries is shown to nobody, not even in the log.
    content = "its content" if identity[0] == spec.Connection.INDEX else _erlang(payload[4:])
    return AmqpError(501, f"cannot decode {content}", identity)


def _snippet(payload: bytes) -> str:
    return f"{'all' if len(payload) <= 16 else 'first 16'} octets = {_erlang(payload[:16])}"


def _erlang(data: bytes) -> str:
    """Octets as RabbitMQ's messages show them."""
    if data and all(32 <= octet < 127 for octet in data):
        return f'<<"{data.decode()}">>'
    return f"<<{','.join(map(str, data))}>>"
