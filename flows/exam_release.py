"""Releasing an exam: put forward by a maker -> a sheet to its approvers -> one of them, proved -> frozen, for good.

Everything is decided under the exam's lock, which every file of rosters, papers and marks takes too: what is released
is what was read. What takes long is worked out before the lock, and again under it only if the exam has changed since.
"""

from typing import Any, NamedTuple

from sqlmodel import Session

from flows.allowance_approve import Yes, code_time
from flows.exam_release_sheet import ask_approvers
from flows.jobs import Result
from flows.settings import Settings
from models import audit
from models.db import Database
from models.district import district_id
from models.exam import Named, exam_named, lock_exam
from models.exam_proposals import (
    Content,
    Proposal,
    add_proposal,
    content_now,
    latest_proposal,
    stamp_of,
)
from models.exam_releases import (
    Figures,
    Release,
    add_release,
    figures_now,
    latest_release,
    papers_in,
    release_changes,
    releases,
)
from models.proof import authenticate
from models.staff import maker_of
from policies.exams import ExamsPolicy, exams
from rules.allowances_approval import same_code
from rules.errors import say
from rules.exam_refusals import (
    ChangedSince,
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
from rules.exams_approval import MOST
from rules.exams_release import counted


def put_forward(
    database: Database, settings: Settings, code: str, staff: str, reason: str = "", *, despite_held: bool = False
) -> Result:
    """Put an exam forward for release as it is now, as its maker, and ask the approvers; the same again is one.

    Args:
        database: where it is.
        settings: of the district.
        code: of the exam.
        staff: the maker's number.
        reason: one line without names; needed from the second release on.
        despite_held: release it though rows are held out or schools sent nothing; written down.

    Raises:
        ReleaseRefused: nothing was put forward.
        NotAMaker: the number cannot put anything forward.
    """
    with database.snapshot() as session:
        district = district_id(session, settings.district)
        exam, _ = exam_named(session, district, code), maker_of(session, district, staff, settings.today())
        ready = content_now(session, exam.id, exams(exam.held_on, settings.policy))
    with database.write() as session:
        exam = _locked(session, district, code)
        maker = maker_of(session, district, staff, settings.today())
        policy = exams(exam.held_on, settings.policy)
        same = ready.stamp == stamp_of(session, exam.id, policy)
        now, last = ready if same else content_now(session, exam.id, policy), latest_release(session, exam.id)
        version = last.version + 1 if last else 1
        said = _reason(code, version, reason)
        _check(exam, now, last, despite_held=despite_held)
        columns: dict[str, Any] = {
            "version": version, "content_hash": now.hash, "reason": said, "waiting": now.waiting, "maker_id": maker,
            "despite_held": despite_held and any(now.waiting.values()),
        }  # fmt: skip
        standing = latest_proposal(session, exam.id)
        again = standing is not None and all(getattr(standing, name) == value for name, value in columns.items())
        if not again:
            more = {"last_file_id": now.last_file_id, "policy_version": policy.since, "at": settings.now()}
            add_proposal(session, exam.id, columns | more)
            told = {"exam": code, "despite_held": columns["despite_held"], **_sums(now.waiting)}
            audit.record(
                session, settings.district, f"staff:{maker}", "exam.put-forward", settings.now(),
                version=version, hash=now.hash, **told,
            )  # fmt: skip
    return ask_approvers(database, settings, exam, policy)


def approve(database: Database, settings: Settings, code: str, yes: Yes) -> Result:
    """Release what was put forward last, by one approver's yes; a second yes of the same person changes nothing.

    Raises:
        ReleaseRefused: nothing was released; ChangedSince is written down.
        rules.staff_refusals.NotProved: staff number or one-time code; nothing of them is repeated.
    """
    with database.read() as session:
        district = district_id(session, settings.district)
    approver = authenticate(database, district, yes.staff, yes.one_time_code, yes.path, code_time(settings))
    with database.snapshot() as session:
        exam = exam_named(session, district, code)
        asked = _asked(session, exam, yes.confirmation, approver)
        ready = _reckoned(session, settings, exam, asked) if isinstance(asked, Proposal) else None
    with database.write() as session:
        exam = _locked(session, district, code)
        asked = _asked(session, exam, yes.confirmation, approver)
        if isinstance(asked, Release):
            return _told(code, asked.version, asked.students, asked.content_hash, already=True)
        stamp = stamp_of(session, exam.id, exams(exam.held_on, settings.policy))
        if ready is None or ready.proposal != asked or ready.content.stamp != stamp:
            ready = _reckoned(session, settings, exam, asked)
        if ready.figures is not None:
            students = _release(session, settings, exam, ready, (approver, yes.path))
            return _told(code, asked.version, students, asked.content_hash, already=False)
        told = {"exam": code, "version": asked.version, "hash": asked.content_hash, "now": ready.content.hash}
        actor = f"staff:{approver}"
        audit.record(session, settings.district, actor, "exam.release-refused", settings.now(), **told)
    raise ChangedSince(code)


class _Reckoned(NamedTuple):
    """What was put forward, the exam as it is, and its figures: None if it is no longer what was put forward."""

    proposal: Proposal
    policy: ExamsPolicy
    content: Content
    figures: Figures | None


def _reckoned(session: Session, settings: Settings, exam: Named, asked: Proposal) -> _Reckoned:
    """Work out what takes long: seconds for a large exam, so that schools' files should not wait for it."""
    policy = exams(exam.held_on, settings.policy)
    now = content_now(session, exam.id, policy)
    if (now.hash, now.waiting) != (asked.content_hash, asked.waiting):
        return _Reckoned(asked, policy, now, None)
    figures = figures_now(session, exam.id, policy, papers_in(now.inputs), asked.last_file_id)
    return _Reckoned(asked, policy, now, figures)


def _asked(session: Session, exam: Named, confirmation: str, approver: int) -> Proposal | Release:
    """Return what waits for this approver, or the release if it was they who approved it before."""
    proposal, last = latest_proposal(session, exam.id), latest_release(session, exam.id)
    if proposal is None:
        raise NothingForward(exam.code)
    if not same_code(confirmation, proposal.hash):
        raise WrongReleaseCode(exam.code)
    if last is not None and proposal.version <= last.version:
        if last.approver_id != approver:
            raise NothingForward(exam.code)
        return last
    if proposal.maker_id == approver:
        raise OwnRelease(exam.code)
    return proposal


def listed(database: Database, settings: Settings, code: str) -> Result:
    """List the releases of an exam, and what waits for approval."""
    with database.read() as session:
        exam = exam_named(session, district_id(session, settings.district), code)
        all_of = releases(session, exam.id)
        proposal = latest_proposal(session, exam.id)
    open_one = proposal if proposal and proposal.version > (all_of[-1].version if all_of else 0) else None
    return {
        "exam": code,
        "waits": open_one.version if open_one else None,
        "releases": [
            {
                "version": each.version, "released": settings.local(each.released_at), "reason": each.reason,
                "students": each.students, "maker": each.maker, "approver": each.approver,
                "policy": each.policy_version, "content": each.content_hash[:12],
            }
            for each in all_of
        ],
    }  # fmt: skip


def diff(database: Database, settings: Settings, code: str, before: int, after: int, *, check: bool = True) -> Result:
    """Count what a release changed, by school and subject: own marks, who only moved, who came and went.

    Args:
        database: where it is.
        settings: of the district.
        code: of the exam.
        before: the older version.
        after: the newer one.
        check: see models.exam_releases.released_findings.

    Raises:
        NoRelease, ReleaseDiffers: of either.
    """
    with database.snapshot() as session:
        exam = exam_named(session, district_id(session, settings.district), code)
        rows = counted(release_changes(session, exam.id, before, after, check=check)).to_dicts()
        newer = next(each for each in releases(session, exam.id) if each.version == after)
    return {
        "exam": code, "before": before, "after": after, "reason": newer.reason, "maker": newer.maker,
        "approver": newer.approver, "changes": rows,
    }  # fmt: skip


def _release(session: Session, settings: Settings, exam: Named, ready: _Reckoned, who: tuple[int, str]) -> int:
    """Freeze what was put forward; return how many students are in it."""
    proposal, (approver, path) = ready.proposal, who
    columns = {
        "version": proposal.version, "proposal_id": proposal.id, "content_hash": proposal.content_hash,
        "last_file_id": proposal.last_file_id, "reason": proposal.reason, "maker_id": proposal.maker_id,
        "approver_id": approver, "path": path, "released_at": settings.now(),
    }  # fmt: skip
    students = add_release(session, exam.id, ready.policy, ready.content.inputs, columns, ready.figures)
    audit.record(
        session, settings.district, f"staff:{approver}", "exam.release", settings.now(),
        exam=exam.code, version=proposal.version, students=students, hash=proposal.content_hash,
    )  # fmt: skip
    return students


def _told(code: str, version: int, students: int, content: str, *, already: bool) -> Result:
    return {"exam": code, "version": version, "students": students, "hash": content, "already": already}


def _locked(session: Session, district: int, code: str) -> Named:
    """Lock an exam, then read it: its date may have changed while the lock was awaited."""
    lock_exam(session, exam_named(session, district, code).id)
    return exam_named(session, district, code)


def _reason(code: str, version: int, given: str) -> str:
    reason = given.strip() or ("首次发布" if version == 1 else "")
    if not reason:
        raise ReasonMissing(code, version)
    if len(reason) > MOST or not reason.isprintable():
        raise ReasonTooLong(code, MOST)
    return reason


def _check(exam: Named, now: Content, last: Release | None, *, despite_held: bool) -> None:
    if not now.inputs["papers"]:
        raise NoPapers(exam.code)
    if now.last_file_id is None:
        raise NoMarks(exam.code)
    if last is not None and last.content_hash == now.hash:
        raise NothingChanged(exam.code, last.version)
    if any(now.waiting.values()) and not despite_held:
        raise StillWaiting(exam.code, waiting_said(now.waiting))


def waiting_said(waiting: dict[str, Any]) -> str:
    """Say what is held or missing by school, counts and subjects only."""
    held = [say(f"{school} 暂不入库 {n} 行", f"{school}: {n} rows held") for school, n in waiting["held"].items()]
    none = [
        say(f"{school} 没有报送 {'、'.join(some)}", f"{school}: nothing of {', '.join(some)}")
        for school, some in waiting["missing"].items()
    ]
    return say("；", "; ").join(held + none)


def _sums(waiting: dict[str, Any]) -> dict[str, int]:
    return {"held": sum(waiting["held"].values()), "missing": len(waiting["missing"])}
