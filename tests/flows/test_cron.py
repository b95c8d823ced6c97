"""The real server and worker: schedules fire, forms run, and what prefect.yaml says is what the server has."""

import json
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import psutil
import pytest
import yaml
from prefect.settings import Settings as PrefectSettings
from prefect.settings.legacy import _get_valid_setting_names
from sqlmodel import col, select

from flows import automations, lost_runs
from flows.child import ROOT, Child
from flows.lost_runs import LostRuns
from flows.prefect_api import ENDED, Run
from flows.prefect_home import FIXED, free_port
from flows.registering import CITY_JOBS
from flows.service import Service
from flows.service_errors import NoSuchJob, Refused
from flows.settings import Settings, write_keys
from flows.store import opened
from models import audit
from models.jobs import JobRun
from models.messages import Message
from notifications.outbox import enqueue
from tests.flows.test_deliver import SMS
from tests.flows.watchers import CANARY, OldDatabase, alarms, process_of, shout, until

DECLARED = {each["name"]: each for each in yaml.safe_load((ROOT / "prefect.yaml").read_text("utf-8"))["deployments"]}


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """One service for the whole file: its start costs 20 s, ten of them Prefect's own migrations."""
    var = tmp_path_factory.mktemp("service")
    write_keys(var / "keys" / "tuoqi.keys")
    settings = Settings(var_dir=var, operators="ops@example.cn")
    with opened(settings):  # made before two jobs would make it at once
        pass
    with pytest.MonkeyPatch.context() as shell:
        shell.setenv("PREFECT_API_URL", "http://127.0.0.1:9/api")
        shell.setenv("PREFECT_HOME", str(var / "elsewhere"))
        shell.setenv("PREFECT_SERVER_SERVICES_SCHEDULER_ENABLED", "false")
        shell.chdir(var)
        with Service(settings, port=free_port(), patience_s=5) as running:
            yield running


def scheduled(service: Service, name: str) -> list[Run]:
    """The runs that the schedule began, not a person, and that have ended."""
    return [run for run in service.api.runs(name) if run.auto_scheduled and run.state in ENDED]


def test_a_cron_schedule_fires_by_itself_and_its_run_completes(service: Service) -> None:
    """One of a job without a schedule: of two runs at one instant the second may be cancelled."""
    path = f"/deployments/{service.api.deployment('message-gallery')['id']}"
    every_minute = {"active": True, "slug": "test", "schedule": {"cron": "* * * * *", "timezone": "Asia/Shanghai"}}
    (made,) = service.api.ask("POST", f"{path}/schedules", [every_minute])
    service.api.ask("PATCH", path, {"paused": False})  # what has changed is planned within seconds, else in a minute
    until(lambda: bool(scheduled(service, "message-gallery")), 130)
    run = service.api.run(scheduled(service, "message-gallery")[0].id)
    service.api.ask("DELETE", f"{path}/schedules/{made['id']}")
    assert (run.state, run.auto_scheduled) == ("COMPLETED", True), run.message
    assert run.scheduled is not None
    assert run.scheduled.second == 0
    assert run.started is not None
    assert run.started - run.scheduled < timedelta(seconds=60)


def between_schedules(service: Service, name: str) -> None:
    """Wait until the job is not at work and will not be by its schedule: a run beside that one would be cancelled."""

    def clear() -> bool:
        planned = [run.scheduled for run in service.api.runs(name) if run.auto_scheduled and run.state == "SCHEDULED"]
        soon = service.api.now() + timedelta(seconds=40)
        return all(at and at > soon for at in planned) and bool(planned) and not service.api.under_way(name)

    until(clear)


