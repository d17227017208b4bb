"""Services are real processes: ready when they answer, gone when told or when archlab is gone."""

from __future__ import annotations

import multiprocessing
import os
import signal
import socket
import time
from collections.abc import Iterator
from http.client import HTTPException
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from archlab import catalog, loading
from archlab.bench import data_files, rounds
from archlab.bench.plan import Plan
from archlab.bench.runner import execute
from archlab.judge import judge
from archlab.lab import forking, ledger, ports
from archlab.lab.client import HOST, Client
from archlab.lab.errors import ProcessDied
from archlab.lab.lab import Lab
from archlab.lab.service import PRELOADED, ServiceFailed
from archlab.lab.setting import Setting
from archlab.lab.toxic import Toxic
from archlab.tracing import collect

WEB = Path(__file__).parents[1] / "web"
ABSENT = OSError, HTTPException


@pytest.fixture(scope="module", autouse=True)
def forked_quickly() -> None:
    forking.warm(PRELOADED)


@pytest.fixture(scope="module")
def apps() -> ModuleType:
    catalog.find(str(WEB))
    import importlib

    return importlib.import_module(f"{loading.module_name(WEB)}.apps")


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Lab]:
    lab = Lab(Setting(catalog.source(str(WEB)), "calm", {"rate": 7}, "1", tmp_path, design="direct"))
    yield lab
    lab.close(finish=False)


def test_five_start_at_once_and_answer_on_ports_of_their_own(lab: Lab, apps: ModuleType) -> None:
    five = [lab.service(apps.greeter, f"greeter-{i}") for i in range(5)]
    assert [service.client.get("/hello/you").json()["hello"] for service in five] == ["you"] * 5
    assert len({service.port for service in five}) == 5


def test_it_listens_on_loopback_alone(lab: Lab, apps: ModuleType) -> None:
    service = lab.service(apps.greeter, "greeter").ready()
    listening = Path("/proc/net/tcp")
    if not listening.exists():
        pytest.skip("no /proc here")
    mine = [row.split()[1] for row in listening.read_text().splitlines() if f":{service.port:04X} " in row]
    assert all(address.startswith("0100007F:") for address in mine)


def test_a_setting_is_turned_for_one_service_alone(lab: Lab, apps: ModuleType) -> None:
    usual, other = lab.service(apps.greeter, "usual"), lab.service(apps.greeter, "other", settings={"rate": 99})
    assert usual.client.get("/hello/a").json()["rate"] == 7
    assert other.client.get("/hello/a").json()["rate"] == 99


def test_a_service_calls_those_that_it_was_given(lab: Lab, apps: ModuleType) -> None:
    greeter = lab.service(apps.greeter, "greeter")
    relay = lab.service(apps.relaying, "relay", calls={"greeter": greeter})
    assert relay.client.get("/hello/you").json()["hello"] == "you"


def test_a_killed_one_refuses_connections_and_comes_back_on_its_port(lab: Lab, apps: ModuleType) -> None:
    service = lab.service(apps.greeter, "greeter")
    port = service.ready().port
    service.kill()
    with pytest.raises(ConnectionRefusedError):
        Client(port).get("/hello/you")
    service.start()
    assert service.port == port
    assert service.client.get("/hello/you").ok
    lab.check()


def test_nobody_else_gets_the_port_of_a_service_that_is_down(lab: Lab, apps: ModuleType) -> None:
    service = lab.service(apps.greeter, "greeter").ready()
    service.kill()
    with pytest.raises(OSError), socket.socket() as other:
        other.bind(("127.0.0.1", service.port))


def test_a_stop_lets_background_tasks_end(lab: Lab, apps: ModuleType) -> None:
    service = lab.service(apps.greeter, "greeter")
    service.client.get("/later")
    service.stop()
    assert [line["message"] for line in service.log()] == ["worked"]


def test_idle_connections_do_not_hold_up_the_end(lab: Lab, apps: ModuleType) -> None:
    """uvicorn alone would keep each for 5 s. (How long it takes is the benchmark's matter.)"""
    five = [lab.service(apps.greeter, f"greeter-{i}") for i in range(5)]
    for service in five:
        service.client.get("/hello/you")
    began = time.perf_counter()
    for service in five:
        service.stop()
    assert time.perf_counter() - began < 5


