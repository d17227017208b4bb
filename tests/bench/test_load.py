"""Load without coordinated omission. On a clock of the test's own, so that every figure is exact."""

from __future__ import annotations

import threading
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archlab.bench import load
from archlab.bench.load import NEVER, Bounds
from archlab.scenario import Failed, Request

FREE = Bounds({}, {})


class Clock:
    """Stands for the module ``time``: reading it takes two microseconds, sleeping takes what it says."""

    def __init__(self) -> None:
        self.now = 100.0
        self.slept: list[float] = []

    def perf_counter(self) -> float:
        self.now += 2e-6
        return self.now

    def sleep(self, seconds: float) -> None:
        assert seconds > 0
        self.slept.append(seconds)
        self.now += seconds


class Server:
    """A design whose every call takes the time that ``seconds`` says, given the moment of the call."""

    def __init__(self, clock: Clock, seconds: Any) -> None:
        self.clock, self.seconds = clock, seconds if callable(seconds) else lambda at: seconds
        self.began, self.calls = clock.now, 0

    def read(self, number: int = 0) -> int:
        self.calls += 1
        self.clock.now += self.seconds(self.clock.now - self.began)
        return number

    def write(self) -> str:
        return self.read() * "" or "written"


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(load, "time", SimpleNamespace(perf_counter=clock.perf_counter, sleep=clock.sleep))
    return clock


def schedule(rate: float, count: int, operation: str = "read") -> list[Request]:
    return [Request(i / rate, operation, (i,)) for i in range(count)]


def latencies(done: load.Done) -> list[float]:
    return [finished - due for due, finished in zip(done.due, done.finished, strict=True)]


def stalling(every: float, seconds: float, service: float) -> Any:
    """A server that is deaf for ``seconds`` in each period."""

    def takes(at: float) -> float:
        into = at % every
        return service + (seconds - into if into < seconds else 0.0)

    return takes


# Open loop


def test_latency_counts_from_when_a_request_was_due_not_from_when_it_was_taken_up(clock: Clock) -> None:
    """A server that stalls 300 ms every 2 s: the true p99 is 280 ms, and 12.5 % of the requests take over 50 ms."""
    server = Server(clock, stalling(2.0, 0.3, 1e-6))
    taken = sorted(latencies(load.open_loop(schedule(1000, 20_000), server, FREE)))
    assert taken[int(0.99 * len(taken))] == pytest.approx(0.280, rel=0.03)
    assert sum(latency > 0.050 for latency in taken) / len(taken) == pytest.approx(0.125, abs=0.01)


def test_a_closed_loop_hides_the_same_stalls(clock: Clock) -> None:
    """Why the open loop is there: back to back, next to no request meets a stall."""
    server = Server(clock, stalling(2.0, 0.3, 1e-4))
    taken = sorted(latencies(load.closed_loop(schedule(1000, 20_000), server, FREE)))
    assert taken[int(0.99 * len(taken))] < 0.001
    assert sum(latency > 0.050 for latency in taken) / len(taken) < 0.001


def test_a_design_that_keeps_up_is_called_when_a_request_is_due(clock: Clock) -> None:
    done = load.open_loop(schedule(500, 200), Server(clock, 1e-4), FREE)
    assert all(0 <= started - due < 5e-6 for due, started in zip(done.due, done.started, strict=True))
    assert latencies(done) == pytest.approx([1e-4] * 200, rel=0.1)
    assert len(clock.slept) >= 199, "it sleeps between requests, and watches the clock only at the end"


def test_a_design_that_cannot_keep_up_is_late_by_more_with_every_request(clock: Clock) -> None:
    """Served at half the rate, request i waits i service times minus i intervals."""
    done = load.open_loop(schedule(1000, 100), Server(clock, 0.002), FREE)
    taken = latencies(done)
    assert taken == sorted(taken)
    assert taken[-1] == pytest.approx(100 * 0.002 - 99 * 0.001, rel=0.01)


def test_a_round_stops_once_its_outcome_cannot_change(clock: Clock) -> None:
    """With three of sixty allowed over the bound, the fourth ends it; nobody serves the rest, and it counts as over."""
    server = Server(clock, 0.010)
    done = load.open_loop(schedule(1000, 60), server, Bounds({"read": 0.020}, {"read": 3}))
    assert done.stopped_early
    over = [latency for latency in latencies(done) if latency > 0.020]
    finished = [at for at in done.finished if at < NEVER]
    assert sum(latency < NEVER for latency in over) == 4
    assert server.calls == len(finished) == len(done.answers) < 10
    assert done.finished[len(finished) :] == [NEVER] * (60 - len(finished))
    assert done.started[len(finished) :] == [NEVER] * (60 - len(finished))
    assert sum(latency > 0.020 for latency in latencies(done)) >= 60 - len(finished)


