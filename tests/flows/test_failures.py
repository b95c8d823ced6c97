"""The border: what others may know of an unexpected error is a number and a type, never a value."""

import logging
import stat
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from flows import failures
from flows.failures import PublicError, incident, safely
from flows.settings import Settings
from models.cadre import Cadre
from models.db import Database
from models.district import district_id
from rules.errors import TuoqiError
from rules.refs import is_ref

SECRET = "李建国13800138000"


class Told(TuoqiError):
    """An error with a sentence of ours."""

    zh = "请改正。"
    en = "mend it."


def shown(failing: Callable[[], object]) -> tuple[BaseException, str]:
    """What a logger would print of an error, traceback and all, as Prefect's does."""
    try:
        failing()
    except Exception as error:  # noqa: BLE001 - whatever comes is looked at
        record = logging.LogRecord("flow", logging.ERROR, "", 0, "%r", (error,), sys.exc_info())
        return error, logging.Formatter().format(record)
    raise AssertionError


def log(configured: Settings) -> Path:
    return configured.folder("logs") / "incidents.log"


def test_what_nobody_foresaw_shows_its_number_and_type_and_the_log_has_the_rest(configured: Settings) -> None:
    @safely
    def job() -> None:
        raise ValueError(SECRET)

    error, told = shown(job)
    assert isinstance(error, PublicError)
    assert (error.kind, is_ref(error.incident)) == ("ValueError", True)
    assert error.incident in str(error)
    assert str(log(configured)) in str(error)
    assert SECRET not in told
    assert error.__context__ is None
    kept = log(configured).read_text("utf-8")
    assert error.incident in kept
    assert "raise ValueError(SECRET)" in kept  # the line of the code, not what stands in it
    assert "ValueError: …" in kept
    assert SECRET[:3] not in kept
    assert SECRET[3:] not in kept
    assert stat.S_IMODE(log(configured).stat().st_mode) == 0o600


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        pytest.param(
            "Key (name)=(Li Jian) already exists.", "Key (name)=(…) already exists.", id="a key of PostgreSQL"
        ),
        pytest.param("invalid literal: '13800138000'", "invalid literal: '…'", id="a number"),
        pytest.param("bad 53011219450101002X here", "bad … here", id="an ID number"),
        pytest.param("<li.jian@example.cn> unknown", "<…@example.cn> unknown", id="a mail address"),
        pytest.param("can't encode '\\u738b\\u6842'", "can't encode '……'", id="escapes"),
        pytest.param("KeyError: '李建国' at 12", "KeyError: '…' at 12", id="a name"),
        pytest.param("[Errno 28] No space left on device", "[Errno 28] No space left on device", id="nothing personal"),
    ],
)
def test_values_in_the_text_of_an_error_are_masked_and_the_rest_is_told(text: str, kept: str) -> None:
    assert failures.without_values(text) == kept


def test_the_log_tells_what_caused_an_error_too_and_no_circle_holds_it(configured: Settings) -> None:
    first, second = KeyError(SECRET), ZeroDivisionError()
    second.__cause__, first.__context__ = first, second
    told = incident(second)
    text = log(configured).read_text("utf-8")
    assert text.index("KeyError: '……'") < text.index("ZeroDivisionError") > text.index(told.incident)
    assert SECRET[:3] not in text


def test_an_error_of_ours_keeps_its_sentence_and_loses_its_cause(configured: Settings) -> None:
    @safely
    def job() -> None:
        try:
            int(SECRET)
        except ValueError as error:
            raise Told from error

    error, told = shown(job)
    assert isinstance(error, Told)
    assert "请改正。" in str(error)
    assert SECRET not in told
    assert not log(configured).exists()


def _in_the_log_of_a_run(failing: Callable[[], object]) -> str:
    """What the page of a run shows of an error, as Prefect logs it."""
    logger = logging.getLogger("prefect.flow_runs")
    try:
        failing()
    except Exception as error:  # noqa: BLE001 - whatever comes is looked at
        record = logger.makeRecord(logger.name, logging.ERROR, "", 0, "Encountered: %r", (error,), sys.exc_info())
        assert logger.filter(record)
        return logging.Formatter().format(record)
    raise AssertionError


def test_a_clerk_reads_the_sentence_and_no_traceback() -> None:
    @safely
    def job() -> None:
        raise Told

    assert _in_the_log_of_a_run(job) == "请改正。"


def test_what_is_not_ours_is_logged_whole() -> None:
    def broken() -> None:
        raise ValueError("x")

    assert "Traceback" in _in_the_log_of_a_run(broken)


def test_a_result_passes_and_the_form_of_the_job_stays(configured: Settings) -> None:
    del configured

    @safely
    def job(month: str, publish: bool = False) -> str:
        """Plan."""
        return f"{month} {publish}"

    assert job("2026-03", publish=True) == "2026-03 True"
    assert (job.__name__, job.__doc__) == ("job", "Plan.")


@pytest.mark.parametrize("end", [KeyboardInterrupt, SystemExit])
def test_being_stopped_is_no_incident(configured: Settings, end: type[BaseException]) -> None:
    @safely
    def job() -> None:
        raise end

    with pytest.raises(end):
        job()
    assert not log(configured).exists()


def test_an_error_of_the_database_quotes_no_row(database: Database, configured: Settings) -> None:
    @safely
    def job() -> None:
        with database.write() as session:
            home = district_id(session, "530112")
            session.add_all([Cadre(district_id=home, number=SECRET, ref=f"C-{n}") for n in (1, 2)])

    error, told = shown(job)
    assert isinstance(error, PublicError)
    assert error.kind == "IntegrityError"
    assert SECRET not in told
    assert "IntegrityError" in log(configured).read_text("utf-8")


def test_the_engine_itself_hides_bound_values(database: Database) -> None:
    with pytest.raises(IntegrityError) as refused, database.write() as session:
        session.execute(text("INSERT INTO district (code, name) VALUES ('530112', :name)"), {"name": SECRET})
    assert SECRET not in str(refused.value).split("[SQL", 1)[1]
    assert "hide_parameters" in str(refused.value)


def test_a_log_that_cannot_be_written_hides_nothing_but_the_details(configured: Settings) -> None:
    log(configured).mkdir()
    error = incident(ValueError(SECRET))
    assert is_ref(error.incident)
    assert "日志无法写入" in str(error)
    assert SECRET not in str(error)


def test_a_full_log_makes_room_for_the_next(configured: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(failures, "LOG_BYTES", 10)
    first, second = incident(ValueError("a")), incident(ValueError("b"))
    assert second.incident in log(configured).read_text("utf-8")
    assert first.incident in log(configured).with_name("incidents.log.1").read_text("utf-8")
