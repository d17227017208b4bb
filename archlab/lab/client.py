"""A pooled HTTP client for loopback: ``http.client`` with keep-alive, one connection for every call in flight.

Chosen by measurement: a pooled hop costs 1.6 × the exchange over a raw socket here, urllib3 2.3 ×, httpx more than 3 ×.
It knows no proxies, so HTTP_PROXY is never obeyed, and sets TCP_NODELAY, so that no answer waits for a delayed ACK.
"""

from __future__ import annotations

import json
import select
import sys
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from archlab.tracing import Recorder

HOST = "127.0.0.1"
TIMEOUT = 10.0
"""Seconds for connecting and for every read: beyond it TimeoutError, never a call that hangs."""

REPEATABLE = frozenset({"GET", "HEAD", "PUT", "DELETE", "OPTIONS"})
"""Methods that may be sent twice (RFC 9110, 9.2.2)."""

Headers = Mapping[str, str]


class Fields(Protocol):
    """Header fields of an answer, looked up in any case."""

    def get(self, name: str, failobj: Any = None) -> Any: ...
    def __getitem__(self, name: str) -> Any: ...
    def __contains__(self, name: str, /) -> bool: ...


@dataclass(frozen=True)
class Answer:
    status: int
    headers: Fields
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def ok(self) -> bool:
        return 200 <= self.status < 300


class Client:
    """Calls one service. Threads may share it. Raises OSError when no whole answer comes."""

    def __init__(
        self,
        port: int,
        service: str = "",
        timeout: float = TIMEOUT,
        recorder: Recorder | None = None,
        carries_context: bool = True,
    ) -> None:
        self.port = port
        self.timeout = timeout
        self._service = service
        self._carries_context = carries_context
        self._idle: deque[HTTPConnection] = deque()
        if recorder is not None:
            self._recorder = recorder
            self.request = self._traced  # type: ignore[method-assign]  # bare in the measured pass, traced in the other

    def get(self, path: str, headers: Headers | None = None) -> Answer:
        return self.request("GET", path, headers=headers)

    def post(self, path: str, content: Any = None, headers: Headers | None = None) -> Answer:
        """``content`` is sent as JSON."""
        return self.request("POST", path, content, headers)

    def request(self, method: str, path: str, content: Any = None, headers: Headers | None = None) -> Answer:
        sent = dict(headers or {})
        body = None
        if content is not None:
            body = json.dumps(content).encode()
            sent["content-type"] = "application/json"
        connection = self._connection()
        reused = connection.sock is not None
        try:
            connection.request(method, path, body, sent)
            response = connection.getresponse()
            answer = Answer(response.status, response.headers, response.read())
        except (ConnectionResetError, BrokenPipeError):  # RemoteDisconnected is one of them
            connection.close()
            if not (reused and method in REPEATABLE):
                raise
            # The other side ended an idle connection just now. One more try, on a connection of its own.
            while self._idle:
                self._idle.pop().close()
            return Client.request(self, method, path, content, headers)
        except TimeoutError:
            connection.close()
            asked = f"{method} {path}" + (f" of service {self._service}" if self._service else "")
            raise TimeoutError(f"{asked} was not answered within {self.timeout:g} s") from None
        except HTTPException as error:  # it was killed in the middle of its answer
            connection.close()
            raise ConnectionError(f"{method} {path}: the answer broke off ({type(error).__name__})") from error
        except BaseException:
            connection.close()
            raise
        # Where an error reached the server itself, it ends the connection behind its answer without having said so.
        if response.will_close or response.status == HTTPStatus.INTERNAL_SERVER_ERROR:
            connection.close()
        else:
            self._idle.append(connection)
        return answer

    def close(self) -> None:
        while self._idle:
            self._idle.pop().close()

    def _connection(self) -> HTTPConnection:
        """An idle connection that the other side has not ended meanwhile (a restarted service has), or a new one."""
        while True:
            try:
                connection = self._idle.pop()
            except IndexError:
                return HTTPConnection(HOST, self.port, timeout=self.timeout)
            if connection.sock is not None and not _ended(connection.sock):
                return connection
            connection.close()

    def _traced(self, method: str, path: str, content: Any = None, headers: Headers | None = None) -> Answer:
        begun = self._recorder.begin()
        attributes: dict[str, Any] = {"http.request.method": method, "url.path": path, "server.port": self.port}
        try:
            carried = self._recorder.carried()
            if carried and self._carries_context:
                headers = {**(headers or {}), "traceparent": carried}
            answer = Client.request(self, method, path, content, headers)
            attributes["http.response.status_code"] = answer.status
            return answer
        finally:
            self._recorder.end(begun, f"{method} {self._service}".strip(), attributes)


def _ended(sock: Any) -> bool:
    """Whether there is something to read on a connection on which nothing is due: its end."""
    if sys.platform == "win32":
        return bool(select.select([sock], [], [], 0)[0])
    poll = select.poll()
    poll.register(sock, select.POLLIN)
    return bool(poll.poll(0))
