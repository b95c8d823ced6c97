"""The duty job on real databases: from imported files to a published month, substitutes, marks, a balanced ledger."""

import csv
import json
from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, text
from sqlmodel import col

from flows.duty import duty_plan
from flows.duty_day import duty_morning
from flows.duty_desk import NotRecorded, record
from flows.duty_plan import NothingToPlan, ProvisionalMonth, plan_month
from flows.duty_report import report_month
from flows.duty_watch import watch
from flows.intake import take_file
from flows.sample import District, district, register_rows
from flows.settings import Settings, settings
from models.calendar import statutory_days
from models.db import Database
from models.district import district_id
from models.duty import DutySlot, SlotTransition
from models.duty_facts import facts
from models.duty_record import Held, held_slots
from models.messages import Message
from rules.duty import Policy
from rules.duty_swap import SwapRefused, check_swap

MARCH = (date(2026, 3, 1), date(2026, 3, 31))


@pytest.fixture(scope="module")
def people() -> District:
    return district(centres=3, cadres=24)


class Office:
    """A district office in a test: sends files, runs jobs at a moment, reads the roster."""

    def __init__(self, database: Database, base: Settings, folder: Path) -> None:
        self.database, self.base, self.folder = database, base, folder

    def at(self, moment: str) -> Settings:
        return self.base.model_copy(update={"at": datetime.fromisoformat(moment)})

    def send(self, kind: str, rows: Iterable[Mapping[str, Any]], moment: str = "2026-02-20T08:00") -> int:
        listed = [dict(row) for row in rows]
        path = self.folder / f"{kind}.csv"
        with path.open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, list(listed[0]))
            writer.writeheader()
            writer.writerows({k: _cell(v) for k, v in row.items()} for row in listed)
        taken = take_file(self.database, self.at(moment), kind, path).taken
        return taken.added + taken.changed

    def plan(
        self, month: str = "2026-03", *, publish: bool = False, moment: str = "2026-02-20T08:00"
    ) -> dict[str, Any]:
        chosen = self.at(moment)
        return plan_month(self.database, chosen, month, chosen.today(), publish=publish)

    def publish(self, month: str = "2026-03") -> dict[str, Any]:
        return self.plan(month, publish=True, moment="2026-02-25T08:00")

    def morning(self, day: str) -> dict[str, Any]:
        chosen = self.at(f"{day}T06:00")
        return duty_morning(self.database, chosen, chosen.today())

    def watch(self, moment: str) -> dict[str, Any]:
        return watch(self.database, self.at(moment))

    def slots(self, first: date = MARCH[0], last: date = MARCH[1]) -> list[Held]:
        with self.database.read() as session:
            return held_slots(session, district_id(session, "530112"), first, last)

    def roster(self) -> dict[tuple[str, date], str | None]:
        return {(slot.centre, slot.day): slot.cadre for slot in self.slots()}

    def messages(self, template: str) -> list[str]:
        with self.database.read() as session:
            query = select(col(Message.recipient)).where(col(Message.template) == template).order_by(col(Message.id))
            return list(session.execute(query).scalars())


def _cell(value: Any) -> Any:
    return {True: "yes", False: "no", None: ""}.get(value, value) if isinstance(value, bool | None) else value


@pytest.fixture
def office(database: Database, tmp_path: Path, people: District) -> Office:
    office = Office(database, settings(), tmp_path)
    rows = register_rows(people)
    for kind in ("subdistrict", "centre", "cadre", "leave"):
        office.send(kind, rows[kind])
    return office


def test_files_become_a_published_month_without_gaps(office: Office) -> None:
    drafted = office.plan()
    assert drafted["published"] == 0
    drafts = office.roster()
    published = office.publish()
    assert published["gaps"] == 0
    assert published["published"] == published["slots"] == len(drafts)
    assert office.roster() == drafts
    assert {slot.state for slot in office.slots()} == {"published"}


