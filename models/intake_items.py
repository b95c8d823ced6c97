"""Items of papers 双向细目表 from their register: all of a paper in one file, in the order of their codes.

The place of an item among them is the number of its column in mark files; once item marks are in, the places stay.
"""

import struct
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import delete, insert, select, update
from sqlmodel import Session, col

from models.exam import PaperItem, Sat, by_number, exam_ids, lock_exam, sat_papers
from models.exam_mark import BLANK, Mark, holding
from models.intake import Refused, Scope, Taken
from models.intake_papers import whole_marks
from rules.registers import Row

Which = tuple[str, str]
"""Exam and subject."""


def store_items(session: Session, scope: Scope, rows: Sequence[Row]) -> Taken:
    """Store the items of each paper that the file names, whole."""
    taken, exams = Taken(), exam_ids(session, scope.district)
    papers: dict[str, dict[str, Sat]] = {}
    for code in sorted({str(row.values["exam"]) for row in rows} & exams.keys()):
        lock_exam(session, exams[code])
        papers[code] = {sat.subject: sat for sat in sat_papers(session, exams[code])}
    named: dict[Which, list[Row]] = {}
    for row in rows:
        exam, subject = str(row.values["exam"]), str(row.values["subject"])
        if exam not in papers or subject not in papers[exam]:
            taken.errors.append(scope.unknown(row, "exam" if exam not in papers else "subject"))
        else:
            named.setdefault((exam, subject), []).append(row)
    for (exam, subject), some in named.items():
        _store_paper(session, scope, taken, papers[exam][subject], some)
    taken.errors.sort(key=lambda error: error.row)
    return taken


def _store_paper(session: Session, scope: Scope, taken: Taken, sat: Sat, rows: Sequence[Row]) -> None:
    marks: dict[str, int] = {}
    for row in rows:
        try:
            marks[str(row.values["item"])] = whole_marks(scope, row, "max", sat.scale)
        except Refused as refusal:
            taken.errors.append(refusal.error)
    if len(marks) < len(rows):
        return
    before = {item.item: item for item in sat.items}
    if sum(marks.values()) != sat.full:
        shown = [f"{total / sat.scale:g}" for total in (sum(marks.values()), sat.full)]
        problem = (f"各题之和 {shown[0]} 不等于满分 {shown[1]}", f"the items add up to {shown[0]}, not {shown[1]}")
        remedy = ("请把该科各题报齐并核对分值", "send all items of the paper and check them")
        taken.errors.append(scope.wrong(rows[-1], "max", problem, remedy))
        return
    if marks.keys() != before.keys() and _has_item_marks(session, sat.id):
        problem = ("已有小题分，题目不能增减", "there are item marks: none may be added or taken away")
        taken.errors.append(scope.wrong(rows[0], "item", problem, ("请按原题号报送", "keep the items as they were")))
        return
    if any(marks[item.item] < item.full for item in sat.items if item.item in marks):
        _check_highest(session, scope, taken, sat, rows, marks)
    if not taken.errors:
        _write(session, taken, sat, rows, marks)


def _write(session: Session, taken: Taken, sat: Sat, rows: Sequence[Row], marks: Mapping[str, int]) -> None:
    before = {item.item: item for item in sat.items}
    gone = before.keys() - marks.keys()
    moved = marks.keys() != before.keys()
    fresh: list[dict[str, Any]] = []
    places = {code: place for place, code in enumerate(sorted(marks, key=by_number), start=1)}
    mine = col(PaperItem.paper_id) == sat.id
    if moved and before:  # places are unique: they are all given anew
        session.execute(delete(PaperItem).where(mine))
    for row in rows:
        code = str(row.values["item"])
        old = before.get(code)
        point = str(row.values.get("point", old.point if old else "") or "")
        columns = {"code": code, "full_marks": marks[code], "point": point}
        if old is None:
            taken.add()
        elif not taken.compare(row, code, _told(old.full, marks[code], old.point, point)) and not moved:
            continue
        if moved:
            fresh.append({"paper_id": sat.id, "place": places[code], **columns})
        else:
            session.execute(update(PaperItem).where(mine, col(PaperItem.code) == code).values(**columns))
    if fresh:
        session.execute(insert(PaperItem), fresh)
    taken.changed += len(gone)


def _check_highest(
    session: Session, scope: Scope, taken: Taken, sat: Sat, rows: Sequence[Row], marks: Mapping[str, int]
) -> None:
    """Refuse full marks below what a student has in the item."""
    query = select(col(Mark.items)).where(col(Mark.paper_id) == sat.id, col(Mark.items).is_not(None), holding())
    highest = [BLANK] * len(sat.items)
    for items in session.scalars(query):
        highest = list(map(max, highest, struct.unpack(f"<{len(highest)}h", items or b"")))
    reached = {item.item: mark for item, mark in zip(sat.items, highest, strict=True)}
    for row in rows:
        code = str(row.values["item"])
        if marks[code] < reached.get(code, BLANK):
            problem = ("低于已收到的小题分", "is below marks already received")
            taken.errors.append(scope.wrong(row, "max", problem, ("请核对分值", "check it")))


def _told(full: int, now: int, point: str, new: str) -> list[str]:
    return [*(["max"] if full != now else []), *(["point"] if point != new else [])]


def _has_item_marks(session: Session, paper: int) -> bool:
    query = select(col(Mark.n)).where(col(Mark.paper_id) == paper, col(Mark.items).is_not(None)).limit(1)
    return session.execute(query).first() is not None
