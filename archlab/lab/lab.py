"""What a design, an experiment and a schedule are given. It only holds the parts; each is a module of its own."""

from __future__ import annotations

import json
import os
import random
import signal
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cached_property
from types import ModuleType, SimpleNamespace
from typing import TYPE_CHECKING, Any, TypeVar

from archlab.lab import database
from archlab.lab.setting import SEEN, STRUCK, Setting, struck_in
from archlab.tracing import Recorder, TracedConnection

if TYPE_CHECKING:
    from archlab.lab.broker import Broker
    from archlab.lab.child import Child
    from archlab.lab.client import Client
    from archlab.lab.process import Process
    from archlab.lab.proxy import Proxy
    from archlab.lab.service import Service
    from archlab.scenario import Design

_Part = TypeVar("_Part", bound="Child")


class Lab:
    def __init__(self, setting: Setting, name: str = "worker", crash_at: str | None = None) -> None:
        self.setting = setting
        self.knobs = SimpleNamespace(**{k: value for k, value in setting.knobs.items() if k not in setting.unseen})
        self.workload = setting.workload
        self.random = random.Random(setting.seed)
        self.folder = setting.folder
        self.recorder = Recorder(name) if setting.traced else None
        self.processes: list[Child] = []
        self._crash_at = crash_at
        self._connections: list[Any] = []
        self._broker: Broker | None = None

    def database(self, name: str = "shop", round_trip: float = 0.0) -> Any:
        """A connection to the database ``name`` of this round, ``round_trip`` seconds away."""
        connection = database.connect(self.folder / f"{name}.db", round_trip)
        if self.recorder:
            connection = TracedConnection(connection, self.recorder, name)
        self._connections.append(connection)
        return connection

    def broker(self) -> Broker:
        """The AMQP broker of this round: archlab's own, or the one that a person gave. All processes get the same one.

        It is started when it is first asked for, which must be before a process is started that asks for it too.
        """
        if self._broker is None:
            from archlab.lab import broker

            self._broker = broker.of_round(self.setting, self.recorder)
        return self._broker

    def spawn(
        self,
        main: Callable[..., None],
        name: str,
        calls: Mapping[str, Any] | None = None,
        settings: Mapping[str, float] | None = None,
        crash_at: str | None = None,
        version: str | None = None,
        carries_context: bool = True,
    ) -> Process:
        """Starts ``main(lab, inbox)``, a module-level function of the scenario, in a process of its own.

        What else it takes is what ``service`` takes.
        """
        from archlab.lab import process

        setting = self._for_child(calls, settings, carries_context)
        main = self._in_version(main, version)
        return self._held(process.start(setting, main, self._unique(name), self.recorder, crash_at), main)

    def service(
        self,
        build: Callable[[Lab], Any],
        name: str,
        calls: Mapping[str, Any] | None = None,
        settings: Mapping[str, float] | None = None,
        crash_at: str | None = None,
        version: str | None = None,
        carries_context: bool = True,
        workers: int = 1,
    ) -> Service:
        """Starts ``build(lab)``, an ASGI application, as an HTTP service in a process of its own, and does not wait.

        ``build`` is a module-level function of the scenario. ``calls`` are services (or proxies) that it may call, as
        ``lab.peers.<name>``; ``settings`` are knobs that it alone sees turned. Its first life dies at the crash point
        ``crash_at``. ``version`` is a change's name: the function is then that of the scenario's folder with
        ``changes/<version>/<design>.patch`` applied. Without ``carries_context`` its clients do not pass the trace
        context on. Several ``workers`` serve behind one address, and one that dies is replaced (see ``Supervised``).
        """
        from archlab.lab import service

        setting = self._for_child(calls, settings, carries_context)
        build = self._in_version(build, version)
        return self._held(service.start(setting, build, self._unique(name), self.recorder, crash_at, workers), build)

    def _unique(self, name: str) -> str:
        return name if all(part.name != name for part in self.processes) else f"{name}-{len(self.processes)}"

    def _in_version(self, function: Callable[..., Any], version: str | None) -> Callable[..., Any]:
        from archlab.lab import versions

        if version is None:
            return function
        return versions.function(function, self.design.version(version), self.folder)

    def _for_child(
        self, calls: Mapping[str, Any] | None, settings: Mapping[str, float] | None, carries_context: bool
    ) -> Setting:
        ports = {callee: reached.port for callee, reached in (calls or {}).items()}
        knobs = {**self._childs_setting.knobs, **(settings or {})}
        return replace(self._childs_setting, knobs=knobs, calls=ports, carries_context=carries_context)

    def ready(self) -> None:
        """Waits until all that was started serves."""
        for process in self.processes:
            process.ready()

    def check(self, patience: float = 0.0) -> None:
        """Raises ProcessDied when a process has ended that should be there, or ends within ``patience`` seconds."""
        if self._broker is not None:  # first: what its clients died of is that it is gone
            self._broker.check(patience)
        for process in self.processes:
            process.check(patience)

    def wait_for_consumers(self) -> None:
        """Waits, for two seconds at most, until consumers have taken what is in the queues of the broker."""
        if self._broker is not None:
            self._broker.wait_until_taken()

    def proxy(self, target: Any, name: str = "proxy") -> Proxy:
        """A TCP proxy in front of a service or a broker. It changes nothing until it is told to inject trouble."""
        from archlab.lab.proxy import Proxy

        return self._held(Proxy(self.setting, target, name, self.recorder))

    @cached_property
    def design(self) -> Design:
        """The design that this round serves: an experiment may ask for another version of it."""
        return self.setting.source().design(self.setting.design)

    def module(self, design: Design) -> ModuleType:
        """The module that defines a design, or a version of it (``design.version(change)``): then after the change."""
        from archlab.lab import versions

        return versions.module(design, self.folder)

    def started(self, design: Design) -> Any:
        """The running design, or a version of it beside the running one: its ``start``, after the change."""
        from archlab.lab import versions

        return versions.started(design, self)

    @cached_property
    def peers(self) -> SimpleNamespace:
        """Clients for the services that this process may call."""
        from archlab.lab.client import Client

        calls = self.setting.calls
        carries = self.setting.carries_context
        made = {
            name: Client(port, name, recorder=self.recorder, carries_context=carries) for name, port in calls.items()
        }
        return SimpleNamespace(**made)

    def client(self, target: Any, timeout: float = 10.0) -> Client:
        """A client of one's own for whatever has a ``port``: a service, a proxy, one of ``peers``.

        ``timeout`` is in seconds, for connecting and for every read; beyond it a call raises TimeoutError.
        """
        from archlab.lab.client import Client

        name = getattr(target, "name", getattr(target, "service", ""))
        return Client(target.port, name, timeout, self.recorder, self.setting.carries_context)

    def crash_point(self, name: str) -> None:
        """A named place in the code: the process dies here if it was started with ``crash_at=name``."""
        if name == self._crash_at:
            self.struck(name)
            if sys.platform == "win32":
                os._exit(1)
            os.kill(os.getpid(), signal.SIGKILL)

    def struck(self, fault: str) -> None:
        """Proof of injection: says, where it strikes, that a fault struck. Survives the death of the process."""
        with (self.folder / STRUCK).open("a", encoding="utf-8") as log:
            log.write(fault + "\n")

    def seen(self, says: str) -> None:
        """Says what was observed, now, in any process of the round: ``the queue is empty``.

        A load with a timeline keeps it with its time. What is said again while nothing else happens is kept once.
        """
        with (self.folder / SEEN).open("a", encoding="utf-8") as log:
            log.write(json.dumps([time.perf_counter(), says]) + "\n")

    def faults_struck(self) -> list[str]:
        return list(struck_in(self.folder))

    @property
    def parts(self) -> list[Child | Broker]:
        """Everything that was started, the broker among it."""
        return [*self.processes, *([self._broker] if self._broker is not None else [])]

    @property
    def _childs_setting(self) -> Setting:
        broker = self._broker.address if self._broker is not None else None
        if self.setting.child and broker is None:
            broker = self.setting.broker
        return replace(self.setting, broker=broker, child=True)

    def _held(self, part: _Part, main: Callable[..., Any] | None = None) -> _Part:
        part.main = main
        self.processes.append(part)
        return part

    def close(self, finish: bool) -> None:
        """Ends what was started. ``finish``: in good order, so that data and spans are whole; else at once."""
        processes, self.processes = self.processes, []
        broker = None if self.setting.child else self._broker
        if finish and self.recorder and not self.setting.child:
            self.wait_for_consumers()
        for process in processes:
            if finish:
                process.stop()
            else:
                process.kill()
            process.release()
        if broker is not None:  # after its clients
            broker.end()
        if finish:
            for connection in self._connections:
                connection.close()
            if self.recorder:
                self.recorder.dump(self.folder)
