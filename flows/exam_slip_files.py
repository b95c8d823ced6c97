"""Slips to print for families without a verified address: one HTML file a student, named by reference, audited."""

import getpass
from pathlib import Path
from typing import Any

from flows.exam_telling import read_release, schools_of
from flows.failures import writing
from flows.forms_rows import whole_file
from flows.jobs import Result
from flows.outlets import site_of
from flows.settings import Settings
from models import audit
from models.db import Database
from models.district import district_id
from models.exam_families import families, school_contacts
from notifications.catalogue import template
from notifications.exams import shortened, slip_variables
from notifications.outbox import address_of
from notifications.rendering import render_mail
from rules.errors import TuoqiError
from rules.portions import portions


class MustReveal(TuoqiError):
    """Slips show names and marks; that must be said."""

    zh = "成绩单含学生姓名和成绩；确需导出请加 --reveal（会记入审计）。"
    en = "slips show names and marks; add --reveal if they are really needed (it is audited)."


class NoSuchSchool(TuoqiError):
    """The school sat no such exam."""

    zh = "这所学校没有参加这次考试；请核对学校代码。"
    en = "this school did not sit the exam; check its code."


def write_slips(
    database: Database,
    settings: Settings,
    code: str,
    school: str,
    folder: Path,
    *,
    reveal: bool,
    everyone: bool = False,
) -> Result:
    """Write the slips of a school's students; the audit entry stands before the first file.

    Raises:
        MustReveal: it was not said that names and marks are to be shown.
        NoExam, NotReleased, NoSuchSchool: there is nothing to write.
    """
    if not reveal:
        raise MustReveal
    reading = read_release(database, settings, code, None)
    places = dict(schools_of(reading.found)).get(school)
    if places is None:
        raise NoSuchSchool
    ids = reading.found.entered.students["student"]
    with database.write() as session:
        name = school_contacts(session, district_id(session, settings.district))[school].name
        detail: dict[str, Any] = {"exam": code, "version": reading.one.version, "school": school, "everyone": everyone}
        audit.record(session, settings.district, getpass.getuser(), "exam.slips.reveal", settings.now(), **detail)
    frame, kind, written = reading.frame, template("exam-slip"), 0
    with writing(folder):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    for some in portions(places, 500):
        at_of = {int(ids[at]): at for at in some}
        with database.read() as session:
            people = families(session, list(at_of))
        for one in people:
            if everyone or not address_of("email", one.email):
                at = at_of[one.id]
                told = slip_variables(
                    one.name[:50], name[:60], reading.slips.lines(at), list(reading.slips.weak.of(at))
                )
                given = {"exam": frame.name, "release": frame.release, "date": frame.day, **told}
                values = kind.complete(one.ref, kind.check(one.ref, shortened("exam-slip", given)), {})
                language = "en" if settings.lang == "en" else "zh-CN"
                html = render_mail(kind, language, values, site=site_of(settings)).html
                with whole_file(folder / f"{one.ref}.html") as part:
                    part.write_text(html, encoding="utf-8")
                written += 1
    return {"exam": code, "version": reading.one.version, "school": school, "slips": written, "folder": str(folder)}