def test_a_message_leaves_by_itself_within_seconds_though_deliver_runs_rarely(service: Service) -> None:
    """The real bell asks the real database and starts the real job."""

    def sent() -> bool:
        with opened(service.settings) as database, database.read() as session:
            mine = select(col(Message.state)).where(col(Message.dedupe_key) == SMS.key)
            return session.execute(mine).scalar_one() in {"accepted", "cancelled"}

    between_schedules(service, "deliver")
    began = time.monotonic()
    with opened(service.settings) as database, database.write() as session:
        enqueue(session, [SMS], service.settings.now())
    service._until("the message", 60, sent)
    assert time.monotonic() - began < 30
    assert [run for run in service.api.runs("deliver") if not run.auto_scheduled]


def test_a_run_with_the_values_of_its_form_completes_and_leaves_a_page(service: Service) -> None:
    run = service.run_deployment("duty-report", {"month": "2026-03"})
    assert run.done, run.message
    assert run.parameters["month"] == "2026-03"
    assert [page["key"] for page in run.artifacts] == ["duty-report-2026-03"]


@pytest.mark.parametrize("name", ["duty-report", "duty-watch"])
def test_a_form_left_as_it_opens_is_accepted(service: Service, name: str) -> None:
    """The UI sends every field that has a default, also those nobody touched."""
    fields = service.api.deployment(name)["parameter_openapi_schema"]["properties"]
    between_schedules(service, name)
    run = service.run_deployment(name, {field: shown["default"] for field, shown in fields.items()})
    assert run.done, run.message


@pytest.mark.parametrize(
    ("name", "values"),
    [
        pytest.param("duty-record", {"centre": "C01"}, id="a field is missing"),
        pytest.param("duty-plan", {"month": "三月"}, id="no month"),
        pytest.param("duty-plan", {"publish": "maybe"}, id="neither yes nor no"),
    ],
)
def test_values_that_do_not_fit_the_form_are_refused_before_a_run(
    service: Service, name: str, values: dict[str, Any]
) -> None:
    with pytest.raises(Refused, match=name):
        service.run_deployment(name, values)


def test_an_unknown_job_is_refused_by_name(service: Service) -> None:
    with pytest.raises(NoSuchJob, match="duty-plane"):
        service.run_deployment("duty-plane")


def test_the_server_has_exactly_the_deployments_of_prefect_yaml(service: Service) -> None:
    assert {each["name"] for each in service.api.deployments()} == set(DECLARED)


@pytest.mark.parametrize("name", DECLARED)
def test_every_key_of_a_deployment_takes_effect(service: Service, name: str) -> None:
    """Prefect ignores a key it does not know, without a word: so each key is read back from the server."""
    assert _as_declared(service.api.deployment(name)) == {"schedules": [], "parameters": {}, **DECLARED[name]}


def test_every_key_of_the_job_that_only_a_city_has_takes_effect_too(service: Service) -> None:
    env = {**service.env, "TUOQI_DISTRICTS": "530112 西山区, 530102 五华区"}
    words = ["deploy", "--all", "--prefect-file", str(CITY_JOBS)]
    deploy = Child("deploy", words, env, service.settings.folder("logs"))
    try:
        assert deploy.process.wait(180) == 0
        (declared,) = yaml.safe_load(CITY_JOBS.read_text("utf-8"))["deployments"]
        assert _as_declared(service.api.deployment(declared["name"])) == {"parameters": {}, **declared}
    finally:
        deploy.kill()
        service.api.keep_only(DECLARED.values())


@pytest.mark.parametrize("name", DECLARED)
def test_every_field_of_a_form_has_a_chinese_title_and_a_kind(service: Service, name: str) -> None:
    for field, shown in service.api.deployment(name)["parameter_openapi_schema"]["properties"].items():
        assert shown["title"] != field
        assert not shown["title"].isascii()
        assert not shown.get("description", "中").isascii()
        assert shown.keys() & {"type", "anyOf", "enum", "allOf", "$ref"}


