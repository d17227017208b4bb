"""Which queues a message reaches: through bindings, exchanges bound to exchanges, and alternate exchanges. No I/O."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from archlab.broker.exchange import Exchange
from archlab.broker.queue import Queue
from archlab.broker.table import Table

ROUTES_REMEMBERED = 20_000  # queues, in all routes that are remembered together


class Routes:
    """Finds the ways through what is declared, and remembers them until they are to be forgotten."""

    def __init__(self, exchanges: Mapping[str, Exchange], queues: Mapping[str, Queue]) -> None:
        self._exchanges = exchanges
        self._queues = queues
        self._routes: dict[tuple[str, str], list[Queue]] = {}
        self._remembered = 0  # routes, and queues in them

    def forget(self) -> None:
        """Something was declared, deleted, bound or unbound."""
        self._routes.clear()
        self._remembered = 0

    def find(self, exchange: Exchange, keys: Iterable[str], headers: Table | None) -> list[Queue]:
        """The queues that get a message with these routing keys, each once."""
        first, *others = keys
        if exchange.type == "headers" or others:
            return self._find_routes(exchange, [first, *others], headers)
        route = self._routes.get((exchange.name, first))
        if route is None:
            route, remember = self._find_routes(exchange, [first], headers), not _needs_headers(exchange)
            if remember:
                self._remembered += 1 + len(route)
                if self._remembered > ROUTES_REMEMBERED:
                    self._routes.clear()
                    self._remembered = 1 + len(route)
                self._routes[exchange.name, first] = route
        return route

    def _find_routes(self, exchange: Exchange, keys: list[str], headers: Table | None) -> list[Queue]:
        queues: dict[Queue, None] = {}
        seen = {exchange.name}
        todo = [exchange]
        while todo:
            current = todo.pop()
            reached: list[tuple[str, str]] = []
            for key in keys:
                if not current.name:
                    reached += [("queue", key)] if key in self._queues else []
                else:
                    reached += [(found.kind, found.destination) for found in current.matching(key, headers)]
            if not reached and current.alternate:  # the default exchange is none: it has no bindings to look at
                reached.append(("exchange", current.alternate))
            for kind, name in reached:
                if kind == "queue":
                    queues[self._queues[name]] = None
                elif name in self._exchanges and name not in seen:
                    seen.add(name)
                    todo.append(self._exchanges[name])
        return list(queues)


def _needs_headers(exchange: Exchange) -> bool:
    """Whether a message's way through this exchange can depend on its headers."""
    return bool(exchange.name) and (
        exchange.alternate is not None or any(binding.kind == "exchange" for binding in exchange.bindings)
    )
