"""The embedded AMQP 0-9-1 broker: RabbitMQ's behaviour without RabbitMQ.

`running_broker` runs it as a child process, `serve` in the foreground. README.md beside this file
says what it does, what it promises, and where it differs from RabbitMQ.
"""

from archlab.broker.errors import BrokerError
from archlab.broker.process import RunningBroker, running_broker, serve

__all__ = ["BrokerError", "RunningBroker", "running_broker", "serve"]
