"""The doctor: a healthy district has nothing bad, and each thing that breaks is found with what to do about it."""

import fcntl
import json
import os
import shutil
import socket
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import UTC, date, datetime, timedelta
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from sqlalchemy import text

from flows import automations, doctor, doctor_database, doctor_service, ringer
from flows.doctor import Finding, examine
from flows.jobs import owner, real_now
from flows.keep_files import PROVED
from flows.prefect_api import QUEUES
from flows.settings import Settings, write_keys
from models import audit, schema
from models.cadre import Cadre, Roster
from models.db import Database
from models.district import Centre, ensure_places
from models.duty import DutySlot
from models.jobs import JobRun
from models.providers import ProviderState
from notifications.catalogue import template
from notifications.lint import lint
from notifications.outbox import Draft, enqueue
from rules.calendar import dates_between
from rules.errors import LANGUAGE

AT = datetime(2026, 3, 26, 0, 0, tzinfo=UTC)
"""08:00 on 26 March in the district: the morning's job is done, April is published."""


@pytest.fixture
def healthy(database: Database, configured: Settings) -> Settings:
    """A district in good order: two months published, the morning done."""
    with database.write() as session:
        community = ensure_places(session, 1, [("马街", "一社区")], ["S-1"])["马街", "一社区"]
        session.add(Centre(district_id=1, community_id=community, code="C1", name="中心"))
        name = database.keys.seal("cadre.name", "C-1", "李建国")
        session.add(Cadre(district_id=1, number="G1", ref="C-1", name=name))
        session.flush()
        for day in dates_between(date(2026, 3, 1), date(2026, 4, 30)):
            session.add(DutySlot(centre_id=1, day=day, cadre_id=1, state="published", published_at=AT))
        session.add(Roster(centre_id=1, cadre_id=1, since=date(2020, 1, 1)))
        session.add_all([_run("2026-03-26", "done"), _run("2026-04", "done", "duty-publish")])
        audit.record(session, "530112", "duty-day", "duty.change", AT - timedelta(days=1), slots=1)
    url = database.engine.url.render_as_string(hide_password=False)
    if url.startswith("sqlite"):
        Path(url.removeprefix("sqlite:///")).chmod(0o600)
    configured.folder("")
    return configured.model_copy(update={"database_url": url, "at": AT})


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lint each template once for all tests."""
    monkeypatch.setattr(doctor, "lint", lambda template: _lint(template.name))


@cache
def _lint(name: str) -> list[str]:
    return lint(template(name))


def _run(key: str, state: str, job: str = "duty-day", by: str = "", minutes: int = 10) -> JobRun:
    until = real_now() + timedelta(minutes=minutes)
    names: dict[str, Any] = {"job": job, "run_key": key, "partition": "530112", "state": state, "owner": by or owner()}
    return JobRun(**names, lease_until=until, started_at=real_now())


def _found(settings: Settings, name: str) -> list[Finding]:
    return [finding for finding in examine(settings) if finding.name == name]


def _one(settings: Settings, name: str) -> Finding:
    (found,) = _found(settings, name)
    return found


def _but(settings: Settings, **changed: Any) -> Settings:
    return settings.model_copy(update=changed)


def _do(settings: Settings, *statements: str) -> None:
    with closing(Database(settings.url, settings.keys())) as database, database.write() as session:
        for statement in statements:
            session.connection().execute(text(statement))


def _add(settings: Settings, *rows: object) -> None:
    with closing(Database(settings.url, settings.keys())) as database, database.write() as session:
        session.add_all(rows)


@pytest.mark.parametrize("language", ["zh", "en"])
def test_a_healthy_district_has_nothing_bad_and_every_finding_a_remedy(healthy: Settings, language: str) -> None:
    token = LANGUAGE.set(language)  # type: ignore[arg-type]
    try:
        found = examine(healthy)
    finally:
        LANGUAGE.reset(token)
    assert [finding for finding in found if finding.state == "bad"] == []
    warned = {finding.name for finding in found if finding.state == "warn"}
    assert warned == {
        "clock",
        "email",
        "sms",
        "answers",
        "operators",
        "service",
        "calendar",
        "backup",
    }
    assert all(finding.text and finding.remedy.endswith((".", "。")) for finding in found)
    if language == "en":
        told = " ".join(
            finding.text + finding.remedy for finding in found if finding.name not in {"policy", "settings"}
        )
        assert told.isascii()


def test_the_doctor_makes_nothing(tmp_path: Path) -> None:
    chosen = Settings(var_dir=tmp_path / "var", at=AT)
    names = {finding.name: finding.state for finding in examine(chosen)}
    assert (names["keys"], names["database"]) == ("warn", "warn")
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_no_finding_names_a_person(healthy: Settings) -> None:
    assert "李建国" not in str(examine(healthy))


def test_production_on_a_desks_defaults_is_bad(healthy: Settings) -> None:
    found = {f.name: f for f in examine(_but(healthy, environment="production"))}
    assert found["settings"].state == found["email"].state == found["sms"].state == "bad"
    assert "TUOQI_EMAIL" in found["settings"].text
    assert "TUOQI_POLICY" in found["sms"].remedy


def test_sms_that_no_policy_uses_need_no_gateway(healthy: Settings, tmp_path: Path) -> None:
    purposes = ("notice", "reminder", "head", "office", "change", "published")
    version = {"since": "2026-01-01", "channels": {purpose: ["email"] for purpose in purposes}}
    path = tmp_path / "mail.yaml"
    path.write_text(json.dumps({"duty": {"versions": [version]}}).replace('"2026-01-01"', "2026-01-01"))
    assert _one(_but(healthy, environment="production", policy=path), "sms").state == "ok"


def test_a_bad_policy_is_named(healthy: Settings, tmp_path: Path) -> None:
    path = tmp_path / "bad.yaml"
    path.write_text("duty: {versions: [{since: 2026-01-01, gapp: 3}]}")
    found = _one(_but(healthy, policy=path), "policies")
    assert found.state == "bad"
    assert "bad.yaml" in found.text


def test_keys_open_to_others_are_bad(healthy: Settings, tmp_path: Path) -> None:
    path = tmp_path / "open.keys"
    assert healthy.key_file
    shutil.copy(healthy.key_file, path)
    path.chmod(0o644)
    found = _one(_but(healthy, key_file=path), "keys")
    assert found.state == "bad"
    assert "chmod 600" in found.text


def test_missing_keys_are_bad_in_production_and_nothing_sealed_is_looked_at(healthy: Settings, tmp_path: Path) -> None:
    away = _but(healthy, key_file=tmp_path / "none", environment="production")
    assert [_one(away, name).state for name in ("keys", "database")] == ["bad", "bad"]


def test_the_keys_of_another_database_are_noticed(healthy: Settings, tmp_path: Path) -> None:
    write_keys(tmp_path / "other.keys")
    other = _but(healthy, key_file=tmp_path / "other.keys")
    assert _one(other, "seals").state == "bad"
    assert _one(other, "audit").state == "bad"


def test_a_var_folder_open_to_others_and_a_full_disk_are_noticed(
    healthy: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    healthy.folder("").chmod(0o755)
    assert "chmod 700" in _one(healthy, "folder").remedy
    usage = shutil.disk_usage(healthy.var_dir)
    for free, state in ((500_000_000, "warn"), (100_000_000, "bad")):
        monkeypatch.setattr(shutil, "disk_usage", lambda _, free=free: usage._replace(free=free))
        assert _one(healthy, "disk").state == state


@pytest.mark.parametrize(
    ("revision", "says"),
    [
        pytest.param("9999", "升级程序", id="newer"),
        pytest.param("", "tuoqi migrate", id="no revision"),
    ],
)
def test_a_database_of_another_version_is_bad(healthy: Settings, revision: str, says: str) -> None:
    _do(healthy, f"UPDATE alembic_version SET version_num = '{revision}'" if revision else "DROP TABLE alembic_version")
    found = _one(healthy, "database")
    assert found.state == "bad"
    assert says in found.text + found.remedy or "其他程序" in found.text


def test_an_older_database_is_sent_to_migrate(healthy: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    known = schema.history()
    monkeypatch.setattr("models.schema.history", lambda: ("next", *known))
    assert "tuoqi migrate" in _one(healthy, "database").remedy


def test_a_server_that_does_not_answer_is_one_finding_without_the_password(healthy: Settings) -> None:
    found = _one(_but(healthy, database_url="postgresql://tuoqi:geheim@127.0.0.1:1/x"), "database")
    assert found.state == "bad"
    assert "geheim" not in str(found)


def test_a_damaged_file_is_sent_to_restore(healthy: Settings, fresh_url: Callable[[str], str]) -> None:
    path = Path(fresh_url("sqlite").removeprefix("sqlite:///"))
    content = bytearray(path.read_bytes())
    for start in range(4096 * 12, len(content) - 4096, 4096):
        content[start : start + 200] = b"\xff" * 200
    path.write_bytes(content)
    found = examine(_but(healthy, database_url=f"sqlite:///{path}"))
    assert any(f.name in {"integrity", "database"} and f.state == "bad" and "tuoqi restore" in f.remedy for f in found)


def test_a_district_that_is_not_registered_is_bad(healthy: Settings) -> None:
    assert _one(_but(healthy, district="530102"), "district").state == "bad"


def test_an_altered_audit_entry_is_bad(healthy: Settings) -> None:
    _do(healthy, "UPDATE audit_entry SET actor = 'x'")
    assert _one(healthy, "audit").state == "bad"


@pytest.mark.parametrize(
    ("at", "states"),
    [
        pytest.param(AT, ["ok", "warn"], id="next year is not published yet"),
        pytest.param(datetime(2026, 12, 26, tzinfo=UTC), ["ok", "bad"], id="January could not be published"),
        pytest.param(datetime(2027, 1, 5, tzinfo=UTC), ["bad", "warn"], id="a provisional year has begun"),
    ],
)
def test_a_provisional_calendar_is_a_warning_until_it_hurts(healthy: Settings, at: datetime, states: list[str]) -> None:
    found = _found(_but(healthy, at=at), "calendar")
    assert [finding.state for finding in found] == states
    assert any("11 月" in finding.remedy for finding in found)


def test_a_calendar_with_holes_is_sent_to_migrate(healthy: Settings) -> None:
    _do(healthy, "DELETE FROM work_calendar WHERE date = '2026-05-01'")
    assert "tuoqi migrate" in _found(healthy, "calendar")[0].remedy


@pytest.mark.parametrize(
    ("channel", "waited", "stuck"),
    [
        pytest.param("sms", timedelta(minutes=14), False, id="a few minutes"),
        pytest.param("sms", timedelta(minutes=16), True, id="a quarter of an hour"),
        pytest.param("robot", timedelta(minutes=16), True, id="an alarm to a group"),
        pytest.param("call", timedelta(hours=23), False, id="a call on the list"),
        pytest.param("call", timedelta(hours=25), True, id="a call nobody made"),
    ],
)
def test_a_message_that_waits_too_long_is_noticed(
    healthy: Settings, channel: Any, waited: timedelta, stuck: bool
) -> None:
    _enqueue(healthy, AT - waited, channel)
    assert _one(healthy, "outbox").state == ("warn" if stuck else "ok")


def _enqueue(settings: Settings, at: datetime, channel: Any = "sms") -> None:
    address = {"call": "", "robot": "ops"}.get(channel, "13800138000")
    told: dict[str, Any]
    template_, told = "duty-released", {"name": "李建国", "date": "2026-07-12", "weekday": "周日", "centre": "马街中心"}
    if channel == "robot":
        template_, told = "alarm", {"what": "短信积压", "pending": 3, "oldest": "1小时", "remedy": "请查看"}
    draft = Draft("m:1", template_, channel, "C-1", address, told, "530112")
    with closing(Database(settings.url, settings.keys())) as database, database.write() as session:
        enqueue(session, [draft], at)


@pytest.mark.parametrize(("state", "command"), [("unknown", "settle"), ("dead", "resend")])
def test_messages_that_came_to_a_bad_end_are_noticed_for_a_week(healthy: Settings, state: str, command: str) -> None:
    _enqueue(healthy, AT)
    _do(healthy, f"UPDATE message SET state = '{state}', finished_at = created_at, request_hash = variables_hash")
    assert f"tuoqi message {command}" in _one(healthy, "outbox").remedy
    assert _one(_but(healthy, at=AT + timedelta(days=8)), "outbox").state == "ok"


def test_a_provider_that_is_left_alone_is_named_with_its_code_and_until_when(healthy: Settings) -> None:
    failing = ProviderState(provider="sms:aliyun", failures=2, since=AT, resume_at=AT, code="SignatureDoesNotMatch")
    _add(healthy, failing, ProviderState(provider="sms:tencent", full_at=AT))
    found = _one(healthy, "channel")
    assert found.state == "warn"
    assert all(told in found.text for told in ("sms:aliyun", "SignatureDoesNotMatch", "03-26 08:00"))


def test_runs_that_nobody_works_on_any_more_are_noticed(healthy: Settings) -> None:
    dead = owner().rpartition(":")[0] + ":1"
    _add(
        healthy,
        _run("2026-03-20", "running"),
        _run("2026-03-21", "running", minutes=-1),
        _run("2026-03-22", "running", by=dead),
        _run("2026-05", "failed", job="duty-publish"),
    )
    found = _found(healthy, "jobs")
    assert [finding.state for finding in found] == ["warn"] * 3
    assert "tuoqi run duty-day --on 2026-03-21" in found[0].remedy
    assert "2026-03-22" in found[1].text
    assert "tuoqi run duty-plan --param month=2026-05 --param publish=true" in found[2].remedy


@pytest.mark.parametrize(
    ("minute", "state"),
    [pytest.param(44, "ok", id="a minute before"), pytest.param(45, "bad", id="at its deadline")],
)
def test_a_job_that_is_late_is_named_with_its_command(healthy: Settings, minute: int, state: str) -> None:
    found = _one(_but(healthy, at=datetime(2026, 3, 27, 6, minute)), "deadlines")  # noqa: DTZ001 - the district's clock
    assert found.state == state
    assert ("tuoqi run duty-day --on 2026-03-27" in found.remedy) == (state == "bad")


@pytest.mark.parametrize(
    ("day", "states"),
    [
        pytest.param(date(2026, 4, 24), ["ok", "ok"], id="the 24th: not due"),
        pytest.param(date(2026, 4, 25), ["ok", "warn"], id="the 25th: due today"),
        pytest.param(date(2026, 4, 26), ["ok", "bad"], id="the 26th: overdue"),
        pytest.param(date(2026, 5, 1), ["bad", "ok"], id="the month has begun"),
    ],
)
def test_the_coming_month_is_published_by_the_25th(healthy: Settings, day: date, states: list[str]) -> None:
    at = datetime(day.year, day.month, day.day, 12)  # noqa: DTZ001 - wall clock of the district
    found = _found(_but(healthy, at=at), "duty-month")
    assert [finding.state for finding in found] == states
    assert all("publish=true" in finding.remedy for finding in found if finding.state != "ok")


def test_a_district_without_centres_is_sent_to_the_registers(database: Database, configured: Settings) -> None:
    url = database.engine.url.render_as_string(hide_password=False)
    assert "tuoqi template centre" in _one(_but(configured, database_url=url, at=AT), "duty-month").remedy


def test_a_template_that_does_not_render_is_bad(healthy: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "lint", lambda template: [f"{template.name}/en: wrong"])
    found = _found(healthy, "template")
    assert found
    assert {finding.state for finding in found} == {"bad"}


def test_a_check_that_breaks_off_is_a_finding_and_the_others_go_on(
    healthy: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> Iterator[Finding]:
        raise RuntimeError("李建国")
        yield

    monkeypatch.setitem(doctor_database._CHECKS, "seals", broken)
    assert "RuntimeError" in _one(healthy, "seals").text
    assert "李建国" not in str(examine(healthy))
    assert _one(healthy, "audit").state == "ok"


@contextmanager
def _mail_server() -> Iterator[int]:
    server = Controller(object(), hostname="127.0.0.1", port=_free())
    server.start()
    yield int(server.port)
    server.stop()


def _free() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_a_mail_server_that_answers_is_ok_and_one_that_does_not_is_bad(healthy: Settings) -> None:
    told = {"email": "smtp", "smtp_host": "127.0.0.1", "smtp_security": "none"}
    with _mail_server() as port:
        assert _one(_but(healthy, **told, smtp_port=port), "email").state == "ok"
        secured = _but(healthy, **told, smtp_port=port)
        assert _one(_but(secured, smtp_security="starttls"), "email").state == "bad"
    assert _one(_but(healthy, **told, smtp_port=_free()), "email").state == "bad"


@contextmanager
def _prefect(
    workers: list[dict[str, Any]],
    status: int = 200,
    missing: str = "",
    runs: Sequence[dict[str, Any]] = (),
    *,
    looked_s: int = 1,
    deaf: bool = False,
) -> Iterator[int]:
    """A server; its queues were looked at so many seconds ago, and no event arrives in one that is deaf."""
    looked = (real_now() - timedelta(seconds=looked_s)).isoformat()
    queues = [{"name": name, "last_polled": looked} for name in QUEUES]
    ours = [{"name": name, "enabled": True} for name in automations.NAMES if name != missing]

    class Answers(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._say(True)

        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            if self.path.endswith("/events"):
                self._say(None)
                return
            if "id" in asked.get("filter", {}):
                self._say({"events": [] if deaf else [{}]})
                return
            told = {
                "queues/filter": queues,
                "workers/filter": workers,
                "automations/filter": ours,
                "flow_runs/filter": runs,
            }
            answers = [each for path, each in told.items() if self.path.endswith(path)]
            self._say(answers[0] if answers else {"events": []})

        def _say(self, told: object) -> None:
            self.send_response(status)
            self.end_headers()
            self.wfile.write(json.dumps(told).encode())

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    thread = Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    yield int(server.server_address[1])
    server.shutdown()
    thread.join()
    server.server_close()


def _worker(beat: int | None) -> dict[str, Any]:
    """A worker as Prefect tells of it, whose last heartbeat was so many seconds ago."""
    told = None if beat is None else (real_now() - timedelta(seconds=beat)).isoformat()
    return {"name": "tuoqi", "last_heartbeat_time": told}


@pytest.mark.parametrize(
    ("beats", "status", "name", "state"),
    [
        pytest.param([10], 200, "service", "ok", id="all well"),
        pytest.param([10], 200, "automations", "ok", id="its automations are there"),
        pytest.param([10], 200, "heartbeats", "ok", id="no run is without a heartbeat"),
        pytest.param([900, 5], 200, "worker", "ok", id="one of two workers"),
        pytest.param([900], 200, "worker", "bad", id="a silent worker"),
        pytest.param([], 200, "worker", "bad", id="no worker"),
        pytest.param([None], 200, "worker", "bad", id="never a heartbeat"),
        pytest.param([], 500, "service", "bad", id="a server in trouble"),
    ],
)
def test_a_running_service_is_asked_for_its_health(
    configured: Settings, beats: list[int | None], status: int, name: str, state: str
) -> None:
    workers = [_worker(beat) for beat in beats]
    with _prefect(workers, status) as port, (configured.folder("prefect") / "service.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert _one(_but(configured, port=port, at=AT), name).state == state


def test_a_service_whose_server_is_gone_is_bad_and_one_that_is_not_running_a_warning(configured: Settings) -> None:
    away = _but(configured, port=_free(), at=AT)
    assert (_one(away, "service").state, "tuoqi up" in _one(away, "service").remedy) == ("warn", True)
    with (configured.folder("prefect") / "service.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert _one(away, "service").state == "bad"


def _served(configured: Settings, port: int, name: str) -> list[Finding]:
    with (configured.folder("prefect") / "service.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        return _found(_but(configured, port=port, at=AT), name)


def test_a_missing_automation_is_bad_and_named(configured: Settings) -> None:
    with _prefect([_worker(1)], missing="tuoqi-zombies") as port:
        (found,) = _served(configured, port, "automations")
    assert found.state == "bad"
    assert "tuoqi-zombies" in found.text
    assert "tuoqi register" in found.remedy


@pytest.mark.parametrize(("minutes", "states"), [(1, ["ok"]), (60, ["bad"])])
@pytest.mark.parametrize("state", ["RUNNING", "PENDING"])
def test_a_run_that_nobody_is_at_is_bad(configured: Settings, state: str, minutes: int, states: list[str]) -> None:
    since = (real_now() - timedelta(minutes=minutes)).isoformat()
    run = {"id": "1", "name": "wise-owl", "state": {"type": state, "timestamp": since}}
    with _prefect([_worker(1)], runs=[run]) as port:
        found = _served(configured, port, "heartbeats")
    assert [each.state for each in found] == states


def test_silence_is_not_laid_to_the_runs_where_no_event_arrives(
    configured: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With Redis down every run is silent: who called them all crashed would end what lives."""
    monkeypatch.setattr(doctor_service, "_ECHO_S", 0)
    since = (real_now() - timedelta(hours=1)).isoformat()
    run = {"id": "1", "name": "wise-owl", "state": {"type": "RUNNING", "timestamp": since}}
    with _prefect([_worker(1)], runs=[run], deaf=True) as port:
        (found,) = _served(configured, port, "heartbeats")
    assert (found.state, "wise-owl" in found.text, "Redis" in found.remedy) == ("bad", False, True)


