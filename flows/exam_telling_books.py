"""The books of a release: figures each reader may have -> a workbook -> mails that servers take, the rest left here.

A school reads joint figures only where enough others stand behind them, for it can take its own from them.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl
from sqlmodel import Session

from flows.exam_class_workbook import write_class_workbook
from flows.exam_district_workbook import write_district_workbook
from flows.exam_school_workbook import write_school_workbook
from flows.jobs import Result, lease_end
from flows.settings import Settings
from models import audit
from models.db import Database
from models.district import Contact, district_id
from models.drafts import Enclosure
from models.exam_families import TOLD, message_states, school_contacts
from models.exam_findings import Findings, item_answers
from models.exam_released import releases
from models.exam_view_district import district_view
from models.exam_view_items import class_views
from models.exam_views import school_view
from models.exam_whole import Whole
from models.exam_wholes import released_whole
from models.jobs import Claim, renew
from models.staff import staff_contacts
from notifications.exams import Frame, books_key, parcels_of, subject_name, tell_new, weak_row
from notifications.outbox import address_of
from notifications.visit_month import XLSX
from rules.errors import say
from rules.exams_privacy import suppressed
from rules.exams_release import changes
from rules.exams_weaknesses import points, weakest

_ROWS = 40
_FIGURES = ("scope", "code", "subject", "track", "n", "mean")


def book_mails(
    database: Database, settings: Settings, frame: Frame, found: Findings, before: Findings | None, to: str, held: Claim
) -> Result:
    """Write to the schools and the officers; one transaction a reader, with its audit entry."""
    with database.read() as session:
        schools = school_contacts(session, district_id(session, settings.district))
        one = releases(session, frame.exam)[frame.version]
        officers = staff_contacts(session, one.officers)
        weak = _weak(session, found)
    stats, moved = found.stats(), _changes(before, found)
    with database.read() as session:
        everything = released_whole(session, found, None if before is None else moved)
    told: Result = {}
    heads = dict(found.entered.students.group_by("school").len().iter_rows())
    if to in {"all", "schools"}:
        sent, silent = 0, []
        for code in found.entered.schools["school"].to_list():
            school = schools[code]
            address = address_of("email", school.contact.email)
            if not address:
                silent.append(code)
                continue
            reader = Contact(school.contact.ref, school.contact.name, "", address)
            rows = school_rows(stats, code, found.policy.suppression.smallest)
            mine = moved.filter((pl.col("school_before") == code) | (pl.col("school_after") == code))
            full = _full(found)
            with database.read() as session:
                stem = f"exam-{frame.exam}-v{frame.version}-{reader.ref}"
                books = _school_books(session, settings, everything, code, stem)
            body = {
                "school": school.name[:60],
                "rows": _bars(rows, full, own=say("本校", "own")),
                "weak": _named_weak(weak, code, found.policy.weak_points),
            }
            sent += _send(database, settings, frame, reader, body, books, mine, heads[code], held)
        told |= {"school_mails": sent, "schools_without_contact": silent}
    if to in {"all", "officers"}:
        rows = _district_rows(stats, found)
        books = _district_book(settings, everything, f"exam-{frame.exam}-v{frame.version}")
        sent = 0
        for contact in officers.values():
            address = address_of("email", contact.email)
            if address:
                reader = Contact(contact.ref, contact.name, "", address)
                body = {
                    "school": (settings.district_name or "—")[:60],
                    "rows": _bars(rows, _full(found), own=say("全区", "all")),
                    "weak": [],
                }
                sent += _send(
                    database,
                    settings,
                    frame,
                    reader,
                    body,
                    books,
                    moved,
                    len(found.entered),
                    held,
                )
        told["officer_mails"] = sent
    return told


def school_rows(stats: pl.DataFrame, code: str, smallest: int) -> list[dict[str, Any]]:
    """Return a school's means beside the joint ones; joint is None where the others are too few to stand behind it."""
    joint = {(row["subject"], row["track"]): row for row in stats.filter(pl.col("scope") == "joint").to_dicts()}
    own = stats.filter((pl.col("scope") == "school") & (pl.col("code") == code))
    rows = []
    for row in own.to_dicts():
        whole = joint[row["subject"], row["track"]]
        rest = whole["n"] - row["n"]
        shown = whole["mean"] if rest == 0 or rest >= smallest else None
        rows.append({**{name: row[name] for name in _FIGURES}, "joint": shown})
    return rows


def _district_rows(stats: pl.DataFrame, found: Findings) -> list[dict[str, Any]]:
    """Return joint means, and those of schools as far as the rule lets them be read."""
    shown = suppressed(stats, found.policy.suppression).filter(pl.col("scope") != "class")
    joint = {(row["subject"], row["track"]): row["mean"] for row in shown.filter(pl.col("scope") == "joint").to_dicts()}
    return [
        {**{name: row[name] for name in _FIGURES}, "joint": joint[row["subject"], row["track"]]}
        for row in shown.to_dicts()
    ]


def _full(found: Findings) -> Mapping[str, float]:
    return {sheet.subject: sheet.full / sheet.scale for sheet in found.sheets if isinstance(sheet.full, int)}


