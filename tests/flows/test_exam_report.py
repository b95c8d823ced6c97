"""What a release sends to whom: families their own slip alone, schools and officers their books, each once."""

import json
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, update
from sqlmodel import Session, col

from flows import exam_telling
from flows.exam_report import exam_report
from flows.exam_slip_files import MustReveal, write_slips
from flows.exam_telling import report_exam
from flows.jobs import Result
from models.audit import AuditEntry
from models.db import Database, keys_of
from models.district import district_id
from models.exam import Student
from models.exam_mark import ExamFile
from models.exam_release import ExamProposal
from models.exam_releases import add_release, exam_content, inputs_of
from models.messages import Message
from models.staff import add_staff
from notifications.catalogue import template
from notifications.exams import slip_still_true, tell_new
from notifications.outbox import Draft
from notifications.parcels import claim
from notifications.rendering import render_mail
from policies.exams import exams
from rules.exam_refusals import NotReleased, Superseded
from tests.flows.exams import exam_office, give, give_marks, mark, student
from tests.flows.test_duty import Office

AT = "2026-04-27T09:00"
"""Fourteen students of S1, two of S2; marks of 语文 80, 81, ..., of 物理 by items."""
NAMES = {f"1{n:02d}": f"学生甲{n}" for n in range(1, 15)} | {"201": "<script>王四", "202": "=HYPERLINK赵五"}
VERIFIED = ["101", "102", "201"]


@pytest.fixture
def marked(database: Database, tmp_path: Path) -> Office:
    office = exam_office(database, tmp_path)
    rows = []
    for number, name in NAMES.items():
        more: dict[str, Any] = {}
        if number in VERIFIED or number == "103":
            more = {"contact_email": "twins@example.cn" if number in {"101", "102"} else f"p{number}@example.cn"}
            more["contact_verified"] = "yes" if number in VERIFIED else "no"
        rows.append(student(number, f"S{number[0]}", name, **more))
    give(office, "student", rows, AT)
    for school in "12":  # a file is of one school
        give_marks(office, [mark(n, 80 + at) for at, n in enumerate(NAMES) if n[0] == school], AT)
    staff(database)
    return office


def staff(database: Database) -> None:
    """The two officers of every release."""
    with database.write() as session:
        district = district_id(session, "530112")
        for at, ref in enumerate(("S-OFF1", "S-OFF2")):
            add_staff(
                session,
                district,
                ref,
                {"number": f"{at}", "name": f"经办{at}", "role": "both", "phone": "", "email": f"o{at}@example.cn"},
            )


def release(office: Office, version: int, reason: str = "首次发布") -> None:
    """Put forward and released in one go, without the two people's codes."""
    at = datetime(2026, 4, 27, version, tzinfo=UTC)
    with office.database.write() as session:
        last = session.scalars(select(col(ExamFile.id)).order_by(col(ExamFile.id).desc())).first() or 0
        policy, inputs = exams(date(2026, 4, 27)), inputs_of(session, 1)
        both: dict[str, Any] = {
            "version": version, "content_hash": exam_content(session, 1, policy, inputs), "last_file_id": last,
            "reason": reason, "maker_id": 1,
        }  # fmt: skip
        own: dict[str, Any] = {
            "exam_id": 1,
            "policy_version": policy.since,
            "despite_held": False,
            "waiting": {},
            "at": at,
        }
        proposal = ExamProposal(**both, **own)
        session.add(proposal)
        session.flush()
        more = {"proposal_id": proposal.id, "path": "cli", "approver_id": 2, "released_at": at}
        add_release(session, 1, policy, inputs, {**both, **more})


def run(office: Office, to: str = "all", version: int | None = None, moment: str = AT) -> Result:
    return report_exam(office.database, office.at(moment), "E1", version, to)


