"""The approval sheet of a release 审批表: what was put forward -> counts, joint figures, changes -> its approvers."""

from collections.abc import Mapping
from typing import Any

import polars as pl
from sqlmodel import Session

from flows.allowance_tell import telling
from flows.jobs import Result
from flows.settings import Settings
from models.db import Database
from models.district import district_id
from models.drafts import Enclosure
from models.exam import Named
from models.exam_findings import Findings, findings
from models.exam_proposals import Proposal, latest_proposal
from models.exam_releases import earlier_of, released_findings
from models.staff import approvers_of
from notifications.exams import subject_name
from notifications.exams_approval import AskedRelease, tell_exam_approvers
from policies.exams import ExamsPolicy
from rules.allowances_approval import confirmation_code
from rules.errors import say
from rules.exams_release import changes, counted

_TEXT = "text/plain; charset=utf-8"


def ask_approvers(database: Database, settings: Settings, exam: Named, policy: ExamsPolicy) -> Result:
    """Send the sheet of what was put forward last to its approvers, once a content; return what it says."""
    with database.snapshot() as session:
        proposal = latest_proposal(session, exam.id)
        assert proposal is not None
        found = findings(session, exam.id, policy, proposal.last_file_id)
        moved, earlier = _moved(session, exam.id, proposal, found), earlier_of(session, exam.id)
    edition = proposal.hash[:12]
    held, missing = sum(proposal.waiting["held"].values()), len(proposal.waiting["missing"])
    sheet = Enclosure(
        f"{exam.code}-v{proposal.version}-{edition}.txt",
        _TEXT,
        sheet_text(exam, proposal, found, moved, compared_said(earlier)).encode(),
    )
    asked = AskedRelease(
        exam.name[:60], exam.code, proposal.version, proposal.reason, len(found.entered), held, missing, edition
    )
    with database.write() as session:
        district = district_id(session, settings.district)
        people = approvers_of(session, district, settings.today(), other_than=proposal.maker_id)
        told = tell_exam_approvers(session, telling(settings), people, asked, sheet)
    return {
        "exam": exam.code, "version": proposal.version, "code": confirmation_code(proposal.hash),
        "reason": proposal.reason, "hash": proposal.content_hash, "students": len(found.entered), "held": held,
        "missing": missing, "despite_held": proposal.despite_held, "approvers": len(people), "messages": told,
        "compared": compared_said(earlier), "waiting": proposal.waiting, "changes": moved.to_dicts(),
    }  # fmt: skip


def compared_said(earlier: Mapping[str, Any] | None) -> str:
    """Say with what a release compares: an exam that is not released itself may change, so it is left out."""
    if earlier is None:
        return say("不与其他考试比较", "Compared with no other exam")
    code, version = earlier["code"], earlier["release"]
    if version is None:
        return say(
            f"考试 {code} 尚未发布，本版不作进退步和增值比较；需要比较的，请先发布 {code}，再重新提交",
            f"Exam {code} is not released, so progress and value added are left out; release {code} first if wanted",
        )
    return say(
        f"与考试 {code} 第 {version} 版比较进退步和增值", f"Progress and value added since {code}, release {version}"
    )


def sheet_text(exam: Named, proposal: Proposal, found: Findings, moved: pl.DataFrame, compared: str) -> str:
    """Write the sheet: counts, joint figures and codes of schools; nobody's number, name or mark."""
    lines = [
        say(f"{exam.name}（{exam.code}）成绩发布审批表", f"{exam.name} ({exam.code}): approval of a release"),
        say(f"版本：第 {proposal.version} 版", f"Release: {proposal.version}"),
        say(f"原因：{proposal.reason}", f"Reason: {proposal.reason}"),
        say(f"考生：{len(found.entered)} 人", f"Students: {len(found.entered)}"),
        say(f"内容哈希：{proposal.content_hash}", f"Content: {proposal.content_hash}"),
        say(f"确认码：{confirmation_code(proposal.hash)}", f"Confirmation code: {confirmation_code(proposal.hash)}"),
        "",
        say("未解决（经办人已确认仍然提交）：", "Not settled; the maker said to go on:")
        if any(proposal.waiting.values())
        else say("没有未解决的行或学校", "Nothing is held out or missing"),
        *(f"  {school}: {say('暂不入库', 'held')} {n}" for school, n in proposal.waiting["held"].items()),
        *(
            f"  {school}: {say('没有报送', 'nothing of')} {'、'.join(s)}"
            for school, s in proposal.waiting["missing"].items()
        ),
        "",
        compared,
        "",
        say("联考总体：科目，应考，有效，平均分", "Joint: subject, enrolled, valid, mean"),
        *_joint(found),
    ]
    if proposal.version > 1:
        lines += ["", say("与上一版相比：学校，科目，更正，名次等随之变动，新增，减少",
                          "Against the last release: school, subject, own, moved, added, removed")]  # fmt: skip
        lines += [
            "  " + "  ".join(map(str, (school, subject_name(subject), *row))) for school, subject, *row in moved.rows()
        ]
    return "\n".join(lines) + "\n"


def _joint(found: Findings) -> list[str]:
    """The joint figures; a mean of fewer than the policy's smallest group is not shown."""
    rows = found.stats().filter(pl.col("scope") == "joint").select("subject", "track", "enrolled", "n", "mean").rows()
    shown = []
    for subject, track, enrolled, n, mean in rows:
        figure = f"{mean:.2f}" if mean is not None and n >= found.policy.suppression.smallest else "—"
        shown.append(f"  {subject_name(subject)}{'' if track == 'none' else f' ({track})'}  {enrolled}  {n}  {figure}")
    return shown


def _moved(session: Session, exam: int, proposal: Proposal, found: Findings) -> pl.DataFrame:
    """Count what changes against the release before; before the first nothing does."""
    now = pl.concat(found.standings())
    before = now if proposal.version == 1 else pl.concat(
        released_findings(session, exam, proposal.version - 1).standings()
    )  # fmt: skip
    return counted(changes(before, now))
