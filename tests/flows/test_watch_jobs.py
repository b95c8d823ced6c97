"""The watchdog: what nobody is at is begun again, what is late is told once in hours, and a quiet morning is quiet."""

import email
from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from email.policy import default
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import yaml
from prefect.context import FlowRunContext
from sqlalchemy import select
from sqlmodel import col

from flows import artifacts, watch_jobs
from flows.child import ROOT
from flows.job_standings import STATES, WATCHED, command, standings
from flows.jobs import at_work, real_now
from flows.prefect_api import Run
from flows.run import JOBS
from flows.service_errors import Refused, Unanswered
from flows.settings import Settings, settings
from models import audit
from models.cadre import Cadre, Roster
from models.db import Database
from models.district import Centre, ensure_places
from models.jobs import JobRun
from models.messages import Message
from models.watched import Subjects
from policies.jobs import jobs
from rules.errors import LANGUAGE
from rules.watched import PERIODS, Standing
from tests.flows.answer_page.conftest import CANARY, ON_SQLITE

ZONE = ZoneInfo("Asia/Shanghai")
LATE = "2026-03-10T06:46"


@dataclass
class Morning:
    """A district with one centre and one cadre since 20 February, and the pages that the watch left."""

    database: Database
    monkeypatch: pytest.MonkeyPatch
    pages: list[Any] = field(default_factory=list)

    def watch(self, moment: str = LATE, **changed: str) -> dict[str, Any]:
        self.set(at=moment, **changed)
        result: dict[str, Any] = watch_jobs.watch_jobs.fn()
        return result

    def set(self, **changed: str) -> Settings:
        for name, value in changed.items():
            self.monkeypatch.setenv(f"TUOQI_{name.upper()}", value)
        settings.cache_clear()
        return settings()

    def do(self, job: str, key: str) -> None:
        at_work(self.database, job, key, "530112", lambda _: {})

    def add(self, job: str, key: str, state: str, *, minutes: int = -1, owner: str = "elsewhere:1:1") -> None:
        times: dict[str, Any] = {"lease_until": real_now() + timedelta(minutes=minutes), "started_at": real_now()}
        with self.database.write() as session:
            session.add(JobRun(job=job, run_key=key, partition="530112", state=state, owner=owner, **times))

    def standing(self, moment: str, job: str = "duty-day") -> Standing:
        chosen = self.set(at=moment)
        with self.database.read() as session:
            (one,) = (each for each in standings(session, chosen) if each.expected.job == job)
        return one

    def alarms(self) -> list[tuple[str, str]]:
        """What operators were told: trouble and state of the message."""
        query = select(col(Message.dedupe_key), col(Message.state)).where(col(Message.template) == "alarm-job")
        with self.database.read() as session:
            return [(key.split(":")[1], state) for key, state in session.execute(query.order_by(col(Message.id)))]

    def mail(self) -> str:
        (letter,) = settings().var_dir.rglob("alarm-job-*.eml")
        body = email.message_from_bytes(letter.read_bytes(), policy=default).get_body(("plain",))
        assert body is not None
        return str(body.get_content())


@pytest.fixture
def morning(database: Database, monkeypatch: pytest.MonkeyPatch) -> Iterator[Morning]:
    with database.write() as session:
        community = ensure_places(session, 1, [("马街", "一社区")], ["S-1"])["马街", "一社区"]
        session.add(Centre(district_id=1, community_id=community, code="C1", name="中心"))
        name = database.keys.seal("cadre.name", "C-1", CANARY)
        session.add(Cadre(district_id=1, number="K1", ref="C-1", name=name))
        session.flush()
        session.add(Roster(centre_id=1, cadre_id=1, since=date(2026, 2, 20)))
        audit.record(session, "530112", "import", "import.cadre", datetime(2026, 2, 20, tzinfo=UTC), rows=1)
    made = Morning(database, monkeypatch)
    monkeypatch.setattr(watch_jobs, "opened", lambda _: nullcontext(database))
    monkeypatch.setattr(artifacts, "table", lambda *told: made.pages.append(told))
    made.set(operators="ops@example.cn")
    for job, key in {"duty-publish": "2026-03", "duty-report": "2026-02"}.items():
        made.do(job, key)
    token = LANGUAGE.set("zh")
    yield made
    LANGUAGE.reset(token)


