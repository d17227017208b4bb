"""Exchanges: finds the destinations for a routing key and headers. No I/O, no clock."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from archlab.broker.errors import AmqpError, precondition_failed
from archlab.broker.table import Field, Table

TYPES = ("direct", "fanout", "topic", "headers")
MATCHES = (b"all", b"any", b"all-with-x", b"any-with-x")


class Binding(NamedTuple):
    """A rule of an exchange. `arguments` is the table as on the wire, which makes a binding hashable."""

    source: str
    kind: str  # of the destination: "queue" or "exchange"
    destination: str
    routing_key: str
    arguments: bytes


@dataclass(slots=True)
class Exchange:
    """One exchange and its bindings, in the order in which they were made."""

    name: str
    type: str
    durable: bool = False
    auto_delete: bool = False
    internal: bool = False
    arguments: Table = field(default_factory=dict)
    bindings: dict[Binding, Table] = field(default_factory=dict)
    _by_key: dict[str, dict[Binding, None]] = field(default_factory=dict)

    @property
    def alternate(self) -> str | None:
        """The exchange that gets what this one cannot route."""
        value = self.arguments.get(b"alternate-exchange")
        return value.value.decode("utf-8", "replace") if value is not None else None

    def check_binding(self, arguments: Table) -> None:
        """Raises AmqpError 406 where the arguments make no sense for this type."""
        match = arguments.get(b"x-match") if self.type == "headers" else None
        if match is None:
            return
        if match.kind != "longstr":
            raise precondition_failed(
                f"Invalid x-match field type {match.kind} (value {match.value}); expected longstr"
            )
        if match.value not in MATCHES:
            raise precondition_failed(
                f'Invalid x-match field value <<"{match.value.decode("utf-8", "replace")}">>; '
                "expected all, any, all-with-x, or any-with-x"
            )

    def bind(self, binding: Binding, arguments: Table) -> bool:
        """Adds a binding; False if it is there already."""
        if binding in self.bindings:
            return False
        self.bindings[binding] = arguments
        self._by_key.setdefault(binding.routing_key, {})[binding] = None
        return True

    def unbind(self, binding: Binding) -> bool:
        """Takes a binding away; False if there is none such."""
        if self.bindings.pop(binding, None) is None:
            return False
        same_key = self._by_key[binding.routing_key]
        del same_key[binding]
        if not same_key:
            del self._by_key[binding.routing_key]
        return True

    def matching(self, routing_key: str, headers: Table | None) -> Iterator[Binding]:
        """The bindings that let a message through."""
        if self.type == "direct":
            yield from self._by_key.get(routing_key, ())
        elif self.type == "fanout":
            yield from self.bindings
        elif self.type == "topic":
            words = routing_key.split(".") if routing_key else []
            for pattern, bindings in self._by_key.items():
                if topic_matches(pattern.split(".") if pattern else [], words):
                    yield from bindings
        else:
            for binding, arguments in self.bindings.items():
                if headers_match(arguments, headers or {}):
                    yield binding


def topic_matches(pattern: list[str], words: list[str]) -> bool:
    """Whether a routing key's words fit a pattern: `*` is one word, `#` is any number of them, none included.

    Runs in len(pattern) × len(words) steps however many `#` the pattern has.
    """
    # reached[i]: the pattern so far can have used up the first i words
    reached = [True] + [False] * len(words)
    for part in pattern:
        if part == "#":
            for i in range(1, len(reached)):
                reached[i] = reached[i] or reached[i - 1]
        else:
            reached = [False] + [
                before and (part == "*" or part == word) for before, word in zip(reached, words, strict=False)
            ]
    return reached[-1]


def headers_match(arguments: Table, headers: Table) -> bool:
    """Whether a message's headers fit a binding's arguments, under its x-match (all if it has none).

    Arguments that begin with `x-` do not count, unless x-match says `-with-x`. An argument without a
    value (void) asks only that the header is there. Values compare by value, whatever their types.
    """
    match = arguments.get(b"x-match", Field("longstr", b"all")).value
    with_x = match in (b"all-with-x", b"any-with-x")
    wanted = {
        name: value
        for name, value in arguments.items()
        if name != b"x-match" and (with_x or not name.startswith(b"x-"))
    }
    hits = (name in headers and _fits(value, headers[name]) for name, value in wanted.items())
    return any(hits) if match in (b"any", b"any-with-x") else all(hits)


def _fits(wanted: Field, found: Field) -> bool:
    if wanted.kind == "void":
        return True
    # In Python True is 1; on the wire it is not.
    return bool(wanted.value == found.value) and (wanted.kind == "bool") == (found.kind == "bool")


def check_type(name: str) -> None:
    """Raises AmqpError 503, which closes the connection, for a type nobody knows."""
    if name not in TYPES:
        raise AmqpError(503, f"unknown exchange type '{name}'")
