"""Prefect's own watchers at work: a frozen run is called crashed and told, logs are masked, old runs are forgotten."""

import json
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import psutil
import pytest
from sqlalchemy import select
from sqlmodel import col

from flows import automations
from flows.child import ROOT
from flows.prefect_home import DAY_S, FIXED, free_port
from flows.service import Service
from flows.settings import Settings, write_keys
from flows.store import opened
from models.db import Database
from models.messages import Message

CANARY = {
    "id": "530112194505050023",
    "phone": "13899990001",
    "account": "6222021234567890123",
    "mail": "canary1@example.cn",
    "token": "Bearer c4n4ry-t0ken-0001",
}
LOUD = """
import logging
from prefect import flow, task, get_run_logger
values = {values!r}
@task
def talk():
    get_run_logger().warning("task says %s", values["phone"])
@flow
def loud():
    log = get_run_logger()
    log.info("id %s", values["id"])
    log.info("all %(mail)s %(account)s", values)
    log.warning("hand over %s", values)
    logging.getLogger("httpx").warning("GET https://x.example.cn/?access_token=%s", "c4n4ry-t0ken-0001")
    logging.getLogger("sqlalchemy.engine").error("Key (id_number)=(%s)", values["id"])
    log.error("%d is no number", values["phone"])
    try:
        raise ValueError("row of " + " ".join(values.values()))
    except ValueError:
        log.exception("it failed")
    talk()
    raise RuntimeError("in the end: " + " ".join(values.values()))
try:
    loud()
except RuntimeError:
    pass
"""


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    var = tmp_path_factory.mktemp("watchers")
    write_keys(var / "keys" / "tuoqi.keys")
    settings = Settings(var_dir=var, operators="ops@example.cn")
    with opened(settings):
        pass
    with Service(settings, port=free_port(), patience_s=1, schedules=False) as running:
        automations.ensure(running.api, timedelta(seconds=10))  # in life three times 30 s
        yield running


def until(happened: Callable[[], bool], seconds: float = 90) -> None:
    end = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < end
        time.sleep(0.3)


def alarms(database: Database) -> list[tuple[str, str]]:
    with database.read() as session:
        rows = session.execute(select(col(Message.dedupe_key), col(Message.state)))
        return [(key.split(":")[1], state) for key, state in rows.tuples()]


def engine_of(service: Service, identity: str) -> psutil.Process:
    """The process of a run."""
    (worker,) = (child for child in service.children if child.name == "worker")
    for process in psutil.Process(worker.process.pid).children(recursive=True):
        if process.environ().get("PREFECT__FLOW_RUN_ID") == identity:
            return process
    raise AssertionError(identity)


def test_automations_are_made_once_and_brought_up_to_date(service: Service) -> None:
    automations.ensure(service.api, timedelta(seconds=10))
    found = service.api.ask("POST", "/automations/filter", {})
    assert sorted(each["name"] for each in found) == sorted(automations.NAMES)
    assert automations.present(service.api) == set(automations.NAMES)


def test_a_run_that_stops_to_live_is_called_crashed_and_operators_hear_of_it(service: Service) -> None:
    """The process is frozen, so its worker sees nothing amiss, as when a machine hangs."""
    with opened(service.settings) as database:
        with database.write():  # duty-report waits for its turn to write
            identity = service.api.start("duty-report", {"month": "2026-03"})
            until(lambda: service.api.run(identity).state == "RUNNING")
            began = service.api.run(identity).started
            assert began is not None
            until(lambda: service.api.beats(identity, began - timedelta(minutes=1)))
            process = engine_of(service, identity)
            process.send_signal(signal.SIGSTOP)
        try:
            until(lambda: service.api.run(identity).state == "CRASHED")
        finally:
            process.kill()
        until(lambda: ("failed-duty-report", "accepted") in alarms(database))
    (letter,) = service.settings.own_folder("outbox").glob("alarm-job-*.eml")
    assert letter.stat().st_size


def test_a_killed_run_is_told_too_and_the_alarm_does_not_tell_of_itself(service: Service) -> None:
    with opened(service.settings) as database:
        with database.write():
            identity = service.api.start("message-report", {"month": "2026-03"})
            fake = service.api.start("run-failed", {"job": "x", "run": "y"})  # waits as well, and is killed as well
            for each in (identity, fake):
                until(lambda each=each: service.api.run(each).state == "RUNNING")  # type: ignore[misc]
                engine_of(service, each).kill()
        for each in (identity, fake):
            until(lambda each=each: service.api.run(each).state == "CRASHED")  # type: ignore[misc]
        until(lambda: ("failed-message-report", "accepted") in alarms(database))
        assert "failed-run-failed" not in dict(alarms(database))


