"""Figures for a monitor: what is there is counted, in Prometheus's own format, whole or not at all, and of nobody."""

import time
from datetime import UTC, datetime
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from flows import metrics as metrics_module
from flows.failures import CannotWrite
from flows.jobs import at_work
from flows.metrics import metrics, text_of, write_metrics
from flows.settings import Settings
from models.db import Database
from models.host import clock, size
from models.receivables import count_open
from tests.flows.answer_page.conftest import CANARY, ON_SQLITE, PHONE, Town, town
from tests.flows.money import Money

assert town  # a fixture

AT = datetime(2026, 3, 10, 0, 0, tzinfo=UTC)
"""08:00 in the district: duty-day is late, a month's notices wait since 2 March."""


def read(text: str) -> dict[tuple[str, ...], float]:
    """The values by name and labels, these in the order of their names."""
    samples = [sample for family in text_string_to_metric_families(text) for sample in family.samples]
    return {(each.name, *(each.labels[name] for name in sorted(each.labels))): each.value for each in samples}


def settled(town: Town) -> Settings:
    return town.office.base.model_copy(update={"at": AT})


def test_a_monitor_reads_what_waits_what_is_late_and_what_is_left(town: Town) -> None:
    town.office.watch("2026-03-09T17:05")
    found = read(text_of(metrics(town.database, settled(town))))
    assert found["tuoqi_job_late", "530112", "duty-day", "2026-03-10"] == 1
    assert found["tuoqi_job_late", "530112", "message-report", "2026-03-10"] == 0
    assert found["tuoqi_message_oldest_pending_seconds", "email", "530112"] > 3600
    assert found["tuoqi_messages", "email", "530112", "pending"] >= 1
    for name in ("payments_unknown", "receivables_open"):
        assert found[f"tuoqi_{name}", "530112"] == 0
    for name in ("disk_free_bytes", "database_bytes", "written_timestamp_seconds"):
        assert found[(f"tuoqi_{name}",)] > 0
    assert found[("tuoqi_sealed_values_stale",)] == 0
    at_work(town.database, "duty-day", "2026-03-10", "530112", lambda _: {})
    found = read(text_of(metrics(town.database, settled(town))))
    assert found["tuoqi_job_late", "530112", "duty-day", "2026-03-10"] == 0
    assert time.time() - found["tuoqi_job_last_done_timestamp_seconds", "530112", "duty-day"] < 60


def test_no_figure_names_a_person(town: Town) -> None:
    town.office.watch("2026-03-09T17:05")
    text = text_of(metrics(town.database, settled(town)))
    assert CANARY not in text
    assert PHONE not in text
    assert "example.cn" not in text


@ON_SQLITE
def test_the_file_is_whole_or_as_it_was(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_metrics(town.database, settled(town))
    assert path == settled(town).folder("metrics") / "tuoqi.prom"
    before = path.read_text()
    assert read(before)

    def fail(*_: object) -> None:
        raise RuntimeError

    monkeypatch.setattr(metrics_module, "_messages", fail)
    with pytest.raises(RuntimeError):
        write_metrics(town.database, settled(town))
    assert path.read_text() == before
    assert [each.name for each in path.parent.iterdir()] == ["tuoqi.prom"]


@ON_SQLITE
def test_a_place_that_cannot_be_written_is_said(town: Town, tmp_path: Path) -> None:
    with pytest.raises(CannotWrite):
        write_metrics(town.database, settled(town), tmp_path / "none" / "x.prom")


def test_the_database_knows_its_size_and_the_time(database: Database) -> None:
    with database.read() as session:
        assert size(session) > 10_000
        assert abs((clock(session) - datetime.now(UTC)).total_seconds()) < 5  # noqa: TID251 - against the real clock


@ON_SQLITE
def test_money_to_be_given_back_is_counted(database: Database, tmp_path: Path) -> None:
    money = Money(database, tmp_path)
    money.pay()
    money.bank_takes()
    money.reconcile()
    money.status(money.refs[0], "2026-09-30", "DEAD", "2026-10-25T09:00")
    with database.read() as session:
        before = count_open(session, 1)
    claimed = money.stop("2026-10-26T06:40")["claimed"]
    with database.read() as session:
        assert (before, count_open(session, 1), count_open(session, 2)) == (0, len(claimed), 0)
    assert claimed