def test_a_round_goes_on_while_one_operation_is_still_undecided(clock: Clock) -> None:
    """Reads are lost at once; writes, due rarely, are still within their bound, so everything is served."""
    mixed = [Request(i / 1000, "write" if i % 20 == 19 else "read") for i in range(60)]
    bounds = Bounds({"read": 0.001, "write": 1.0}, {"read": 0, "write": 0})
    done = load.open_loop(mixed, Server(clock, 0.005), bounds)
    assert not done.stopped_early
    assert all(at < NEVER for at in done.finished)


def test_a_round_stops_when_even_the_last_request_must_be_over_every_bound(clock: Clock) -> None:
    """Hopelessly late, though more requests than there are would be allowed to be."""
    server = Server(clock, 0.050)
    done = load.open_loop(schedule(1000, 60), server, Bounds({"read": 0.1}, {"read": 1000}))
    assert done.stopped_early
    assert server.calls == pytest.approx((0.059 + 0.1) / 0.050, abs=1)


def test_without_a_bound_every_request_is_served(clock: Clock) -> None:
    done = load.open_loop(schedule(1000, 60), Server(clock, 0.050), FREE)
    assert not done.stopped_early
    assert all(at < NEVER for at in done.finished)


@given(
    gaps=st.lists(st.floats(0, 0.01), min_size=1, max_size=80),
    service=st.floats(0, 0.02),
    bound=st.floats(0.001, 0.1),
    allowed=st.integers(0, 10),
    closed=st.booleans(),
)
def test_every_request_of_the_schedule_is_accounted_for_once(
    gaps: list[float], service: float, bound: float, allowed: int, closed: bool
) -> None:
    """Whatever the load: one entry a request, in order; nothing starts before it is due or ends before it starts; as
    many answers as finished requests; a round that did not stop early has at most the allowed requests over."""
    clock, due, requests = Clock(), 0.0, []
    for number, gap in enumerate(gaps):
        due += gap
        requests.append(Request(due, "read", (number,)))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(load, "time", SimpleNamespace(perf_counter=clock.perf_counter, sleep=clock.sleep))
        serve = load.closed_loop if closed else load.open_loop
        done = serve(requests, Server(clock, service), Bounds({"read": bound}, {"read": allowed}))
    assert len(done.due) == len(done.started) == len(done.finished) == len(requests)
    assert all(s >= d for d, s in zip(done.due, done.started, strict=True))
    assert all(f >= s for s, f in zip(done.started, done.finished, strict=True))
    finished = sum(at < NEVER for at in done.finished)
    assert done.answers == list(range(finished))
    assert done.stopped_early or sum(latency > bound for latency in latencies(done)) <= allowed + 1
    assert not done.stopped_early or sum(latency > bound for latency in latencies(done)) > allowed or not closed


# Closed loop


def test_a_closed_loop_counts_the_service_alone(clock: Clock) -> None:
    done = load.closed_loop(schedule(1, 60), Server(clock, 0.004), FREE)
    assert done.due == done.started
    assert latencies(done) == pytest.approx([0.004] * 60, rel=0.01)
    assert clock.slept == [], "it does not follow the schedule's times"


def test_a_closed_loop_skips_what_is_lost_and_serves_the_rest(clock: Clock) -> None:
    """Slow reads are given up after the fourth over the bound; every write is served."""
    server = Server(clock, 0.010)
    mixed = [Request(0, "write" if i % 2 else "read") for i in range(60)]
    done = load.closed_loop(mixed, server, Bounds({"read": 0.005}, {"read": 3}))
    assert done.stopped_early
    reads, writes = latencies(done)[0::2], latencies(done)[1::2]
    assert sum(latency < NEVER for latency in reads) == 4
    assert all(latency < NEVER for latency in writes)
    assert server.calls == 4 + 30


# Several workers: threads, so on the real clock


def test_workers_take_requests_in_the_order_they_fall_due_and_each_is_served_once() -> None:
    taken: list[tuple[int, int]] = []
    lock = threading.Lock()

    def worker(which: int) -> Any:
        def serve(request: Request) -> int:
            with lock:
                taken.append((request.arguments[0], which))
            return int(request.arguments[0])

        return serve

    done = load.open_loop_by([worker(which) for which in range(4)], schedule(2000, 200))
    assert sorted(number for number, _ in taken) == list(range(200))
    assert done.answers == list(range(200))
    assert len(done.due) == len(done.started) == len(done.finished) == 200
    assert all(d <= s <= f < NEVER for d, s, f in zip(done.due, done.started, done.finished, strict=True))


def test_while_one_worker_is_stalled_the_others_serve_what_falls_due() -> None:
    """The first request returns only when the last one has been served: by another worker."""
    last_served = threading.Event()

    def serve(request: Request) -> bool:
        if request.arguments[0] == 0:
            return last_served.wait(20)
        if request.arguments[0] == 49:
            last_served.set()
        return True

    done = load.open_loop_by([serve, serve], schedule(1000, 50))
    assert all(done.answers)
    assert done.finished[0] > done.started[49]


