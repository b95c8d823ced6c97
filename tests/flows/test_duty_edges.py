"""Edges of the duty job that an office meets sooner or later: gaps, late runs, pins, closed days, guests, drafts."""

from datetime import date
from pathlib import Path

import pytest

from flows.duty import duty_day, duty_watch
from flows.duty_plan import plan_month
from flows.settings import NotYet, settings
from models.db import Database
from policies import book
from rules.duty import Leave
from tests.flows.test_duty import Office

CENTRES = [{"code": f"C{n}", "name": f"中心{n}", "subdistrict": "马街", "opens_on_rest_days": "yes"} for n in (1, 2)]


def cadre(number: str, centre: str, until: str = "", head: str = "no") -> dict[str, str]:
    mail = f"{number.lower()}@x.example"
    place = {"centre": centre, "from": "2026-01-01", "until": until, "head": head}
    return {"number": number, "name": f"干部{number}", "email": mail, **place}


@pytest.fixture
def office(database: Database, tmp_path: Path) -> Office:
    """Two centres of four: K1-K4 in C1, K5-K8 in C2; K1 and K5 are heads."""
    office = Office(database, settings(), tmp_path)
    office.send("centre", CENTRES)
    people = [cadre(f"K{n}", "C1" if n < 5 else "C2", head="yes" if n in {1, 5} else "no") for n in range(1, 9)]
    office.send("cadre", people)
    return office


def away(*numbers: str, first: str, last: str) -> list[dict[str, str]]:
    return [{"person": number, "from": first, "until": last, "type": "official"} for number in numbers]


def holder(office: Office, centre: str, day: date) -> str | None:
    return {(s.centre, s.day): s.cadre for s in office.slots(date(2026, 1, 1), date(2026, 12, 31))}[centre, day]


def test_a_gap_known_when_publishing_is_raised_at_once_and_again_in_the_morning(office: Office) -> None:
    office.send("leave", away("K1", "K2", "K3", "K4", first="2026-03-10", last="2026-03-10"))
    assert office.publish()["gaps"] == 1
    assert len(office.messages("duty-gap")) == 2  # the head and the office
    assert office.watch("2026-03-10T08:45")["office"] >= 1
    assert len(office.messages("duty-gap")) == 3


def test_a_late_publishing_does_not_make_up_days_gone_by(office: Office) -> None:
    chosen = office.at("2026-03-05T09:00")
    plan_month(office.database, chosen, "2026-03", date(2026, 2, 25), publish=True)
    assert min(slot.day for slot in office.slots()) == date(2026, 3, 5)


def test_a_month_wholly_past_can_be_reconstructed(office: Office) -> None:
    result = office.plan("2026-03", publish=True, moment="2026-06-01T09:00")
    assert result["published"] == 62


@pytest.mark.parametrize("day", [date(2026, 3, 20), date(2026, 3, 6)])
def test_a_day_that_has_not_come_is_refused(office: Office, monkeypatch: pytest.MonkeyPatch, day: date) -> None:
    office.publish()
    monkeypatch.setenv("TUOQI_AT", "2026-03-05T06:00")
    settings.cache_clear()
    with pytest.raises(NotYet, match="还没有到"):
        duty_day.fn(as_of=day)
    with pytest.raises(NotYet):
        duty_watch.fn(at=office.at(f"{day}T09:00").now())
    assert {slot.state for slot in office.slots()} == {"published"}


def test_a_pinned_draft_is_kept_and_one_whose_cadre_cannot_serve_is_reopened(office: Office) -> None:
    office.plan()
    pins = [{"date": f"2026-03-{day}", "centre": "C1", "cadre": "K3", "pinned": "yes"} for day in ("12", "20")]
    office.send("slot", pins)
    office.send("leave", away("K3", first="2026-03-20", last="2026-03-20"))
    office.publish()
    assert holder(office, "C1", date(2026, 3, 12)) == "K3"
    assert holder(office, "C1", date(2026, 3, 20)) not in {"K3", None}


def test_a_hand_made_draft_of_a_day_that_closes_does_not_stop_planning(office: Office) -> None:
    office.plan()
    office.send("slot", [{"date": "2026-03-07", "centre": "C1", "cadre": "K4"}])
    office.send("centre", [CENTRES[0] | {"opens_on_rest_days": "no"}])
    office.publish()
    days = {slot.day for slot in office.slots() if slot.centre == "C1"}
    assert date(2026, 3, 7) not in days
    assert date(2026, 3, 9) in days


def test_the_last_weekend_of_a_centre_that_closed_is_not_published(office: Office) -> None:
    office.plan("2026-02", moment="2026-02-01T08:00")
    office.send("centre", [each | {"opens_on_rest_days": "no"} for each in CENTRES], "2026-02-21T08:00")
    office.plan("2026-02", publish=True, moment="2026-02-21T08:00")
    weekend = {date(2026, 2, 21), date(2026, 2, 22)}
    assert {slot.day for slot in office.slots(date(2026, 2, 1), date(2026, 2, 28)) if slot.published} & weekend == set()


def test_drafts_of_the_next_month_do_not_stand_in_the_way_of_mending(office: Office) -> None:
    office.publish()
    office.plan("2026-04", moment="2026-03-20T08:00")
    before = office.roster()
    last = date(2026, 3, 31)
    ill = holder(office, "C1", last)
    assert ill is not None
    office.send("leave", away(ill, first="2026-03-31", last="2026-03-31"), "2026-03-30T20:00")
    office.morning("2026-03-31")
    after = office.roster()
    assert [place for place in before if before[place] != after[place]] == [("C1", last)]


def test_a_cadre_who_moved_to_another_centre_is_planned_there_only(office: Office) -> None:
    office.send("cadre", [cadre("K2", "C1", until="2026-02-28"), cadre("K2", "C2") | {"from": "2026-03-01"}])
    office.publish()
    served = {slot.centre for slot in office.slots() if slot.cadre == "K2"}
    assert served == {"C2"}


def test_leave_earns_by_the_policy_of_its_own_days(tmp_path: Path) -> None:
    overlay = tmp_path / "p.yaml"
    overlay.write_text(
        "duty:\n  versions:\n    - {since: 2026-03-10, source: t, accruing_leave: [official]}\n", "utf-8"
    )
    divided = book.dated_leaves([Leave("K1", date(2026, 3, 1), date(2026, 3, 20), "official")], overlay)
    assert divided == [
        Leave("K1", date(2026, 3, 1), date(2026, 3, 9), "plain"),
        Leave("K1", date(2026, 3, 10), date(2026, 3, 20), "accruing"),
    ]


def test_an_open_leave_stays_open_in_its_last_part() -> None:
    assert book.dated_leaves([Leave("K1", date(2026, 3, 1), None, "sick")]) == [
        Leave("K1", date(2026, 3, 1), None, "plain")
    ]