def test_next_runs_are_at_the_district_s_time_with_the_parameters_of_their_schedule(service: Service) -> None:
    def planned() -> list[Any]:
        return [run for run in service.api.runs("duty-plan") if run.auto_scheduled and run.scheduled]

    service._until("duty-plan scheduled", 60, lambda: len(planned()) >= 2)
    for run in planned():
        local = service.settings.local(run.scheduled.astimezone(UTC))
        assert (local.hour, local.minute) == (8, 0)
        assert run.parameters["publish"] is (local.day >= 25)
        assert local.day >= 20


def test_shell_settings_of_prefect_are_ignored_and_logs_are_private(service: Service) -> None:
    var = service.settings.var_dir
    assert not (var / "elsewhere").exists()
    assert (var / "prefect" / "prefect.db").exists()
    logs = var / "logs"
    assert {path.name for path in logs.iterdir()} >= {"server.log", "worker.log", "deploy.log"}
    assert logs.stat().st_mode & 0o077 == 0


def test_the_server_s_garbage_is_collected_in_a_thread(service: Service) -> None:
    """Elsewhere SQLite would stand still for a minute now and then (docs/decisions/0038)."""
    (server,) = (child for child in service.children if child.name == "server")
    assert "flows.server" in psutil.Process(server.process.pid).cmdline()


def test_the_ui_asks_the_host_it_came_from(service: Service) -> None:
    with httpx.Client(trust_env=False) as browser:
        assert browser.get(f"{service.url}/ui-settings").json()["api_url"] == "/api"
        foreign = browser.get(f"{service.url}/api/health", headers={"Origin": "http://elsewhere.example"})
    assert "access-control-allow-origin" not in foreign.headers


def _as_declared(found: dict[str, Any]) -> dict[str, Any]:
    """What the server has, in the words of prefect.yaml."""
    schedules = [
        {"slug": each["slug"], "cron": each["schedule"]["cron"], "timezone": each["schedule"]["timezone"]}
        | ({"parameters": each["parameters"]} if each["parameters"] else {})
        for each in sorted(found["schedules"], key=lambda each: each["slug"])
        if each["active"]
    ]
    limit = {}
    if found["global_concurrency_limit"]:
        strategy = found["concurrency_options"]["collision_strategy"]
        number = found["global_concurrency_limit"]["limit"]
        limit["concurrency_limit"] = {"limit": number, "collision_strategy": strategy}
    return {
        **{key: found[key] for key in ("name", "version", "entrypoint", "tags", "description", "parameters")},
        "schedules": schedules,
        **limit,
        "work_pool": {"name": found["work_pool_name"], "work_queue_name": found["work_queue_name"]},
    }


def test_the_run_s_code_is_this_repository_s_whatever_the_folder(service: Service) -> None:
    variables = service.api.ask("GET", "/work_pools/tuoqi")["base_job_template"]["variables"]["properties"]
    assert Path(variables["working_dir"]["default"]) == ROOT
    assert Path.cwd() != ROOT


def test_automations_are_there_once_and_are_brought_up_to_date(service: Service) -> None:
    automations.ensure(service.api)
    found = service.api.ask("POST", "/automations/filter", {})
    assert {each["name"] for each in found} >= set(automations.NAMES)
    assert len({each["name"] for each in found}) == len(found)
    assert automations.present(service.api) == set(automations.NAMES)


