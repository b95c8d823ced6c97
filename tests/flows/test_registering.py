"""Registering: what a person put out of force stays so, whatever becomes of the registration; a paused pool too."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import pytest

from flows import automations, registering
from flows.prefect_api import PRIORITIES, QUEUES, PrefectApi
from flows.service_errors import ChildDied


class Server:
    """Prefect with one job that somebody has paused."""

    def __init__(self) -> None:
        self.held = {"allowance-release"}
        self.kept: list[str] = []

    def paused(self) -> set[str]:
        return set(self.held)

    def pause(self, names: Iterable[str]) -> None:
        self.held |= set(names)

    def keep_only(self, declared: Iterable[Mapping[str, Any]]) -> None:
        self.kept = [each["name"] for each in declared]


def deploy(server: Server, code: int) -> Any:
    """Prefect's command: it brings back every schedule, paused or not, and then ends with this code."""

    def start(*_: str) -> Any:
        server.held.clear()
        return SimpleNamespace(process=SimpleNamespace(wait=lambda _: code), kill=lambda: None, log=Path("deploy.log"))

    return start


@pytest.mark.parametrize("code", [0, 1])
def test_what_a_person_has_paused_stays_paused_though_the_registration_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    monkeypatch.setattr(automations, "ensure", lambda _: None)
    file, server = tmp_path / "jobs.yaml", Server()
    file.write_text("deployments: [{name: duty-day}]")
    try:
        registering.register_jobs(server, [file], deploy(server, code))  # type: ignore[arg-type]
    except ChildDied:
        assert code
    assert server.held == {"allowance-release"}
    assert server.kept == ([] if code else ["duty-day"])


@pytest.mark.parametrize(("held", "told"), [(False, {}), (True, {"is_paused": True})])
def test_a_pool_that_a_person_has_paused_is_not_let_go_by_registering(held: bool, told: dict[str, bool]) -> None:
    asked: list[tuple[str, str, bytes]] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append((request.method, request.url.path, request.content))
        return httpx.Response(200, json=[] if request.url.path.endswith("filter") else {"name": "tuoqi"})

    api = PrefectApi("http://127.0.0.1:9/api")
    api.http = httpx.Client(base_url="http://127.0.0.1:9/api", transport=httpx.MockTransport(answer))
    api.make_pool({}, held=held)
    (pool,) = (content for method, path, content in asked if (method, path) == ("PATCH", "/api/work_pools/tuoqi"))
    assert httpx.Response(200, content=pool).json() == {"base_job_template": {}, **told}
    api.close()


def test_every_queue_has_a_priority_of_its_own_and_what_sends_and_alarms_goes_first() -> None:
    assert PRIORITIES.keys() == QUEUES.keys()
    assert sorted(PRIORITIES.values()) == [1, 2, 3, 4, 5]
    assert sorted(QUEUES, key=PRIORITIES.__getitem__)[:2] == ["urgent", "watch"]


@pytest.mark.parametrize("runs", [0, 199, 200, 201, 400])
def test_all_runs_are_read_however_many_pages_they_fill(runs: int) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        offset = httpx.Response(200, content=request.content).json()["offset"]
        return httpx.Response(200, json=[{"id": str(number)} for number in range(runs)][offset : offset + 200])

    api = PrefectApi("http://127.0.0.1:9/api")
    api.http = httpx.Client(base_url="http://127.0.0.1:9/api", transport=httpx.MockTransport(answer))
    assert [run["id"] for run in api.unfinished()] == [str(number) for number in range(runs)]
    api.close()


def test_the_heartbeat_that_came_last_counts_whichever_a_worker_calls_the_newest() -> None:
    """Its clock was ten minutes fast at the first heartbeat, and was set right before the second."""
    beats = [("2026-03-10T06:10:00Z", "2026-03-10T06:00:00Z"), ("2026-03-10T06:09:30Z", "2026-03-10T06:09:30Z")]
    events = [{"occurred": occurred, "received": received} for occurred, received in beats]
    api = PrefectApi("http://127.0.0.1:9/api")
    answer = httpx.MockTransport(lambda _: httpx.Response(200, json={"events": events}))
    api.http = httpx.Client(base_url="http://127.0.0.1:9/api", transport=answer)
    assert api.last_beat("a run") == datetime(2026, 3, 10, 6, 9, 30, tzinfo=UTC)
    events.clear()
    assert api.last_beat("a run") is None
    api.close()
