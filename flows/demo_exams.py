"""The demo's joint exam: registers and a file a school -> released by two persons -> slips and books -> marked anew.

Every figure that is checked is worked out again from the sample alone (flows/demo_exam_check.py).
"""

import time
from collections import Counter
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import polars as pl
from sqlalchemy import func, select
from sqlmodel import col

from flows.allowance_approve import Yes
from flows.demo_exam_check import own_changes, ranks, rescored_answers, totals
from flows.demo_payees import CHECKER, MAKER, Phones
from flows.demo_stage import Line, Stage, at_moment, short, tell
from flows.exam_files import import_marks, summed
from flows.exam_release import approve, put_forward
from flows.exam_telling import report_exam
from flows.intake import Intake, take_file
from flows.outlets import channels, round_of
from flows.sample import District
from flows.sample_exam_files import (
    BAD,
    STRANGE,
    write_correction,
    write_earlier_marks,
    write_exam_registers,
    write_mark_files,
    write_rescore,
)
from flows.sample_exams import EARLIER, EXAM, Exams, exams
from models.district import district_id
from models.exam import Student, exam_named
from models.exam_families import school_contacts
from models.exam_mark import ExamFile
from models.exam_releases import release_changes, released_findings
from models.messages import Message
from notifications.drain import drain
from rules.errors import say

STUDENTS = 9000
REGISTERED, TAKEN, CORRECTED = (f"2026-04-{at}:00+08:00" for at in ("20T14:00", "27T09:00", "27T14:00"))
GATHERED = "2026-04-27T19:30:00+08:00"
BEFORE, BEFORE_YES, FORWARD, YES = (f"2026-04-28T{at}:00+08:00" for at in ("09:00", "09:10", "10:00", "10:30"))
TOLD, SENT = (f"2026-04-28T{at}:00+08:00" for at in ("11:00", "11:30"))
RESCORED, AGAIN, YES_AGAIN, TOLD_AGAIN = (f"2026-05-06T{at}:00+08:00" for at in ("09:00", "10:00", "10:30", "11:00"))
REASON = "复核更正三份试卷"


@dataclass
class Sitting:
    """The exam under way: the sample it came from, its own lines of the summary, and when the last one was written."""

    stage: Stage
    made: Exams
    started: float
    lines: list[Line] = field(default_factory=list)

    @classmethod
    def of(cls, stage: Stage, district: District) -> "Sitting":
        """The exam of a district."""
        return cls(stage, exams(district, STUDENTS), time.monotonic())

    @property
    def marks(self) -> Path:
        """Where schools put their files."""
        return self.stage.settings.folder("inbox") / "marks"

    @cached_property
    def known(self) -> dict[str, tuple[str, str]]:
        """Every candidate's reference and number, by the key that figures have."""
        with self.stage.database.read() as session:
            exam = exam_named(session, district_id(session, self.stage.settings.district), EXAM).id
            columns = (col(Student.id), col(Student.ref), col(Student.number))
            rows = session.execute(select(*columns).where(col(Student.exam_id) == exam))
            return {str(number): (ref, seat) for number, ref, seat in rows}

    def take(self, kind: str, path: Path, at: str) -> Intake:
        """Take in a file."""
        return take_file(self.stage.database, at_moment(self.stage.settings, at), kind, path)

    def told(self, template: str) -> list[str]:
        """The references of those to whom a message of a kind left."""
        with self.stage.database.read() as session:
            mine = (col(Message.template) == template, col(Message.state).in_(("accepted", "delivered")))
            return list(session.scalars(select(col(Message.recipient)).where(*mine)))

    def note(self, job: str, did: tuple[str, str], counts: tuple[str, str], where: Path, *, good: bool) -> None:
        """Keep a line of the summary, with the seconds since the last one."""
        seconds, self.started = time.monotonic() - self.started, time.monotonic()
        zh, en = counts
        told = say(f"{zh}（{seconds:.0f} 秒）", f"{en} ({seconds:.0f} s)")
        self.lines.append(Line(job, say(*did), told, short(where), good))


def take(stage: Stage, district: District) -> Sitting:
    """Send the registers of the exam and a file of marks a school; other jobs may run beside it."""
    tell(stage.console, say("联考：成绩文件入库（与其他作业同时进行）", "exam: files of marks, beside other jobs"))
    sitting = Sitting.of(stage, district)
    _registers(sitting)
    _marks(sitting)
    return sitting


def show(sitting: Sitting, phones: Phones) -> None:
    """Release the exam, tell everybody their own, mark three papers anew and release again."""
    sitting.started = time.monotonic()
    for step in (_gathered, _first, _tell, _second):
        tell(sitting.stage.console, say("联考：", "exam: ") + step.__name__.strip("_"))
        step(sitting, phones)
    sitting.stage.lines += sitting.lines


