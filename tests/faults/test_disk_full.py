"""A full disk: under the database, under reports and messages, under the log. Nothing half written, one clear sentence.

The database is really full: SQLite may have no more pages (its own limit, SQLITE_FULL), PostgreSQL refuses a statement
with the state that it gives when it cannot extend a file (53100). Files really find no room: the system refuses to let
them grow (RLIMIT_FSIZE) in a child, as a quota does.
The bank's files: tests/flows/test_allowance_edges.py. Lists of a notice: the same. Backups: tests/flows/test_keep.py.
"""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event, text
from sqlalchemy.exc import DBAPIError

from flows import visit_month_report
from flows.audit_anchor import add_anchor, verify
from flows.duty_report import report_month
from flows.exam_slip_files import write_slips
from flows.failures import CannotWrite, DatabaseFull, incident
from flows.settings import Settings
from models.audit import record
from models.db import Database
from notifications.channels.contract import Channel
from notifications.channels.file import MailFiles, RobotFiles, SmsFile
from tests.faults.conftest import Origins
from tests.faults.whole import Standing, Step, Whole, again, ended, live, same_but_late
from tests.flows import test_exam_report as exam
from tests.flows.allowance_life import ended as ended_child
from tests.flows.allowance_life import in_child
from tests.notifications.office import Office, drafts
from tests.room import no_file_beyond

BOTH = pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
ON_POSTGRESQL = pytest.mark.parametrize("database", ["postgresql"], indirect=True)
"""Whose own files grow in another process, which has no limit."""
_TRIGGERS = """
CREATE SEQUENCE writes;
CREATE SEQUENCE room;
CREATE FUNCTION no_room() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    IF nextval('writes') > (SELECT last_value FROM room)
    THEN RAISE EXCEPTION 'could not extend file: No space left on device' USING ERRCODE = '53100'; END IF;
    RETURN NULL; END $$;
DO $$ DECLARE each text; BEGIN
    FOR each IN SELECT tablename FROM pg_tables WHERE schemaname = 'public' LOOP
        EXECUTE format('CREATE TRIGGER no_room BEFORE INSERT OR UPDATE ON %I EXECUTE FUNCTION no_room()', each);
    END LOOP; END $$;
"""
PLENTY = 2**30


class Disk:
    """The disk under a database, with room for so many more pages (SQLite) or writing statements (PostgreSQL)."""

    def __init__(self, database: Database) -> None:
        self.database, self.most = database, PLENTY
        self.sqlite = database.engine.dialect.name == "sqlite"
        if self.sqlite:
            event.listen(database.engine, "begin", self._limit)
        else:
            with database.write() as session:
                session.connection().execute(text(_TRIGGERS))

    def room(self, more: int) -> None:
        if self.sqlite:
            with self.database.read() as session:
                pages = session.execute(text("PRAGMA page_count")).scalar_one()
            self.most = min(pages + more, PLENTY)
        else:
            with self.database.write() as session:
                session.execute(text("SELECT setval('writes', 1, false), setval('room', :more)"), {"more": more + 1})

    def _limit(self, connection: Any) -> None:
        connection.exec_driver_sql(f"PRAGMA max_page_count = {self.most}")


