"""The books of a release: the view of each reader -> a workbook -> mails that servers take, the rest left here.

Mail and workbook are made from the same view, so no figure is hidden in one and told in the other.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
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
from models.exam_findings import Findings
from models.exam_releases import release_of
from models.exam_view_district import DistrictView, district_view
from models.exam_view_items import class_views
from models.exam_views import SchoolView, school_view
from models.exam_whole import Whole
from models.exam_wholes import released_whole
from models.jobs import Claim, renew
from models.staff import staff_contacts
from notifications.exams import Frame, books_key, parcels_of, subject_name, tell_new, weak_row
from notifications.outbox import address_of
from notifications.visit_month import XLSX
from rules.errors import say
from rules.exams_release import changes

_ROWS = 40
_FIGURES = ("scope", "code", "subject", "track", "n", "mean")


@dataclass(frozen=True)
class _Books:
    """A release whose books go out: what every mail of it is made from."""

    database: Database
    settings: Settings
    frame: Frame
    whole: Whole
    moved: pl.DataFrame
    held: Claim


def book_mails(
    database: Database, settings: Settings, frame: Frame, found: Findings, before: Findings | None, to: str, held: Claim
) -> Result:
    """Write to the schools and the officers; one transaction a reader, with its audit entry."""
    moved = _changes(before, found)
    with database.read() as session:
        whole = released_whole(session, found, None if before is None else moved)
    books = _Books(database, settings, frame, whole, moved, held)
    told: Result = {}
    if to in {"all", "schools"}:
        told |= _to_schools(books)
    if to in {"all", "officers"}:
        told |= _to_officers(books)
    return told


def _to_schools(books: _Books) -> Result:
    settings, frame, found = books.settings, books.frame, books.whole.found
    heads, full = dict(found.entered.students.group_by("school").len().iter_rows()), _full(found)
    with books.database.read() as session:
        schools = school_contacts(session, district_id(session, settings.district))
    sent, silent = 0, []
    for code in books.whole.codes:
        school = schools[code]
        reader = _reader(school.contact)
        if reader is None:
            silent.append(code)
            continue
        with books.database.read() as session:
            view = school_view(session, books.whole, code)
        body = {
            "school": school.name[:60],
            "students": heads[code],
            "rows": _bars(school_rows(view), full, own=say("本校", "own")),
            "weak": [weak_row(r["subject"], r["point"], r["share"], r["joint"]) for r in view.weak.to_dicts()[:10]],
        }
        files = _school_books(settings, books.whole, view, f"exam-{frame.exam}-v{frame.version}-{reader.ref}")
        mine = books.moved.filter((pl.col("school_before") == code) | (pl.col("school_after") == code))
        sent += _send(books, reader, body, files, mine)
    return {"school_mails": sent, "schools_without_contact": silent}


def _to_officers(books: _Books) -> Result:
    settings, frame, found = books.settings, books.frame, books.whole.found
    with books.database.read() as session:
        one = release_of(session, frame.exam, frame.version)
        officers = staff_contacts(session, (one.maker_id, one.approver_id))
    view = district_view(books.whole)
    files = _district_book(settings, view, f"exam-{frame.exam}-v{frame.version}")
    body = {
        "school": (settings.district_name or "—")[:60],
        "students": len(found.entered),
        "rows": _bars(_joint_rows(view), _full(found), own=say("全区", "all")),
        "weak": [],
    }
    readers = [reader for contact in officers.values() if (reader := _reader(contact))]
    return {"officer_mails": sum(_send(books, reader, body, files, books.moved) for reader in readers)}


def _reader(contact: Contact) -> Contact | None:
    """Return whom a mail goes to, by e-mail alone; None without an address that can be one."""
    address = address_of("email", contact.email)
    return Contact(contact.ref, contact.name, "", address) if address else None


def school_rows(view: SchoolView) -> list[dict[str, Any]]:
    """Return a school's means beside the joint ones; joint is None where its view hides it."""
    if view.own.is_empty():
        return []
    joint = {(row["subject"], row["track"]): row["mean"] for row in view.joint.to_dicts()}
    own = view.own.filter(pl.col("scope") == "school").select(_FIGURES).to_dicts()
    return [{**row, "joint": joint[row["subject"], row["track"]]} for row in own]


