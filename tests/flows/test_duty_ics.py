"""A cadre's calendar file, parsed back: what phones keep apart by UID, SEQUENCE and STATUS."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from icalendar import Calendar
from sqlmodel import Session

from flows.duty_ics import DutyEvent, UnknownCadre, cadre_calendar, events_by_cadre, events_of
from models.cadre import Cadre
from models.calendar import seed_calendar
from models.db import Database
from models.district import Centre, Community, Subdistrict, centre_ids, district_id
from models.duty import DutySlot, Stretch, publish
from models.duty_record import Step, held_slots, move
from rules.errors import LANGUAGE

SHANGHAI = ZoneInfo("Asia/Shanghai")
NOW = datetime(2026, 1, 25, 2, 0, tzinfo=UTC)
FIRST, LAST = date(2026, 2, 1), date(2026, 2, 28)
EVENT = DutyEvent(
    "XS-01", date(2026, 2, 17), "C-7K3Q-9XM2", 0, cancelled=False, name="马街中心", address="马街镇1号", kind="春节"
)


def parsed(*events: DutyEvent, name: str = "张三") -> list[Any]:
    return list(Calendar.from_ical(cadre_calendar(events, name, NOW)).walk("VEVENT"))


def lines(*events: DutyEvent, name: str = "张三") -> list[bytes]:
    return cadre_calendar(events, name, NOW).split(b"\r\n")


def test_duty_is_a_timed_event_in_shanghai() -> None:
    (event,) = parsed(EVENT)
    assert event.start == datetime(2026, 2, 17, 8, 45, tzinfo=SHANGHAI)
    assert event.end == datetime(2026, 2, 17, 18, 0, tzinfo=SHANGHAI)
    assert event.start.utcoffset() == timedelta(hours=8)
    assert b"DTSTART;TZID=Asia/Shanghai:20260217T084500" in lines(EVENT)


def test_file_is_published_and_carries_its_time_zone() -> None:
    book: Any = Calendar.from_ical(cadre_calendar([EVENT], "张三", NOW))
    assert (book["method"], book["version"], book["x-wr-calname"]) == ("PUBLISH", "2.0", "值班 张三")
    assert book["prodid"].startswith("-//Tuoqi//")
    (zone,) = book.walk("VTIMEZONE")
    assert zone["tzid"] == "Asia/Shanghai"
    assert lines(EVENT).count(b"TZOFFSETTO:+0800") == 1


def test_event_says_where_and_on_what_day() -> None:
    (event,) = parsed(EVENT)
    assert (event["summary"], event["location"]) == ("马街中心值班（春节）", "马街镇1号")
    assert event["dtstamp"].dt == NOW
    assert (event["status"], event["transp"]) == ("CONFIRMED", "OPAQUE")


def test_uid_stays_while_sequence_rises() -> None:
    given, taken = parsed(EVENT)[0], parsed(replace(EVENT, sequence=1, cancelled=True, name="新名"))[0]
    assert given["uid"] == taken["uid"] == "XS-01-20260217-C-7K3Q-9XM2@duty.tuoqi"
    assert (given["sequence"], taken["sequence"]) == (0, 1)


@pytest.mark.parametrize(
    "other",
    [
        pytest.param(replace(EVENT, centre="XS-02"), id="centre"),
        pytest.param(replace(EVENT, date=date(2026, 2, 18)), id="date"),
        pytest.param(replace(EVENT, ref="C-0000-0000"), id="person"),
    ],
)
def test_another_centre_date_or_person_is_another_uid(other: DutyEvent) -> None:
    assert EVENT.uid != other.uid


def test_removed_duty_is_cancelled_and_rings_no_more() -> None:
    (event,) = parsed(replace(EVENT, sequence=2, cancelled=True))
    assert (event["status"], event["sequence"], event["transp"]) == ("CANCELLED", 2, "TRANSPARENT")
    assert event["summary"].startswith("已取消")
    assert event.walk("VALARM") == []


def test_alarms_ring_the_evening_before_at_eight_and_an_hour_ahead() -> None:
    (event,) = parsed(EVENT)
    rings = [event.start + alarm["trigger"].dt for alarm in event.walk("VALARM")]
    assert rings == [
        datetime(2026, 2, 16, 20, 0, tzinfo=SHANGHAI),
        datetime(2026, 2, 17, 7, 45, tzinfo=SHANGHAI),
    ]
    assert parsed(replace(EVENT, alarm=False))[0].walk("VALARM") == []


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("鲁茸次里·尼玛扎西·益西拉姆·都噶卓玛" * 5, id="long"),
        pytest.param("𠮷" * 60, id="four octets a character"),
        pytest.param("甲,乙;丙\\丁" * 9, id="escaped"),
    ],
)
def test_long_chinese_lines_are_folded_between_characters(name: str) -> None:
    folded = lines(replace(EVENT, name=name, address=name), name=name)
    assert max(map(len, folded)) <= 75
    assert all(line.decode("utf-8") is not None for line in folded)  # no character is cut in two
    (event,) = parsed(replace(EVENT, name=name, address=name), name=name)
    assert event["summary"] == f"{name}值班（春节）"
    assert event["location"] == name


def test_line_ends_in_a_name_open_no_property() -> None:
    (event,) = parsed(replace(EVENT, name="甲\r\nSTATUS:CANCELLED\nX:1\u2028乙"))
    assert event["status"] == "CONFIRMED"
    assert "x" not in event


def test_no_duties_give_a_valid_calendar_without_events() -> None:
    assert parsed() == []
    assert lines()[0] == b"BEGIN:VCALENDAR"
    assert b"BEGIN:VTIMEZONE" in lines()  # RFC 5545 wants at least one component


def test_same_events_in_any_order_give_the_same_file() -> None:
    other = replace(EVENT, date=date(2026, 2, 3))
    assert cadre_calendar([EVENT, other], "张三", NOW) == cadre_calendar([other, EVENT], "张三", NOW)


def test_english_is_available() -> None:
    token = LANGUAGE.set("en")
    (event,) = parsed(EVENT)
    LANGUAGE.reset(token)
    assert event["summary"] == "Duty at 马街中心 (春节)"


@pytest.fixture
def roster(database: Database) -> Database:
    """Three cadres; K1 has 3 and 17 February, K2 has 10 February, all published; K1 has a draft in March."""
    with database.write() as session:
        district = district_id(session, "530112")
        seed_calendar(session, [2026])
        office = _added(session, Subdistrict(district_id=district, ref="S-1", name="马街街道"))
        community = _added(session, Community(subdistrict_id=office, name="马街社区"))
        centre = Centre(district_id=district, community_id=community, code="XS-01", name="马街中心", address="1号")
        place = _added(session, centre)
        cadres = [_added(session, Cadre(district_id=district, number=f"K{n}", ref=f"C-{n}")) for n in (1, 2, 3)]
        days = {date(2026, 2, 3): 0, date(2026, 2, 17): 0, date(2026, 2, 10): 1, date(2026, 3, 1): 0}
        for day, cadre in days.items():
            _added(session, DutySlot(centre_id=place, day=day, cadre_id=cadres[cadre], state="draft"))
        publish(session, Stretch(centre_ids(session, district), FIRST, LAST), NOW, "test")
    return database


def _added(session: Session, row: Subdistrict | Community | Centre | Cadre | DutySlot) -> int:
    session.add(row)
    session.flush()
    assert row.id is not None
    return row.id


def hand(database: Database, day: date, to: str | None) -> None:
    """Give the slot of a day to another cadre, or nobody."""
    with database.write() as session:
        (slot,) = held_slots(session, district_id(session, "530112"), day, day)
        cadre = session.connection().exec_driver_sql(f"SELECT id FROM cadre WHERE number = '{to}'").scalar()
        move(session, [Step(slot, "published" if to else "gap", cadre)], NOW, "test")


def duties(database: Database, number: str, last: date = LAST) -> list[tuple[date, int, bool]]:
    with database.read() as session:
        found = events_of(session, district_id(session, "530112"), number, FIRST, last)
    return [(event.date, event.sequence, event.cancelled) for event in found]


def test_published_duties_are_found_with_place_and_kind_of_day(roster: Database) -> None:
    with roster.read() as session:
        third, seventeenth = events_of(session, district_id(session, "530112"), "K1", FIRST, LAST)
    assert third == DutyEvent("XS-01", date(2026, 2, 3), "C-1", 0, False, "马街中心", "1号", "")
    assert seventeenth == DutyEvent("XS-01", date(2026, 2, 17), "C-1", 0, False, "马街中心", "1号", "春节")


def test_drafts_are_told_to_nobody(roster: Database) -> None:
    assert date(2026, 3, 1) not in {day for day, *_ in duties(roster, "K1", date(2026, 3, 31))}


def test_duty_that_went_to_another_is_cancelled_for_the_first(roster: Database) -> None:
    day = date(2026, 2, 17)
    hand(roster, day, "K2")
    assert duties(roster, "K1") == [(date(2026, 2, 3), 0, False), (day, 1, True)]
    assert duties(roster, "K2") == [(date(2026, 2, 10), 0, False), (day, 1, False)]


def test_each_former_cadre_keeps_the_revision_that_took_the_duty_away(roster: Database) -> None:
    day = date(2026, 2, 10)
    hand(roster, day, "K3")
    hand(roster, day, None)
    assert duties(roster, "K2") == [(day, 1, True)]
    assert duties(roster, "K3") == [(day, 2, True)]


def test_duty_that_comes_back_is_confirmed_with_a_higher_sequence(roster: Database) -> None:
    day = date(2026, 2, 10)
    hand(roster, day, "K3")
    hand(roster, day, "K2")
    assert duties(roster, "K2") == [(day, 2, False)]
    assert duties(roster, "K3") == [(day, 2, True)]


def test_change_of_state_alone_cancels_nothing(roster: Database) -> None:
    with roster.write() as session:
        (slot,) = held_slots(session, district_id(session, "530112"), date(2026, 2, 10), date(2026, 2, 10))
        move(session, [Step(slot, "acknowledged", slot.cadre_id)], NOW, "test")
    assert duties(roster, "K2") == [(date(2026, 2, 10), 0, False)]


def test_everybody_at_once_is_the_same_as_one_by_one(roster: Database) -> None:
    hand(roster, date(2026, 2, 10), "K3")
    hand(roster, date(2026, 2, 17), None)
    with roster.read() as session:
        district = district_id(session, "530112")
        together = events_by_cadre(session, district, FIRST, LAST)
        alone = {number: events_of(session, district, number, FIRST, LAST) for number in ("K1", "K2", "K3")}
    assert together == alone
    assert [event.cancelled for number in ("K1", "K2", "K3") for event in together[number]] == [
        False,
        True,
        True,
        False,
    ]


def test_cadre_without_duties_has_none_and_an_unknown_one_is_an_error(roster: Database) -> None:
    assert duties(roster, "K3") == []
    with pytest.raises(UnknownCadre, match="K9"):
        duties(roster, "K9")