def _bars(rows: Sequence[dict[str, Any]], full: Mapping[str, float], own: str) -> list[dict[str, Any]]:
    bars = []
    for row in rows[:_ROWS]:
        if row["scope"] == "school" and own == say("全区", "all"):
            continue  # the officers' mail tells the district; schools side by side are in its workbook
        top = full.get(row["subject"])
        shares = [None if row[name] is None or not top else round(1000 * row[name] / top) for name in ("mean", "joint")]
        means = [f"{row[name]:.1f}" if row[name] is not None else "—" for name in ("mean", "joint")]
        words = (
            f"{own} {means[0]}"
            if row["scope"] == "joint"
            else say(f"{own} {means[0]}，联考 {means[1]}", f"{own} {means[0]}, joint {means[1]}")
        )
        track = {"physics": say("（物理类）", " (physics)"), "history": say("（历史类）", " (history)")}.get(
            row["track"], ""
        )
        bars.append(
            {"subject": subject_name(row["subject"]) + track, "told": words, "own": shares[0], "joint": shares[1]}
        )
    return bars


def _weak(session: Session, found: Findings) -> pl.DataFrame:
    """Compare the schools point by point; a point is left out where too few others stand behind the joint share."""
    schools = found.entered.schools["school"].to_list()
    place = dict(zip(found.entered.students["student"].to_list(), found.entered.school.tolist(), strict=True))
    frames = []
    for each in item_answers(session, found):
        school = pl.Series([place[student] for student in each.students.tolist()], dtype=pl.Int32).to_numpy()
        frames.append(points(each.sheet, school, schools))
    listed = pl.concat(frames) if frames else pl.DataFrame(schema={"school": pl.String})
    if listed.is_empty():
        return listed
    rest, smallest = pl.col("joint_n") - pl.col("n"), found.policy.suppression.smallest
    return listed.filter((rest >= smallest) & (pl.col("n") >= smallest))


def _named_weak(weak: pl.DataFrame, code: str, count: int) -> list[dict[str, Any]]:
    if weak.is_empty():
        return []
    rows = weakest(weak.filter(pl.col("school") == code), count).to_dicts()
    return [weak_row(row["subject"], row["point"], row["share"], row["joint"]) for row in rows[:10]]


def _changes(before: Findings | None, after: Findings) -> pl.DataFrame:
    """Return what differs from the release before, nobody if there was none."""
    now = pl.concat(list(after.standings()))
    old = pl.concat(list(before.standings())) if before is not None else now
    return changes(old, now)


def _school_books(session: Session, settings: Settings, whole: Whole, code: str, stem: str) -> list[Enclosure]:
    """Write a school's workbook and the item books of its classes; they stay in the folder of reports too."""
    path = settings.folder("reports") / f"{stem}.xlsx"
    write_school_workbook(path, school_view(session, whole, code))
    books = [Enclosure(say("成绩分析.xlsx", "results.xlsx"), XLSX, path.read_bytes())]
    for at, view in enumerate(class_views(whole, code) if whole.answers else (), start=1):
        path = settings.folder("reports") / f"{stem}-{at}.xlsx"
        write_class_workbook(path, view)
        books.append(Enclosure(say(f"小题分析-{at}.xlsx", f"items-{at}.xlsx"), XLSX, path.read_bytes()))
    return books


def _district_book(settings: Settings, whole: Whole, stem: str) -> list[Enclosure]:
    path = settings.folder("reports") / f"{stem}.xlsx"
    write_district_workbook(path, district_view(whole))
    return [Enclosure(say("全区成绩分析.xlsx", "district.xlsx"), XLSX, path.read_bytes())]


def _send(  # noqa: PLR0913, PLR0917 - a mail is made of these
    database: Database, settings: Settings, frame: Frame, reader: Contact, body: dict[str, Any],
    books: Sequence[Enclosure], moved: pl.DataFrame, students: int, held: Claim,
) -> int:  # fmt: skip
    mails, left = parcels_of(books)
    own = moved.filter(pl.col("kind") != "moved").height
    with database.write() as session:
        renew(session, held, lease_end())
        again = _has_book(session, frame, reader.ref)
        told = {**body, "name": (reader.name or body["school"])[:50], "date": frame.day, "left": len(left)}
        if again:
            told |= {"reason": frame.reason[:100] or "—", "marks_changed": own, "ranks_moved": moved.height - own}
        else:
            told["students"] = students
        drafts = [
            frame.draft(
                books_key(frame.exam, frame.version, reader.ref, part),
                "exam-rescored" if again else "exam-released", reader, told, *files,
            )
            for part, files in enumerate(mails, start=1)
        ]  # fmt: skip
        new = tell_new(session, drafts, frame.telling)
        if new:
            detail = {"exam": frame.exam, "version": frame.version, "reader": reader.ref, "mails": new}
            audit.record(session, settings.district, "exam-report", "exam.books", settings.now(), **detail)
    return new


def _has_book(session: Session, frame: Frame, reader: str) -> bool:
    keys = [books_key(frame.exam, version, reader) for version in range(1, frame.version)]
    return any(state in TOLD for state in message_states(session, keys).values())
