"""The methods of a channel, one function for each: the request of a client and the answer."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from pika import spec  # type: ignore[import-untyped]  # pika ships no py.typed marker

from archlab.broker import reply_to
from archlab.broker.errors import AmqpError, precondition_failed
from archlab.broker.queue import Queue
from archlab.broker.table import Table

if TYPE_CHECKING:
    from archlab.broker.channel import Channel


def _queue_name(channel: Channel, name: str) -> str:
    """An empty name stands for the queue that was declared last on the channel."""
    if not name and not channel.last_queue:
        raise AmqpError(404, "no previously declared queue")
    return name or channel.last_queue


def _queue(channel: Channel, name: str) -> Queue:
    return channel.broker.topology.queue(_queue_name(channel, name), channel.connection)


def _answer(channel: Channel, request: Any, answer: Any) -> None:
    if not request.nowait:
        channel.send(answer)


def declare_queue(channel: Channel, method: Any, table: Table) -> None:
    broker = channel.broker
    if reply_to.is_meant(method.queue):
        reply_to.check_exists(channel, method.queue)
        channel.last_queue = method.queue
        _answer(channel, method, spec.Queue.DeclareOk(method.queue, 0, 1))
        return
    if method.passive:
        name = method.queue.replace("\n", "").replace("\r", "")
        queue = broker.topology.queue(name, channel.connection)
    else:
        queue = broker.topology.declare_queue(
            method.queue,
            table,
            channel.connection,
            durable=method.durable,
            exclusive=method.exclusive,
            auto_delete=method.auto_delete,
        )
    queue.use(broker.now())
    broker.activate(queue)
    channel.last_queue = queue.name
    _answer(channel, method, spec.Queue.DeclareOk(queue.name, queue.ready_count, len(queue.consumers)))


def delete_queue(channel: Channel, method: Any, table: Table) -> None:
    name = _queue_name(channel, method.queue)
    queue = channel.broker.topology.queues.get(name)
    count = 0
    if queue is not None:  # deleting what is not there is no error
        channel.broker.topology.queue(name, channel.connection)
        if method.if_unused and queue.consumers:
            raise precondition_failed(f"queue '{name}' in vhost '/' in use")
        if method.if_empty and queue.ready_count:
            raise precondition_failed(f"queue '{name}' in vhost '/' not empty")
        count = channel.broker.delete_queue(queue)
    _answer(channel, method, spec.Queue.DeleteOk(count))


def purge_queue(channel: Channel, method: Any, table: Table) -> None:
    _answer(channel, method, spec.Queue.PurgeOk(_queue(channel, method.queue).purge()))


def _binding_key(channel: Channel, method: Any) -> str:
    return channel.last_queue if not method.queue and not method.routing_key else method.routing_key


def bind_queue(channel: Channel, method: Any, table: Table) -> None:
    name, key = _queue_name(channel, method.queue), _binding_key(channel, method)
    channel.broker.topology.bind(method.exchange, "queue", name, key, table, channel.connection)
    _answer(channel, method, spec.Queue.BindOk())


def unbind_queue(channel: Channel, method: Any, table: Table) -> None:
    name, key = _queue_name(channel, method.queue), _binding_key(channel, method)
    channel.broker.topology.unbind(method.exchange, "queue", name, key, table, channel.connection)
    channel.send(spec.Queue.UnbindOk())


def declare_exchange(channel: Channel, method: Any, table: Table) -> None:
    if method.passive:
        channel.broker.topology.find_exchange(method.exchange)
    else:
        channel.broker.topology.declare_exchange(
            method.exchange,
            method.type,
            table,
            durable=method.durable,
            auto_delete=method.auto_delete,
            internal=method.internal,
        )
    _answer(channel, method, spec.Exchange.DeclareOk())


def delete_exchange(channel: Channel, method: Any, table: Table) -> None:
    channel.broker.topology.delete_exchange(method.exchange, method.if_unused)
    _answer(channel, method, spec.Exchange.DeleteOk())


def bind_exchange(channel: Channel, method: Any, table: Table) -> None:
    channel.broker.topology.bind(
        method.source, "exchange", method.destination, method.routing_key, table, channel.connection
    )
    _answer(channel, method, spec.Exchange.BindOk())


def unbind_exchange(channel: Channel, method: Any, table: Table) -> None:
    channel.broker.topology.unbind(
        method.source, "exchange", method.destination, method.routing_key, table, channel.connection
    )
    _answer(channel, method, spec.Exchange.UnbindOk())


def qos(channel: Channel, method: Any, table: Table) -> None:
    if method.prefetch_size:
        raise AmqpError(540, f"prefetch_size!=0 ({method.prefetch_size})")
    if method.global_qos:
        channel.deliveries.share_prefetch(method.prefetch_count)
    else:
        channel.deliveries.prefetch = method.prefetch_count  # of the consumers to come
        channel.deliveries.share_prefetch(0)
    channel.send(spec.Basic.QosOk())


def consume(channel: Channel, method: Any, table: Table) -> None:
    if method.queue == reply_to.NAME:
        _answer(channel, method, spec.Basic.ConsumeOk(reply_to.consume(channel, method)))
        return
    queue = _queue(channel, method.queue)
    consumer = channel.deliveries.consume(queue, method, table)
    _answer(channel, method, spec.Basic.ConsumeOk(consumer.tag))
    channel.broker.activate(queue)


def cancel(channel: Channel, method: Any, table: Table) -> None:
    _answer(channel, method, spec.Basic.CancelOk(method.consumer_tag))
    if channel.reply_consumer is not None and channel.reply_consumer.tag == method.consumer_tag:
        reply_to.cancel(channel)
        return
    consumer = channel.deliveries.consumers.get(method.consumer_tag)
    if consumer is not None:
        channel.deliveries.cancel(consumer)


def get(channel: Channel, method: Any, table: Table) -> None:
    channel.deliveries.get(_queue(channel, method.queue), method.no_ack)


def acknowledge(channel: Channel, method: Any, table: Table) -> None:
    channel.deliveries.acknowledge(method.delivery_tag, method.multiple)


def negative_acknowledge(channel: Channel, method: Any, table: Table) -> None:
    channel.deliveries.reject(method.delivery_tag, method.multiple, method.requeue)


def reject(channel: Channel, method: Any, table: Table) -> None:
    channel.deliveries.reject(method.delivery_tag, False, method.requeue)


def recover(channel: Channel, method: Any, table: Table) -> None:
    if not method.requeue:
        raise AmqpError(540, "requeue=false")
    channel.deliveries.recover()
    if isinstance(method, spec.Basic.Recover):
        channel.send(spec.Basic.RecoverOk())


def select_confirms(channel: Channel, method: Any, table: Table) -> None:
    channel.start_confirming()
    _answer(channel, method, spec.Confirm.SelectOk())


def select_transactions(channel: Channel, method: Any, table: Table) -> None:
    raise AmqpError(540, "transactions are not part of the embedded broker: use publisher confirms")


def without_transaction(channel: Channel, method: Any, table: Table) -> None:
    raise precondition_failed("channel is not transactional")


def flow(channel: Channel, method: Any, table: Table) -> None:
    if not method.active:
        raise AmqpError(540, "active=false")
    channel.send(spec.Channel.FlowOk(True))


def close(channel: Channel, method: Any, table: Table) -> None:
    channel.release()
    channel.send(spec.Channel.CloseOk())
    channel.connection.forget(channel)


def request_access(channel: Channel, method: Any, table: Table) -> None:
    channel.send(spec.Access.RequestOk(1))


HANDLERS: dict[type, Callable[[Any, Any, Table], None]] = {
    spec.Queue.Declare: declare_queue,
    spec.Queue.Delete: delete_queue,
    spec.Queue.Purge: purge_queue,
    spec.Queue.Bind: bind_queue,
    spec.Queue.Unbind: unbind_queue,
    spec.Exchange.Declare: declare_exchange,
    spec.Exchange.Delete: delete_exchange,
    spec.Exchange.Bind: bind_exchange,
    spec.Exchange.Unbind: unbind_exchange,
    spec.Basic.Qos: qos,
    spec.Basic.Consume: consume,
    spec.Basic.Cancel: cancel,
    spec.Basic.Get: get,
    spec.Basic.Ack: acknowledge,
    spec.Basic.Nack: negative_acknowledge,
    spec.Basic.Reject: reject,
    spec.Basic.Recover: recover,
    spec.Basic.RecoverAsync: recover,
    spec.Confirm.Select: select_confirms,
    spec.Tx.Select: select_transactions,
    spec.Tx.Commit: without_transaction,
    spec.Tx.Rollback: without_transaction,
    spec.Channel.Flow: flow,
    spec.Channel.Close: close,
    spec.Access.Request: request_access,
}
