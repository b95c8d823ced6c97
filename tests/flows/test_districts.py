"""A city: forms that ask for a district, jobs that are done in each, folders, links and replies that find their own."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from sqlmodel import Session

from flows import artifacts, districts, doctor_database
from flows.districts import WhichDistrict, by_district, district_run, start_all
from flows.doctor import examine
from flows.finding import ok, warn
from flows.replies import hear_reply
from flows.run import BadParameter
from flows.settings import BadSetting, OtherDistrict, Settings, in_district, settings
from flows.store import opened
from models.db import Database
from models.jobs import claim, finish, latest
from notifications.callbacks import CallBackNews
from rules.errors import TuoqiError
from tests.flows.answer_page.conftest import ON_SQLITE, Town, town
from tests.flows.test_replies import noticed, reply

assert town  # the fixture
CITY = "530112 西山区, 530102 五华区"
NOW = datetime(2026, 3, 1, tzinfo=UTC)


@dataclass(eq=False)
class Broken(TuoqiError):
    """Something is wrong in one district."""

    zh = en = "broken"


@pytest.fixture
def city(jobs: None, configured: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[Settings]:
    del jobs, configured
    monkeypatch.setenv("TUOQI_DISTRICTS", CITY)
    settings.cache_clear()
    yield settings()
    settings.cache_clear()


def where(month: str | None = None, centre: str | None = None) -> dict[str, Any]:
    """A job that tells where it is done."""
    return {"in": settings().district, "name": settings().district_name, "month": month or "", "rows": [centre]}


def form(centre: str) -> dict[str, Any]:
    """A form that somebody fills in."""
    return {"in": settings().district, "centre": centre}


@pytest.mark.usefixtures("configured")
def test_without_a_city_a_job_is_as_it_was() -> None:
    assert by_district(where) is where


@pytest.mark.usefixtures("city")
def test_a_job_is_done_in_the_district_that_was_chosen() -> None:
    job: Any = by_district(where)
    told = job(month="2026-03", district="530102")
    assert (told["in"], told["name"], told["month"]) == ("530102", "五华区", "2026-03")
    assert settings().district == "530112"


@pytest.mark.usefixtures("city")
def test_without_a_server_each_district_has_its_turn() -> None:
    told = by_district(where)(month="2026-03")["districts"]
    assert [(row["district"], row["in"], row["month"]) for row in told] == [
        ("530112", "530112", "2026-03"),
        ("530102", "530102", "2026-03"),
    ]


@pytest.mark.usefixtures("city")
def test_a_district_that_is_refused_keeps_no_other_from_its_turn() -> None:
    done: list[str] = []

    def job() -> dict[str, Any]:
        if settings().district == "530112":
            raise Broken
        done.append(settings().district)
        return {}

    with pytest.raises(Broken):
        by_district(job)()
    assert done == ["530102"]


@pytest.mark.usefixtures("city")
def test_what_names_a_thing_of_one_district_must_say_which() -> None:
    with pytest.raises(WhichDistrict, match="530112 西山区"):
        by_district(form)("C1")
    with pytest.raises(WhichDistrict):
        by_district(where)(centre="C1")
    job: Any = by_district(form)
    assert job("C1", district="530102") == {"in": "530102", "centre": "C1"}


@pytest.mark.usefixtures("city")
def test_a_district_of_another_city_is_refused() -> None:
    job: Any = by_district(where)
    with pytest.raises(OtherDistrict, match="440106"):
        job(district="440106")


@pytest.mark.usefixtures("city")
def test_a_parent_asks_for_the_run_of_each_district_under_one_key_however_often_it_starts(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    started: list[dict[str, Any]] = []
    own = SimpleNamespace(id="run-1", work_queue_name="watch", expected_start_time=NOW)
    context = SimpleNamespace(flow=SimpleNamespace(name="duty-watch"), flow_run=own)
    monkeypatch.setattr(districts, "FlowRunContext", SimpleNamespace(get=lambda: context))
    monkeypatch.setattr(districts, "run_deployment", lambda _, **given: started.append(given))
    monkeypatch.setattr(artifacts, "markdown", lambda *_: None)
    assert start_all({"month": "2026-03", "centre": None})["districts"] == 2
    start_all({"month": "2026-03"})
    assert [run["parameters"] for run in started[:2]] == [
        {"job": "duty-watch", "district": label, "given": {"month": "2026-03"}}
        for label in ("530112 西山区", "530102 五华区")
    ]
    assert {run["work_queue_name"] for run in started} == {"district-watch"}  # behind what sends and alarms
    assert {run["scheduled_time"] for run in started} == {NOW}
    assert len({run["idempotency_key"] for run in started}) == 2
    assert {run["timeout"] for run in started} == {0}


def test_the_newest_run_of_each_district_is_found(database: Database) -> None:
    with database.write() as session:
        for part, key, at in (("530112", "2026-03-01", 1), ("530112", "2026-03-02", 2), ("530102", "2026-03-01", 1)):
            _done(session, part, key, NOW.replace(day=at))
    with database.read() as session:
        found = latest(session, {"duty-day"}, ["530112", "530102", "530103"])
    assert {part: run.run_key for part, run in found.items()} == {"530112": "2026-03-02", "530102": "2026-03-01"}


def test_the_page_of_all_districts_shows_what_a_deployment_did_last_under_whatever_name(
    city: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """duty-plan drafts as duty-plan and publishes as duty-publish: the later one is where a district stands."""
    pages: list[Any] = []
    monkeypatch.setattr(artifacts, "table", lambda *told: pages.append(told))
    with opened(city) as database, database.write() as session:
        _done(session, "530112", "2026-04", NOW, "duty-plan")
        _done(session, "530112", "2026-04", NOW.replace(day=25), "duty-publish")
        _done(session, "530102", "2026-04", NOW, "duty-plan")
    districts._show("duty-plan")
    ((name, title, rows),) = pages
    assert (name, title) == ("duty-plan-city", "duty-plan：2 个区县中 2 个完成")
    assert [(row["区县"], row["期次"]) for row in rows] == [
        ("530112 西山区", "2026-04 duty-publish"),
        ("530102 五华区", "2026-04"),
    ]


def test_the_doctor_looks_at_every_district_and_says_of_which_it_speaks(city: Settings) -> None:
    with opened(city) as database, database.write() as session:
        lapsed = datetime(2026, 3, 1, 0, 5, tzinfo=UTC)
        claim(session, "duty-day", "2026-03-01", "530102", owner="away:1:1", now=NOW, lease_until=lapsed)
    found = [(each.state, each.text) for each in examine(city)]
    assert ("warn", "530102 五华区：duty-day(2026-03-01)中断。") in found
    assert not [text for _, text in found if "duty-day" in text and "530112" in text]
    assert any("2 个" in text for _, text in found)


def test_a_district_of_a_city_without_trouble_is_one_line() -> None:
    quiet, trouble = ok("outbox", "x"), warn("jobs", "y。", "do")
    assert [each.text for each in doctor_database._brief("530112 西山区", [quiet])] == ["530112 西山区 各项正常。"]
    assert [each.text for each in doctor_database._brief("530112 西山区", [quiet, trouble])] == ["530112 西山区：y。"]


def _done(session: Session, part: str, key: str, at: datetime, job: str = "duty-day") -> None:
    held: Any = claim(session, job, key, part, owner="me", now=at, lease_until=at)
    finish(session, held, "done", at, {})


def test_a_run_of_one_district_does_the_job_there_alone(city: Settings) -> None:
    with opened(city):
        pass
    told = district_run.fn("duty-report", "530102 五华区".partition(" ")[0], {"month": "2026-02"})
    assert told["month"] == "2026-02"


@pytest.mark.usefixtures("city")
@pytest.mark.parametrize(("job", "tried"), [("allowance-release", 1), ("duty-watch", 1), ("duty-day", 3)])
def test_a_job_is_tried_again_in_a_city_as_often_as_by_itself(
    monkeypatch: pytest.MonkeyPatch, job: str, tried: int
) -> None:
    """A release that was refused would find its approval void at the second try, and say only that."""
    calls: list[str] = []

    def call(name: str, *_: object, **__: object) -> None:
        calls.append(name)
        raise Broken

    monkeypatch.setattr(districts, "call", call)
    monkeypatch.setattr(time, "sleep", lambda _: None)
    monkeypatch.setattr(districts, "_show", lambda _: None)
    with pytest.raises(Broken):
        district_run.fn(job, "530102", {})
    assert calls == [job] * tried


@pytest.mark.usefixtures("city")
def test_a_value_that_a_form_of_the_city_refuses_is_not_repeated_nor_tried_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Prefect keeps what is said of a run, and a name in it would stay there."""
    monkeypatch.setattr(time, "sleep", lambda _: pytest.fail("it is tried again"))
    with pytest.raises(BadParameter) as refused:
        district_run.fn("duty-report", "530102", {"month": "李建国"})
    assert "month" in str(refused.value)
    assert "李建国" not in str(refused.value)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("西山区", id="no code"),
        pytest.param("530112", id="no name"),
        pytest.param("530112 西山区, 530112 五华区", id="twice"),
        pytest.param("5301 西山区", id="a short code"),
    ],
)
@pytest.mark.usefixtures("configured")
def test_a_list_of_districts_that_cannot_be_read_is_refused(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TUOQI_DISTRICTS", text)
    settings.cache_clear()
    with pytest.raises(BadSetting, match="TUOQI_DISTRICTS"):
        settings()


@pytest.mark.usefixtures("configured")
def test_a_district_that_is_not_of_the_city_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TUOQI_DISTRICTS", CITY)
    monkeypatch.setenv("TUOQI_DISTRICT", "440106")
    settings.cache_clear()
    with pytest.raises(BadSetting, match="TUOQI_DISTRICT"):
        settings()


def test_each_district_of_a_city_has_folders_of_its_own_for_their_owner_alone(city: Settings, tmp_path: Path) -> None:
    assert city.own_folder("outbox") == tmp_path / "var" / "530112" / "outbox"
    with in_district("530102"):
        folder = settings().own_folder("inbox")
    assert folder == tmp_path / "var" / "530102" / "inbox"
    assert {path.stat().st_mode & 0o777 for path in (folder, folder.parent)} == {0o700}
    assert Settings(var_dir=tmp_path, districts="").own_folder("inbox") == tmp_path / "inbox"


def test_migration_makes_every_district_of_the_city(city: Settings) -> None:
    with opened(city) as database, database.read() as session:
        ids = CallBackNews(tuple(city.all_districts), city.tz, NOW).late["issue-callback"](session, [])
    assert ids == {}


@ON_SQLITE
def test_a_link_is_answered_for_its_own_district_whichever_the_page_began_with(town: Town) -> None:
    """The page's own district is 五华区; the duty is 西山区's."""
    elsewhere = {"districts": CITY.replace(", ", ","), "district": "530102", "district_name": "五华区"}
    telephone = town.telephone(**elsewhere)  # type: ignore[arg-type]
    assert "确认值班" in telephone.get(town.link()).text
    assert telephone.post(town.link(), {"do": "ack"}).status_code == 200
    assert town.slot().state == "acknowledged"


@ON_SQLITE
def test_a_reply_is_for_the_district_that_wrote_last(town: Town) -> None:
    noticed(town)
    changed = {"districts": CITY.replace(", ", ","), "district": "530102", "district_name": "五华区"}
    chosen = town.office.at("2026-03-09T17:31").model_copy(update=changed)
    assert hear_reply(town.database, chosen, "aliyun", reply()) == "acknowledged"