def test_everybody_on_duty_is_told_their_month_once(office: Office) -> None:
    office.publish()
    office.publish()
    told = office.messages("duty-published")
    assert len(told) == len(set(told)) == len({(slot.ref, slot.centre) for slot in office.slots()})


def test_publishing_again_returns_the_first_result_and_changes_nothing(office: Office) -> None:
    office.publish()
    before = office.slots()
    assert office.publish()["already"]
    assert office.slots() == before


def test_drafting_again_after_new_leave_converges(office: Office) -> None:
    office.plan()
    first = office.slots()[0]
    office.send("leave", [{"person": first.cadre, "from": first.day, "until": first.day, "type": "sick"}])
    office.plan()
    again = office.roster()
    assert again[first.centre, first.day] != first.cadre
    office.plan()
    assert office.roster() == again


def test_overnight_illness_moves_one_day_only_and_tells_the_two_concerned(office: Office) -> None:
    office.publish()
    before = office.roster()
    ill = next(slot for slot in office.slots() if slot.day == date(2026, 3, 10))
    sick = {"person": ill.cadre, "from": ill.day, "until": ill.day, "type": "病假"}
    office.send("leave", [sick], "2026-03-09T22:00")
    result = office.morning("2026-03-10")
    after = office.roster()
    moved = [place for place in before if before[place] != after[place]]
    assert moved == [(ill.centre, ill.day)]
    assert len(result["changes"]) == 1
    substitute = next(slot for slot in office.slots() if (slot.centre, slot.day) == (ill.centre, ill.day))
    assert substitute.revision == ill.revision + 1
    assert office.messages("duty-assigned") == [substitute.ref]
    assert office.messages("duty-released") == [ill.ref]
    assert office.morning("2026-03-10")["changes"] == []


def test_the_substitute_told_at_six_is_not_told_again_by_the_lapsing_reminder(office: Office) -> None:
    office.publish()
    ill = next(slot for slot in office.slots() if slot.day == date(2026, 3, 10))
    office.send("leave", [{"person": ill.cadre, "from": ill.day, "until": ill.day, "type": "sick"}], "2026-03-09T22:00")
    office.morning("2026-03-10")
    assert office.watch("2026-03-10T06:15")["reminder"] == len([s for s in office.slots() if s.day == ill.day]) - 1


def test_marks_fire_once_each_and_only_for_those_concerned(office: Office) -> None:
    office.publish()
    day = date(2026, 3, 10)
    today = [slot for slot in office.slots() if slot.day == day]
    eve = "2026-03-09"
    assert office.watch(f"{eve}T16:45")["notice"] == 0
    assert office.watch(f"{eve}T17:00")["notice"] == len(today)
    assert office.watch(f"{eve}T17:15")["notice"] == 0
    first, second, *_ = today
    ack = {"date": day, "centre": first.centre, "cadre": first.cadre, "at": f"{eve} 18:00"}
    office.send("ack", [ack], f"{eve}T19:00")
    assert office.watch(f"{eve}T20:00")["reminder"] == len(today) - 1
    assert office.watch("2026-03-10T07:30")["head"] == len(today) - 1
    assert office.watch("2026-03-10T07:45")["head"] == 0
    came = {"date": day, "centre": second.centre, "cadre": second.cadre, "at": "2026-03-10 08:30"}
    office.send("checkin", [came], "2026-03-10T08:40")
    assert office.watch("2026-03-10T08:45")["office"] == len(today) - 1
    assert office.watch("2026-03-10T09:00")["office"] == 0
    assert office.watch("2026-03-11T00:15")["missed"] >= len(today) - 1
    states = {slot.centre: slot.state for slot in office.slots() if slot.day == day}
    assert Counter(states.values()) == {"on_duty": 1, "missed": len(today) - 1}
    assert len(office.messages("duty-unacknowledged")) == len(today) - 1


