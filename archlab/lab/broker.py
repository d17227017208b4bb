"""The AMQP broker of a round, as its processes use it: archlab's own broker, or one that a person gave.

The process that asked first may also kill, stop, pause and restart archlab's own; the others only connect to it.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from archlab import __version__
from archlab.broker.errors import BrokerError
from archlab.broker.process import RunningBroker
from archlab.lab import declared, forked_broker
from archlab.lab.broker_address import BrokerAddress, BrokerUrl
from archlab.lab.errors import BrokerFailed, ProcessDied

if TYPE_CHECKING:
    from pika.adapters.blocking_connection import (  # type: ignore[import-untyped]  # pika ships no py.typed marker
        BlockingChannel,
        BlockingConnection,
    )

    from archlab.lab.setting import Setting
    from archlab.lab.spawned_process import Inbox
    from archlab.tracing import Recorder

PRELOADED = ["archlab.lab.amqp", "archlab.lab.broker", *forked_broker.PRELOADED]
"""Imported once in the server that the processes of a round are forked from."""
EMBEDDED = f"archlab {__version__} (embedded)"
LOOPBACK = ("127.0.0.1", "localhost", "::1")
PATIENCE = 2.0
"""Seconds that consumers are given, in the traced pass, to take what is still in their queues."""
STOP_LOOKED_FOR = 0.05
"""Seconds between two looks whether a consumer is asked to end; messages do not wait for them."""


class Broker:
    """An AMQP 0-9-1 broker. What is declared on it is removed at the end of the round."""

    of_design = True
    """It is a moving part of the design."""
    workers = 1
    asked_from_outside = False

    def __init__(
        self, setting: Setting, address: BrokerAddress, recorder: Recorder | None, process: RunningBroker | None = None
    ) -> None:
        self.address = address
        self._setting = setting
        self._recorder = recorder
        self._process = process
        self._paused = False

    def connect(self, port: int | None = None, carries_context: bool = True, **extra: Any) -> BlockingConnection:
        """A connection of pika's. ``extra`` are attributes of ``pika.ConnectionParameters`` (``heartbeat=5``).

        ``port`` is that of a proxy in front of the broker: ``connect(port=proxy.port)``. Without ``carries_context``
        what is published carries no trace context. Raises pika's AMQPConnectionError where the broker does not answer.
        """
        from archlab.lab import amqp

        tracing = None
        if self._recorder is not None:
            setting = self._setting
            carries_context = carries_context and setting.carries_context
            tracing = self._recorder, self.address.prefix, carries_context, setting.child
        how = amqp.parameters(self.address.url, port, **extra)
        return amqp.connected(self.address, self._setting.folder, how, tracing)

    def name(self, name: str) -> str:
        """A name for a queue or an exchange that is unique to this round, and the same in all its processes."""
        return self.address.prefix + name

    @property
    def url(self) -> BrokerUrl:
        """For other clients than ``connect``: ``broker.url.reveal()`` is the URL with its password."""
        return self.address.url

    @property
    def port(self) -> int:
        """Its port on loopback, for ``lab.proxy(broker)``. Raises BrokerFailed where the broker is elsewhere."""
        if self.address.url.host not in LOOPBACK:
            raise BrokerFailed(
                f"a proxy reaches loopback alone, and the broker is at {self.address.url}. Run without --broker, or "
                "with a broker on 127.0.0.1."
            )
        return self.address.url.port

    def consume_until_stopped(self, channel: BlockingChannel, inbox: Inbox) -> None:
        """In a spawned process: gives messages to the channel's consumers until the process is asked to end.

        The inbox is for the end, and for who waits for a position; other messages that the process is sent are lost.
        """
        while True:
            channel.connection.process_data_events(time_limit=STOP_LOOKED_FOR)
            inbox.receive(timeout=0)

    @property
    def alive(self) -> bool:
        """Whether it takes connections."""
        try:
            with socket.create_connection((self.address.url.host, self.address.url.port), timeout=1):
                return True
        except OSError:
            return False

    def ready(self) -> Broker:
        """It can be used as soon as ``lab.broker()`` has returned it."""
        return self

    def check(self, patience: float = 0.0) -> None:
        """Raises ProcessDied when it has ended, or ends within ``patience`` seconds, although nobody ended it."""
        if self.address.foreign and not self.alive:
            raise ProcessDied(f"the broker at {self.address.url} takes no connections any more")
        deadline = time.monotonic() + patience
        while self._process is not None:
            code = self._process.exit_code
            if code is not None:
                raise ProcessDied(f"the broker ended unplanned (exit code {code})")
            if time.monotonic() >= deadline:
                return
            time.sleep(0.01)

    def start(self) -> None:
        """Starts it again after ``kill`` or ``stop``, on the same port: what is durable is there again."""
        _started(self._controlled("started"))

    def kill(self) -> None:
        """SIGKILL: what is not on the disk is lost."""
        self._controlled("killed").kill()
        self._paused = False

    def stop(self) -> None:
        """Ends it in good order: its clients are told."""
        process = self._controlled("stopped")
        self.resume()
        process.stop()

    def restart(self) -> Broker:
        """Stops it, if it runs, and starts it again on the same port: what is durable is there again."""
        self.stop()
        self.start()
        return self

    def pause(self) -> None:
        """SIGSTOP: it keeps its connections, and does nothing until ``resume``."""
        os.kill(self._pid("paused"), signal.SIGSTOP)
        self._paused = True

    def resume(self) -> None:
        """SIGCONT; without effect on a broker that is not paused."""
        if self._paused:
            os.kill(self._pid("resumed"), signal.SIGCONT)
            self._paused = False

    @property
    def memory(self) -> int:
        """Bytes of memory that its process occupies now (resident set size)."""
        pid = self._pid("measured")
        if sys.platform == "linux":
            pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
            return pages * os.sysconf("SC_PAGE_SIZE")
        listed = subprocess.run(["ps", "-o", "rss=", "-p", str(pid)], capture_output=True, text=True, check=True)
        return int(listed.stdout) * 1024

    def release(self) -> None:
        """Frees what the broker reserved for a restart, when there will be no restart."""

    def end(self) -> None:
        """The end of the round, for the process that asked first: ends archlab's own broker, or removes what was
        declared on somebody else's. What cannot be removed now is left to ``remove``."""
        if self._process is not None:
            self.kill()  # nobody reads its queues any more, and a client that is idle would keep it from a good end
        elif self.address.foreign:
            remove(self._setting.folder, self.address.url)

    def wait_until_taken(self) -> None:
        """See ``Lab.wait_for_consumers``."""
        from archlab.lab import amqp

        if self.alive:
            amqp.wait_until_taken(self._setting.folder, self.address.url, PATIENCE)

    def _pid(self, done: str) -> int:
        process = self._controlled(done)
        try:
            return process.pid
        except BrokerError:
            raise BrokerFailed(f"the broker cannot be {done} because it does not run: broker.start() first.") from None

    def _controlled(self, done: str) -> RunningBroker:
        if self._process is not None:
            return self._process
        if self.address.foreign:
            raise BrokerFailed(
                f"the broker at {self.address.url} cannot be {done}: it is not archlab's. Run without --broker and "
                "ARCHLAB_BROKER."
            )
        raise BrokerFailed(
            f"the broker cannot be {done} from a process that did not start it: do it in the design's start or in an "
            "experiment."
        )


