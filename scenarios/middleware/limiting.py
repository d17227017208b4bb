"""How much is too much, counted with the library ``limits``; every design asks the same two questions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from limits import RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter

from .world import PER_ADDRESS

if TYPE_CHECKING:
    from archlab.lab import Lab

PER_USER = 100_000
"""Requests a minute, where nothing else is configured: far above what any test here makes on purpose."""


class Limits:
    """So many requests a minute for one user, and more for one address. Kept in this process alone: with n workers
    everybody may make n times as many."""

    def __init__(self, per_minute: float) -> None:
        self._limiter = MovingWindowRateLimiter(MemoryStorage())
        self._user = RateLimitItemPerMinute(int(per_minute))
        self._address = RateLimitItemPerMinute(int(per_minute * PER_ADDRESS))

    def allow_address(self, address: str) -> bool:
        return bool(self._limiter.hit(self._address, "address", address))

    def allow_user(self, user: str) -> bool:
        return bool(self._limiter.hit(self._user, "user", user))


def configured(lab: Lab) -> Limits:
    """The limits of this process: a service that is to be flooded is started with a low one."""
    return Limits(getattr(lab.knobs, "limit", PER_USER))