def test_a_job_that_did_not_begin_is_told_to_operators_with_what_to_do(morning: Morning) -> None:
    result = morning.watch("2026-03-10T06:44")
    assert (result["late"], result["alarms"]) == (0, 0)
    result = morning.watch("2026-03-10T06:45")
    assert (result["late"], result["alarms"]) == (1, 1)
    assert morning.alarms() == [("late-duty-day-2026-03-10", "accepted")]  # it flew in the round that raised it


@ON_SQLITE
def test_an_alarm_names_job_day_deadline_and_the_command_and_no_person(morning: Morning) -> None:
    morning.watch()
    text = morning.mail()
    assert "duty-day（2026-03-10）未完成：没有开始" in text
    assert "自何时起：03-10 06:45" in text
    assert "tuoqi run duty-day --on 2026-03-10" in text
    assert CANARY not in text


@ON_SQLITE
def test_it_is_told_once_and_again_after_the_hours_of_policy(morning: Morning) -> None:
    morning.do("message-report", "2026-03-10")
    told = [morning.watch(f"2026-03-10T{at}")["alarms"] for at in ("06:45", "06:50", "08:00", "10:44", "10:46")]
    assert told == [1, 0, 0, 0, 1]


@ON_SQLITE
def test_the_next_day_is_another_trouble(morning: Morning) -> None:
    assert morning.watch("2026-03-10T23:30")["alarms"] >= 1
    before = morning.alarms().count(("late-duty-day-2026-03-11", "accepted"))
    morning.watch("2026-03-11T06:45")
    assert (before, morning.alarms().count(("late-duty-day-2026-03-11", "accepted"))) == (0, 1)


def test_a_job_that_is_done_is_told_to_nobody(morning: Morning) -> None:
    morning.do("duty-day", "2026-03-10")
    assert morning.watch()["late"] == 0
    assert morning.alarms() == []


@pytest.mark.parametrize(
    ("state", "minutes", "shown"),
    [
        pytest.param("running", -1, "stuck", id="its lease has lapsed"),
        pytest.param("running", 5, "running", id="still at work"),
        pytest.param("failed", 5, "failed", id="failed"),
    ],
)
def test_what_job_run_says_is_what_operators_are_told(morning: Morning, state: str, minutes: int, shown: str) -> None:
    morning.add("duty-day", "2026-03-10", state, minutes=minutes)
    assert morning.standing(LATE).state == shown
    morning.watch()
    assert morning.alarms() == [("late-duty-day-2026-03-10", "accepted")]
    rows = {row["作业"]: row for row in morning.pages[-1][2]}
    assert rows["duty-day"]["状态"] == STATES[shown][0]


@ON_SQLITE
def test_an_owner_known_to_be_dead_is_not_waited_for(morning: Morning, monkeypatch: pytest.MonkeyPatch) -> None:
    morning.add("duty-day", "2026-03-10", "running", minutes=9)
    monkeypatch.setattr("flows.job_standings.is_dead", lambda _: True)
    assert morning.standing("2026-03-10T06:11").again


def test_jobs_of_what_the_district_does_not_have_are_not_expected(morning: Morning) -> None:
    chosen = morning.set(at="2026-03-10T23:00")
    with morning.database.read() as session:
        names = {each.expected.job for each in standings(session, chosen)}
    assert names == {"duty-day", "duty-publish", "duty-report", "message-report"}  # no elders, no cycles, no exams


@ON_SQLITE
def test_on_the_day_of_the_first_entry_nothing_is_late(morning: Morning) -> None:
    """The registers came in on 20 February at 08:00."""
    chosen = morning.set(at="2026-02-20T23:00")
    with morning.database.read() as session:
        assert [each.expected.job for each in standings(session, chosen)] == ["message-report"]  # at 08:30
    assert morning.watch("2026-02-20T08:20")["late"] == 0