def of_round(setting: Setting, recorder: Recorder | None) -> Broker:
    """The broker of the round; see ``Lab.broker``."""
    if setting.broker is not None:
        return Broker(setting, setting.broker, recorder)
    if setting.child:
        raise BrokerFailed(
            "a process asked for the broker that was started before the broker was: call lab.broker() in the design's "
            "start before lab.spawn() and lab.service()."
        )
    process = forked_broker.ForkedBroker(setting.folder / "broker", 0)
    _started(process)
    return Broker(setting, BrokerAddress(BrokerUrl.parse(process.url), foreign=False), recorder, process)


def product(url: BrokerUrl | None) -> str:
    """Which broker a run uses, with its version. Raises BrokerFailed where one that a person gave cannot be used."""
    if url is None:
        return EMBEDDED
    from archlab.lab import amqp

    return amqp.product(url)


def remove(folder: Path, url: BrokerUrl) -> None:
    """Removes what a round with this folder declared on somebody else's broker and has not removed itself.

    A broker that does not answer keeps it: then its queues go away by themselves (``x-expires``).
    """
    if not declared.names(folder):
        return
    from archlab.lab import amqp

    try:
        amqp.remove(folder, url)
    except amqp.UNREACHABLE:
        return


def _started(process: RunningBroker) -> None:
    try:
        process.start()
    except BrokerError as error:
        raise BrokerFailed(f"the broker cannot be started: {error}.") from None