def test_what_a_run_logs_is_masked_in_prefect_and_on_the_terminal(service: Service, tmp_path: Path) -> None:
    script = tmp_path / "loud.py"
    script.write_text(LOUD.format(values=CANARY))
    words = [sys.executable, str(script)]
    done = subprocess.run(words, env=service.env, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    lines = [json.loads(line) for line in done.stderr.splitlines() if line.startswith("{")]
    assert {"id ***", "task says ***"} <= {line["text"] for line in lines}, done.stderr
    assert any("ValueError" in line.get("error", "") for line in lines)
    assert {line["level"] for line in lines} >= {"INFO", "WARNING", "ERROR"}
    logged = service.api.ask("POST", "/logs/filter", {"limit": 200})
    assert sum("***" in each["message"] for each in logged) >= 5
    shown = done.stderr + done.stdout + json.dumps(logged, ensure_ascii=False)
    secrets = [*CANARY.values(), "c4n4ry-t0ken-0001"]
    assert [secret for secret in secrets if secret in shown] == []


def test_the_service_s_own_logs_are_lines_of_json(service: Service) -> None:
    text = (service.settings.var_dir / "logs" / "worker.log").read_text("utf-8")
    lines = [json.loads(line) for line in text.splitlines() if line.startswith("{")]
    assert any(line["logger"].startswith("prefect") for line in lines)


def test_prefect_forgets_runs_and_events_after_their_time(service: Service, tmp_path: Path) -> None:
    """The real vacuum, on a copy of the server's database half of whose runs are aged."""
    copy = tmp_path / "prefect.db"
    with closing(sqlite3.connect(service.settings.var_dir / "prefect" / "prefect.db")) as source:
        with closing(sqlite3.connect(copy)) as target:
            source.backup(target)
    ages = {"run": (32, 30), "events": (4, 2)}
    with closing(sqlite3.connect(copy)) as database:
        ended = "SELECT id FROM flow_run WHERE state_type IN ('COMPLETED', 'FAILED', 'CRASHED') ORDER BY id"
        runs = [row[0] for row in database.execute(ended)]
        events = [row[0] for row in database.execute("SELECT id FROM events ORDER BY id")]
        assert len(runs) >= 2
        assert len(events) >= 2
        for number, run in enumerate(runs):
            age = f"-{ages['run'][number % 2]} days"
            database.execute(
                "UPDATE flow_run SET end_time = strftime('%Y-%m-%d %H:%M:%f', 'now', ?) WHERE id = ?", (age, run)
            )
        for number, event in enumerate(events):
            age = f"-{ages['events'][number % 2]} days"
            database.execute(
                "UPDATE events SET occurred = strftime('%Y-%m-%d %H:%M:%f', 'now', ?) WHERE id = ?", (age, event)
            )
        database.commit()
    vacuum = (
        "import asyncio\n"
        "from prefect.server.database import provide_database_interface\n"
        "from prefect.server.services.db_vacuum import vacuum_old_events, vacuum_old_flow_runs\n"
        "async def clean():\n"
        "    db = provide_database_interface()\n"
        "    await vacuum_old_flow_runs(db=db)\n"
        "    await vacuum_old_events(db=db)\n"
        "asyncio.run(clean())\n"
    )
    env = {**service.env, "PREFECT_API_DATABASE_CONNECTION_URL": f"sqlite+aiosqlite:///{copy}"}
    subprocess.run([sys.executable, "-c", vacuum], env=env, cwd=ROOT, check=True, timeout=60)
    with closing(sqlite3.connect(copy)) as database:
        left = [row[0] for row in database.execute(ended)]
        assert left == runs[1::2]
        assert [row[0] for row in database.execute("SELECT id FROM events ORDER BY id")] == events[1::2]


def test_every_setting_of_prefect_that_we_fix_is_one_that_it_knows_and_reads() -> None:
    from prefect.settings import Settings as PrefectSettings
    from prefect.settings.legacy import _get_valid_setting_names

    known = _get_valid_setting_names(PrefectSettings)
    assert FIXED.keys() - {"PREFECT_PROFILE"} <= known
    with pytest.MonkeyPatch.context() as shell:
        for name, value in FIXED.items():
            shell.setenv(name, value)
        found = PrefectSettings()
    vacuum = found.server.services.db_vacuum
    assert vacuum.enabled_vacuum_types >= {"events", "flow_runs"}
    assert vacuum.retention_period == timedelta(seconds=31 * DAY_S)
    assert found.server.events.retention_period == timedelta(days=3)
    assert found.flows.heartbeat_frequency == 30
    assert found.logging.config_path == ROOT / "flows" / "logging.yaml"
