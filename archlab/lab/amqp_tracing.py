"""AMQP in the traced pass: what a channel publishes and receives as spans, with the context in the messages' headers.

The names of attributes are OpenTelemetry's (semantic conventions for messaging). RabbitMQ's clients carry the context
as any text map: a W3C ``traceparent`` among the headers.
"""

from __future__ import annotations

import copy
import threading
from collections.abc import Callable, Iterator
from typing import Any

from pika import BasicProperties  # type: ignore[import-untyped]  # pika ships no py.typed marker
from pika.adapters.blocking_connection import BlockingChannel  # type: ignore[import-untyped]  # the same

from archlab.tracing import Begun, Recorder

TRACEPARENT = "traceparent"


class ChannelTracing:
    """Stands in for the methods with which a channel publishes and receives."""

    def __init__(
        self, channel: BlockingChannel, recorder: Recorder, prefix: str, carries_context: bool, child: bool
    ) -> None:
        self._recorder = recorder
        self._prefix = prefix
        self._carries_context = carries_context
        self._child = child
        self._open: tuple[Begun, str] | None = None
        """The message that a loop got and has not dealt with yet."""
        self._publish, self._consume = channel.basic_publish, channel.basic_consume
        self._get, self._messages, self._close = channel.basic_get, channel.consume, channel.close
        channel.basic_publish = self.basic_publish
        channel.basic_consume = self.basic_consume
        channel.basic_get = self.basic_get
        channel.consume = self.consume
        channel.close = self.close

    def basic_publish(
        self,
        exchange: str,
        routing_key: str,
        body: bytes,
        properties: BasicProperties | None = None,
        mandatory: bool = False,
    ) -> None:
        begun = self._recorder.begin()
        try:
            if self._carries_context:
                properties = _carrying(properties, self._recorder.carried())
            self._publish(exchange, routing_key, body, properties, mandatory)
        finally:
            to = exchange or routing_key
            attributes = self._attributes("send", to) | {"messaging.rabbitmq.destination.routing_key": routing_key}
            self._recorder.end(begun, f"publish {self._shown(to)}", attributes)

    def basic_consume(self, queue: str, on_message_callback: Callable[..., Any], *how: Any, **named: Any) -> Any:
        def processed(channel: Any, method: Any, properties: BasicProperties, body: bytes) -> None:
            begun = self._recorder.begin(_carried(properties))
            try:
                on_message_callback(channel, method, properties, body)
            finally:
                self._end(begun, queue)

        return self._consume(queue, processed, *how, **named)

    def consume(self, queue: str, *how: Any, **named: Any) -> Iterator[Any]:
        for message in self._messages(queue, *how, **named):
            if message[0] is None:  # nothing came in time
                yield message
                continue
            begun = self._recorder.begin(_carried(message[1]))
            try:
                yield message
            finally:  # who asks for the next message has dealt with this one
                self._end(begun, queue)

    def basic_get(self, queue: str, auto_ack: bool = False) -> Any:
        """In a loop the message is processed until the next one is asked for. In the middle of other work (an answer
        that an operation waits for) getting it is a step of that work."""
        self._dealt_with()
        message = self._get(queue, auto_ack)
        if message[0] is None:
            return message
        # The round's own main thread goes on with requests: what is open there would become their parent.
        loops = self._child or threading.current_thread() is not threading.main_thread()
        if loops and self._recorder.idle:
            self._open = self._recorder.begin(_carried(message[1])), queue
        else:
            attributes = self._attributes("receive", queue)
            self._recorder.end(self._recorder.begin(), f"receive {self._shown(queue)}", attributes)
        return message

    def close(self, *how: Any, **named: Any) -> None:
        self._dealt_with()
        self._close(*how, **named)

    def _dealt_with(self) -> None:
        if self._open is not None:
            self._end(*self._open)
            self._open = None

    def _end(self, begun: Begun, queue: str) -> None:
        self._recorder.end(begun, f"process {self._shown(queue)}", self._attributes("process", queue))

    def _attributes(self, does: str, destination: str) -> dict[str, str]:
        return {
            "messaging.system": "rabbitmq",
            "messaging.operation.type": does,
            "messaging.destination.name": destination,
        }

    def _shown(self, name: str) -> str:
        return name.removeprefix(self._prefix)


def _carrying(properties: BasicProperties | None, traceparent: str | None) -> BasicProperties:
    """The properties with the context among their headers; those of the caller stay as they are."""
    sent = copy.copy(properties) if properties is not None else BasicProperties()
    sent.headers = {**(sent.headers or {}), TRACEPARENT: traceparent}
    return sent


def _carried(properties: BasicProperties) -> str | None:
    return (properties.headers or {}).get(TRACEPARENT)
