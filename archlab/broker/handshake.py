"""The beginning of a connection: protocol header, login, tuning, opening. No socket."""

from __future__ import annotations

import contextlib
import hmac
from enum import Enum
from typing import Any

from pika import spec  # type: ignore[import-untyped]  # pika ships no py.typed marker

from archlab.broker.errors import AmqpError
from archlab.broker.table import Field, Table, TableError, parse_table
from archlab.broker.wire import PROTOCOL_HEADER

MECHANISMS = "PLAIN AMQPLAIN"
USER, PASSWORD = "guest", "guest"  # what every RabbitMQ begins with; it listens on loopback only, and so do we
FRAME_MAX, CHANNEL_MAX, HEARTBEAT = 131_072, 2_047, 60  # octets, channels, seconds: RabbitMQ's defaults
SMALLEST_FRAME_MAX = 4_096


class Stage(Enum):
    """What is expected next; the values are RabbitMQ's words."""

    STARTING = "starting"
    TUNING = "tuning"
    OPENING = "opening"
    DONE = "running"


class Handshake:
    """What is agreed with one client: sizes in octets, the heartbeat in seconds (0 is none)."""

    def __init__(self) -> None:
        self.stage = Stage.STARTING
        self.user = ""
        self.capabilities: Table = {}
        self.frame_max = SMALLEST_FRAME_MAX
        self.channel_max = CHANNEL_MAX
        self.heartbeat = 0

    def answer(self, method: Any, table: Table) -> Any:
        """The answer to a method of the handshake, None if there is none. Raises AmqpError."""
        if self.stage is Stage.STARTING and isinstance(method, spec.Connection.StartOk):
            return self._log_in(method, table)
        if self.stage is Stage.TUNING and isinstance(method, spec.Connection.TuneOk):
            return self._tune(method)
        if self.stage is Stage.OPENING and isinstance(method, spec.Connection.Open):
            return self._open(method)
        raise AmqpError(504, f"unexpected method in connection state {self.stage.value}")

    def may_say(self, error: AmqpError) -> bool:
        """Whether the client is told of this error, or just cut off: who is not logged in is told little."""
        if self.stage is Stage.STARTING:
            return error.code == 403 and self.client_can("authentication_failure_close")
        return self.stage is not Stage.TUNING

    def client_can(self, capability: str) -> bool:
        """Whether the client said that it understands this extension."""
        return self.capabilities.get(capability.encode()) == Field("bool", True)

    def _log_in(self, method: Any, properties: Table) -> Any:
        capabilities = properties.get(b"capabilities")
        self.capabilities = capabilities.value if capabilities is not None and capabilities.kind == "table" else {}
        credentials = _credentials(method.mechanism, method.response)
        # Both are compared, in constant time: the answer does not tell which one was wrong.
        user, password = (
            hmac.compare_digest(said, right.encode()) for said, right in zip(credentials, (USER, PASSWORD), strict=True)
        )
        if not (user and password):
            how = f"authentication mechanism {method.mechanism}"
            raise AmqpError(403, f"Login was refused using {how}. For details see the broker logfile.", (0, 0))
        self.user = USER
        self.stage = Stage.TUNING
        return spec.Connection.Tune(CHANNEL_MAX, FRAME_MAX, HEARTBEAT)

    def _tune(self, method: Any) -> None:
        for what, value, least, most in (
            ("frame_max", method.frame_max, SMALLEST_FRAME_MAX, FRAME_MAX),
            ("channel_max", method.channel_max, 1, CHANNEL_MAX),
        ):
            if not least <= value <= most:
                raise AmqpError(530, f"negotiated {what} = {value} is not within {least} and {most}")
        self.frame_max = method.frame_max
        self.channel_max = method.channel_max
        self.heartbeat = method.heartbeat
        self.stage = Stage.OPENING

    def _open(self, method: Any) -> Any:
        if method.virtual_host != "/":
            raise AmqpError(530, f"vhost {method.virtual_host} not found")
        self.stage = Stage.DONE
        return spec.Connection.OpenOk()


def _credentials(mechanism: str, response: bytes) -> tuple[bytes, bytes]:
    """User and password in the response to a mechanism. Raises AmqpError 502 or 503 if they cannot be read."""
    if mechanism == "PLAIN":
        parts = response.split(b"\0")
        if len(parts) == 3 and not parts[0]:  # nobody acts for somebody else
            return parts[1], parts[2]
    elif mechanism == "AMQPLAIN":
        with contextlib.suppress(TableError):
            table = parse_table(response, 0, len(response))
            said = [table.get(name, Field("void", None)) for name in (b"LOGIN", b"PASSWORD")]
            if all(field.kind == "longstr" for field in said):
                return said[0].value, said[1].value
    else:
        raise AmqpError(503, f"unknown authentication mechanism '{mechanism}'")
    raise AmqpError(502, f"the response is not that of mechanism {mechanism}")


def is_ours(header: bytes) -> bool:
    """Whether a protocol header is one we answer; 0-9 is near enough, for RabbitMQ too."""
    return header in (PROTOCOL_HEADER, b"AMQP\x01\x01\x00\x09")


def other_protocol(header: bytes) -> str:
    """What a client speaks that does not speak AMQP 0-9-1, and what would help."""
    if header.startswith(b"AMQP"):
        is_new = header[5:6] == b"\x01" and header[4:5] in b"\x00\x02\x03"
        return f"speaks {'AMQP 1.0' if is_new else 'another version of AMQP'}: this broker speaks AMQP 0-9-1 only"
    if header.startswith(b"\x16\x03"):
        return "speaks TLS: this broker has none, connect with amqp:// instead of amqps://"
    if header.split(b" ")[0] in (b"GET", b"POST", b"PUT", b"HEAD", b"DELETE", b"OPTIONS", b"PATCH", b"CONNECT"):
        return "speaks HTTP: this is an AMQP port, there is no management page"
    return f"does not speak AMQP: it began with {header!r}"
