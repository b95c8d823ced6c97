"""Releasing an exam: only what a maker put forward, another one approved, and nobody changed meanwhile."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier
from typing import Any

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError
from sqlmodel import col

from flows import exam_release
from flows.allowance_approve import Yes
from flows.exam_release import diff, listed
from models import audit
from models.audit import AuditEntry, verify
from models.db import Database
from models.exam_release import ExamProposal, ExamRelease, ExamReleaseStudent
from models.exam_releases import latest_release, released_findings
from models.messages import Message
from models.one_time import code_at, step_of
from rules.errors import TuoqiError
from rules.exam_refusals import (
    ChangedSince,
    NoExam,
    NoMarks,
    NoPapers,
    NothingChanged,
    NothingForward,
    OwnRelease,
    ReasonMissing,
    ReasonTooLong,
    StillWaiting,
    WrongReleaseCode,
)
from rules.staff_refusals import CodeUsed, NotAMaker, NotProved
from tests.flows.exam_releases import Releasing
from tests.flows.exams import EXAM, NOW, give, give_marks, mark, student

COPIED = (
    "INSERT INTO exam_release SELECT 9, exam_id, 9, proposal_id, content_hash, last_file_id, policy_version, policy, "
    "inputs, students, figures_hash, reason, path, maker_id, {}, released_at FROM exam_release"
)


@pytest.fixture
def office(database: Database, tmp_path: Path) -> Releasing:
    return Releasing(database, tmp_path)


def test_a_first_release_needs_a_maker_and_another_who_approves(office: Releasing) -> None:
    office.all_in()
    told = office.put()
    assert (told["version"], told["reason"], told["students"], told["held"], told["missing"]) == (
        1,
        "首次发布",
        4,
        0,
        0,
    )
    assert (told["approvers"], told["messages"]) == (2, 2)  # A1 and A2, not the maker
    assert office.put()["messages"] == 0  # the same again
    assert office.count(ExamProposal) == 1
    with pytest.raises(OwnRelease):
        office.yes("M1")
    assert office.yes()["already"] is False
    assert office.yes()["already"] is True
    with pytest.raises(NothingForward):
        office.yes("A2")
    with office.database.read() as session:
        release = latest_release(session, 1)
        assert release
        assert (release.version, release.maker, release.approver, release.students) == (1, "T-M1", "T-A1", 4)
        assert verify(session, "530112") is None or verify(session, office.office.base.district) is None


@pytest.mark.parametrize(
    ("said", "refusal"),
    [
        pytest.param({"confirmation": "0000-0000-0000"}, WrongReleaseCode, id="a wrong confirmation code"),
        pytest.param({"once": "abcdef"}, NotProved, id="the right confirmation code is not enough"),
    ],
)
def test_both_codes_are_needed(office: Releasing, said: dict[str, str], refusal: type[TuoqiError]) -> None:
    office.all_in()
    office.put()
    with pytest.raises(refusal):
        office.yes(**said)
    assert office.count(ExamRelease) == 0


def test_a_one_time_code_releases_once(office: Releasing) -> None:
    office.all_in()
    office.put()
    office.yes()
    office.steps -= 1  # the very code again
    with pytest.raises(CodeUsed):
        office.yes()


def test_nothing_is_put_forward_that_is_not_there(office: Releasing) -> None:
    give(office.office, "exam", [EXAM | {"code": "E2"}], NOW)
    chosen = office.office.at(NOW)
    for code, refusal in (("E2", NoPapers), ("E3", NoExam), ("E1", NoMarks)):
        with pytest.raises(refusal, match=code):
            exam_release.put_forward(office.database, chosen, code, "M1")
    with pytest.raises(NotAMaker):
        office.put(staff="A1")
    with pytest.raises(NothingForward):
        exam_release.approve(office.database, chosen, "E1", Yes("A1", "x", _once(office), "cli"))


def test_held_rows_and_missing_schools_are_named_and_have_to_be_known(office: Releasing) -> None:
    """S1 sent languages with a row off the roster and one twice; S2 sent nothing, and nobody sent physics."""
    give_marks(office.office, [mark("101", 90), mark("102", 80), mark("103", 1), mark("103", 2), mark("999", 1)])
    with pytest.raises(StillWaiting) as refused:
        office.put()
    for part in ("S1 暂不入库 2 行", "S1 没有报送 物理", "S2 没有报送 物理、语文"):
        assert part in str(refused.value)
    told = office.put(despite_held=True)
    assert (told["held"], told["missing"], told["despite_held"]) == (2, 2, True)
    office.yes()


def test_a_new_version_needs_a_reason_and_a_change(office: Releasing) -> None:
    office.all_in()
    office.release()
    with pytest.raises(ReasonMissing):
        office.put()
    with pytest.raises(NothingChanged):
        office.put("复核")
    for long in ("长" * 101, "a\nb"):
        with pytest.raises(ReasonTooLong):
            office.put(long)


def _correct(office: Releasing) -> None:
    office.marks({"201": 61})


def _transfer(office: Releasing) -> None:
    give(office.office, "student", [student("103", "S2", "李三")], NOW)


def _paper(office: Releasing) -> None:
    give(office.office, "paper", [{"exam": "E1", "subject": "语文", "full": 160}], NOW)


def _stranger(office: Releasing) -> None:
    office.marks({"199": 61})


@pytest.mark.parametrize("change", [_correct, _transfer, _paper, _stranger])
def test_what_changed_since_it_was_put_forward_is_not_released(
    office: Releasing, change: Callable[[Releasing], None]
) -> None:
    office.all_in()
    office.put()
    change(office)
    with pytest.raises(ChangedSince):
        office.yes()
    assert office.count(ExamRelease) == 0
    with office.database.read() as session:
        actions = list(session.scalars(select(col(AuditEntry.action)).order_by(col(AuditEntry.seq))))
    assert actions[-1] == "exam.release-refused"
    office.put(despite_held=True)
    office.yes()


def test_a_rescore_moves_other_ranks_and_is_told_in_counts(office: Releasing) -> None:
    """Languages 120, 90, 90, 60 -> the last has 100: of S2 one mark; 102 and 103 fall from 2 to 3, and all percentiles.

    101 stays first, with the same percentile; its T moves with mean and SD. Physics has SD 0 and stays as it is.
    """
    office.all_in()
    office.release()
    office.marks({"201": 100})
    assert office.release("语文作文复核")["version"] == 2
    told = diff(office.database, office.office.at(NOW), "E1", 1, 2)
    assert (told["reason"], told["maker"], told["approver"]) == ("语文作文复核", "T-M1", "T-A1")
    assert told["changes"] == [
        {"school": school, "subject": subject, "own": own, "moved": moved, "added": 0, "removed": 0}
        for school, own, moved in (("S1", 0, 3), ("S2", 1, 0))
        for subject in ("total", "语文")
    ]
    with office.database.read() as session:
        ranks = [list(released_findings(session, 1, n).standings())[1]["rank"].to_list() for n in (1, 2)]
    assert ranks == [[1, 2, 2, 4], [1, 3, 3, 2]]
    assert [each["version"] for each in listed(office.database, office.office.at(NOW), "E1")["releases"]] == [1, 2]


def test_an_old_release_is_worked_out_the_same_whatever_came_later(office: Releasing) -> None:
    """A correction, a transfer, a newcomer with marks, other full marks: the first release knows none of it."""
    office.all_in()
    office.release()
    with office.database.read() as session:
        before = released_findings(session, 1, 1).stats()
    for change in (_correct, _transfer, _paper):
        change(office)
    give(office.office, "student", [student("204", "S2", "新六")], NOW)
    office.marks({"204": 99})
    with office.database.read() as session:
        found = released_findings(session, 1, 1)  # it checks the digest of the figures itself
    assert found.release == 1
    assert found.stats().equals(before, null_equal=True)


def test_a_violation_may_be_lifted_after_the_release(office: Releasing) -> None:
    office.all_in()
    office.marks({"201": "违纪"})
    office.release()
    office.marks({"201": 60})
    office.release("违纪处理撤销")
    changes = diff(office.database, office.office.at(NOW), "E1", 1, 2)["changes"]
    assert [row["own"] for row in changes if row["school"] == "S2"] == [1, 1]


def test_two_approvals_at_once_make_one_release(office: Releasing) -> None:
    office.all_in()
    office.put()
    told = _together([lambda: office.yes("A1"), lambda: office.yes("A2")])
    assert office.count(ExamRelease) == 1
    assert [type(each) for each in told if isinstance(each, Exception)] == [NothingForward]


def test_an_import_beside_the_approval_is_in_it_or_stops_it_or_comes_after(office: Releasing) -> None:
    office.all_in()
    office.put()
    told = _together([office.yes, lambda: office.marks({"201": 61})])
    refused = [each for each in told if isinstance(each, Exception)]
    assert [type(each) for each in refused] in ([], [ChangedSince])
    assert office.count(ExamRelease) == 1 - len(refused)
    if not refused:
        with office.database.read() as session:
            marks = released_findings(session, 1, 1).sheets[1].mark.tolist()
        assert marks == [240, 180, 180, 120]


def test_a_release_that_is_cut_off_leaves_nothing(office: Releasing, monkeypatch: pytest.MonkeyPatch) -> None:
    office.all_in()
    office.put()
    with monkeypatch.context() as cut:
        cut.setattr(audit, "record", _killed)
        with pytest.raises(KeyboardInterrupt):
            office.yes()
    assert (office.count(ExamRelease), office.count(ExamReleaseStudent)) == (0, 0)
    assert office.yes()["already"] is False


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE exam_release SET reason = 'x'",
        "DELETE FROM exam_release_student",
        "UPDATE exam_release_student SET school = 'S2'",
        "UPDATE exam_proposal SET reason = 'x'",
        "DELETE FROM exam_proposal",
        COPIED.format("approver_id"),
        COPIED.format("maker_id"),
    ],
)
def test_the_database_refuses_to_write_a_release_anew(office: Releasing, statement: str) -> None:
    office.all_in()
    office.release()
    with (
        pytest.raises(DBAPIError, match=r"append-only|proposal|two_people|FOREIGN KEY"),
        office.database.write() as session,
    ):
        session.execute(text(statement))


def test_the_sheet_goes_by_mail_and_names_nobody(office: Releasing) -> None:
    office.all_in()
    told = office.put()
    with office.database.read() as session:
        rows = session.execute(select(Message)).scalars().all()
    assert {row.template for row in rows} >= {"exam-approval"}
    assert told["code"] == office.code()
    assert "101" not in str(told["waiting"]) + str(told["changes"])


def _once(office: Releasing) -> str:
    return code_at(office.secrets["A1"], step_of(office.office.at(NOW).now()))


def _killed(*_: Any, **__: Any) -> None:
    raise KeyboardInterrupt


def _together(jobs: list[Callable[[], Any]]) -> list[Any]:
    """Run all at the same moment; what each returned, or the refusal it met."""
    barrier = Barrier(len(jobs))

    def one(job: Callable[[], Any]) -> Any:
        barrier.wait()
        try:
            return job()
        except TuoqiError as refusal:
            return refusal

    with ThreadPoolExecutor(len(jobs)) as pool:
        return list(pool.map(one, jobs))