def test_with_every_worker_stalled_a_request_waits_in_the_queue_and_its_latency_says_so() -> None:
    requests = schedule(1000, 20)
    stalled = threading.Event()

    def serve(request: Request) -> None:
        if request.arguments[0] == 0:
            stalled.wait(0.1)  # a server that is deaf for a while: time itself is what is tested here

    done = load.open_loop_by([serve], requests)
    assert all(latency > 0.05 for latency in latencies(done))
    assert all(started >= done.finished[0] for started in done.started[1:])


def test_what_a_worker_raises_is_raised_to_the_caller() -> None:
    """A load whose every request fails is no load: it must not pass for one that nobody finished."""

    def refused(request: Request) -> None:
        raise ConnectionRefusedError("nobody listens")

    with pytest.raises(ConnectionRefusedError, match="nobody listens"):
        load.open_loop_by([refused, refused], schedule(1000, 10))


# Failed requests


class Failing(Server):
    """Fails every read whose number is in ``failing``: every other one of those by its answer."""

    def __init__(self, clock: Clock, seconds: Any, failing: range) -> None:
        super().__init__(clock, seconds)
        self.failing = failing

    def read(self, number: int = 0) -> Any:
        super().read()
        if number not in self.failing:
            return number
        if number % 2:
            return Failed("e-mail\nis down")
        raise Failed("e-mail is down")


@pytest.mark.parametrize("serve", [load.closed_loop, load.open_loop])
def test_a_failed_request_is_no_answer_and_its_time_is_known(clock: Clock, serve: Any) -> None:
    """Whether it raised Failed or returned one; what it took a worker counts as work."""
    done = serve(schedule(100, 20), Failing(clock, 0.002, range(5, 8)), FREE)
    assert done.failed == dict.fromkeys((5, 6, 7), "e-mail is down")
    assert done.answers == [*range(5), *range(8, 20)]
    assert [done.finished[i] - done.started[i] for i in done.failed] == pytest.approx([0.002] * 3, rel=0.05)
    assert not done.stopped_early


@pytest.mark.parametrize("serve", [load.closed_loop, load.open_loop])
def test_a_fast_error_is_over_every_bound(clock: Clock, serve: Any) -> None:
    """Three of sixty are allowed: the fourth failure ends what can still change, however quickly it came."""
    server = Failing(clock, 1e-5, range(10, 60))
    done = serve(schedule(1000, 60), server, Bounds({"read": 0.1}, {"read": 3}))
    assert done.stopped_early
    assert server.calls == 14
    assert sorted(done.failed) == [10, 11, 12, 13]
    assert done.answers == list(range(10))


@pytest.mark.parametrize("serve", [load.closed_loop, load.open_loop])
def test_a_round_goes_on_until_the_bound_on_failures_is_lost_as_well(clock: Clock, serve: Any) -> None:
    server = Failing(clock, 1e-5, range(10, 60))
    done = serve(schedule(1000, 60), server, Bounds({"read": 0.1}, {"read": 3}, failures={"read": 20}))
    assert done.stopped_early
    assert len(done.failed) == 21


@pytest.mark.parametrize("serve", [load.closed_loop, load.open_loop])
def test_failures_of_what_nobody_bounds_stop_nothing(clock: Clock, serve: Any) -> None:
    done = serve(schedule(1000, 60), Failing(clock, 1e-5, range(60)), FREE)
    assert not done.stopped_early
    assert len(done.failed) == 60
    assert done.answers == []


def test_several_workers_keep_failures_apart_from_answers() -> None:
    """And go on: a failed request is one of the load, no end of it."""

    def serve(request: Request) -> int:
        (number,) = request.arguments
        if number in (3, 4):
            raise Failed("e-mail is down")
        return int(number)

    done = load.open_loop_by([serve, serve], schedule(2000, 40))
    assert done.failed == {3: "e-mail is down", 4: "e-mail is down"}
    assert done.answers == [number for number in range(40) if number not in (3, 4)]
    assert all(at < NEVER for at in done.finished)


def test_a_round_does_not_stop_before_it_may(clock: Clock) -> None:
    """All is lost at the fourth request; what is planned for the system is done at the thirtieth."""
    server = Server(clock, 0.010)
    bounds = Bounds({"read": 0.001}, {"read": 3}, may_stop=lambda: server.calls >= 30)
    done = load.open_loop(schedule(1000, 60), server, bounds)
    assert done.stopped_early
    assert server.calls == 30


def test_a_schedule_can_begin_at_a_moment_that_was_agreed(clock: Clock) -> None:
    origin = clock.now + 0.5
    done = load.open_loop(schedule(100, 3), Server(clock, 1e-4), FREE, origin)
    assert done.due == pytest.approx([origin, origin + 0.01, origin + 0.02])