def test_no_answer_waits_for_a_delayed_acknowledgement(lab: Lab, apps: ModuleType) -> None:
    """Nagle against delayed ACK costs 40 ms a request, for every answer in more than one packet: it spares none."""
    service = lab.service(apps.greeter, "greeter")
    times = []
    for _ in range(15):
        began = time.perf_counter()
        service.client.get("/hello/you")
        times.append(time.perf_counter() - began)
    assert min(times) < 0.02


def test_it_logs_json_lines_with_the_correlation_id(lab: Lab, apps: ModuleType) -> None:
    service = lab.service(apps.greeter, "greeter")
    service.client.get("/hello/you", {"x-request-id": "abc-1"})
    service.client.get("/hello/me")
    service.stop()
    first, second = service.log()
    assert (first["service"], first["id"], first["message"]) == ("greeter", "abc-1", "greeted you")
    assert first["path"] == "/hello/you"
    assert second["id"] == ""


def test_one_that_cannot_start_says_why_with_its_last_log_lines(lab: Lab, apps: ModuleType) -> None:
    service = lab.service(apps.broken, "broken")
    with pytest.raises(ServiceFailed) as failed:
        service.ready()
    assert "service broken did not start: RuntimeError: there is no key" in str(failed.value)
    assert "looking for the key" in str(failed.value)
    assert "\n" not in str(failed.value)


@pytest.mark.parametrize(
    ("name", "why"),
    [("tired", r"SystemExit: tired of it \(apps.py, line \d+\)"), ("stopped", r"KeyboardInterrupt \(apps.py")],
)
def test_one_that_ends_itself_while_it_starts_says_where(
    lab: Lab, apps: ModuleType, capfd: pytest.CaptureFixture[str], name: str, why: str
) -> None:
    service = lab.service(getattr(apps, name), name)
    with pytest.raises(ServiceFailed, match=f"service {name} did not start: {why}"):
        service.ready()
    service.exited()
    assert capfd.readouterr().err == ""


def test_a_websocket_is_served(lab: Lab, apps: ModuleType) -> None:
    service = lab.service(apps.lively, "lively").ready()
    with connect(f"ws://{HOST}:{service.port}/talk", proxy=None) as socket:
        for word in ("one", "two"):
            socket.send(word)
            assert socket.recv(timeout=5) == f"you said {word}"


def test_an_open_websocket_does_not_hold_up_the_end(lab: Lab, apps: ModuleType) -> None:
    """Its client is told that the service goes away (close code 1012), and the shutdown runs to its end."""
    service = lab.service(apps.lively, "lively").ready()
    with connect(f"ws://{HOST}:{service.port}/talk", proxy=None) as socket:
        socket.send("one")
        socket.recv(timeout=5)
        service.stop()
        with pytest.raises(ConnectionClosed) as closed:
            socket.recv(timeout=5)
        assert closed.value.rcvd is not None and closed.value.rcvd.code == 1012
    assert service.exited() == 0
    assert [line["message"] for line in service.log()] == ["started up", "shut down"]


def test_start_up_runs_before_it_serves_and_shutdown_when_it_is_stopped(lab: Lab, apps: ModuleType) -> None:
    service = lab.service(apps.lively, "lively").ready()
    assert [line["message"] for line in service.log()] == ["started up"]
    service.stop()
    assert [line["message"] for line in service.log()] == ["started up", "shut down"]


def test_a_start_up_that_fails_fails_the_service_with_its_reason(lab: Lab, apps: ModuleType) -> None:
    service = lab.service(apps.lively, "lively", settings={"rate": apps.FAILS_AT_START})
    with pytest.raises(ServiceFailed) as failed:
        service.ready()
    said = str(failed.value)
    assert "service lively did not start: ValueError: no connection to the stock (apps.py, line" in said
    assert "\n" not in said


def test_no_client_can_forge_its_address(lab: Lab, apps: ModuleType) -> None:
    """A forwarding header is a claim of whoever sent it."""
    service = lab.service(apps.lively, "lively")
    forged = {"x-forwarded-for": "203.0.113.9", "x-forwarded-proto": "https", "forwarded": "for=203.0.113.9"}
    assert service.client.get("/caller", forged).json() == {"host": HOST, "scheme": "http"}