@pytest.mark.timeout(700)
def test_a_run_that_stops_to_live_is_called_crashed_and_operators_hear_of_it_and_of_a_killed_one(
    service: Service,
) -> None:
    """The frozen process is no news to its worker, as when a machine hangs; the killed ones are.

    The automation calls it so within seconds; where SQLite was locked and Prefect gave up an event, the bell does.
    """
    frozen = service.api.start("duty-plan")  # nobody serves: it will wait for its next try
    zombies = automations.automations("", timedelta(seconds=10))[0]  # in life three times 30 s
    own = {"prefect.resource.id": f"prefect.flow-run.{frozen}"}
    service.api.ask(
        "POST", "/automations/", {**zombies, "name": "frozen", "trigger": {**zombies["trigger"], "match": own}}
    )
    killed = service.api.start("message-report", {"month": "2026-03"})
    process_of(service, killed).kill()
    untold = service.api.start("run-failed", {"job": "x", "run": "y"})
    process_of(service, untold).kill()
    until(lambda: service.api.last_beat(frozen) is not None)
    process = process_of(service, frozen)
    process.send_signal(signal.SIGSTOP)
    try:
        for each in (frozen, killed, untold):
            until(lambda each=each: service.api.run(each).state == "CRASHED", 400)  # type: ignore[misc]
    finally:
        process.kill()
    told = {"failed-duty-plan": "accepted", "failed-message-report": "accepted"}
    until(lambda: alarms(service).items() >= told.items())
    assert "failed-run-failed" not in alarms(service)
    assert {run.parameters.get("number") for run in service.api.runs("run-failed")} >= {frozen, killed}
    written = (service.settings.var_dir / "logs" / "worker.log").read_text("utf-8").splitlines()
    assert any(json.loads(line)["logger"].startswith("prefect") for line in written if line.startswith("{"))


def test_a_run_that_was_taken_and_never_began_is_called_crashed(service: Service) -> None:
    ask = service.api.ask
    flow = ask("POST", "/flows/", {"name": "never-begun"})["id"]
    run = ask("POST", "/flow_runs/", {"flow_id": flow, "state": {"type": "SCHEDULED"}})["id"]
    unborn = automations.automations("", birth=timedelta(seconds=10))[1]  # the least that Prefect takes
    own = {"prefect.resource.id": f"prefect.flow-run.{run}"}
    ask("POST", "/automations/", {**unborn, "name": "unborn", "trigger": {**unborn["trigger"], "match": own}})
    ask("POST", f"/flow_runs/{run}/set_state", {"state": {"type": "PENDING"}})
    until(lambda: service.api.run(run).state == "CRASHED")