def mails(office: Office, name: str) -> dict[str, dict[str, Any]]:
    """Variables and address of each mail of a template, by key."""
    with office.database.read() as session:
        keys, found = keys_of(session), {}
        for one in session.scalars(select(Message).where(col(Message.template) == name).order_by(col(Message.id))):
            told = json.loads(keys.open("message.variables", one.dedupe_key, one.variables))
            address = keys.open("message.address", one.dedupe_key, one.address)
            found[one.dedupe_key] = {**told, "address": address, "state": one.state, "ref": one.recipient}
        return found


def refs(office: Office) -> dict[str, str]:
    with office.database.read() as session:
        return dict(session.execute(select(col(Student.number), col(Student.ref))).tuples().all())


def left(office: Office) -> None:
    with office.database.write() as session:
        gone = {"state": "accepted", "request_hash": b"x", "finished_at": office.at(AT).now()}
        session.execute(update(Message).values(**gone))


def test_nothing_is_sent_of_an_exam_that_is_not_released(marked: Office) -> None:
    with pytest.raises(NotReleased):
        run(marked)
    assert mails(marked, "exam-slip") == mails(marked, "exam-released") == {}


def test_each_verified_family_gets_its_own_slip_and_nobody_else_s(marked: Office) -> None:
    release(marked, 1)
    result = run(marked)
    assert (result["slips"], result["unverified"]) == (3, 13)
    assert (result["school_mails"], result["officer_mails"], result["schools_without_contact"]) == (2, 2, [])
    slips, known = mails(marked, "exam-slip"), refs(marked)
    assert {slip["address"] for slip in slips.values()} == {"twins@example.cn", "p201@example.cn"}
    for number in VERIFIED:
        (own,) = (slip for slip in slips.values() if slip["ref"] == known[number])
        assert own["student"] == NAMES[number]
        text = json.dumps(own, ensure_ascii=False)
        assert not [name for other, name in NAMES.items() if other != number and f'"{name}"' in text]
        assert own["rows"][0]["mark"] == f"{80 + list(NAMES).index(number)}"
        assert own["rows"][0]["mean"] == "87.5"  # of 80 to 95
        assert own["rows"][1]["mark"] == "缺考"
    told = json.dumps([mails(marked, "exam-released"), result], ensure_ascii=False)
    assert not [name for name in NAMES.values() if name in told]


def test_small_groups_show_a_family_neither_mean_nor_place(database: Database, tmp_path: Path) -> None:
    office = exam_office(database, tmp_path)
    more = {"contact_email": "p@example.cn", "contact_verified": "yes"}
    give(office, "student", [student("101", "S1", "㐂一", **more)], AT)
    staff(database)
    give_marks(office, [mark(number, 90) for number in ("101", "102", "103")], AT)
    release(office, 1)
    run(office, "families")
    (slip,) = mails(office, "exam-slip").values()
    assert (slip["rows"][0]["mark"], slip["rows"][0]["mean"], slip["rows"][0]["low"]) == ("90", "", None)


def test_a_second_run_sends_nothing_also_after_a_name_was_corrected(marked: Office) -> None:
    release(marked, 1)
    run(marked)
    give(marked, "student", [student("101", "S1", "改名")], "2026-04-28T09:00")
    again = run(marked)
    assert (again["slips"], again["school_mails"], again["officer_mails"]) == (0, 0, 0)