def test_the_traced_pass_serves_websockets_start_up_and_shutdown_too(tmp_path: Path, apps: ModuleType) -> None:
    lab = Lab(Setting(catalog.source(str(WEB)), "calm", {"rate": 7}, "1", tmp_path, traced=True, design="direct"))
    service = lab.service(apps.lively, "lively").ready()
    with connect(f"ws://{HOST}:{service.port}/talk", proxy=None) as socket:
        socket.send("one")
        assert socket.recv(timeout=5) == "you said one"
    lab.close(finish=True)
    assert [line["message"] for line in service.log()] == ["started up", "shut down"]


def test_one_that_dies_unplanned_is_told_with_its_exit_code_and_last_words(lab: Lab, apps: ModuleType) -> None:
    service = lab.service(apps.greeter, "greeter")
    with pytest.raises(ABSENT):
        service.client.get("/die")
    service.exited()
    with pytest.raises(ProcessDied, match=r"greeter ended unplanned with exit code 7.*about to end"):
        lab.check()


def test_a_service_takes_no_messages(lab: Lab, apps: ModuleType) -> None:
    """What it is sent over its pipe would stop it."""
    assert not hasattr(lab.service(apps.greeter, "greeter"), "send")


def test_a_paused_one_answers_nobody_until_it_is_resumed(lab: Lab, apps: ModuleType) -> None:
    service = lab.service(apps.greeter, "greeter").ready()
    service.pause()
    client = Client(service.port, timeout=0.1)
    with pytest.raises(TimeoutError):
        client.get("/hello/you")
    service.resume()
    assert service.client.get("/hello/you").ok
    assert service.memory() > 1_000_000


@pytest.mark.parametrize("end", ["stop", "kill", "restart"])
def test_a_paused_one_ends_like_any_other(lab: Lab, apps: ModuleType, end: str) -> None:
    service = lab.service(apps.greeter, "greeter").ready()
    service.pause()
    getattr(service, end)()
    if end == "stop":
        assert service.exited() == 0, "it had the time to end in good order"
    assert service.alive == (end == "restart")
    lab.check()


def test_one_that_was_killed_on_purpose_is_no_surprise(lab: Lab, apps: ModuleType) -> None:
    service = lab.service(apps.greeter, "greeter").ready()
    service.kill()
    lab.check()


def test_it_dies_at_a_named_crash_point(lab: Lab, apps: ModuleType) -> None:
    service = lab.service(apps.greeter, "greeter").ready()
    service.kill()
    service.start(crash_at="before the answer")
    with pytest.raises(ABSENT):
        service.client.get("/hello/you")
    assert service.exited() == -signal.SIGKILL
    assert lab.faults_struck() == ["before the answer"]
    lab.check()


def test_every_crash_point_is_tried_and_its_effects_are_counted(lab: Lab, apps: ModuleType) -> None:
    """A caller who tries again until it is answered: what crashed before the effect is exact, after it a duplicate."""

    def trial(point: str) -> list[str]:
        service = lab.service(apps.greeter, "greeter").ready()
        service.kill()
        service.start(crash_at=point)
        with pytest.raises(ABSENT):
            service.client.post("/hello/a")
        assert service.exited() == -signal.SIGKILL
        service.start()
        for name in "ab":
            assert service.client.post(f"/hello/{name}").ok
        service.stop()
        return [line["message"].removeprefix("greeted ") for line in service.log()]

    points = ledger.crash_points([WEB / "apps.py"])
    assert points == ("before the answer", "between effect and answer")
    counted = [sample for point in points for sample in ledger.samples(point, ledger.compare("ab", trial(point)))]
    found = {(s.at["crash_point"], s.metric): s.value for s in counted}
    assert found["before the answer", "duplicated"] == 0
    assert found["between effect and answer", "duplicated"] == 1
    assert sum(found.values()) == 1
    assert lab.faults_struck() == list(points)


def test_a_call_on_a_connection_that_a_restart_ended_is_made_anew(lab: Lab, apps: ModuleType) -> None:
    service = lab.service(apps.greeter, "greeter")
    assert service.client.get("/hello/you").ok
    service.restart()
    assert service.client.get("/hello/you").ok


def test_what_follows_an_error_goes_over_a_connection_of_its_own(lab: Lab, apps: ModuleType) -> None:
    """An unhandled error ends its connection just behind the answer. What may not be sent twice must not meet that."""
    service = lab.service(apps.greeter, "greeter")
    for _ in range(100):
        assert service.client.get("/fail").status == 500
        assert service.client.post("/hello/you").ok


