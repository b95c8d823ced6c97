"""An exam while its files arrive: board and joint figures worked out anew -> makers told once when all is in.

Nothing of it is released, and no figure is kept: a run derives everything again.
"""

from typing import Any

import polars as pl
from sqlmodel import Session

from flows.alarms import reachable
from flows.jobs import Result, at_work, lease_end
from flows.settings import Settings
from models.db import Database
from models.district import Contact, district_id
from models.exam import Named, exam_named, exams_of, lock_exam
from models.exam_board import board
from models.exam_findings import findings
from models.exam_release import latest_versions
from models.jobs import Claim, renew
from models.staff import makers_in_office
from notifications.duty import Telling
from notifications.exams_files import CHANNELS, Complete, tell_ready
from policies.exams import exams
from rules.errors import TuoqiError, say
from rules.exams_privacy import suppressed

JOB = "exam-aggregate"
FIGURES = ("subject", "track", "enrolled", "n", "absent", "violation", "mean", "sd", "excellent_rate", "pass_rate",
           "low_rate")  # fmt: skip


def aggregate(database: Database, settings: Settings, code: str | None = None) -> Result:
    """Work out where each exam stands that was held and is not released, or the one named.

    Raises:
        NoExam: there is none of this code.
        TuoqiError: of one exam; the others were worked out before.
    """
    with database.read() as session:
        entries = _asked(session, settings, code)
    done, failed = list[Result](), list[TuoqiError]()
    for entry in entries:
        try:
            done.append(
                at_work(
                    database, JOB, entry.code, settings.district,
                    lambda held, entry=entry: _one(database, settings, entry, held),  # type: ignore[misc]
                )
            )  # fmt: skip
        except TuoqiError as error:
            failed.append(error)
    if failed:
        raise failed[0]
    return {"exams": done}


def _asked(session: Session, settings: Settings, code: str | None) -> list[Named]:
    district = district_id(session, settings.district)
    if code:
        return [exam_named(session, district, code)]
    entries = [entry for entry in exams_of(session, district) if entry.held_on <= settings.today()]
    released = latest_versions(session, {entry.id for entry in entries})
    return [entry for entry in entries if entry.id not in released]


def _one(database: Database, settings: Settings, entry: Named, held: Claim) -> Result:
    policy = exams(entry.held_on, settings.policy)
    with database.snapshot() as session:
        rows = board(session, entry.id, policy.choice)
        found = findings(session, entry.id, policy)
    shown = (
        suppressed(found.stats(), policy.suppression).filter(pl.col("scope") == "joint").select(FIGURES).to_dicts()
        if found.sheets and len(found.entered)
        else []
    )
    complete = all_in(rows)
    result: Result = {
        "exam": entry.code,
        "id": entry.id,
        "complete": complete,
        "students": len(found.entered),
        "board": [row | {"last_file": _moment(settings, row["last_file"])} for row in rows.to_dicts()],
        "figures": shown,
        "messages": 0,
    }
    if complete:
        result["messages"] = _tell(database, settings, entry, _complete(entry, result), held)
    return result


def all_in(rows: pl.DataFrame) -> bool:
    """Whether of everybody expected a row has come, be it held out; of an exam that expects nobody nothing can."""
    return bool(rows["expected"].sum()) and not rows["missing"].sum()


def _moment(settings: Settings, at: Any) -> str:
    return f"{settings.local(at):%Y-%m-%d %H:%M}" if at else ""


def _complete(entry: Named, result: Result) -> Complete:
    held = sum(row["held"] + row["strangers"] for row in result["board"])
    command = say(
        f"tuoqi exam put-forward {entry.code} --staff 工号", f"tuoqi exam put-forward {entry.code} --staff NUMBER"
    )
    return Complete(entry.name, entry.code, result["students"], held, command)


def _tell(database: Database, settings: Settings, entry: Named, told: Complete, held: Claim) -> int:
    """Tell the makers in office, else the operators, unless the exam was released meanwhile."""
    telling = Telling(settings.district, settings.now(), settings.tz, settings.lang, CHANNELS)
    with database.write() as session:
        renew(session, held, lease_end())
        lock_exam(session, entry.id)
        if latest_versions(session, {entry.id}):
            return 0
        people = makers_in_office(session, district_id(session, settings.district), settings.today())
        return tell_ready(session, telling, entry.id, people or _operators(settings), told)


def _operators(settings: Settings) -> list[Contact]:
    return [
        Contact(f"OPERATOR-{place}", settings.district_name, address if channel == "sms" else "",
                address if channel == "email" else "")
        for place, (channel, address) in reachable(settings)
        if channel != "robot"
    ]  # fmt: skip