def test_a_kill_in_the_middle_is_made_good_by_the_next_run(marked: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    release(marked, 1)
    real, calls = tell_new, []

    def dying(session: Session, drafts: Any, telling: Any) -> list[Draft]:
        new = real(session, drafts, telling)
        calls.append(new)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return new

    monkeypatch.setattr(exam_telling, "tell_new", dying)
    with pytest.raises(KeyboardInterrupt):
        run(marked, "families")
    assert len(mails(marked, "exam-slip")) == 2
    monkeypatch.setattr(exam_telling, "tell_new", real)
    assert run(marked, "families")["slips"] == 1
    with marked.database.read() as session:
        counted = [
            e.detail["slips"] for e in session.scalars(select(AuditEntry).where(col(AuditEntry.action) == "exam.slips"))
        ]
    assert counted == [2, 1]


def test_a_new_release_writes_again_to_whom_it_changed_and_says_why(marked: Office) -> None:
    release(marked, 1)
    run(marked)
    left(marked)
    give_marks(marked, [mark("102", 81.5)], "2026-04-28T09:00")
    release(marked, 2, "语文第3题复核")
    result = run(marked)
    assert (result["slips"], result["corrected"]) == (1, 1)
    slip = list(mails(marked, "exam-slip").values())[-1]
    assert (slip["ref"], slip["changed"], slip["rows"][0]["mark"]) == (refs(marked)["102"], "语文第3题复核", "81.5")
    rescored = mails(marked, "exam-rescored")
    assert len(rescored) == 4
    assert {mail["marks_changed"] for mail in rescored.values()} == {1, 0}
    with pytest.raises(Superseded):
        run(marked, version=1)


def test_slips_that_still_wait_are_called_back_and_the_new_release_is_their_first(marked: Office) -> None:
    release(marked, 1)
    run(marked, "families")
    release(marked, 2, "复核")
    result = run(marked, "families")
    assert (result["slips"], result["corrected"]) == (3, 0)
    assert [slip["state"] for slip in mails(marked, "exam-slip").values()] == ["cancelled"] * 3 + ["pending"] * 3


def test_a_slip_does_not_leave_once_its_address_is_no_longer_the_verified_one(marked: Office) -> None:
    release(marked, 1)
    run(marked, "families")
    now = marked.at(AT).now()
    with marked.database.write() as session:
        parcels = claim(session, "email", "me", pairs=[("exam-slip", "zh-CN")], now=now, lease_until=now, limit=10)
    with marked.database.write() as session:
        session.execute(update(Student).where(col(Student.number) == "101").values(contact_verified=False))
    with marked.database.read() as session:
        assert {p.recipient for p in parcels if p.key in slip_still_true(session, parcels)} == {
            refs(marked)[number] for number in ("102", "201")
        }


def test_a_name_that_is_html_is_text_and_the_subject_tells_nothing(marked: Office) -> None:
    release(marked, 1)
    run(marked, "families")
    kind = template("exam-slip")
    for key, slip in mails(marked, "exam-slip").items():
        given = {name: value for name, value in slip.items() if name in kind.variables}
        mail = render_mail(kind, "zh-CN", kind.complete(key, given, {}))
        assert "<script" not in mail.html
        assert mail.subject == "高二期中联考成绩单"


def test_slips_to_print_are_one_file_each_and_audited(marked: Office, tmp_path: Path) -> None:
    release(marked, 1)
    folder = tmp_path / "slips"
    with pytest.raises(MustReveal):
        write_slips(marked.database, marked.at(AT), "E1", "S1", folder, reveal=False)
    result = write_slips(marked.database, marked.at(AT), "E1", "S1", folder, reveal=True)
    known = refs(marked)
    expected = {f"{known[number]}.html" for number in NAMES if number[0] == "1" and number not in VERIFIED}
    assert {path.name for path in folder.iterdir()} == expected
    assert result["slips"] == len(expected) == 12
    for number, name in NAMES.items():
        holding = [path.name for path in folder.iterdir() if f"{name}同学" in path.read_text("utf-8")]
        assert holding == ([f"{known[number]}.html"] if f"{known[number]}.html" in expected else [])


def test_the_job_takes_codes_only_and_returns_counts(marked: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    release(marked, 1)
    monkeypatch.setenv("TUOQI_AT", AT)
    result = exam_report.fn("E1")
    assert result["slips"] == 3
    assert result["schools"][0] == {"school": "S1", "slips": 2, "corrected": 0, "unverified": 12}
