"""The arguments of a queue: what they mean, which are refused, when two declarations are the same."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from archlab.broker.errors import AmqpError, precondition_failed
from archlab.broker.message import LONGEST_EXPIRY
from archlab.broker.table import INTEGER_KINDS, Field, Table

OVERFLOWS = (b"drop-head", b"reject-publish", b"reject-publish-dlx")
CLASSIC, QUORUM = "rabbit_classic_queue", "rabbit_quorum_queue"


@dataclass(frozen=True, slots=True)
class QueueSettings:
    """What was declared. Times are in milliseconds, lengths in messages or octets of body; None is no limit."""

    name: str
    durable: bool = False
    auto_delete: bool = False
    quorum: bool = False
    message_ttl: int | None = None
    expires: int | None = None
    max_length: int | None = None
    max_length_bytes: int | None = None
    overflow: str = "drop-head"
    dead_letter_exchange: str | None = None
    dead_letter_routing_key: str | None = None
    delivery_limit: int | None = None
    single_active_consumer: bool = False
    arguments: Table = field(default_factory=dict)


def queue_settings(
    name: str, arguments: Table, *, durable: bool = False, exclusive: bool = False, auto_delete: bool = False
) -> QueueSettings:
    """Checks a declaration as RabbitMQ does.

    Raises AmqpError: 406 for arguments that make no sense, 540 for what this broker does not have.
    """
    exchange = arguments.get(b"x-dead-letter-exchange")
    if exchange is not None and exchange.kind != "longstr":
        raise precondition_failed(
            f"invalid type '{exchange.kind}' for arg 'x-dead-letter-exchange' in queue '{name}' in vhost '/'"
        )
    kind = arguments.get(b"x-queue-type")
    if kind is not None:
        _refuse_unless(kind.kind == "longstr", "x-queue-type", name, _unacceptable(kind))
        known = kind.value in (b"classic", b"quorum", b"stream")
        _refuse_unless(
            known, "x-queue-type", name, f"\"unsupported queue type '{kind.value.decode('utf-8', 'replace')}'\""
        )
        if kind.value == b"stream":
            raise AmqpError(540, "streams are not part of the embedded broker")
    quorum = kind is not None and kind.value == b"quorum"
    for key, value in arguments.items():
        argument = key.decode("utf-8", "replace")
        check = (_QUORUM_ARGUMENTS if quorum else _CLASSIC_ARGUMENTS).get(argument)
        if check is not None:
            problem = check(value, arguments)
            _refuse_unless(problem is None, argument, name, str(problem))
        elif argument in _ALL_ARGUMENTS:
            what = QUORUM if quorum else CLASSIC
            raise precondition_failed(f"invalid arg '{argument}' for queue '{name}' in vhost '/' of queue type {what}")
    if quorum:
        for wrong, what in ((auto_delete, "auto-delete"), (exclusive, "exclusive-owner"), (not durable, "non-durable")):
            if wrong:
                raise precondition_failed(f"invalid property '{what}' for queue '{name}' in vhost '/'")
    return QueueSettings(
        name=name,
        durable=durable,
        auto_delete=auto_delete,
        quorum=quorum,
        message_ttl=_number(arguments, b"x-message-ttl"),
        expires=_number(arguments, b"x-expires"),
        max_length=_number(arguments, b"x-max-length"),
        max_length_bytes=_number(arguments, b"x-max-length-bytes"),
        overflow=_string(arguments, b"x-overflow") or "drop-head",
        dead_letter_exchange=_string(arguments, b"x-dead-letter-exchange"),
        dead_letter_routing_key=_string(arguments, b"x-dead-letter-routing-key"),
        delivery_limit=_number(arguments, b"x-delivery-limit"),
        single_active_consumer=arguments.get(b"x-single-active-consumer") == Field("bool", True),
        arguments=arguments,
    )


def _number(arguments: Table, key: bytes) -> int | None:
    found = arguments.get(key)
    return int(found.value) if found is not None and found.kind in INTEGER_KINDS else None


def _string(arguments: Table, key: bytes) -> str | None:
    found = arguments.get(key)
    return found.value.decode("utf-8", "replace") if found is not None and found.kind == "longstr" else None


def _refuse_unless(fine: bool, argument: str, queue: str, problem: str) -> None:
    if not fine:
        raise precondition_failed(f"invalid arg '{argument}' for queue '{queue}' in vhost '/': {problem}")


def _unacceptable(value: Field) -> str:
    return f"{{unacceptable_type,{value.kind}}}"


# A check says what is wrong with a value, in RabbitMQ's words, or None.
Check = Callable[[Field, Table], str | None]


def _whole(value: Field, _: Table) -> str | None:
    if value.kind not in INTEGER_KINDS:
        return f'"expected integer, got {value.kind}"'
    return f"{{value_negative,{value.value}}}" if value.value < 0 else None


def _expiry(value: Field, arguments: Table) -> str | None:
    problem = _whole(value, arguments)
    if problem is None and value.value > LONGEST_EXPIRY:
        problem = f"{{value_too_large,{value.value}}}"
    return problem


def _expires(value: Field, arguments: Table) -> str | None:
    if value.kind in INTEGER_KINDS and value.value == 0:
        return "{value_zero,0}"
    return _expiry(value, arguments)


def _longstr(value: Field, _: Table) -> str | None:
    return None if value.kind == "longstr" else _unacceptable(value)


def _dead_letter_routing_key(value: Field, arguments: Table) -> str | None:
    if value.kind != "longstr":
        return _unacceptable(value)
    if len(value.value) > 255:  # RabbitMQ takes it, and has dead letters that no method can carry
        return '"longer than 255 octets"'
    return None if b"x-dead-letter-exchange" in arguments else "routing_key_but_no_dlx_defined"


def _one_of(allowed: tuple[bytes, ...], problem: str) -> Check:
    def check(value: Field, _: Table) -> str | None:
        if value.kind != "longstr":
            return _unacceptable(value)
        return None if value.value in allowed else problem

    return check


def _boolean(value: Field, _: Table) -> str | None:
    return None if value.kind == "bool" else _unacceptable(value)


def _anything(value: Field, _: Table) -> str | None:
    return None


def _not_here(value: Field, _: Table) -> str | None:
    raise AmqpError(540, "priority queues are not part of the embedded broker")


_COMMON: dict[str, Check] = {
    "x-queue-type": _anything,
    "x-message-ttl": _expiry,
    "x-expires": _expires,
    "x-max-length": _whole,
    "x-max-length-bytes": _whole,
    "x-overflow": _one_of(OVERFLOWS, "invalid_overflow"),
    "x-dead-letter-exchange": _longstr,
    "x-dead-letter-routing-key": _dead_letter_routing_key,
    "x-single-active-consumer": _boolean,
}
_CLASSIC_ARGUMENTS = _COMMON | {
    "x-max-priority": _not_here,
    "x-queue-mode": _one_of((b"default", b"lazy"), "invalid_queue_mode"),
    "x-queue-version": _whole,
    "x-queue-master-locator": _anything,
}
_QUORUM_ARGUMENTS = _COMMON | {
    "x-delivery-limit": _anything,
    "x-dead-letter-strategy": _one_of((b"at-most-once", b"at-least-once"), "invalid_dlx_strategy"),
    "x-max-in-memory-length": _whole,
    "x-max-in-memory-bytes": _whole,
    "x-quorum-initial-group-size": _whole,
    "x-queue-leader-locator": _anything,
}
_ALL_ARGUMENTS = (
    _CLASSIC_ARGUMENTS.keys()
    | _QUORUM_ARGUMENTS.keys()
    | {"x-max-age", "x-stream-max-segment-size-bytes", "x-initial-cluster-size"}
)

# Declaring again compares these (RabbitMQ's list for each type); other arguments may differ.
_COMPARED = {False: tuple(_CLASSIC_ARGUMENTS), True: tuple(_QUORUM_ARGUMENTS)}


def check_same_queue(current: QueueSettings, durable: bool, auto_delete: bool, arguments: Table) -> None:
    """Raises AmqpError 406 where a queue is declared again as another one."""
    what = f"queue '{current.name}' in vhost '/'"
    check_same(what, "durable", current.durable, durable)
    check_same(what, "auto_delete", current.auto_delete, auto_delete)
    check_same_arguments(what, current.arguments, arguments, _COMPARED[current.quorum])


def check_same(what: str, key: str, current: object, received: object) -> None:
    """Raises AmqpError 406 with RabbitMQ's sentence if the two differ."""
    if current != received:
        raise precondition_failed(
            f"inequivalent arg '{key}' for {what}: received {_shown(received)} but current is {_shown(current)}"
        )


def check_same_arguments(what: str, current: Table, received: Table, keys: tuple[str, ...]) -> None:
    for key in keys:
        one, other = current.get(key.encode()), received.get(key.encode())
        if key == "x-queue-type":  # classic is what a queue is that does not say
            one, other = (None if field == Field("longstr", b"classic") else field for field in (one, other))
        if one is None or other is None:
            check_same(what, key, one, other)
        elif one.value != other.value or _class(one) != _class(other):
            check_same(
                what,
                key,
                one.value if one.value != other.value else one,
                other.value if one.value != other.value else other,
            )


def _class(value: Field) -> str:
    return "int" if value.kind in INTEGER_KINDS else value.kind


def _shown(value: object) -> str:
    if value is None:
        return "none"
    if isinstance(value, Field):
        return f"the value {_shown(value.value)} of type '{value.kind}'"
    if isinstance(value, bool):
        return "'true'" if value else "'false'"
    if isinstance(value, bytes):
        return f"'{value.decode('utf-8', 'replace')}'"
    return f"'{value}'"
