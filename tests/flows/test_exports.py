"""Exports: what is asked for and no more, in files that appear whole or are refused in one sentence."""

import csv
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from icalendar import Calendar
from sqlalchemy import event, insert, select
from sqlmodel import Session, col

from flows.duty_exports import write_ics
from flows.duty_report import Load, _carried, _swaps
from flows.exports import BadWish, MisspeltRef, UnknownRef, Wish, export_file, look_up
from flows.failures import CannotWrite
from flows.settings import Settings, settings
from models.audit import AuditEntry
from models.cadre import Cadre
from models.db import Database
from models.district import Centre, Community, District, Subdistrict, centre_ids, district_id
from models.drafts import Class, Draft, insert_drafts
from models.duty import DutySlot, Stretch, Swap, publish
from rules.duty_book import U

HOME, ELSEWHERE = "530112", "530102"
FIRST, LAST = date(2026, 3, 1), date(2026, 3, 31)
NOW = datetime(2026, 2, 25, 0, 0, tzinfo=UTC)
REF = "C-7K3Q-9XM1"


def wish(since: str | None = None, until: str | None = None, month: str | None = None) -> Wish:
    return Wish.read(since, until, month, None, None, reveal=False)


@dataclass
class Place:
    """A centre of a district, and its cadres' ids."""

    district: int
    centre: int
    cadres: list[int]


def added(session: Session, row: Any) -> int:
    session.add(row)
    session.flush()
    return int(row.id)


def parsed(calendar: bytes) -> list[Any]:
    return list(Calendar.from_ical(calendar).walk("VEVENT"))


def place(session: Session, code: str, numbers: list[str], refs: list[str] | None = None) -> Place:
    known = session.execute(select(col(District.id)).where(col(District.code) == code)).scalar_one_or_none()
    home = known or added(session, District(code=code, name=code))
    office = added(session, Subdistrict(district_id=home, ref=f"S-{code}", name="马街街道"))
    community = added(session, Community(subdistrict_id=office, name="马街社区"))
    centre = added(session, Centre(district_id=home, community_id=community, code="XS-01", name="马街中心"))
    named = refs or [f"C-{code}-{n}" for n in range(len(numbers))]
    people = [Cadre(district_id=home, number=no, ref=ref) for no, ref in zip(numbers, named, strict=True)]
    return Place(home, centre, [added(session, person) for person in people])


def published(session: Session, at: Place) -> None:
    """Each cadre of a place has one duty in March or after."""
    for n, cadre in enumerate(at.cadres):
        session.add(
            DutySlot(centre_id=at.centre, day=FIRST + timedelta(days=n), cadre_id=cadre, state="draft", why=None)
        )
    session.flush()
    publish(session, Stretch(centre_ids(session, at.district), FIRST, date(2026, 12, 31)), NOW, "test")


@pytest.mark.parametrize(
    ("given", "told"),
    [
        pytest.param(("x", None, None), "--from x：不是日期", id="no date"),
        pytest.param((None, "2026-02-30", None), "没有这个日期", id="30 February"),
        pytest.param((None, None, "2026-13"), "请写成 2026-03", id="month 13"),
        pytest.param((None, None, "2026-3"), "--month 2026-3：不是月份", id="short month"),
        pytest.param(("2026-03-02", "2026-03-01", None), "早于", id="ends before it begins"),
    ],
)
def test_a_date_nobody_can_read_is_refused_in_chinese_with_the_form_that_is_accepted(
    given: tuple[str | None, str | None, str | None], told: str
) -> None:
    with pytest.raises(BadWish, match=told) as refused:
        wish(*given)
    assert "isoformat" not in str(refused.value)
    assert "month must" not in str(refused.value)


@pytest.mark.parametrize("text", ["2026-3-1", "2026/3/1", "2026年3月1日", "20260301"])
def test_a_date_may_be_written_as_in_the_registers(text: str) -> None:
    assert wish(text).first == FIRST


def test_a_month_gives_both_ends_and_a_date_moves_one() -> None:
    assert (wish(month="2026-03").first, wish(month="2026-03").last) == (FIRST, LAST)
    assert wish("2026-03-10", month="2026-03").first == date(2026, 3, 10)


def test_messages_are_those_of_the_district_between_its_own_midnights(database: Database, tmp_path: Path) -> None:
    moments = ["2026-02-28T15:59", "2026-02-28T16:00", "2026-03-01T15:59", "2026-03-01T16:00"]
    with database.write() as session:
        for moment in moments:
            for code in (HOME, ELSEWHERE):
                one = Draft(f"{code}:{moment}", "duty-released", "call", REF, "", {}, code)
                insert_drafts(
                    session, [one], {"duty-released": Class(1, "notice", "staff")}, datetime.fromisoformat(f"{moment}Z")
                )

    def exported(limits: Wish) -> list[str]:
        told = export_file(database, settings(), "messages", limits, tmp_path / "m.csv")
        with (tmp_path / "m.csv").open(encoding="utf-8-sig", newline="") as file:
            keys = [row["key"] for row in csv.DictReader(file)]
        assert told["rows"] == len(keys)
        return keys

    assert exported(wish("2026-03-01", "2026-03-01")) == [f"{HOME}:{moment}" for moment in moments[1:3]]
    assert exported(wish("2026-03-02")) == [f"{HOME}:{moments[3]}"]
    assert exported(wish(until="2026-02-28")) == [f"{HOME}:{moments[0]}"]
    assert exported(wish()) == [f"{HOME}:{moment}" for moment in moments]


