"""A TCP proxy that injects latency, loss of bandwidth, resets and cuts, for HTTP and AMQP alike.

It is a process of its own, so that it does not take time from what is measured.
"""

from __future__ import annotations

from multiprocessing.connection import Connection
from typing import TYPE_CHECKING, Any

from archlab.lab import forking
from archlab.lab.child import Child
from archlab.lab.client import Client
from archlab.lab.errors import ProcessDied
from archlab.lab.ports import bound
from archlab.lab.toxic import Toxic

if TYPE_CHECKING:
    from multiprocessing.process import BaseProcess

    from archlab.lab.setting import Setting
    from archlab.tracing import Recorder

PATIENCE = 10.0


class Proxy(Child):
    """A proxy as its parent holds it: ``port`` stands in for the target's. It passes everything on until it is told."""

    of_design = False

    def __init__(self, setting: Setting, target: Any, name: str, recorder: Recorder | None) -> None:
        self._target: int = target.port
        self._reserved = bound(name, 0)
        self.port: int = self._reserved.getsockname()[1]
        self._setting = setting
        self._own = recorder
        self._client: Client | None = None
        super().__init__(self._launched, name)

    def poison(self, *toxics: Toxic) -> None:
        """Applies these toxics, in place of those before, to connections that there are and that come; returns when
        they are in force."""
        self._ask(("toxics", toxics))

    def mend(self) -> None:
        """Passes everything on again."""
        self.poison()

    def retarget(self, target: Any) -> None:
        """Leads new connections to ``target``, which has a ``port``; returns when that is in force.

        Connections that are open stay with the old target until one side closes them. After a restart of the proxy
        the new target is its target still.
        """
        self._target = target.port
        self._ask(("target", target.port))

    def strikes(self) -> dict[str, int]:
        """How often each toxic struck: chunks that were delayed, slowed or held, connections that were reset or cut."""
        counted: dict[str, int] = self._ask(("strikes", ()))
        return counted

    @property
    def client(self) -> Client:
        """An HTTP client through the proxy."""
        if self._client is None:
            self._client = Client(self.port, self.name, recorder=self._own)
        return self._client

    def stop(self) -> None:
        self.kill()  # it has nothing to finish: its strikes are on disk as they strike

    def release(self) -> None:
        """Gives its port back, and closes the connections to it."""
        self._reserved.close()
        if self._client is not None:
            self._client.close()

    def _ask(self, question: Any) -> Any:
        try:
            self._wire.send(question)
            if not self._wire.poll(PATIENCE):
                raise TimeoutError(f"proxy {self.name} did not answer within {PATIENCE:g} s")
            return self._wire.recv()
        except (EOFError, BrokenPipeError, ConnectionResetError):
            raise ProcessDied(f"proxy {self.name} ended (exit code {self.exited()})") from None

    def _launched(self, wire: Connection, crash_at: str | None) -> BaseProcess:
        with bound(self.name, self.port) as listener:
            listener.listen(1024)
            main = "archlab.lab.proxy_process:run"
            return forking.start(main, self._setting, listener, self._target, wire, name=self.name)
