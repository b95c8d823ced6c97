"""The deliver job without a server: files in var/outbox, counts in the report, nothing when idle."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import nullcontext
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from flows import deliver as job
from flows import outlets
from flows.child import ROOT
from flows.outlets import channels
from flows.settings import Settings, settings
from models.db import Database
from notifications.channels.email import Smtp
from notifications.drain import Tally
from notifications.outbox import Draft, enqueue
from rules.errors import LANGUAGE

NOW = datetime(2026, 7, 11, 9, 0, tzinfo=UTC)
VARIABLES = {"name": "李建国", "date": "2026-07-12", "weekday": "周日", "centre": "马街中心"}
MAIL = Draft("m:1", "duty-released", "email", "C-7K3Q-9XM2", "li@example.org", VARIABLES, "530112")
SMS = Draft("m:2", "duty-released", "sms", "C-7K3Q-9XM2", "13800138000", VARIABLES, "530112")
CALL = Draft("m:3", "duty-released", "call", "C-7K3Q-9XM2", "", VARIABLES, "530112")


@pytest.fixture
def var(tmp_path: Path, database: Database, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setenv("TUOQI_VAR_DIR", str(tmp_path / "var"))
    monkeypatch.setattr(job, "opened", lambda _: nullcontext(database))
    monkeypatch.setattr(outlets, "STILL_TRUE", {})  # these messages have no duty behind them
    settings.cache_clear()
    yield tmp_path / "var"
    settings.cache_clear()


def test_deliver_writes_files_and_returns_counts(var: Path, database: Database) -> None:
    with database.write() as session:
        enqueue(session, [MAIL, SMS, CALL], NOW)
    assert job.deliver.fn(at=NOW) == {"accepted": 2}
    assert job.deliver.fn(at=NOW) == {}
    names = sorted(path.name for path in (var / "outbox").iterdir())
    assert names[0].startswith("duty-released-C-7K3Q-9XM2-")
    assert names[1:] == ["sms.jsonl"]


def test_deliver_takes_the_wall_clock_of_the_district(var: Path, database: Database) -> None:
    with database.write() as session:
        enqueue(session, [SMS], NOW)
    local = datetime(2026, 7, 11, 17, 0)  # noqa: DTZ001 - what an operator types
    assert job.deliver.fn(at=local - timedelta(minutes=1)) == {}
    assert job.deliver.fn(at=local) == {"accepted": 1}
    assert var.exists()


def test_the_report_counts_by_message_and_names_nobody() -> None:
    tally = Tally()
    tally.moves["email", "duty-notice", "accepted"] = 3
    tally.moves["sms", "gone-template", "unknown"] = 1
    tally.stopped["email"] = "auth 535"
    chinese = job.report(tally)
    assert "| 值班通知" in chinese
    assert "| 邮件 | 已发出 | 3 |" in chinese
    assert "auth 535" in chinese
    token = LANGUAGE.set("en")
    try:
        assert "| gone-template | SMS | unknown | 1 |" in job.report(tally)
    finally:
        LANGUAGE.reset(token)


def test_starting_a_run_loads_no_library_of_tables_and_workbooks() -> None:
    """They would be half a second of every run; the CPU of a run is mostly imports."""
    heavy = "{'polars', 'numpy', 'xlsxwriter', 'python_calamine'}"
    loaded = f"import sys, flows.deliver; print(*{heavy} & {{*sys.modules}})"
    told = subprocess.run([sys.executable, "-c", loaded], cwd=ROOT, capture_output=True, text=True, check=True)
    assert told.stdout == "\n"


def test_the_settings_choose_the_channel(tmp_path: Path) -> None:
    chosen = Settings(var_dir=tmp_path, email="smtp", smtp_host="mail.example.cn", smtp_user="tuoqi")
    (channel,) = channels(chosen)["email"]
    assert isinstance(channel, Smtp)
    assert (channel.host, channel.port, channel.security, channel.user) == ("mail.example.cn", 587, "starttls", "tuoqi")