def test_a_mark_that_was_slept_through_lapses_at_the_next(office: Office) -> None:
    office.publish()
    result = office.watch("2026-03-09T20:10")
    assert (result["notice"], result["reminder"]) == (0, len([s for s in office.slots() if s.day == date(2026, 3, 10)]))


def test_a_to_b_to_a_tells_a_again(office: Office) -> None:
    office.publish()
    slot = next(slot for slot in office.slots() if slot.day == date(2026, 3, 10))
    other = next(s.cadre for s in office.slots() if s.centre == slot.centre and s.day == date(2026, 3, 20))
    row = {"date": slot.day, "centre": slot.centre, "cadre": other}
    office.send("slot", [row], "2026-03-02T09:00")
    office.send("slot", [row | {"cadre": slot.cadre}], "2026-03-02T10:00")
    told = office.messages("duty-assigned")
    assert told[-1] == slot.ref
    assert len(told) == 2


def test_a_swap_waits_for_both_sides_and_then_exchanges_the_days(office: Office) -> None:
    office.publish()
    a, b = _swappable(office)
    asked = {"centre": a.centre, "date_a": a.day, "cadre_a": a.cadre, "date_b": b.day, "cadre_b": b.cadre}
    office.send("swap", [asked | {"confirmed_a": a.cadre, "confirmed_b": ""}], "2026-03-01T09:00")
    assert office.roster()[a.centre, a.day] == a.cadre
    office.send("swap", [asked | {"confirmed_a": "", "confirmed_b": b.cadre}], "2026-03-01T10:00")
    after = office.roster()
    assert (after[a.centre, a.day], after[b.centre, b.day]) == (b.cadre, a.cadre)
    assert Counter(office.messages("duty-assigned")) == {a.ref: 1, b.ref: 1}


def _swappable(office: Office) -> tuple[Held, Held]:
    with office.database.read() as session:
        known = facts(session, district_id(session, "530112"), *MARCH)
    slots = [slot for slot in office.slots() if slot.day >= date(2026, 3, 5)]
    for a in slots:
        for b in slots:
            if a.centre == b.centre and a.day < b.day and a.cadre and b.cadre:
                try:
                    check_swap(known, a.centre, a.day, a.cadre, b.day, b.cadre, date(2026, 3, 1), Policy())
                except SwapRefused:
                    continue
                return a, b
    raise AssertionError("no pair can swap")


def test_a_stranger_cannot_confirm_a_swap(office: Office) -> None:
    office.publish()
    a, b = _swappable(office)
    stranger = next(s.cadre for s in office.slots() if s.centre != a.centre)
    values = {"centre": a.centre, "date_a": str(a.day), "cadre_a": a.cadre, "date_b": str(b.day), "cadre_b": b.cadre}
    with pytest.raises(NotRecorded, match="不是本人"):
        record(office.database, office.at("2026-03-01T09:00"), "swap", "office", values | {"confirmed_a": stranger})
    assert office.roster()[a.centre, a.day] == a.cadre


def test_an_unpublished_year_can_be_drafted_but_not_published(office: Office) -> None:
    assert office.plan("2027-03")["provisional"]
    with pytest.raises(ProvisionalMonth, match="国务院"):
        office.plan("2027-03", publish=True)
    assert {slot.published for slot in office.slots(date(2027, 3, 1), date(2027, 3, 31))} == {False}


def test_a_years_notice_confirms_it_and_then_it_can_be_published(office: Office) -> None:
    notice = [{"date": day, "kind": "statutory", "name": name} for day, name in statutory_days(2027).items()]
    office.send("calendar", [*notice, {"date": "2027-01-04", "kind": "rest", "name": "元旦假期"}])
    result = office.plan("2027-01", publish=True)
    assert result["published"] == result["slots"] > 0


def test_the_ledger_of_the_month_balances_to_zero(office: Office) -> None:
    office.publish()
    office.watch("2026-03-05T09:00")
    report = report_month(office.database, office.at("2026-04-01T08:00"), "2026-03")
    assert report["ledger_sum"] == 0
    assert report["duties"] == len(office.slots())