def test_one_that_does_not_answer_is_named_with_what_it_was_asked(lab: Lab, apps: ModuleType) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        client = Client(silent.getsockname()[1], "api", timeout=0.05)
        with pytest.raises(TimeoutError, match=r"GET /orders/7 of service api was not answered within 0.05 s"):
            client.get("/orders/7")


def test_a_new_version_stands_beside_the_old_one(tmp_path: Path) -> None:
    """The folder is copied with the patch applied: new started before old stops, both answer as they are."""
    import shutil

    folder = tmp_path / "web"
    shutil.copytree(WEB, folder, ignore=shutil.ignore_patterns("__pycache__"))
    source = (folder / "apps.py").read_text().splitlines()
    line = next(i for i, text in enumerate(source, start=1) if "between effect" in text)
    change = folder / "changes" / "politer" / "direct.patch"
    change.parent.mkdir(parents=True)
    change.write_text(
        f"--- a/apps.py\n+++ b/apps.py\n@@ -{line},3 +{line},3 @@\n"
        '         lab.crash_point("between effect and answer")\n'
        '-        return JSONResponse({"hello": request.path_params["name"], "rate": lab.knobs.rate})\n'
        '+        return JSONResponse({"good day": request.path_params["name"]})\n'
        " \n"
    )
    lab = Lab(Setting(catalog.source(str(folder)), "calm", {"rate": 7}, "1", tmp_path, design="direct"))
    try:
        old = lab.design.start(lab)
        assert old.greet("you") == {"hello": "you", "rate": 7}
        new = lab.started(lab.design.version("politer"))
        assert new.greet("you") == {"good day": "you"}
        assert old.greet("you") == {"hello": "you", "rate": 7}
        old.front.stop()
        assert new.greet("me") == {"good day": "me"}
        assert (folder / "apps.py").read_text() == (WEB / "apps.py").read_text()
    finally:
        lab.close(finish=False)


def test_the_first_life_dies_at_its_crash_point_and_the_next_does_not(lab: Lab, apps: ModuleType) -> None:
    service = lab.service(apps.greeter, "greeter", crash_at="before the answer")
    with pytest.raises(ABSENT):
        service.client.get("/hello/you")
    assert service.exited() == -signal.SIGKILL
    lab.check()
    service.start()
    assert service.client.get("/hello/you").ok


def test_who_does_not_carry_the_context_breaks_the_trace_and_is_recorded_itself(
    tmp_path: Path, apps: ModuleType
) -> None:
    lab = Lab(Setting(catalog.source(str(WEB)), "calm", {"rate": 7}, "1", tmp_path, traced=True, design="relay"))
    greeter = lab.service(apps.greeter, "greeter")
    relay = lab.service(apps.relaying, "relay", calls={"greeter": greeter}, carries_context=False)
    assert lab.recorder is not None
    lab.recorder.wrap("greet", relay.client.get)("/hello/you")
    lab.close(finish=True)
    records = collect(tmp_path)
    trace = next(record[1] for _, record in records if record[0] == "greet")
    mine = {(process, record[0]) for process, record in records if record[1] == trace}
    assert ("relay", "GET greeter") in mine
    assert not any(process == "greeter" for process, _ in mine)
    assert any(process == "greeter" for process, _ in records)


def test_spans_of_every_process_make_one_trace(tmp_path: Path) -> None:
    lab = Lab(Setting(catalog.source(str(WEB)), "calm", {"rate": 7}, "1", tmp_path, traced=True, design="relay"))
    running: Any = lab.design.start(lab)
    assert lab.recorder is not None
    lab.recorder.wrap("greet", running.greet)("you")
    lab.close(finish=True)
    records = collect(tmp_path)
    trace = next(record[1] for _, record in records if record[0] == "greet")
    mine = {(process, record[0]) for process, record in records if record[1] == trace}
    assert {("worker", "greet"), ("relay", "GET /hello/you"), ("relay", "GET greeter"), ("greeter", "hello")} <= mine
    by_id = {record[2]: record for _, record in records}
    for _, record in records:
        if record[1] == trace and record[3] is not None:
            above = by_id[record[3]]
            assert above[4] <= record[4] and record[5] <= above[5] + 1_000_000, "a span ends with the one it is part of"


def test_untraced_nothing_is_recorded(lab: Lab, apps: ModuleType) -> None:
    service = lab.service(apps.greeter, "greeter")
    assert "traceparent" not in str(service.client.get("/hello/you").headers)
    service.stop()
    assert collect(lab.folder) == []


