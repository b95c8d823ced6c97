"""Releasing an exam: only what a maker put forward, another one approved, and nobody changed meanwhile."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from threading import Barrier
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from flows import exam_release
from flows.allowance_approve import Yes
from models import audit
from models.audit import verify
from models.db import Database
from models.exam_proposals import content_now
from models.exam_release import ExamProposal, ExamRelease, ExamReleaseStudent
from models.exam_releases import latest_release, released_findings
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
ANEW = (
    "UPDATE exam_release SET reason = 'x'",
    "DELETE FROM exam_release_student",
    "UPDATE exam_release_student SET school = 'S2'",
    "UPDATE exam_proposal SET reason = 'x'",
    "DELETE FROM exam_proposal",
    COPIED.format("approver_id"),
    COPIED.format("maker_id"),
)
STRICTER = "versions:\n  - {since: 2022-09-01, rates: {excellent: 85, passing: 60, low: 40}}\n"


@pytest.fixture
def office(database: Database, tmp_path: Path) -> Releasing:
    return Releasing(database, tmp_path)


def test_a_first_release_needs_a_maker_and_another_who_approves(office: Releasing) -> None:
    office.all_in()
    told = office.put()
    facts = [told[name] for name in ("version", "reason", "students", "held", "missing", "approvers", "messages")]
    assert facts == [1, "首次发布", 4, 0, 0, 2, 2]  # A1 and A2 are asked, not the maker
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
        assert verify(session, office.now.district) is None
    assert office.audited() == ["exam.put-forward", "exam.release"]


def test_both_codes_are_needed_and_a_one_time_code_releases_once(office: Releasing) -> None:
    office.all_in()
    office.put()
    with pytest.raises(WrongReleaseCode):
        office.yes(confirmation="0000-0000-0000")
    with pytest.raises(NotProved):
        office.yes(once="abcdef")
    assert office.count(ExamRelease) == 0
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
    at, once = office.once()
    with pytest.raises(NothingForward):
        exam_release.approve(office.database, chosen.model_copy(update={"at": at}), "E1", Yes("A1", "x", once, "cli"))


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


def _transfer(office: Releasing) -> None:
    give(office.office, "student", [student("103", "S2", "李三")], NOW)


def _paper(office: Releasing) -> None:
    give(office.office, "paper", [{"exam": "E1", "subject": "语文", "full": 160}], NOW)


def _line(office: Releasing) -> None:
    give(office.office, "line", [{"exam": "E1", "track": "none", "name": "本科线", "mark": 150}], NOW)


def _policy(office: Releasing) -> None:
    office.overlay = office.office.folder / "stricter.yaml"
    office.overlay.write_text(STRICTER, "utf-8")


def _earlier_released(office: Releasing) -> None:
    office.release(exam="E0")


CHANGES: dict[str, Callable[[Releasing], None]] = {
    "a correction": lambda office: office.marks({"201": 61}),
    "a transfer": _transfer,
    "other full marks": _paper,
    "a stranger": lambda office: office.marks({"199": 61}),
    "a line": _line,
    "another policy": _policy,
    "an earlier exam to compare with": Releasing.earlier,
    "the earlier exam is released": _earlier_released,
}


@pytest.fixture
def beside(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[], None]], list[str]]:
    """Let something happen after the content was read and before the lock; return the contents that were read."""
    real = content_now

    def arrange(change: Callable[[], None]) -> list[str]:
        read: list[str] = []

        def spied(*given: Any) -> Any:
            found = real(*given)
            read.append(found.hash)
            if len(read) == 1:
                change()
            return found

        monkeypatch.setattr(exam_release, "content_now", spied)
        return read

    return arrange


def test_what_changed_since_it_was_put_forward_is_not_released(
    office: Releasing, beside: Callable[[Callable[[], None]], list[str]]
) -> None:
    """Each at the last moment, but the policy, which a run reads when it starts."""
    office.all_in()
    for name, change in CHANGES.items():
        office.put(despite_held=True)
        if change is _policy:
            change(office)
        else:
            beside(partial(change, office))
        with pytest.raises(ChangedSince):
            office.yes()
        with office.database.read() as session:
            assert latest_release(session, 1) is None, name
        assert office.audited()[-1] == "exam.release-refused", name
    office.put(despite_held=True)
    office.yes()


def test_the_content_is_read_again_under_the_lock_only_if_something_came(
    office: Releasing, beside: Callable[[Callable[[], None]], list[str]]
) -> None:
    """A file that says nothing new leaves the content as it is."""
    office.all_in()
    read = beside(lambda: office.marks({"201": 60, "101": 120}))
    office.put()
    assert (len(read), len(set(read))) == (2, 1)
    read = beside(lambda: office.marks({"201": 60, "102": 90}))
    office.yes()
    assert (len(read), len(set(read))) == (2, 1)
    office.marks({"201": 62})
    read = beside(lambda: None)
    office.put("复核")
    assert len(read) == 1
    office.yes()
    assert len(read) == 2


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


def test_the_database_refuses_to_write_a_release_anew(office: Releasing) -> None:
    office.all_in()
    office.release()
    for statement in ANEW:
        with (
            pytest.raises(DBAPIError, match=r"append-only|proposal|two_people|FOREIGN KEY"),
            office.database.write() as session,
        ):
            session.execute(text(statement))


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