def test_an_empty_roster_is_refused_with_what_to_do(database: Database, tmp_path: Path) -> None:
    office = Office(database, settings(), tmp_path)
    with pytest.raises(NothingToPlan, match="导入"):
        office.plan()


def test_a_day_without_anybody_is_a_gap_that_head_and_office_hear_of(office: Office) -> None:
    office.publish()
    slot = next(slot for slot in office.slots() if slot.day == date(2026, 3, 12))
    rows = [
        {"person": number, "from": slot.day, "until": slot.day, "type": "official"}
        for number in {row["number"] for row in register_rows(district(centres=3, cadres=24))["cadre"]}
    ]
    office.send("leave", rows, "2026-03-11T20:00")
    result = office.morning("2026-03-12")
    assert result["gaps"] == len(result["list"])
    assert len(office.messages("duty-gap")) >= 2 * result["gaps"]
    assert {s.state for s in office.slots() if s.day == slot.day} == {"gap"}


def test_every_change_is_a_transition_row_with_time_actor_and_reason(office: Office) -> None:
    office.publish()
    with office.database.read() as session:
        rows = session.execute(select(col(SlotTransition.before), col(SlotTransition.after), col(SlotTransition.actor)))
        kinds = Counter(rows.tuples())
        slots = session.execute(select(text("count(*)")).select_from(DutySlot)).scalar_one()
    assert kinds == {("draft", "published", "duty-publish"): slots}


def test_the_third_day_of_an_outage_catches_up_without_old_reminders(office: Office) -> None:
    office.publish()
    office.morning("2026-03-03")
    result = office.morning("2026-03-06")
    assert result["missed"] == len([s for s in office.slots() if date(2026, 3, 1) <= s.day < date(2026, 3, 6)]) - (
        len([s for s in office.slots() if date(2026, 3, 1) <= s.day < date(2026, 3, 3)])
    )
    assert office.watch("2026-03-06T06:15")["notice"] == 0


def test_the_real_calendar_plans_drafts_anew_and_leaves_published_days(office: Office) -> None:
    office.publish()
    office.plan("2026-04")
    before, drafts = office.roster(), _roster(office, date(2026, 4, 1), date(2026, 4, 30))
    changed = [{"date": "2026-04-11", "kind": "statutory", "name": "临时放假"}, {"date": "2026-03-30", "kind": "rest"}]
    office.send("calendar", changed, "2026-02-26T08:00")
    assert office.roster() == before
    assert _roster(office, date(2026, 4, 1), date(2026, 4, 30)) != drafts


def _roster(office: Office, first: date, last: date) -> dict[tuple[str, date], str | None]:
    return {(slot.centre, slot.day): slot.cadre for slot in office.slots(first, last)}


def test_what_a_run_returns_and_shows_names_nobody(office: Office, people: District) -> None:
    results = [office.publish(), office.morning("2026-03-10"), office.watch("2026-03-09T17:00")]
    results.append(report_month(office.database, office.at("2026-04-01T08:00"), "2026-03"))
    told = json.dumps(results, ensure_ascii=False, default=str)
    secrets = {str(row[column]) for row in register_rows(people)["cadre"] for column in ("name", "phone", "email")}
    assert [secret for secret in secrets if secret in told] == []


def test_a_missed_turn_of_planning_is_made_up_with_the_next(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    def turn(moment: str) -> None:
        monkeypatch.setenv("TUOQI_AT", moment)
        settings.cache_clear()
        duty_plan.fn()

    turn("2026-02-20T08:00")
    turn("2026-04-20T08:00")  # the turn of 20 March, for April, was slept through
    assert {f"{slot.day:%Y-%m}" for slot in office.slots(date(2026, 1, 1), date(2026, 12, 31))} == {
        "2026-03",
        "2026-04",
        "2026-05",
    }
    assert min(slot.day for slot in office.slots(date(2026, 4, 1), date(2026, 4, 30))) == date(2026, 4, 20)