def test_calendars_in_a_folder_are_named_after_references(database: Database, tmp_path: Path) -> None:
    with database.write() as session:
        here = place(session, HOME, ["K/1", "../K2"], [REF, "C-0000-0011"])
        published(session, here)
    with database.read() as session:
        count = write_ics(session, settings(), here.district, (FIRST, LAST), None, tmp_path / "a" / "ics")
    files = {path.name: path for path in (tmp_path / "a" / "ics").iterdir()}
    assert (count, set(files)) == (2, {f"{REF}.ics", "C-0000-0011.ics"})
    (duty,) = parsed(files[f"{REF}.ics"].read_bytes())
    assert duty.start.date() == FIRST


def test_sixty_calendars_take_as_many_statements_as_six(
    database: Database, tmp_path: Path, statements: Callable[[Database], list[str]]
) -> None:
    sent = []
    with database.write() as session:
        here = place(session, HOME, [f"K{n:04d}" for n in range(60)])
        published(session, here)
    for count in (6, 60):
        span = (FIRST, FIRST + timedelta(days=count - 1))
        seen = statements(database)
        with database.read() as session:
            assert write_ics(session, settings(), here.district, span, None, tmp_path / str(count)) == count
        sent.append(len(seen))
    assert sent[1] <= sent[0] + 2, sent


@pytest.fixture
def statements() -> Iterator[Callable[[Database], list[str]]]:
    """Begin a list of the statements that a database is sent from now on."""
    listening: list[tuple[Database, Any]] = []

    def begin(database: Database) -> list[str]:
        seen: list[str] = []

        def note(*sent: Any) -> None:
            seen.append(sent[2])

        event.listen(database.engine, "before_cursor_execute", note)
        listening.append((database, note))
        return seen

    yield begin
    for database, note in listening:
        event.remove(database.engine, "before_cursor_execute", note)


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        pytest.param("messages", "none/m.csv", id="missing folder"),
        pytest.param("messages", "none/m.xlsx", id="missing folder, workbook"),
        pytest.param("cadre", "file/c.csv", id="a file for a folder"),
        pytest.param("messages", "folder", id="a folder for a file"),
        pytest.param("duty-ics", "file", id="a file for the folder of calendars"),
        pytest.param("messages", f"{'长' * 100}.csv", id="name too long"),
    ],
)
def test_a_place_that_cannot_be_written_is_told_with_its_reason(
    database: Database, tmp_path: Path, kind: str, name: str
) -> None:
    (tmp_path / "file").write_text("mine")
    (tmp_path / "folder").mkdir()
    with pytest.raises(CannotWrite, match="无法写入") as refused:
        export_file(database, settings(), kind, wish(), tmp_path / name)
    assert refused.value.reason.isascii() is False
    assert (tmp_path / "file").read_text() == "mine"
    assert list(tmp_path.rglob("*.part")) == []


@pytest.mark.parametrize("said", [REF, "c-7k3q-9xml", "C-7K3Q9XM1", " C-7K3Q-9XM1 "])
def test_a_reference_is_known_in_any_case_and_the_look_up_is_audited(database: Database, said: str) -> None:
    with database.write() as session:
        place(session, HOME, ["K1"], [REF])
    assert look_up(database, settings(), said)["number"] == "K1"
    with database.read() as session:
        entry = session.execute(select(AuditEntry).where(col(AuditEntry.action) == "who")).scalar_one()
    assert REF in str(entry)


@pytest.mark.parametrize("said", ["C-7K3Q-9XM2", "C-7K3Q-9XM", "K0001", "张三"])
def test_a_misspelt_reference_is_told_from_an_unknown_one(database: Database, said: str) -> None:
    with pytest.raises(MisspeltRef, match="校验码"):
        look_up(database, settings(), said)
    with pytest.raises(UnknownRef):
        look_up(database, settings(), "C-0000-0000")


def test_swaps_are_counted_in_their_own_district(database: Database, configured: Settings) -> None:
    del configured
    with database.write() as session:
        for code, swaps in ((HOME, 1), (ELSEWHERE, 2)):
            there = place(session, code, ["K1", "K2"])
            a, b = there.cadres
            sides = {"cadre_a_id": a, "cadre_b_id": b, "confirmed_a_id": a, "confirmed_b_id": b}
            days = [{"date_a": FIRST, "date_b": FIRST + timedelta(days=n + 1)} for n in range(swaps)]
            known = {"centre_id": there.centre, "state": "done", "asked_at": NOW, **sides}
            session.execute(insert(Swap), [known | each for each in days])
    with database.read() as session:
        assert _swaps(session, district_id(session, HOME), FIRST, LAST) == 1


def test_the_mean_is_over_those_who_served() -> None:
    group = [
        Load("XS-01", "C-1", "K1", duties=3, balance=-U),
        Load("XS-01", "C-2", "K2", duties=2),
        Load("XS-01", "C-3", "K3", missed=1, balance=U),
    ]
    told = _carried(group)
    assert (told["班次"], told["参加人数"], told["人均"], told["最多"]) == (5, 2, 2.5, 3)
    assert _carried(group[2:])["人均"] == 0
