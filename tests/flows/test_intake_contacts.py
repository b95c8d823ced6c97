"""Contacts from files: late, out of order, twice and contradicting each other; one visit counts once, none is lost."""

from datetime import date
from pathlib import Path
from typing import Any

import pytest

from flows.exports import Wish, export_file
from flows.intake import FileHasErrors
from flows.intake_store import Overtaken
from models.contact_flags import flagged_contacts
from models.db import Database
from models.intake_contacts import ContactIntake
from models.visit import VisitContact
from tests.flows.elders import NOW, elder, number, ref, stored, take, utc, visits_office
from tests.flows.test_duty import Office

DAY = "2026-03-09"


@pytest.fixture
def office(database: Database, tmp_path: Path) -> Office:
    office = visits_office(database, tmp_path)
    office.send("elder", [elder()], "2026-02-01T09:00")
    return office


def contact(outcome: str = "MET", at: str = DAY, channel: str = "home", **more: Any) -> dict[str, Any]:
    return {"elder": number(), "helper": "H1", "channel": channel, "occurred_at": at, "outcome": outcome, **more}


def standing(office: Office) -> list[tuple[Any, ...]]:
    rows = stored(office, VisitContact.outcome, VisitContact.occurred_on, VisitContact.void_reason)
    return [row[:2] for row in rows if row[2] is None]


def void(office: Office) -> list[tuple[Any, ...]]:
    rows = stored(office, VisitContact.outcome, VisitContact.void_reason)
    return [row for row in rows if row[1] is not None]


def notes(office: Office) -> list[str]:
    keys = office.database.keys
    return [keys.open("visit_contact.note", ref(office), note) for (note,) in stored(office, VisitContact.note)]


def test_a_contact_is_kept_with_its_date_time_and_sealed_note(office: Office) -> None:
    assert office.send("contact", [contact(at="2026-03-09 00:30", note="血压偏高")], NOW) == 1
    assert stored(
        office, VisitContact.occurred_on, VisitContact.occurred_at, VisitContact.recorded_at, VisitContact.recorded_by
    )[0][:3] == (date(2026, 3, 9), utc("2026-03-09T00:30"), utc(NOW))
    assert notes(office) == ["血压偏高"]


@pytest.mark.parametrize("who", [pytest.param("number", id="ID number"), pytest.param("ref", id="reference")])
def test_an_elder_is_named_by_number_or_reference(office: Office, who: str) -> None:
    said = number().lower() if who == "number" else ref(office).lower()
    assert office.send("contact", [{**contact(), "elder": said}], NOW) == 1


@pytest.mark.parametrize(
    ("row", "told"),
    [
        pytest.param({"occurred_at": "2026-03-11"}, "晚于今天", id="tomorrow"),
        pytest.param({"occurred_at": "2026-03-10 09:01"}, "登记早于探访", id="in a minute"),
        pytest.param({"occurred_at": "2027-03-09"}, "晚于今天", id="wrong year"),
        pytest.param({"elder": number(serial=4)}, "没有登记这位老人", id="unknown elder"),
        pytest.param({"helper": "H9"}, "没有这个编号的帮扶人", id="unknown helper"),
        pytest.param({"outcome": "PHONE"}, "与探访方式不符", id="telephone outcome at home"),
        pytest.param({"channel": "phone"}, "与探访方式不符", id="met by phone"),
        pytest.param({"recorded_at": "2026-03-10 09:01"}, "登记时间在将来", id="recorded tomorrow"),
        pytest.param({"recorded_at": "2026-03-08 09:00"}, "登记早于探访", id="recorded before"),
        pytest.param({"voided": "是"}, "没有登记过这次探访", id="void what is not there"),
    ],
)
def test_a_bad_row_is_refused_and_nothing_of_the_file_is_kept(office: Office, row: dict[str, str], told: str) -> None:
    good = {**dict.fromkeys(row, ""), **contact(at="2026-03-02")}
    with pytest.raises(FileHasErrors, match=told) as refused:
        office.send("contact", [good, {**contact(), **row}], NOW)
    assert "第 3 行" in refused.value.first
    assert number()[6:] not in str(refused.value)
    assert stored(office, VisitContact.id) == []