def _registers(sitting: Sitting) -> None:
    inbox, rows = sitting.stage.settings.folder("inbox"), 0
    for kind, path in write_exam_registers(sitting.made, inbox).items():
        rows += sitting.take(kind, path, REGISTERED).taken.added
    sitting.note(
        "import",
        ("学校、考试、考生、科目、双向细目表、上线入库", "schools, exams, students, papers, items and lines taken in"),
        (f"考生 {STUDENTS} 人，共 {rows} 行", f"{STUDENTS} students, {rows} rows in all"),
        inbox,
        good=rows > STUDENTS,
    )


def _marks(sitting: Sitting) -> None:
    """Every school in its own way; what cannot be believed goes back, and comes again."""
    made, stage = sitting.made, sitting.stage
    sitting.marks.mkdir(mode=0o700, exist_ok=True)
    write_earlier_marks(made, sitting.marks)
    write_mark_files(made, sitting.marks)
    done = stage.run("exam-import", TAKEN)
    write_correction(made, sitting.marks)
    (mended,) = import_marks(stage.database, at_moment(stage.settings, CORRECTED))["files"]
    corrected = summed([mended])["taken"]
    with stage.database.read() as session:
        sums = [func.sum(col(getattr(ExamFile, name))) for name in ("kept", "held")]
        mine = col(ExamFile.exam_id) == exam_named(session, district_id(session, stage.settings.district), EXAM).id
        kept, held = session.execute(select(*sums).where(mine)).one()
        back = select(func.count()).where(col(Message.template) == "exam-errors")
        mails = session.execute(back.select_from(Message)).scalar_one()
    sitting.note(
        "exam-import",
        (
            "七所学校各报各的成绩文件；有问题的行只退回本校，更正后补齐",
            "a file a school, each untidy; bad rows went back",
        ),
        (
            f"{kept} 份成绩；错误清单 {mails} 份，更正 {corrected} 行，他校考号 {held} 个",
            f"{kept} marks; {mails} lists of errors, {corrected} rows corrected, {held} number of another school",
        ),
        sitting.marks,
        good=done and (kept, held, corrected) == (len(made.answers), STRANGE, BAD) and mails > 0,
    )


def _gathered(sitting: Sitting, _phones: Phones) -> None:
    """All is in: the makers hear of it, and everybody who asks sees provisional figures."""
    stage = sitting.stage
    done = stage.run("exam-aggregate", GATHERED)
    _deliver(sitting, GATHERED)
    told, lists = len(sitting.told("exam-ready")), len(sitting.told("exam-errors"))
    sitting.note(
        "exam-aggregate",
        ("各校报送进度和阶段性统计；全部到齐，告知经办", "who has sent what; all is in, and the makers hear of it"),
        (f"告知 {told} 封，错误清单 {lists} 份", f"{told} told, {lists} lists of errors"),
        stage.settings.folder("outbox"),
        good=done and told > 0 and lists > 0,
    )


def _released(sitting: Sitting, phones: Phones, code: str, when: tuple[str, str], reason: str = "") -> dict[str, Any]:
    """Put forward by the maker, approved by the checker with the sheet's code and a one-time code."""
    stage, (forward, yes) = sitting.stage, when
    sheet = put_forward(stage.database, at_moment(stage.settings, forward), code, MAKER, reason)
    said = Yes(CHECKER, sheet["code"], phones.code(CHECKER, yes), "cli")
    return approve(stage.database, at_moment(stage.settings, yes), code, said)


def _first(sitting: Sitting, phones: Phones) -> None:
    stage = sitting.stage
    _released(sitting, phones, EARLIER, (BEFORE, BEFORE_YES))
    forward = stage.run("exam-put-forward", FORWARD, exam=EXAM, staff=MAKER)
    done = _released(sitting, phones, EXAM, (FORWARD, YES))
    made = sitting.made
    mine = totals(made, made.answers)
    places, seen = ranks(made, mine), _standings(sitting, 1)
    ours = seen.filter(pl.col("subject") == "total", pl.col("status") == "valid")
    same = {
        sitting.known[s][1]: (2 * mark, rank) for s, mark, rank in ours.select("student", "mark", "rank").iter_rows()
    }
    counted = Counter(seen.filter(pl.col("subject") != "total").select("subject", "status").iter_rows())
    sent = Counter((subject, said.status) for (_, subject), said in made.answers.items())
    one = next(iter(mine))
    total = f"{mine[one] / 2:g}"
    sitting.note(
        "exam-release",
        (
            "经办提交、审批人凭确认码和动态口令发布第 1 版；总分名次用样例另算一遍",
            "put forward and approved: release 1",
        ),
        (
            f"{done['students']} 人，{len(mine)} 人的总分名次另算一致，抽查一人：{total} 分第 {places[one]} 名",
            f"{done['students']} students; all {len(mine)} totals agree; one of them: {total}, place {places[one]}",
        ),
        sitting.stage.settings.folder("outbox"),
        good=same == {number: (total, places[number]) for number, total in mine.items()}
        and all(counted[which] == n for which, n in sent.items())
        and forward
        and done["version"] == 1,
    )