def _joint_rows(view: DistrictView) -> list[dict[str, Any]]:
    """Return the joint means; schools side by side are in the district's workbook."""
    if view.figures.is_empty():
        return []
    joint = view.figures.filter(pl.col("scope") == "joint").select(_FIGURES)
    return [{**row, "joint": row["mean"]} for row in joint.to_dicts()]


def _full(found: Findings) -> Mapping[str, float]:
    return {sheet.subject: sheet.full / sheet.scale for sheet in found.sheets if isinstance(sheet.full, int)}


def _bars(rows: Sequence[dict[str, Any]], full: Mapping[str, float], own: str) -> list[dict[str, Any]]:
    bars = []
    for row in rows[:_ROWS]:
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


def _changes(before: Findings | None, after: Findings) -> pl.DataFrame:
    """Return what differs from the release before, nobody if there was none."""
    now = pl.concat(list(after.standings()))
    old = pl.concat(list(before.standings())) if before is not None else now
    return changes(old, now)


def _school_books(settings: Settings, whole: Whole, view: SchoolView, stem: str) -> list[Enclosure]:
    """Write a school's workbook and the item books of its classes; they stay in the folder of reports too."""
    path = settings.own_folder("reports") / f"{stem}.xlsx"
    write_school_workbook(path, view)
    books = [Enclosure(say("成绩分析.xlsx", "results.xlsx"), XLSX, path.read_bytes())]
    for at, each in enumerate(class_views(whole, view.code) if whole.answers else (), start=1):
        path = settings.own_folder("reports") / f"{stem}-{at}.xlsx"
        write_class_workbook(path, each)
        books.append(Enclosure(say(f"小题分析-{at}.xlsx", f"items-{at}.xlsx"), XLSX, path.read_bytes()))
    return books


def _district_book(settings: Settings, view: DistrictView, stem: str) -> list[Enclosure]:
    path = settings.own_folder("reports") / f"{stem}.xlsx"
    write_district_workbook(path, view)
    return [Enclosure(say("全区成绩分析.xlsx", "district.xlsx"), XLSX, path.read_bytes())]


def _send(books: _Books, reader: Contact, body: dict[str, Any], files: Sequence[Enclosure], moved: pl.DataFrame) -> int:
    """Write to one reader, in as many mails as the files need; return how many are new."""
    frame, (mails, left) = books.frame, parcels_of(files)
    own = moved.filter(pl.col("kind") != "moved").height
    with books.database.write() as session:
        renew(session, books.held, lease_end())
        told = {**body, "name": (reader.name or body["school"])[:50], "date": frame.day, "left": len(left)}
        again = _has_book(session, frame, reader.ref)
        if again:
            del told["students"]
            told |= {"reason": frame.reason[:100] or "—", "marks_changed": own, "ranks_moved": moved.height - own}
        template = "exam-rescored" if again else "exam-released"
        keys = (books_key(frame.exam, frame.version, reader.ref, part) for part, _ in enumerate(mails, start=1))
        drafts = [frame.draft(key, template, reader, told, *some) for key, some in zip(keys, mails, strict=True)]
        new = len(tell_new(session, drafts, frame.telling))
        if new:
            detail = {"exam": frame.exam, "version": frame.version, "reader": reader.ref, "mails": new}
            audit.record(session, books.settings.district, "exam-report", "exam.books", books.settings.now(), **detail)
    return new


def _has_book(session: Session, frame: Frame, reader: str) -> bool:
    keys = [books_key(frame.exam, version, reader) for version in range(1, frame.version)]
    return any(state in TOLD for state in message_states(session, keys).values())
