"""Marks from files: each row read -> judged with the rest of its file -> kept as a new version, refused, or held out.

The same file twice changes nothing, even after a later correction.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import insert, select
from sqlmodel import Session, col

from models.elder import batches
from models.exam import entered, entered_by_school, exam_ids, lock_exam, sat_papers, school_ids
from models.exam_mark import ExamFile, Mark, MarkHeld, packed
from models.intake import Refused, Scope, Taken
from models.marks_judged import Entered, Version, judged, sender_of_most, senders_of, version_of
from models.marks_read import WHY, Said, read_row, wrong
from models.staging import fill
from rules.exams_rows import HELD_OUT
from rules.registers import Row

_DOUBLE = ("同一考生同一科重复，内容相同，只收一行", "stands twice and says the same: taken once")
_ITEMS_GONE = (
    "总分更正后与原小题分不符，原小题分作废",
    "the new mark is not the sum of the items known: they no longer hold",
)
Which = tuple[int, int]
"""Paper and student."""


@dataclass(slots=True)
class _Sent:
    """What becomes of the rows of one school in a file."""

    counts: Counter[str] = field(default_factory=Counter)
    marks: list[dict[str, Any]] = field(default_factory=list)
    held: list[dict[str, Any]] = field(default_factory=list)


def store_marks(session: Session, scope: Scope, rows: Sequence[Row]) -> Taken:
    """Store the good rows; the others are in `left_out`, those held out are kept apart as well."""
    taken = Taken()
    exams, schools = exam_ids(session, scope.district), school_ids(session, scope.district)
    named: dict[str, list[Row]] = {}
    for row in rows:
        named.setdefault(str(row.values["exam"]), []).append(row)
    for code, some in sorted(named.items()):
        if code in exams:
            lock_exam(session, exams[code])
            _OneExam(session, scope, taken, exams[code], schools).store(some)
        else:
            taken.left_out += [scope.unknown(row, "exam") for row in some]
    taken.left_out.sort(key=lambda error: error.row)
    taken.audited = {"left_out": len(taken.left_out)} if taken.left_out else {}
    return taken


class _OneExam:
    """The rows of one exam in a file."""

    def __init__(self, session: Session, scope: Scope, taken: Taken, exam: int, schools: Mapping[str, int]) -> None:
        self._session, self._scope, self._taken = session, scope, taken
        self._exam, self._schools = exam, schools
        self._papers = {sat.subject: sat for sat in sat_papers(session, exam)}
        self._sent: dict[int | None, _Sent] = {}

    def store(self, rows: Sequence[Row]) -> None:
        """Judge and store them."""
        said = list(self._read(rows))
        students = entered(self._session, self._exam, {each.number for each in said})
        senders = senders_of(said, students, entered_by_school(self._session, self._exam))
        self._tell_senders(rows, said, senders, students)
        verdicts = judged(said, senders, students, list(self._papers.values()))
        known, again = self._known(said, students), self._taken_before()
        held_before = self._held_before()
        for one, sender, verdict in zip(said, senders, verdicts, strict=True):
            sent = self._sent.setdefault(sender, _Sent())
            student = students.get(one.number, (None, None))[0]
            if verdict == "kept" and student is not None:
                self._keep(sent, one, student, known, again=again)
            elif verdict == "duplicate":
                self._taken.doubt(_DOUBLE, one.row.number)
                sent.counts["unchanged"] += 1
            else:
                self._leave_out(sent, one, student, verdict, held_before)
        self._write()

    def _tell_senders(
        self, rows: Sequence[Row], said: Sequence[Said], senders: Sequence[int | None], students: Entered
    ) -> None:
        """Say of each row whose it is; one that cannot be read is the school's that it names, else of the file."""
        whose = sender_of_most(said, students)
        for row in rows:
            self._taken.senders[row.number] = self._schools.get(str(row.values.get("school")), whose)
            self._taken.exams[row.number] = self._exam
        self._taken.senders |= {one.row.number: sender for one, sender in zip(said, senders, strict=True)}

    def _read(self, rows: Sequence[Row]) -> Iterator[Said]:
        for row in rows:
            school, sat = row.values.get("school"), self._papers.get(str(row.values["subject"]))
            if sat is None or (school is not None and str(school) not in self._schools):
                self._taken.left_out.append(self._scope.unknown(row, "school" if sat else "subject"))
                continue
            try:
                yield read_row(self._scope, row, sat, None if school is None else self._schools[str(school)])
            except Refused as refusal:
                self._taken.left_out.append(refusal.error)

    def _known(self, said: Sequence[Said], students: Entered) -> dict[Which, Version]:
        """What holds of the students of the file."""
        wanted: dict[int, set[int]] = {}
        for one in said:
            if one.number in students:
                wanted.setdefault(one.sat.id, set()).add(students[one.number][0])
        columns = [col(getattr(Mark, name)) for name in ("student_id", *Version._fields)]
        known: dict[Which, Version] = {}
        for paper, ids in wanted.items():
            for some in batches(sorted(ids)):
                query = select(*columns).where(col(Mark.paper_id) == paper, col(Mark.student_id).in_(some))
                rows = self._session.execute(query.order_by(col(Mark.n)))
                known |= {(paper, student): Version(*version) for student, *version in rows}
        return known

    def _taken_before(self) -> bool:
        """Whether this very file was here before: then it can only add what it could not then."""
        mine = (col(ExamFile.exam_id) == self._exam, col(ExamFile.sha256) == self._scope.digest)
        query = select(col(ExamFile.id)).where(*mine).limit(1)
        return bool(self._scope.digest) and self._session.execute(query).first() is not None

    def _held_before(self) -> set[int]:
        """The rows of this very file that are held out already."""
        if not self._scope.digest:
            return set()
        query = select(col(MarkHeld.row)).join(ExamFile, col(ExamFile.id) == col(MarkHeld.file_id))
        mine = (col(ExamFile.exam_id) == self._exam, col(ExamFile.sha256) == self._scope.digest)
        return set(self._session.execute(query.where(*mine)).scalars())

    def _keep(self, sent: _Sent, one: Said, student: int, known: dict[Which, Version], *, again: bool) -> None:
        which = (one.sat.id, student)
        before = known.get(which)
        if one.items is not None and one.row.values.get("mark") is None and before is not None:
            total = sum(mark or 0 for mark in one.items)
            if before.items is None and before.mark not in (None, total) and not again:
                self._leave_out(sent, one, student, "sum_differs", set())
                return
        now = version_of(one, before)
        if before is not None and (again or now == before):
            sent.counts["unchanged"] += 1
            return
        if before is not None and before.items is not None and now.items is None and now.status == "valid":
            self._taken.doubt(_ITEMS_GONE, one.row.number)
        n = before.n + 1 if before else 1
        known[which] = now._replace(n=n)
        if before is None:
            sent.counts["added"] += 1
        else:
            sent.counts["changed"] += 1
        values = now._replace(n=n)._asdict()
        sent.marks.append({"paper_id": which[0], "student_id": student, "exam_id": self._exam, **values})

    def _leave_out(self, sent: _Sent, one: Said, student: int | None, verdict: str, held_before: set[int]) -> None:
        self._taken.left_out.append(wrong(self._scope, one.row, *WHY[verdict]))
        if verdict not in HELD_OUT:
            sent.counts["refused"] += 1
            return
        self._taken.held.add(one.row.number)
        if one.row.number in held_before:
            return
        sent.counts["held"] += 1
        sent.held.append(
            {
                "exam_id": self._exam, "row": one.row.number, "paper_id": one.sat.id, "number": one.number,
                "student_id": student, "status": one.status, "mark": one.mark, "reason": verdict,
                "items": packed(one.items) if one.items else None, "options": one.options,
            }
        )  # fmt: skip

    def _write(self) -> None:
        """Log what each school sent, unless it changes nothing, and store its marks."""
        for school, sent in self._sent.items():
            counts = sent.counts
            self._taken.added += counts["added"]
            self._taken.changed += counts["changed"]
            self._taken.unchanged += counts["unchanged"]
            self._taken.kept[self._exam, school] = counts["added"] + counts["changed"], counts["unchanged"]
            if not (sent.marks or sent.held) and self._logged(school):
                continue
            told = {
                "exam_id": self._exam, "school_id": school, "sha256": self._scope.digest, "kept": len(sent.marks),
                "unchanged": counts["unchanged"], "refused": counts["refused"], "held": counts["held"],
                "at": self._scope.now, "actor": self._scope.actor,
            }  # fmt: skip
            file = self._session.execute(insert(ExamFile).values(told).returning(col(ExamFile.id))).scalar_one()
            fill(self._session, Mark.__table__, [{**mark, "file_id": file} for mark in sent.marks])  # type: ignore[attr-defined]
            if sent.held:
                self._session.execute(insert(MarkHeld), [{**held, "file_id": file} for held in sent.held])

    def _logged(self, school: int | None) -> bool:
        mine = (col(ExamFile.exam_id) == self._exam, col(ExamFile.sha256) == self._scope.digest)
        query = select(col(ExamFile.id)).where(*mine, col(ExamFile.school_id).is_not_distinct_from(school))
        return self._session.execute(query.limit(1)).first() is not None
