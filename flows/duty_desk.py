"""Recording for a cadre, one row typed in: who reports -> the register's own parser -> the same store as a file."""

from collections.abc import Mapping
from dataclasses import dataclass

from flows.intake_store import register, store_rows
from flows.jobs import Result
from flows.settings import Settings
from models.cadre import cadre_ids
from models.db import Database
from models.district import district_id
from rules.errors import TuoqiError
from rules.registers import CellError, parse
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

    zh = "未登记：登记人不是本区干部编号；请填干部编号，街道办代为登记请填 office。"
    en = "not recorded: whoever reports is no cadre number of this district; give a number, or office."


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
    parsed = parse(register(kind), [list(given), list(given.values())])
    if parsed.errors:
        raise _refused(parsed.errors[0])
    taken = store_rows(database, settings, kind, parsed.rows, actor)
    if taken.errors:
        raise _refused(taken.errors[0])
    changed = bool(taken.added or taken.changed)
    return {
        "kind": kind,
        "recorded": changed,
        "moved": len(taken.moved),
        **{k: v for k, v in given.items() if k != "note"},
    }


def _reporter(database: Database, settings: Settings, by: str) -> str:
    """Return the actor to be kept: a cadre number as it is registered, or office."""
    said = plain(by).replace(" ", "")
    if said.casefold() in OFFICE:
        return "office"
    with database.read() as session:
        if said not in cadre_ids(session, district_id(session, settings.district)):
            raise UnknownReporter
    return said


def _refused(error: CellError) -> NotRecorded:
    return NotRecorded(
        error.problem if error.column is None else f"{error.column.header}: {error.problem}", error.remedy
    )