@ON_SQLITE
def test_an_empty_district_is_quiet(morning: Morning, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("flows.job_standings.subjects", lambda *_: Subjects(None))
    assert morning.watch("2026-03-10T23:00") == {"watched": 0, "late": 0, "again": 0, "alarms": 0}


@ON_SQLITE
def test_the_coming_month_is_due_on_the_25th_at_ten(morning: Morning) -> None:
    one = morning.standing("2026-03-25T10:00", "duty-publish")
    assert (one.expected.key, one.late, one.state) == ("2026-04", True, "absent")
    morning.do("duty-publish", "2026-04")
    assert not morning.standing("2026-03-25T10:00", "duty-publish").late


def test_every_watched_job_can_be_begun_again_by_its_form_and_its_command() -> None:
    assert WATCHED.keys() == PERIODS.keys()
    for job, watched in WATCHED.items():
        assert watched.deployment in JOBS
        assert command(job, "2026-03-01", settings()).startswith(f"tuoqi run {watched.deployment}")
    assert (
        command("duty-publish", "2026-04", settings())
        == "tuoqi run duty-plan --param month=2026-04 --param publish=true"
    )
    assert command("visits-callback", "2026-03-23", settings()) == "tuoqi run visits-callback --on 2026-03-23"
    assert command("allowance-plan", "longevity/2026-03", settings()) == "tuoqi run allowance-plan"


def test_each_deadline_begins_when_a_schedule_of_its_job_does() -> None:
    declared = yaml.safe_load((ROOT / "prefect.yaml").read_text("utf-8"))["deployments"]
    crons = {each["name"]: [schedule["cron"].split() for schedule in each["schedules"]] for each in declared}
    for deadline in jobs(datetime(2026, 3, 10, tzinfo=ZONE).date()).deadlines:
        clock = [str(deadline.starts.minute), str(deadline.starts.hour)]
        days = {cron[2].split("-")[0] if cron[2] != "*" else cron[4] for cron in crons[WATCHED[deadline.job].deployment]
                if cron[:2] == clock}  # fmt: skip
        assert str(deadline.day or "*") in days, deadline.job


@dataclass
class Server:
    """Prefect as the watch sees it: runs by key, and whether one waits."""

    busy: bool = False
    paused: bool = False
    runs: dict[str, str] = field(default_factory=dict)
    started: list[tuple[str, Any, Any, Any]] = field(default_factory=list)
    down: bool = False
    strict: bool = False
    refused: list[Any] = field(default_factory=list)

    def deployment(self, name: str) -> dict[str, Any]:
        assert name in JOBS
        return {"paused": self.paused}

    def under_way(self, name: str, tags: Sequence[str] = ()) -> bool:
        del name, tags
        if self.down:
            raise Unanswered("http://127.0.0.1:9/api")
        return self.busy

    def start(self, name: str, form: Any, *, env: Any, key: str, more: Any) -> str:
        if self.strict:
            raise Refused(name, "given: not a valid JSON object")
        if key not in self.runs:
            self.started.append((name, form, env, more))
            self.runs[key] = "SCHEDULED"
        return key

    def run(self, identity: str) -> Run:
        return Run(identity, "", self.runs[identity], None, {}, None, auto_scheduled=False, started=None, ended=None)

    def end(self, state: str = "FAILED") -> None:
        self.runs = dict.fromkeys(self.runs, state)


def begin(server: Server, morning: Morning, moment: str = "2026-03-10T06:10") -> list[int]:
    one = morning.standing(moment)
    assert one.again
    begun, server.refused = watch_jobs.begin_again(server, settings(), [one])  # type: ignore[arg-type]
    return list(begun.values())


@ON_SQLITE
def test_what_nobody_is_at_is_begun_again_three_times_at_most(morning: Morning) -> None:
    server = Server()
    for attempt in (1, 2, 3):
        assert begin(server, morning) == [attempt]
        server.end()
    assert begin(server, morning) == []
    assert list(server.runs) == [f"again/530112/duty-day/2026-03-10/{n}" for n in (1, 2, 3)]
    name, form, env, _ = server.started[0]
    assert (name, form) == ("duty-day", {})
    assert env == {"TUOQI_AT": "2026-03-10T06:10:00"}  # a rehearsed day stays that day


@ON_SQLITE
def test_a_run_that_waits_or_works_is_left_alone_and_a_server_that_is_gone_hinders_no_alarm(morning: Morning) -> None:
    assert begin(Server(busy=True), morning) == []
    assert begin(Server(paused=True), morning) == []  # by a person
    away = Server(down=True)
    assert begin(away, morning) == away.refused == []
    assert morning.watch()["alarms"] == 1


@ON_SQLITE
def test_a_start_that_the_server_refuses_fails_the_watch_after_all_are_told(
    morning: Morning, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = Server(strict=True)
    assert begin(server, morning) == []
    assert [type(each) for each in server.refused] == [Refused]
    monkeypatch.setattr(FlowRunContext, "get", lambda: "a run")
    monkeypatch.setattr(watch_jobs, "PrefectApi", lambda *_: nullcontext(server))
    monkeypatch.setattr(watch_jobs, "closing", lambda api: api)
    with pytest.raises(Refused, match="not a valid JSON object"):
        morning.watch()
    assert [name for name, _ in morning.alarms()] == ["late-duty-day-2026-03-10"]
    assert {row["作业"] for row in morning.pages[-1][2]} >= {"duty-day"}


@ON_SQLITE
def test_a_fresh_run_is_not_begun_twice(morning: Morning) -> None:
    server = Server()
    assert begin(server, morning) == [1]
    assert begin(server, morning) == [1]  # the same run: it has not ended
    assert len(server.started) == 1


@ON_SQLITE
def test_in_a_city_the_district_s_own_run_is_begun(morning: Morning) -> None:
    server = Server()
    morning.set(districts="530112 西山区, 530102 五华区")
    assert begin(server, morning) == [1]
    name, form, _, more = server.started[0]
    assert name == "district-run"
    assert form == {"job": "duty-day", "district": "530112 西山区", "given": {}}
    assert more == {"name": "duty-day 530112", "tags": ["530112", "duty-day"]}


@ON_SQLITE
def test_every_district_of_a_city_is_watched_and_one_that_fails_keeps_no_other_from_it(
    morning: Morning, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[str] = []
    real = watch_jobs._district

    def district(database: Any, chosen: Settings, *, begin: bool) -> dict[str, Any]:
        seen.append(chosen.district)
        if chosen.district == "530102":
            raise Unanswered("x")
        return real(database, chosen, begin=begin)

    monkeypatch.setattr(watch_jobs, "_district", district)
    with pytest.raises(Unanswered):
        morning.watch(districts="530102 五华区, 530112 西山区")
    assert seen == ["530102", "530112"]
    assert [name for name, _ in morning.alarms()] == ["late-duty-day-2026-03-10"]


@ON_SQLITE
def test_in_a_city_an_alarm_says_whose_and_its_command_is_for_that_district(morning: Morning) -> None:
    morning.watch(districts="530112 西山区, 530102 五华区")
    text = morning.mail()
    assert "530112 duty-day（2026-03-10）未完成：没有开始" in text
    assert "tuoqi run duty-day --on 2026-03-10 --param district=530112" in text


@ON_SQLITE
def test_the_page_of_a_city_shows_only_what_is_late_or_begun_again(morning: Morning) -> None:
    """130 districts of ten jobs every five minutes would be 3 GB of pages in a month."""
    morning.watch(districts="530112 西山区, 530102 五华区")
    assert [(row["区县"], row["作业"], row["说明"]) for row in morning.pages[-1][2]] == [
        ("530112", "duty-day", "未按时")
    ]
    morning.do("duty-day", "2026-03-10")
    morning.watch()
    assert morning.pages[-1][2] == []