def test_the_same_file_twice_changes_nothing_whenever_it_comes(office: Office) -> None:
    rows = [contact("NO_ANSWER", f"2026-02-{day:02}", note="") for day in range(1, 29)]
    rows += [contact(at=f"2026-02-{day:02} 10:00", note="好") for day in range(1, 29)]
    assert office.send("contact", rows, NOW) == 56
    before = stored(office, VisitContact.id, VisitContact.void_reason, VisitContact.recorded_at)
    assert office.send("contact", rows, "2026-03-11T09:00") == 0
    assert stored(office, VisitContact.id, VisitContact.void_reason, VisitContact.recorded_at) == before


def test_a_second_knock_that_was_answered_stands_and_the_first_is_void(office: Office) -> None:
    office.send("contact", [contact("NO_ANSWER")], NOW)
    assert office.send("contact", [contact("MET")], "2026-03-10T10:00") == 1
    assert standing(office) == [("MET", date(2026, 3, 9))]
    assert void(office) == [("NO_ANSWER", "duplicate")]


def test_late_paper_of_no_answer_does_not_undo_a_visit(office: Office) -> None:
    office.send("contact", [contact("MET")], NOW)
    assert office.send("contact", [contact("NO_ANSWER")], "2026-03-10T10:00") == 1
    assert (standing(office), void(office)) == ([("MET", date(2026, 3, 9))], [("NO_ANSWER", "duplicate")])


def test_of_two_in_one_file_the_effective_one_stands(office: Office) -> None:
    rows = [contact("NO_ANSWER", f"{DAY} 09:00"), contact("MET", f"{DAY} 10:00"), contact("AWAY", f"{DAY} 11:00")]
    assert office.send("contact", rows, NOW) == 3
    assert standing(office) == [("MET", date(2026, 3, 9))]
    assert len(void(office)) == 2


@pytest.mark.parametrize(
    "other",
    [
        pytest.param(contact("PHONE", channel="phone"), id="another channel"),
        pytest.param({**contact(), "helper": "H2"}, id="another helper"),
        pytest.param(contact(at="2026-03-08"), id="another date"),
    ],
)
def test_what_differs_in_channel_helper_or_date_is_another_contact(office: Office, other: dict[str, Any]) -> None:
    office.send("contact", [contact(), other], NOW)
    assert len(standing(office)) == 2


def test_contradicting_rows_without_a_time_are_an_error(office: Office) -> None:
    with pytest.raises(FileHasErrors, match=r"第 3 行.*第 2 行"):
        office.send("contact", [contact("MET"), contact("NO_ANSWER")], NOW)


def test_another_note_is_a_new_row_recorded_as_early_and_the_old_one_is_kept(office: Office) -> None:
    office.send("contact", [contact(note="一切都好")], NOW)
    assert office.send("contact", [contact(note="膝盖疼")], "2026-03-10T10:00") == 1
    assert notes(office) == ["一切都好", "膝盖疼"]
    assert void(office) == [("MET", "amended")]
    assert stored(office, VisitContact.recorded_at)[1] == (utc(NOW),)
    assert office.send("contact", [contact(note="一切都好")], "2026-03-10T11:00") == 0
    assert office.send("contact", [contact()], "2026-03-10T11:00") == 0


def test_a_mistaken_contact_is_void_and_what_it_hid_stands_again(office: Office) -> None:
    office.send("contact", [contact("NO_ANSWER")], NOW)
    office.send("contact", [contact("MET")], "2026-03-10T10:00")
    assert office.send("contact", [contact("MET", voided="是")], "2026-03-10T11:00") == 1
    assert (standing(office), void(office)) == ([("NO_ANSWER", date(2026, 3, 9))], [("MET", "mistaken")])


