"""A run that failed: operators hear of it, once for each job and hour, and of nothing that names a person."""

import email
from contextlib import nullcontext
from email.policy import default

import pytest
from sqlalchemy import select
from sqlmodel import col

from flows import run_failed
from flows.run import call
from flows.settings import settings
from models.db import Database
from models.messages import Message
from rules.errors import LANGUAGE
from tests.flows.answer_page.conftest import ON_SQLITE


@pytest.fixture(autouse=True)
def _told(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run_failed, "opened", lambda _: nullcontext(database))
    monkeypatch.setenv("TUOQI_OPERATORS", "ops@example.cn")
    LANGUAGE.set("zh")


def fail(at: str, job: str = "duty-day", run: str = "wise-owl", state: str = "Failed") -> int:
    with pytest.MonkeyPatch.context() as clock:
        clock.setenv("TUOQI_AT", at)
        settings.cache_clear()
        told = call("run-failed", {"job": job, "run": run, "state": state})
    settings.cache_clear()
    return int(told["alarms"])


def keys(database: Database) -> list[str]:
    with database.read() as session:
        query = select(col(Message.dedupe_key)).where(col(Message.template) == "alarm-job")
        return [key.rsplit(":", 3)[0] for key in session.scalars(query.order_by(col(Message.id)))]


def test_a_failed_run_is_told_once_an_hour_and_job(database: Database) -> None:
    moments = ("06:00", "06:10", "06:59", "07:01")
    assert [fail(f"2026-03-10T{moment}") for moment in moments] == [1, 0, 0, 1]
    assert fail("2026-03-10T07:02", "visits-day") == 1
    assert keys(database) == ["alarm-job:failed-duty-day"] * 2 + ["alarm-job:failed-visits-day"]


@ON_SQLITE
@pytest.mark.parametrize(
    ("state", "word"), [("Crashed", "中断"), ("Failed", "失败"), ("TimedOut", "失败"), ("CRASHED", "中断")]
)
def test_it_says_which_job_which_run_and_how_it_ended(state: str, word: str) -> None:
    fail("2026-03-10T06:00", state=state)
    (letter,) = settings().own_folder("outbox").glob("alarm-job-*.eml")
    body = email.message_from_bytes(letter.read_bytes(), policy=default).get_body(("plain",))
    assert body is not None
    assert f"duty-day {word}，运行 wise-owl" in body.get_content()


@ON_SQLITE
def test_a_run_that_somebody_named_is_found_by_its_number_in_the_mail() -> None:
    settings.cache_clear()
    number = "0a1b2c3d-0000-4000-8000-0123456789ab"
    for told in (number, "李建国"):
        call("run-failed", {"job": "duty-day", "run": "李建国", "state": "Failed", "number": told})
    texts = [
        email.message_from_bytes(path.read_bytes(), policy=default).get_body(("plain",)).get_content()  # type: ignore[union-attr]
        for path in settings().own_folder("outbox").glob("alarm-job-*.eml")
    ]
    assert [f"/runs/flow-run/{number}" in text for text in texts] == [True]
    assert "李建国" not in "".join(texts)


@ON_SQLITE
def test_a_name_that_somebody_typed_over_is_not_passed_on() -> None:
    fail("2026-03-10T06:00", run="李建国 13800138000")
    told = "".join(path.read_text() for path in settings().own_folder("outbox").glob("alarm-job-*.eml"))
    assert told
    assert "13800138000" not in told


@ON_SQLITE
def test_a_run_of_a_city_is_told_by_its_job_and_district(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TUOQI_DISTRICTS", "530112 西山区, 530102 五华区")
    assert fail("2026-03-10T06:00", "district-run", "duty-day 530112") == 1
    assert fail("2026-03-10T06:01", "district-run", "visits-day 530112") == 1
    assert keys(database) == ["alarm-job:failed-duty-day", "alarm-job:failed-visits-day"]


@ON_SQLITE
@pytest.mark.parametrize(
    ("job", "run", "told"),
    [
        pytest.param("district-run", "rerun 202603", "failed-district-run", id="no district of ours"),
        pytest.param("district-run", "Rerun-May", "failed-district-run", id="no district at all"),
        pytest.param("district-run", "补做", "failed-district-run", id="a name that is not passed on"),
        pytest.param("补做", "x", "failed-unknown", id="a job that is not ours"),
    ],
)
def test_a_run_that_a_person_named_otherwise_is_told_all_the_same(
    database: Database, monkeypatch: pytest.MonkeyPatch, job: str, run: str, told: str
) -> None:
    monkeypatch.setenv("TUOQI_DISTRICTS", "530112 西山区, 530102 五华区")
    assert fail("2026-03-10T06:00", job, run) == 1
    assert keys(database) == [f"alarm-job:{told}"]


@ON_SQLITE
def test_the_same_trouble_of_two_districts_in_one_second_is_told_of_both(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TUOQI_DISTRICTS", "530112 西山区, 530102 五华区")
    assert [fail("2026-03-10T06:00", "district-run", f"duty-day {code}") for code in ("530112", "530102")] == [1, 1]