def test_a_proxy_in_front_of_a_service_makes_every_hop_longer(lab: Lab, apps: ModuleType) -> None:
    greeter = lab.service(apps.greeter, "greeter")
    proxy = lab.proxy(greeter)
    relay = lab.service(apps.relaying, "relay", calls={"greeter": proxy})
    relay.client.get("/hello/you")
    proxy.poison(Toxic(latency=0.03))
    began = time.perf_counter()
    assert relay.client.get("/hello/you").ok
    assert time.perf_counter() - began >= 0.06
    assert lab.faults_struck() == ["latency"]


@pytest.mark.parametrize("name", ["HTTP_PROXY", "http_proxy", "ALL_PROXY"])
def test_no_proxy_of_the_environment_is_ever_asked(
    lab: Lab, apps: ModuleType, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.setblocking(False)
        monkeypatch.setenv(name, f"http://127.0.0.1:{listening.getsockname()[1]}")
        service = lab.service(apps.greeter, "greeter")
        assert service.client.get("/hello/you").ok
        with pytest.raises(BlockingIOError):
            listening.accept()


def test_without_ports_it_says_what_to_do(lab: Lab, apps: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    def exhausted(*_: Any) -> None:
        raise OSError(98, "Address already in use")

    monkeypatch.setattr(socket.socket, "bind", exhausted)
    with pytest.raises(ServiceFailed, match="all ephemeral ports are in use"):
        lab.service(apps.greeter, "greeter")


def test_without_file_descriptors_it_says_what_to_do(
    lab: Lab, apps: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    def none_left(*_: Any, **__: Any) -> None:
        raise OSError(24, "Too many open files")

    monkeypatch.setattr(ports.socket, "socket", none_left)
    with pytest.raises(ServiceFailed, match="ulimit -n"):
        lab.service(apps.greeter, "greeter")


def test_all_go_when_their_parent_is_killed(tmp_path: Path) -> None:
    """kill -9 of the process that started them, however many processes deep."""
    folder = tmp_path / "round"
    folder.mkdir()
    wire, childs_end = multiprocessing.Pipe()
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / data_files.DATA_HASH).write_text("")
    setting = Setting(catalog.source(str(WEB)), "calm", {"rate": 7}, "1", folder, design="relay")
    task = rounds.Task(setting, tmp_path / "data", "relay", "killed")
    child = forking.start("archlab.bench.round_process:run_round", task, childs_end, name="round")
    childs_end.close()
    ports = [int(port) for port in _written(folder / "ports").split()]
    assert all(_answers(port) for port in ports)
    child.kill()
    child.join()
    deadline = time.monotonic() + 5
    while any(_answers(port) for port in ports):
        assert time.monotonic() < deadline, "a service has survived its parent"
        os.sched_yield()
    wire.close()


def _written(path: Path) -> str:
    deadline = time.monotonic() + 10
    while not path.exists():
        assert time.monotonic() < deadline
        time.sleep(0.01)
    return path.read_text()


def _answers(port: int) -> bool:
    client = Client(port, timeout=2)
    try:
        return client.get("/hello/you").ok
    except ABSENT:
        return False
    finally:
        client.close()


def test_a_run_of_services_end_to_end(tmp_path: Path) -> None:
    """Rounds, a load by several connections, an experiment with a kill, traces across processes; judged valid."""
    scenario = catalog.find(str(WEB))
    run = judge(scenario, execute(Plan(scenario, {}, quick=True), tmp_path / "cache", lambda event: None))
    assert run.valid, run.invalid_reasons
    assert {c.id: c.outcome for c in run.claims} == {"answers": "held"}
    relay = run.trace("greet", "relay", "pressure")
    assert relay is not None and {span.process for span in relay.spans} == {"worker", "relay", "greeter"}
    # What asks is the bench's, and no part of the design.
    assert (run.design("direct").processes, run.design("relay").processes) == (1, 2)
    direct = run.measured("greet_p50", "direct", "calm")
    assert direct is not None and direct.value is not None


def test_a_service_that_dies_in_mid_run_makes_it_invalid(tmp_path: Path) -> None:
    scenario = catalog.find(str(WEB)).only(["direct"], ["calm"])
    run = execute(Plan(scenario, {"rate": 13}, quick=True), tmp_path / "cache", lambda event: None)
    assert any("greeter ended unplanned with exit code 7" in reason for reason in run.invalid_reasons)
