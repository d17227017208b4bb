"""The errors of the broker, as AMQP reply codes and as sentences for a person."""

from __future__ import annotations

REPLY_NAMES = {
    200: "NORMAL_SHUTDOWN",
    311: "CONTENT_TOO_LARGE",
    312: "NO_ROUTE",
    313: "NO_CONSUMERS",
    320: "CONNECTION_FORCED",
    402: "INVALID_PATH",
    403: "ACCESS_REFUSED",
    404: "NOT_FOUND",
    405: "RESOURCE_LOCKED",
    406: "PRECONDITION_FAILED",
    501: "FRAME_ERROR",
    502: "SYNTAX_ERROR",
    503: "COMMAND_INVALID",
    504: "CHANNEL_ERROR",
    505: "UNEXPECTED_FRAME",
    506: "RESOURCE_ERROR",
    530: "NOT_ALLOWED",
    540: "NOT_IMPLEMENTED",
    541: "INTERNAL_ERROR",
}

# AMQP 0-9-1, section 1.2: a "soft error" closes the channel, a "hard error" the whole connection.
SOFT_ERRORS = frozenset({311, 312, 313, 403, 404, 405, 406})


class BrokerError(Exception):
    """The broker cannot run. Its text is one sentence for the user: what was wrong and what to type next."""


class AmqpError(Exception):
    """A client did what AMQP does not allow: the channel or the connection is closed with `code`.

    `method` is (class id, method id) of the offending method, where there is one.
    """

    def __init__(self, code: int, text: str = "", method: tuple[int, int] | None = None) -> None:
        super().__init__(f"{REPLY_NAMES[code]} - {text}" if text else REPLY_NAMES[code])
        self.code = code
        self.method = method

    @property
    def closes_connection(self) -> bool:
        return self.code not in SOFT_ERRORS


def precondition_failed(text: str) -> AmqpError:
    return AmqpError(406, text)


def not_found(kind: str, name: str) -> AmqpError:
    return AmqpError(404, f"no {kind} '{name}' in vhost '/'")
