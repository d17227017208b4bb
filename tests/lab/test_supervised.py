"""A supervised service: several workers behind one address, each replaced when it dies; and a CPU hog in any part."""

from __future__ import annotations

import contextlib
import os
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from archlab import catalog, loading
from archlab.bench.round_process import moving
from archlab.lab import Lab, ProcessDied, ServiceFailed, forking
from archlab.lab.service import PRELOADED, Supervised
from archlab.lab.setting import Setting

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="processes are looked up in /proc")

APPS = '''\
"""Services for the tests."""
import os

from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route


def whose(lab):
    async def pid(request):
        lab.crash_point("before the answer")
        return PlainTextResponse(str(os.getpid()))

    return Starlette(routes=[Route("/", pid)])


def broken(lab):
    os._exit(9)


def raises(lab):
    raise ValueError("no stock")


def idles(lab, inbox):
    inbox.receive()
'''


@pytest.fixture(scope="session", autouse=True)
def warmed() -> None:
    forking.warm(PRELOADED)


@pytest.fixture
def apps(tmp_path: Path) -> object:
    folder = tmp_path / "supervised"
    folder.mkdir()
    (folder / "__init__.py").write_text(APPS)
    return loading.load_package(folder)


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Lab]:
    web = Path(__file__).parents[1] / "web"
    lab = Lab(Setting(catalog.source(str(web)), "calm", {"rate": 7}, "1", tmp_path, design="direct"))
    yield lab
    lab.close(finish=False)


def soon(true: Callable[[], bool]) -> bool:
    end = time.monotonic() + 30
    while not true() and time.monotonic() < end:
        time.sleep(0.01)
    return true()


def runs(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def asked(service: Supervised) -> int:
    """The worker that answers a connection of its own."""
    from archlab.lab import Client

    client = Client(service.port)
    try:
        return int(client.get("/").body)
    finally:
        client.close()


def test_all_workers_serve_behind_one_address(lab: Lab, apps: object) -> None:
    service = lab.service(apps.whose, "shop", workers=3)  # type: ignore[attr-defined]
    assert isinstance(service, Supervised)
    pids = service.pids
    assert len(set(pids)) == 3
    answered: set[int] = set()
    assert soon(lambda: answered.add(asked(service)) or answered == set(pids))  # type: ignore[func-returns-value]
    assert service.restarts == 0
    assert moving([service]) == 3


def test_a_worker_that_dies_is_replaced_and_nobody_is_refused(lab: Lab, apps: object) -> None:
    service = lab.service(apps.whose, "shop", workers=2)  # type: ignore[attr-defined]
    first, second = service.pids  # type: ignore[attr-defined]
    service.kill_worker(0)  # type: ignore[attr-defined]
    assert soon(lambda: service.restarts == 1)  # type: ignore[attr-defined]
    assert asked(service) != first  # type: ignore[arg-type]
    assert second in service.pids and first not in service.pids
    lab.check()


def test_a_crash_point_kills_one_worker_and_is_counted(lab: Lab, apps: object) -> None:
    service = lab.service(apps.whose, "shop", workers=2, crash_at="before the answer")  # type: ignore[attr-defined]
    service.ready()

    def struck() -> bool:
        with contextlib.suppress(OSError):
            asked(service)  # type: ignore[arg-type]
        return lab.faults_struck() == ["before the answer"]

    assert soon(struck)
    assert soon(lambda: service.restarts == 1)  # type: ignore[attr-defined]
    assert isinstance(asked(service), int)  # type: ignore[arg-type]


@pytest.mark.parametrize("how", ["kill", "stop"])
def test_an_end_ends_all_workers_and_a_start_brings_them_back(lab: Lab, apps: object, how: str) -> None:
    """Meanwhile the address refuses connections; afterwards it is the same."""
    service = lab.service(apps.whose, "shop", workers=2)  # type: ignore[attr-defined]
    pids, port = service.pids, service.port
    getattr(service, how)()
    assert soon(lambda: not any(map(runs, pids)))
    with pytest.raises(ConnectionRefusedError):
        asked(service)  # type: ignore[arg-type]
    service.start()
    assert asked(service.ready()) not in pids  # type: ignore[arg-type]
    assert service.port == port


def test_a_paused_one_answers_nobody_and_can_be_ended(lab: Lab, apps: object) -> None:
    from archlab.lab import Client

    service = lab.service(apps.whose, "shop", workers=2)  # type: ignore[attr-defined]
    pids = service.pids
    service.pause()
    with pytest.raises(TimeoutError):
        Client(service.port, timeout=0.3).get("/")
    service.resume()
    assert asked(service) in pids  # type: ignore[arg-type]
    service.pause()
    service.kill()
    assert soon(lambda: not any(map(runs, pids)))


@pytest.mark.parametrize("build", ["broken", "raises"])
def test_workers_that_cannot_start_are_a_failure_with_its_reason(lab: Lab, apps: object, build: str) -> None:
    """Not an endless loop of starts."""
    service = lab.service(getattr(apps, build), "shop", workers=2)
    said = "its workers died 3 times in a row" if build == "broken" else "ValueError: no stock"
    with pytest.raises(ServiceFailed, match=said):
        service.ready()


def test_a_supervisor_that_dies_is_a_death_and_its_workers_end(lab: Lab, apps: object) -> None:
    service = lab.service(apps.whose, "shop", workers=2)  # type: ignore[attr-defined]
    pids = service.pids
    os.kill(service._pid, 9)
    with pytest.raises(ProcessDied, match="service shop ended unplanned with signal 9"):
        lab.check(patience=10)
    assert soon(lambda: not any(map(runs, pids)))


def processor_time(pid: int) -> float:
    """Seconds that a process has computed."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@pytest.mark.parametrize("kind", ["service", "workers", "process", "proxy"])
def test_a_part_that_is_hogged_computes_until_it_is_let_off(lab: Lab, apps: object, kind: str) -> None:
    """And goes on with its work meanwhile."""
    service = lab.service(apps.whose, "shop", workers=2 if kind == "workers" else 1)  # type: ignore[attr-defined]
    part = {
        "process": lambda: lab.spawn(apps.idles, "idle"),  # type: ignore[attr-defined]
        "proxy": lambda: lab.proxy(service),
    }.get(kind, lambda: service)()
    before = {pid: processor_time(pid) for pid in part.pids}
    with part.hogging():
        for pid in part.pids:
            assert soon(lambda pid=pid: processor_time(pid) > before[pid] + 0.5)  # type: ignore[misc]
        assert asked(service) in service.pids  # type: ignore[arg-type]
    asked(service)  # type: ignore[arg-type]
    time.sleep(0.05)  # the signal is on its way
    after = {pid: processor_time(pid) for pid in part.pids}
    time.sleep(1.0)  # the time itself is what is looked at
    assert all(processor_time(pid) - after[pid] < 0.3 for pid in part.pids)


def test_one_that_was_killed_is_started_again_at_once_on_the_same_port(lab: Lab, apps: object) -> None:
    """Its workers may not have let go of the port yet; whoever starts it waits for that."""
    service = lab.service(apps.whose, "shop", workers=2).ready()  # type: ignore[attr-defined]
    port = service.port
    for _ in range(10):
        service.kill()
        service.start()
        assert service.ready().client.get("/").ok
    assert service.port == port