def test_a_void_contact_does_not_come_back_with_an_old_file(office: Office) -> None:
    office.send("contact", [contact()], NOW)
    office.send("contact", [contact(voided="是")], NOW)
    assert office.send("contact", [contact()], "2026-03-10T11:00") == 0
    assert office.send("contact", [contact(voided="是")], "2026-03-10T11:00") == 0
    assert standing(office) == []


def test_a_contact_after_the_death_is_taken_flagged_and_mentioned(office: Office, tmp_path: Path) -> None:
    office.send("status", [{"elder": number(), "from": "2026-03-01", "status": "去世"}], NOW)
    path = tmp_path / "c.csv"
    path.write_text(
        "elder,helper,channel,occurred_at,outcome\n"
        + "".join(f"{number()},H1,home,2026-0{day},MET\n" for day in ("2-28", "3-01", "3-02")),
        "utf-8",
    )
    assert "1 行：晚于去世或迁出的日期" in take(office, "contact", path).remark
    with office.database.read() as session:
        flags = [(each.ref, each.flag) for each in flagged_contacts(session, 1)]
    assert flags == [(ref(office), "CONTACT_AFTER_DEATH")]


def test_a_death_recorded_late_flags_what_came_before_its_record(office: Office) -> None:
    office.send("contact", [contact(at="2026-03-05")], "2026-03-05T18:00")
    office.send("status", [{"elder": number(), "from": "2026-03-01", "status": "去世"}], NOW)
    with office.database.read() as session:
        assert [each.flag for each in flagged_contacts(session, 1)] == ["CONTACT_AFTER_DEATH"]
    office.send("status", [{"elder": number(), "from": "2026-03-01", "status": "在册"}], "2026-03-11T09:00")
    with office.database.read() as session:
        assert list(flagged_contacts(session, 1)) == []


@pytest.mark.parametrize("secret", [pytest.param(True, id="revealed"), pytest.param(False, id="not revealed")])
@pytest.mark.parametrize("suffix", ["csv", "xlsx"])
def test_an_export_can_be_imported_again_and_changes_nothing(
    office: Office, tmp_path: Path, suffix: str, secret: bool
) -> None:
    rows = [contact(note="=好", at="2026-03-01"), contact("NO_ANSWER", "2026-03-02 08:15"), contact(at="2026-03-02")]
    rows = [{"note": "", **row} for row in rows]
    office.send("contact", rows, NOW)
    wish, path = Wish.read(None, None, None, None, None, reveal=secret), tmp_path / f"c.{suffix}"
    assert export_file(office.database, office.at(NOW), "contact", wish, path)["rows"] == 2
    taken = take(office, "contact", path, "2026-03-12T09:00").taken
    assert (taken.added, taken.changed, taken.unchanged) == (0, 0, 2)


def test_a_note_stays_out_of_an_export_without_reveal(office: Office, tmp_path: Path) -> None:
    office.send("contact", [contact(note="血压偏高")], NOW)
    wish = Wish.read(None, None, None, None, None, reveal=False)
    export_file(office.database, office.at(NOW), "contact", wish, tmp_path / "c.csv")
    told = (tmp_path / "c.csv").read_text("utf-8-sig")
    assert ref(office) in told
    assert "血压" not in told
    assert number() not in told


def test_whoever_is_slower_is_told_and_nothing_of_theirs_is_kept(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    settle = ContactIntake.settle

    def overtaken(intake: ContactIntake) -> None:
        settle(intake)
        monkeypatch.setattr(ContactIntake, "settle", settle)
        office.send("contact", [contact("NO_ANSWER")], NOW)

    monkeypatch.setattr(ContactIntake, "settle", overtaken)
    with pytest.raises(Overtaken):
        office.send("contact", [contact(), contact(at="2026-03-08")], NOW)
    assert standing(office) == [("NO_ANSWER", date(2026, 3, 9))]
