"""Encodes and decodes AMQP field tables, keeping their types.

pika decodes a table to plain Python values and loses what the wire said: a double comes back as a
whole number, a `short` goes out again as a `long`. A broker hands on what it was given, so headers and
arguments are kept as (type, value), as RabbitMQ does. The types and their letters are RabbitMQ's
(https://www.rabbitmq.com/amqp-0-9-1-errata.html, section 3).
"""

from __future__ import annotations

import struct
from typing import Any, NamedTuple


class Field(NamedTuple):
    """One value with the name that RabbitMQ gives its type, e.g. Field("longstr", b"stop")."""

    kind: str
    value: Any


Table = dict[bytes, Field]

# letter on the wire: (name, struct format)
_FIXED = {
    ord("b"): ("byte", ">b"),
    ord("B"): ("unsignedbyte", ">B"),
    ord("s"): ("short", ">h"),
    ord("u"): ("unsignedshort", ">H"),
    ord("I"): ("signedint", ">i"),
    ord("i"): ("unsignedint", ">I"),
    ord("l"): ("long", ">q"),
    ord("L"): ("long", ">q"),
    ord("f"): ("float", ">f"),
    ord("d"): ("double", ">d"),
    ord("T"): ("timestamp", ">Q"),
}
_FIXED_LETTER = {name: (bytes([letter]), form) for letter, (name, form) in _FIXED.items() if letter != ord("L")}
INTEGER_KINDS = frozenset({"byte", "unsignedbyte", "short", "unsignedshort", "signedint", "unsignedint", "long"})

# Python's stack is the limit, not the format; nobody nests a header this deep, except to bring a server down.
DEEPEST = 64


class TableError(ValueError):
    """The bytes are no table."""


def parse_table(data: bytes, start: int, end: int, depth: int = 0) -> Table:
    """The table whose content fills data[start:end] exactly (its four-byte length is already read).

    Raises TableError on anything that does not fit.
    """
    if depth > DEEPEST:
        raise TableError(f"tables nested more than {DEEPEST} deep")
    table: Table = {}
    while start < end:
        key_end = start + 1 + data[start]
        if key_end >= end:
            raise TableError("a field name runs past its table")
        key = data[start + 1 : key_end]
        table[key], start = _parse_value(data, key_end, end, depth)
    return table


def _parse_value(data: bytes, start: int, end: int, depth: int) -> tuple[Field, int]:
    letter = data[start]
    start += 1
    if letter in _FIXED:
        kind, form = _FIXED[letter]
        stop = start + struct.calcsize(form)
        if stop > end:
            raise TableError("a value runs past its table")
        return Field(kind, struct.unpack_from(form, data, start)[0]), stop
    if letter in b"SxFA":
        if start + 4 > end:
            raise TableError("a length runs past its table")
        length = int.from_bytes(data[start : start + 4], "big")
        start += 4
        stop = start + length
        if stop > end:
            raise TableError("a value runs past its table")
        if letter == ord("S"):
            return Field("longstr", data[start:stop]), stop
        if letter == ord("x"):
            return Field("binary", data[start:stop]), stop
        if letter == ord("F"):
            return Field("table", parse_table(data, start, stop, depth + 1)), stop
        return Field("array", _parse_array(data, start, stop, depth + 1)), stop
    if letter == ord("t"):
        if start >= end:
            raise TableError("a value runs past its table")
        return Field("bool", data[start] != 0), start + 1
    if letter == ord("D"):
        if start + 5 > end:
            raise TableError("a value runs past its table")
        return Field("decimal", struct.unpack_from(">BI", data, start)), start + 5
    if letter == ord("V"):
        return Field("void", None), start
    raise TableError(f"unknown field type {letter}")


def _parse_array(data: bytes, start: int, end: int, depth: int) -> list[Field]:
    if depth > DEEPEST:
        raise TableError(f"arrays nested more than {DEEPEST} deep")
    values = []
    while start < end:
        value, start = _parse_value(data, start, end, depth)
        values.append(value)
    return values


def encode_table(table: Table) -> bytes:
    """The table as on the wire, its length first."""
    content = b"".join(bytes([len(key)]) + key + _encode_value(field) for key, field in table.items())
    return struct.pack(">I", len(content)) + content


def _encode_value(field: Field) -> bytes:
    kind, value = field
    if kind in _FIXED_LETTER:
        letter, form = _FIXED_LETTER[kind]
        return letter + struct.pack(form, value)
    if kind == "longstr" or kind == "binary":
        return (b"S" if kind == "longstr" else b"x") + struct.pack(">I", len(value)) + bytes(value)
    if kind == "table":
        return b"F" + encode_table(value)
    if kind == "array":
        content = b"".join(map(_encode_value, value))
        return b"A" + struct.pack(">I", len(content)) + content
    if kind == "bool":
        return b"t\x01" if value else b"t\x00"
    if kind == "decimal":
        return b"D" + struct.pack(">BI", *value)
    return b"V"


def text(value: str) -> Field:
    return Field("longstr", value.encode())