def _standings(sitting: Sitting, version: int) -> pl.DataFrame:
    with sitting.stage.database.read() as session:
        exam = exam_named(session, district_id(session, sitting.stage.settings.district), EXAM).id
        found = pl.concat(released_findings(session, exam, version).standings())
    return found.with_columns(pl.col("student").cast(pl.String))


def _tell(sitting: Sitting, _phones: Phones) -> None:
    """Families first, as the form calls readers; their slips leave while the books of schools are written."""
    stage = sitting.stage
    families = stage.run("exam-report", TOLD, exam=EXAM, to="家长")
    with ThreadPoolExecutor(1) as beside:
        leaving: Future[bool] = beside.submit(copy_context().run, stage.run, "deliver", SENT)
        books = stage.run("exam-report", TOLD, exam=EXAM, to="学校")
        officers = stage.run("exam-report", TOLD, exam=EXAM, to="区级经办")
        left = leaving.result()
    _deliver(sitting, SENT)
    slips, refs = sitting.told("exam-slip"), dict(sitting.known.values())
    verified = {one.number for one in sitting.made.candidates if one.verified}
    with stage.database.read() as session:
        contacts = school_contacts(session, district_id(session, stage.settings.district)).values()
    schools = {each.contact.ref for each in contacts}
    got = [each for each in sitting.told("exam-released") if each in schools]
    sitting.note(
        "exam-report",
        ("成绩单一人一封，只发已核实的家长；学校、区级各收工作簿", "a slip to each verified family; books to schools"),
        (
            f"成绩单 {len(slips)} 份，未核实 {STUDENTS - len(verified)} 人一份没发；学校邮件 {len(got)} 封",
            f"{len(slips)} slips, none to {STUDENTS - len(verified)} unverified; {len(got)} mails to schools",
        ),
        stage.settings.folder("outbox"),
        good=families
        and books
        and officers
        and left
        and sorted(refs[ref] for ref in slips) == sorted(verified)
        and sorted(got) == sorted(schools),
    )


def _deliver(sitting: Sitting, at: str) -> None:
    stage, chosen = sitting.stage, at_moment(sitting.stage.settings, at)
    while drain(round_of(stage.database, chosen, chosen.now), channels(chosen)).moves:
        pass


def _second(sitting: Sitting, phones: Phones) -> None:
    stage, made = sitting.stage, sitting.made
    sitting.take("mark", write_rescore(made, sitting.marks), RESCORED)
    done = _released(sitting, phones, EXAM, (AGAIN, YES_AGAIN), REASON)
    with stage.database.read() as session:
        exam = exam_named(session, district_id(session, stage.settings.district), EXAM).id
        moved = release_changes(session, exam, 1, 2, check=False).with_columns(pl.col("student").cast(pl.String))
    own = {(sitting.known[s][1], name) for s, name in _rows(moved.filter(pl.col("kind") == "own"))}
    placed = moved.filter(pl.col("subject") == "total", pl.col("rank_before").ne_missing(pl.col("rank_after")))
    then, now = (ranks(made, totals(made, said)) for said in (made.answers, rescored_answers(made)))
    others = {number for number in then if then[number] != now[number]}
    chosen = at_moment(stage.settings, TOLD_AGAIN)
    told = report_exam(stage.database, chosen, EXAM, None, "families")
    _deliver(sitting, TOLD_AGAIN)
    sitting.note(
        "exam-release",
        ("复核三份试卷，发布第 2 版；只有本人有变动的家长收到更正", "three papers marked anew: release 2, corrections"),
        (
            f"本人成绩变动 {len(own)} 项，总分名次随之变动 {len(others)} 人；更正成绩单 {told['corrected']} 份",
            f"{len(own)} own figures, {len(others)} places of totals moved; {told['corrected']} corrected slips",
        ),
        stage.settings.folder("outbox"),
        good=done["version"] == 2
        and own == own_changes(made)
        and {sitting.known[s][1] for s, _ in _rows(placed)} == others
        and told["slips"] == told["corrected"] >= len(made.schools) // 3,
    )


def _rows(frame: pl.DataFrame) -> list[tuple[str, str]]:
    return frame.select("student", "subject").rows()