def test_a_queue_that_nobody_looks_at_is_bad_though_a_worker_reports(configured: Settings) -> None:
    with _prefect([_worker(1)], looked_s=900) as port:
        found = [each for each in _served(configured, port, "worker") if each.state == "bad"]
    assert [name in each.text for name, each in zip(QUEUES, found, strict=True)] == [True] * len(QUEUES)


def test_a_bell_that_was_never_there_is_missed_where_parts_run_apart(configured: Settings) -> None:
    assert not ringer.silent(configured)
    assert ringer.silent(configured, needed=True)


def test_a_setting_that_is_misspelt_is_named(healthy: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TUOQI_OPERATOR", "ops@example.cn")
    monkeypatch.setenv("TUOQI_GATEWAY_TOKEN", "of the gateway's file")
    (found,) = (each for each in _found(healthy, "settings") if each.state == "warn")
    assert "TUOQI_OPERATOR" in found.text
    assert "GATEWAY" not in found.text


def test_a_service_that_does_not_run_is_bad_in_production(configured: Settings) -> None:
    stopped = _but(configured, port=_free(), at=AT, environment="production")
    assert [each.state for each in doctor_service.service(stopped) if each.name == "service"] == ["bad"]


def test_workers_are_counted(configured: Settings) -> None:
    with _prefect([_worker(1), _worker(2), _worker(900)]) as port:
        assert "2 个执行器在线" in _served(configured, port, "worker")[0].text


def test_prefect_s_database_is_weighed(configured: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    (configured.folder("prefect") / "prefect.db").write_bytes(b"x" * 1000)
    assert [each.state for each in doctor_service._size(configured)] == ["ok"]
    monkeypatch.setattr(doctor_service, "_LARGE", 999)
    assert [each.state for each in doctor_service._size(configured)] == ["warn"]


def test_values_under_an_older_key_and_an_old_key_are_noticed(healthy: Settings) -> None:
    assert _one(healthy, "rotation").state == "ok"
    assert healthy.key_file
    own = healthy.key_file.with_name("own.keys")
    content = json.loads(healthy.key_file.read_text())
    content |= {"sealing": {**content["sealing"], "2": content["index"]}, "current": 2}
    content["since"] = {"2": (real_now() - timedelta(days=401)).isoformat()}
    own.write_text(json.dumps(content))
    own.chmod(0o600)
    assert "tuoqi keys rotate" in _one(_but(healthy, key_file=own), "rotation").remedy
    assert "401" in _one(_but(healthy, key_file=own), "key-age").text


@pytest.mark.parametrize(
    ("name", "days", "state"),
    [
        pytest.param("tuoqi-20260326-010203.db", 1, "ok", id="SQLite"),
        pytest.param("tuoqi-20260326-010203-2.dump", 1, "ok", id="PostgreSQL, the second in a second"),
        pytest.param(PROVED, 1, "ok", id="made elsewhere by backup.sh"),
        pytest.param("tuoqi-20260326-010203.db", 8, "warn", id="eight days old"),
        pytest.param(PROVED, 8, "warn", id="made elsewhere eight days ago"),
        pytest.param("tuoqi-20260326-010203.damaged.db", 1, "warn", id="a damaged database that was set aside"),
        pytest.param("tuoqi-20260326-010203.damaged.db-wal", 1, "warn", id="its log"),
    ],
)
def test_the_last_backup_is_not_older_than_a_week(healthy: Settings, name: str, days: int, state: str) -> None:
    made = healthy.folder("backups") / name
    made.touch()
    at = (real_now() - timedelta(days=days)).timestamp()
    os.utime(made, (at, at))
    assert _one(healthy, "backup").state == state


@pytest.mark.parametrize(("seconds", "state"), [(0, "ok"), (20, "warn"), (120, "bad")])
def test_a_database_whose_clock_is_off_is_noticed(
    healthy: Settings, monkeypatch: pytest.MonkeyPatch, seconds: int, state: str
) -> None:
    monkeypatch.setattr("models.host.clock", lambda _: real_now() - timedelta(seconds=seconds))
    assert _one(healthy, "database-clock").state == state
