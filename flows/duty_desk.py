"""Recording for a cadre, one row typed in: who reports -> the register's own parser -> the same store as a file."""

from collections.abc import Mapping
from dataclasses import dataclass

from sqlmodel import Session

from flows.intake_store import register, store_rows, store_within
from flows.jobs import Result
from flows.settings import Settings
from models.cadre import cadre_ids
from models.db import Database
from models.district import district_id
from models.intake import Taken
from rules.errors import TuoqiError
from rules.registers import CellError, Row, parse
from rules.registers.spelling import plain


@dataclass(eq=False)
class NotRecorded(TuoqiError):
    """One value or the state of the duty forbids it; nothing was written."""

    problem: str
    remedy: str
    zh = "未登记：{problem}；{remedy}。"
    en = "not recorded: {problem}; {remedy}."


@dataclass(eq=False)
class UnknownReporter(TuoqiError):
    """Every transition names its actor, so who records must be known; what was typed may be a name and is not told."""

    zh = (
        "未登记：登记人编号不在本区名册中；请填登记表里的编号（如 K0012，不是 C- 开头的系统编号），"
        "街道办代为登记请填 office。"
    )
    en = "not recorded: whoever reports is on no register of this district; give their own number, or office."


OFFICE = {"office", "街道办"}


def record(database: Database, settings: Settings, kind: str, by: str, values: Mapping[str, str | None]) -> Result:
    """Record one acknowledgement, check-in, hand-over or swap.

    Args:
        database: where to.
        settings: the district and the clock.
        kind: ack, checkin, handover or swap.
        by: who reports: a cadre's or head's number, or office.
        values: cells by English column name, as text.

    Raises:
        UnknownReporter, NotRecorded: with the reason and the remedy.
    """
    actor = _reporter(database, settings, by)
    given = {name: value for name, value in values.items() if value is not None}
    taken = store_rows(database, settings, kind, typed(kind, given), actor)
    if taken.errors:
        raise refused(taken.errors[0])
    changed = bool(taken.added or taken.changed)
    return {
        "kind": kind,
        "recorded": changed,
        "moved": len(taken.moved),
        **{k: v for k, v in given.items() if k != "note"},
    }


def record_within(session: Session, settings: Settings, kind: str, by: str, values: Mapping[str, str]) -> Taken:
    """Record the same in a transaction of the caller, who knows the reporter; `log_rows` has to follow.

    Args:
        session: writing; any error must roll it back.
        settings: the district and the clock.
        kind: ack, checkin, handover or swap.
        by: the cadre's number.
        values: cells by English column name, as text.

    Raises:
        NotRecorded: with the reason and the remedy.
    """
    taken = store_within(session, settings, kind, typed(kind, values), by)
    if taken.errors:
        raise refused(taken.errors[0])
    return taken


def typed(kind: str, values: Mapping[str, str]) -> tuple[Row, ...]:
    """Read one row as its register would.

    Raises:
        NotRecorded: a value cannot be read.
    """
    parsed = parse(register(kind), [list(values), list(values.values())])
    if parsed.errors:
        raise refused(parsed.errors[0])
    return parsed.rows


def _reporter(database: Database, settings: Settings, by: str) -> str:
    """Return the actor to be kept: a cadre number as it is registered, or office."""
    said = plain(by).replace(" ", "")
    if said.casefold() in OFFICE:
        return "office"
    with database.read() as session:
        if said not in cadre_ids(session, district_id(session, settings.district)):
            raise UnknownReporter
    return said


def refused(error: CellError) -> NotRecorded:
    """Say of one typed row what a file's error workbook would say of the cell."""
    return NotRecorded(
        error.problem if error.column is None else f"{error.column.header}: {error.problem}", error.remedy
    )
