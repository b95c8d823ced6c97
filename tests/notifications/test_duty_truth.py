"""A message that waited is sent only if the duty still is what it says."""

from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from flows.outlets import channels, round_of
from flows.sample import district, register_rows
from flows.settings import settings
from models.db import Database
from notifications import drain as outbox
from notifications.duty_truth import STILL_TRUE
from notifications.parcels import claim
from tests.flows.test_duty import Office


@pytest.fixture
def office(database: Database, tmp_path: Path) -> Office:
    office = Office(database, settings(), tmp_path)
    rows = register_rows(district(centres=2, cadres=16))
    for kind in ("subdistrict", "centre", "cadre"):
        office.send(kind, rows[kind])
    office.publish()
    office.watch("2026-03-09T08:50")  # the day before has its own news; out with it
    drain(office, "2026-03-09T08:55")
    return office


def drain(office: Office, moment: str) -> dict[str, int]:
    chosen = office.at(moment)
    return dict(outbox.drain(round_of(office.database, chosen, chosen.now), channels(chosen)).states)


DAY = date(2026, 3, 10)


def test_a_notice_is_not_sent_once_the_cadre_acknowledged(office: Office) -> None:
    office.watch("2026-03-09T17:00")
    slots = [slot for slot in office.slots() if slot.day == DAY]
    ack = {"date": DAY, "centre": slots[0].centre, "cadre": slots[0].cadre, "at": "2026-03-09 17:01"}
    office.send("ack", [ack], "2026-03-09T17:02")
    assert drain(office, "2026-03-09T17:05") == {"accepted": len(slots) - 1, "cancelled": 1}


def test_a_notice_is_not_sent_to_somebody_who_was_released(office: Office) -> None:
    office.watch("2026-03-09T17:00")
    ill = next(slot for slot in office.slots() if slot.day == DAY)
    office.send("leave", [{"person": ill.cadre, "from": DAY, "until": DAY, "type": "sick"}], "2026-03-09T17:01")
    office.morning("2026-03-09")
    states = drain(office, "2026-03-09T17:05")
    assert states["cancelled"] == 1


def test_a_notice_that_waited_past_its_mark_expires(office: Office) -> None:
    office.watch("2026-03-09T17:00")
    slots = [slot for slot in office.slots() if slot.day == DAY]
    assert drain(office, "2026-03-09T20:00") == {"expired": len(slots)}


def test_what_is_still_true_is_sent(office: Office) -> None:
    office.watch("2026-03-09T17:00")
    slots = [slot for slot in office.slots() if slot.day == DAY]
    moment = datetime(2026, 3, 9, 17) + timedelta(minutes=1)  # noqa: DTZ001 - wall time of the district
    assert drain(office, moment.isoformat()) == {"accepted": len(slots)}


def test_the_successor_of_a_notice_holds_as_long_as_the_notice_does(office: Office) -> None:
    """Its key is the notice's with ~1, and the slot behind it is the same."""
    office.watch("2026-03-09T17:00")
    chosen = office.at("2026-03-09T17:01")
    with office.database.write() as session:
        pairs = {("duty-notice", "zh-CN")}
        terms: dict[str, Any] = {"pairs": pairs, "now": chosen.now(), "lease_until": chosen.now(), "limit": 99}
        notices = [parcel for channel in ("sms", "email") for parcel in claim(session, channel, "x", **terms)]
        successors = [replace(parcel, key=f"{parcel.key}~2") for parcel in notices]
        assert notices
        assert STILL_TRUE["duty-notice"](session, successors) == {parcel.key for parcel in successors}
        other = [replace(parcel, key=parcel.key.replace(":r", ":r9") + "~1") for parcel in notices]
        assert STILL_TRUE["duty-notice"](session, other) == set()