def full_month(whole: Whole, each: Callable[[int], int], spared: int = 0) -> tuple[Standing, int]:
    """Live a month in which every step finds the disk full again and again, `each(n)` writes later at its n-th try."""
    disk, hits, steps = Disk(whole.database), 0, count()

    def do(step: Step) -> None:
        nonlocal hits
        if next(steps) < spared:
            step()
            return
        tries = count()

        def once() -> Any:
            disk.room(each(next(tries)))
            return step()

        hits += again(once, DatabaseFull)
        disk.room(PLENTY // 2)

    live(whole, do)
    return ended(whole), hits


def test_a_month_on_a_disk_that_is_full_every_now_and_then_ends_like_an_undisturbed_one(
    copied: Callable[[str], Whole], origins: Origins
) -> None:
    found, hits = full_month(copied("sqlite"), lambda tried: 0 if not tried else 4**tried, spared=2)
    same_but_late(found, origins("sqlite").standing)
    assert hits > 10


@pytest.mark.proof
@BOTH
def test_a_month_whose_every_page_or_statement_in_turn_finds_the_disk_full(
    copied: Callable[[str], Whole], origins: Origins, kind: str
) -> None:
    found, hits = full_month(copied(kind), lambda tried: tried)
    same_but_late(found, origins(kind).standing)
    assert hits > (100 if kind == "postgresql" else 20)  # a statement more often needs no new page


def test_what_is_said_of_a_full_disk_names_the_remedy(database: Database, configured: Settings) -> None:
    disk = Disk(database)
    disk.room(0)
    with pytest.raises(DBAPIError) as refused:
        Office(database).put(*drafts(200))
    told = incident(refused.value)
    assert isinstance(told, DatabaseFull)
    assert "腾出空间后再运行一次" in str(told)
    assert str(configured.folder("logs") / "incidents.log") in str(told)
    assert Office(database).states() == {}


def refused(work: Callable[[], Any]) -> None:
    """Do `work` in a child of whose files none may grow; it must be refused with a sentence."""

    def child() -> None:
        with no_file_beyond(512), pytest.raises(CannotWrite, match="文件超过系统允许的大小"):
            work()

    assert ended_child(in_child(child)) == 0


def test_a_report_that_finds_no_room_leaves_the_last_one_and_nothing_beside_it(
    copied: Callable[[str], Whole],
) -> None:
    whole = copied("postgresql")
    whole.office.plan("2026-11", publish=True, moment="2026-10-25T08:00")
    chosen = whole.at("2026-12-01T08:00")
    reports = {
        "duty": lambda: report_month(whole.database, chosen, "2026-11"),
        "visits": lambda: visit_month_report.report_month(whole.database, chosen, "2026-10"),
        "money": whole.walk("2026-10")[1],
    }
    whole.plan("2026-10", moment="2026-10-10T09:00")
    for report in reports.values():
        whole.database.engine.dispose()
        before = files(whole.folder)
        refused(partial(by_itself, whole, report))
        assert files(whole.folder) == before
        report()
        assert len(files(whole.folder)) > len(before)


def by_itself(whole: Whole, report: Callable[[], Any]) -> None:
    """Write a report in a child, with connections of its own."""
    whole.alone()
    report()


def files(folder: Path) -> dict[str, int]:
    """What lies below a folder but databases and locks, hidden drafts included, with its size."""
    found = (path for path in folder.rglob("*") if path.is_file() and path.suffix not in {".db", ".lock"})
    return {str(path): path.stat().st_size for path in found if ".db" not in path.name}


def test_slips_that_find_no_room_leave_those_of_before_and_none_is_cut(
    copied: Callable[[str], Whole], tmp_path: Path
) -> None:
    whole, folder = copied("postgresql"), tmp_path / "slips"

    def write() -> Any:
        return write_slips(whole.database, whole.at(exam.AT), "E1", "S1", folder, reveal=True, everyone=True)

    with no_file_beyond(512), pytest.raises(CannotWrite, match="文件超过系统允许的大小"):
        write()
    assert files(folder) == {}
    assert write()["slips"] == len(before := files(folder)) == 4
    with no_file_beyond(512), pytest.raises(CannotWrite):
        write()
    assert files(folder) == before


@ON_POSTGRESQL
@pytest.mark.parametrize("channel", ["email", "sms", "robot"])
def test_messages_as_files_wait_for_room_and_none_is_cut(office: Office, tmp_path: Path, channel: str) -> None:
    """A delivery that finds no room leaves whole messages only; the next one goes on, and each is there once."""
    box = tmp_path / "outbox"
    boxes: dict[str, Callable[[], Channel]] = {
        "email": lambda: MailFiles(box, "a@b.cn"), "sms": lambda: SmsFile(box), "robot": lambda: RobotFiles(box),
    }  # fmt: skip
    told = drafts(12, channel=channel)
    office.put(
        *(replace(one, address=f"a{n}@example.cn") for n, one in enumerate(told)) if channel == "email" else told
    )
    with no_file_beyond(1500 if channel == "email" else 700):
        tally = office.drain(channels={channel: [boxes[channel]()]})
    assert set(tally.stopped.values()) <= {"EFBIG", "ENOSPC"}
    assert tally.stopped
    assert office.states().keys() <= {"pending", "accepted"}
    assert [path for path in box.iterdir() if path.suffix == ".new"] == []
    office.later(minutes=30)
    while office.states().get("pending"):
        office.drain(channels={channel: [boxes[channel]()]})
        office.later(minutes=30)
    assert office.states() == {"accepted": 12}
    whole = list(box.glob("*.eml")) or next(box.glob("*.jsonl")).read_text("utf-8").splitlines()
    assert len(whole) == 12


@ON_POSTGRESQL
def test_an_anchor_that_finds_no_room_is_not_half_there(database: Database, configured: Settings) -> None:
    """A cut line would be taken for one that somebody altered, for ever."""
    for at in range(3):
        with database.write() as session:
            record(session, "530112", "test", "begun", configured.now(), n=at)
        size = configured.folder("anchor").joinpath("530112.jsonl")
        grown = size.stat().st_size + 40 if size.exists() else 40
        with no_file_beyond(grown), pytest.raises(CannotWrite, match=r"530112\.jsonl"):
            add_anchor(database, configured)
        assert add_anchor(database, configured)["added"]
    assert verify(database, configured)["anchors"] == 3


def test_a_log_that_finds_no_room_still_gives_the_number(configured: Settings) -> None:
    configured.folder("logs")
    with no_file_beyond(100):
        told = incident(ValueError("x" * 1000))
    assert "日志无法写入" in str(told)
    assert told.incident in str(told)
