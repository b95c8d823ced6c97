"""What duty messages tell when they are sent: the days as they stand, and a code for this duty and person alone."""

from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from models.db import Database
from notifications.duty_late import duty_late
from notifications.links import ExpiredLink, Ticket, read
from notifications.parcels import Parcel
from tests.flows.answer_page.conftest import EVENING, MINE, ON_SQLITE, THEIRS, THIRD, Town, town

assert town  # the fixture
ZONE = ZoneInfo("Asia/Shanghai")
NOON_AFTER = datetime(2026, 3, 11, 12, 0, tzinfo=ZONE)


def parcel(key: str, template: str, recipient: str | None, **variables: Any) -> Parcel:
    """A claimed message, as far as the readers look."""
    return Parcel(
        id=1,
        key=key,
        template=template,
        language="zh-CN",
        recipient=recipient or "",
        district="530112",
        kind="notice",
        audience="staff",
        address_index=None,
        enclosures=None,
        out_id="o",
        attempts=0,
        not_before=NOON_AFTER,
        expires_at=None,
        address="",
        variables=variables,
        unreadable=False,
    )


def told(database: Database, parcels: Sequence[Parcel], *, answers: bool = True) -> dict[str, Any]:
    reader = duty_late(ZONE, answers=answers)[parcels[0].template]
    with database.read() as session:
        return dict(reader(session, parcels))


def published(town: Town) -> Parcel:
    """The message of K1's days in March, whose first is MINE."""
    mine = town.slot(MINE)
    return parcel(f"duty-month:{mine.id}:{mine.ref}:r0", "duty-published", mine.ref, month="2026-03")


def days(town: Town, message: Parcel) -> list[str]:
    return [
        f"{row['date']:%d} {row['weekday']} {row['kind']}"
        for row in told(town.database, [message])[message.key]["days"]
    ]


def test_the_days_of_a_month_are_the_person_s_own(town: Town) -> None:
    assert days(town, published(town)) == ["10 周二 工作日"]


def test_a_day_that_came_on_top_is_told_and_in_order(town: Town) -> None:
    message = published(town)
    town.give("K1", date(2026, 3, 25), "2026-03-03T08:00")
    town.give("K1", date(2026, 3, 20), "2026-03-03T09:00")
    assert days(town, message) == ["10 周二 工作日", "20 周五 工作日", "25 周三 工作日"]


def test_a_day_that_moved_is_told_where_it_is_now(town: Town) -> None:
    message = published(town)
    town.give("K2", MINE, "2026-03-03T08:00")
    town.give("K1", THEIRS, "2026-03-03T08:00")
    assert days(town, message) == ["20 周五 工作日"]


def test_without_any_day_left_there_is_nothing_to_tell(town: Town) -> None:
    message = published(town)
    town.give("K2", MINE, "2026-03-03T08:00")
    assert told(town.database, [message]) == {}


def test_days_of_other_months_and_of_a_slot_that_is_gone_are_not_told(town: Town) -> None:
    ref = town.slot(MINE).ref
    april = parcel(f"duty-month:{town.slot(MINE).id}:{ref}:r0", "duty-published", ref, month="2026-04")
    gone = parcel(f"duty-month:999999:{ref}:r0", "duty-published", ref, month="2026-03")
    assert told(town.database, [april, gone]) == {}


def test_two_months_in_one_round_keep_apart(town: Town) -> None:
    row = {"date": date(2026, 4, 2), "centre": "C1", "cadre": "K1", "state": "published"}
    town.office.send("slot", [row], "2026-03-02T08:00")
    march, mine = published(town), town.slot(MINE)
    april = parcel(f"duty-month:{mine.id}:{mine.ref}:r0~1", "duty-published", mine.ref, month="2026-04")
    found = told(town.database, [march, april])
    assert {key: len(value["days"]) for key, value in found.items()} == {march.key: 1, april.key: 1}
    assert found[april.key]["days"][0]["date"] == date(2026, 4, 2)


@pytest.mark.parametrize("template", ["duty-notice", "duty-reminder", "duty-assigned"])
def test_a_code_is_for_this_slot_revision_and_person(town: Town, template: str) -> None:
    mine = town.slot(MINE)
    message = parcel(f"{template}:{mine.id}:{mine.ref}:r{mine.revision}", template, mine.ref)
    code = told(town.database, [message])[message.key]["code"]
    ticket = read(town.database.keys, code, datetime(2026, 3, 10, tzinfo=UTC))
    assert ticket == Ticket("duty", mine.id, mine.cadre_id or 0, mine.revision, NOON_AFTER)
    assert town.telephone(EVENING).get(f"/a/{code}").status_code == 200
    assert town.telephone("2026-03-11T11:59").get(f"/a/{code}").status_code == 200
    assert town.telephone("2026-03-11T12:00").get(f"/a/{code}").status_code == 410
    with pytest.raises(ExpiredLink):
        read(town.database.keys, code, NOON_AFTER)


@ON_SQLITE
def test_the_code_of_a_successor_is_that_of_its_first_message(town: Town) -> None:
    mine = town.slot(MINE)
    key = f"duty-notice:{mine.id}:{mine.ref}:r{mine.revision}"
    first, second = (parcel(each, "duty-notice", mine.ref) for each in (key, f"{key}~1"))
    found = told(town.database, [first, second])
    assert found[first.key] == found[second.key]


@ON_SQLITE
def test_the_code_of_an_earlier_revision_opens_nothing_any_more(town: Town) -> None:
    mine = town.slot(MINE)
    town.give("K3", MINE, EVENING)
    town.give("K1", MINE, EVENING)
    message = parcel(f"duty-notice:{mine.id}:{mine.ref}:r{mine.revision}", "duty-notice", mine.ref)
    code = told(town.database, [message])[message.key]["code"]
    assert town.telephone(EVENING).get(f"/a/{code}").status_code == 410


def test_whose_duty_it_no_longer_is_gets_no_code(town: Town) -> None:
    mine = town.slot(MINE)
    town.give("K3", MINE, EVENING)
    message = parcel(f"duty-notice:{mine.id}:{mine.ref}:r{mine.revision}", "duty-notice", mine.ref)
    assert told(town.database, [message]) == {message.key: {"code": ""}}


def test_a_gap_and_a_slot_that_never_was_have_no_code(town: Town) -> None:
    row = {"date": THIRD, "centre": "C1", "cadre": "", "state": "gap"}
    town.office.send("slot", [row], EVENING)
    gap, ref = town.slot(THIRD), town.slot(MINE).ref
    messages = [parcel(f"duty-notice:{number}:{ref}:r0", "duty-notice", ref) for number in (gap.id, 999_999)]
    assert [each["code"] for each in told(town.database, messages).values()] == ["", ""]


@ON_SQLITE
def test_without_an_answer_page_there_are_no_codes(town: Town) -> None:
    mine = town.slot(MINE)
    message = parcel(f"duty-notice:{mine.id}:{mine.ref}:r0", "duty-notice", mine.ref)
    assert told(town.database, [message], answers=False) == {message.key: {"code": ""}}