def test_runs_that_nobody_is_at_end_without_an_event_and_one_that_lives_does_not(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No process was ever at them, and no automation saw them begin; one sends heartbeats, as an engine would."""
    ask = service.api.ask
    flow = ask("POST", "/flows/", {"name": "lost"})["id"]
    first = {"silent": "RUNNING", "never-begun": "PENDING", "alive": "RUNNING"}
    runs = {
        name: ask("POST", "/flow_runs/", {"flow_id": flow, "name": name, "state": {"type": state}})["id"]
        for name, state in first.items()
    }
    lost = LostRuns(service.api)

    def states() -> dict[str, str]:
        """After a heartbeat of a worker whose clock is ten minutes slow: what counts is when it arrives."""
        own = {"prefect.resource.id": f"prefect.flow-run.{runs['alive']}"}
        slow = (service.api.now() - timedelta(minutes=10)).isoformat()
        before = service.api.last_beat(runs["alive"])
        beat = {"id": f"{uuid4()}", "event": "prefect.flow-run.heartbeat", "occurred": slow, "resource": own}
        ask("POST", "/events", [beat])
        until(lambda: service.api.last_beat(runs["alive"]) != before)
        lost.end()
        return {name: service.api.run(identity).state for name, identity in runs.items()}

    with unseen_by_the_automation(service):
        assert states() == states() == first
        for name in ("_SILENT", "_UNBORN"):  # in life some minutes
            monkeypatch.setattr(lost_runs, name, timedelta(seconds=20))
        until(lambda: states() == {**first, "never-begun": "CRASHED", "silent": "CRASHED"})
        assert [states()["alive"] for _ in range(3)] == ["RUNNING"] * 3
    service.api.crash(runs["alive"], "the end of the test")


@contextmanager
def unseen_by_the_automation(service: Service) -> Iterator[None]:
    """It goes by the clock of who sends, so that a run whose last heartbeat is of ten minutes ago is dead to it."""
    found = service.api.ask("POST", "/automations/filter", {})
    (zombies,) = (each["id"] for each in found if each["name"] == automations.ZOMBIES)
    service.api.ask("PATCH", f"/automations/{zombies}", {"enabled": False})
    try:
        yield
    finally:
        service.api.ask("PATCH", f"/automations/{zombies}", {"enabled": True})


def test_a_late_job_is_told_and_begun_again_and_then_it_is_done(service: Service) -> None:
    with opened(service.settings) as database, database.write() as session:
        audit.record(session, "530112", "test", "test.began", datetime(2026, 3, 1, tzinfo=UTC), rows=0)
    late = "2026-03-10T09:31:00+08:00"
    until(lambda: service.run_deployment("watch-jobs", at=late).done)  # cancelled while a scheduled one is at work
    until(lambda: alarms(service).get("late-message-report-2026-03-10") == "accepted")

    def again() -> list[Run]:
        return [run for run in service.api.runs("message-report") if run.parameters.get("as_of") == "2026-03-10"]

    until(lambda: any(run.state in ENDED for run in again()))
    assert [run.done for run in again()] == [True]
    assert "tuoqi_job_late" in (service.settings.var_dir / "metrics" / "tuoqi.prom").read_text()
    with opened(service.settings) as database, database.read() as session:
        (row,) = session.exec(select(JobRun).where(col(JobRun.run_key) == "2026-03-10")).all()
    assert (row.job, row.state) == ("message-report", "done")


def test_what_a_run_logs_is_masked_in_prefect_and_on_the_terminal(service: Service, tmp_path: Path) -> None:
    done = shout(service, tmp_path)
    lines = [json.loads(line) for line in done.stderr.splitlines() if line.startswith("{")]
    assert {"id ***", "task says ***"} <= {line["text"] for line in lines}, done.stderr
    assert any("ValueError" in line.get("error", "") for line in lines)
    assert {line["level"] for line in lines} >= {"INFO", "WARNING", "ERROR"}
    logged = service.api.ask("POST", "/logs/filter", {"limit": 200, "sort": "TIMESTAMP_DESC"})
    assert sum("***" in each["message"] for each in logged) >= 5
    shown = done.stderr + done.stdout + json.dumps(logged, ensure_ascii=False)
    assert [secret for secret in CANARY.values() if secret.removeprefix("Bearer ") in shown] == []


def test_prefect_forgets_runs_after_a_month_and_events_after_three_days(service: Service, tmp_path: Path) -> None:
    service.run_deployment("message-gallery")
    old = OldDatabase(service, tmp_path)
    ended = "SELECT id FROM flow_run WHERE state_type IN ('COMPLETED', 'FAILED', 'CRASHED') ORDER BY id"
    runs, events = old.rows(ended), old.rows("SELECT id FROM events ORDER BY id")
    old.age("flow_run", "end_time", runs, (32, 30))
    old.age("events", "occurred", events, (4, 2))
    old.vacuum()
    assert old.rows(ended) == runs[1::2]
    assert old.rows("SELECT id FROM events ORDER BY id") == events[1::2]


def test_every_setting_of_prefect_that_we_fix_is_one_that_it_knows_and_reads() -> None:
    assert FIXED.keys() - {"PREFECT_PROFILE"} <= _get_valid_setting_names(PrefectSettings)
    with pytest.MonkeyPatch.context() as shell:
        for name, value in FIXED.items():
            shell.setenv(name, value)
        found = PrefectSettings()
    vacuum = found.server.services.db_vacuum
    assert vacuum.enabled_vacuum_types >= {"events", "flow_runs"}
    assert vacuum.retention_period == timedelta(days=31)
    assert found.server.events.retention_period == timedelta(days=3)
    assert found.flows.heartbeat_frequency == 30
    assert found.logging.config_path == ROOT / "flows" / "logging.yaml"
