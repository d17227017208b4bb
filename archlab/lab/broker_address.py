"""The address of an AMQP broker. It contains a password, so its text shows the host and port only."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from urllib.parse import SplitResult, urlsplit

from archlab.scenario import UsageError

PORTS = {"amqp": 5672, "amqps": 5671}
EXAMPLE = "amqp://user:password@host:5672/vhost"


@dataclass(frozen=True, repr=False)
class BrokerUrl:
    """``amqp://user:password@host:port/vhost``. Its ``str`` and ``repr`` show ``***`` for the user and the password."""

    _text: str

    @classmethod
    def parse(cls, text: str) -> BrokerUrl:
        """What a person typed. Raises UsageError, which does not repeat it: there may be a password in it."""
        try:
            parts = urlsplit(text.strip())
            port_is_a_number = parts.port is None or parts.port > 0
        except ValueError:
            port_is_a_number = False
        # A password with a bare "/", "?" or "#" ends the part of the URL that is never shown.
        if not port_is_a_number or "@" in parts.path + parts.query + parts.fragment or parts.fragment:
            raise UsageError(
                f"--broker and ARCHLAB_BROKER take a URL such as {EXAMPLE}. In the user and the password write "
                "@ : / ? # % as %40 %3A %2F %3F %23 %25."
            )
        if parts.scheme not in PORTS or not parts.hostname:
            raise UsageError(
                f"--broker and ARCHLAB_BROKER take a URL such as {EXAMPLE}, or amqps://… for TLS, or rabbitmq."
            )
        if parts.username is not None and parts.password is None:
            raise UsageError(f"the URL of the broker has a user and no password: give {EXAMPLE}.")
        return cls(text.strip())

    def reveal(self) -> str:
        """The whole URL, with the password: for a client in this process, never to be shown or recorded."""
        return self._text

    @property
    def host(self) -> str:
        return self._parts.hostname or ""

    @property
    def port(self) -> int:
        return self._parts.port or PORTS[self._parts.scheme]

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self._parts.scheme}://***@{host}:{self.port}/{self._parts.path.removeprefix('/')}"

    __repr__ = __str__

    @property
    def _parts(self) -> SplitResult:
        return urlsplit(self._text)


def _new_prefix() -> str:
    return f"archlab-{secrets.token_hex(4)}-"


@dataclass(frozen=True)
class BrokerAddress:
    """What a process of a round needs to reach the round's broker. It can be pickled."""

    url: BrokerUrl
    foreign: bool
    """Whether a person gave the URL: then the broker is not archlab's to stop, and what is declared is removed."""
    prefix: str = field(default_factory=_new_prefix)
    """What every name begins with that this round declares: no other round has the same."""
