"""Recording for a cadre, one row typed in: text -> the register's own parser -> the same store as a file."""

from collections.abc import Mapping
from dataclasses import dataclass

from flows.intake import register, store_rows
from flows.jobs import Result
from flows.settings import Settings
from models.db import Database
from rules.errors import TuoqiError
from rules.registers import CellError, parse


@dataclass(eq=False)
class NotRecorded(TuoqiError):
    """One value or the state of the duty forbids it; nothing was written."""

    problem: str
    remedy: str
    zh = "未登记：{problem};{remedy}。"
    en = "not recorded: {problem}; {remedy}."


def record(database: Database, settings: Settings, kind: str, by: str, values: Mapping[str, str | None]) -> Result:
    """Record one acknowledgement, check-in, hand-over or swap.

    Args:
        database: where to.
        settings: the district and the clock.
        kind: ack, checkin, handover or swap.
        by: who reports: a cadre's or head's number, or office.
        values: cells by English column name, as text.

    Raises:
        NotRecorded: with the reason and the remedy.
    """
    given = {name: value for name, value in values.items() if value is not None}
    parsed = parse(register(kind), [list(given), list(given.values())])
    if parsed.errors:
        raise _refused(parsed.errors[0])
    taken = store_rows(database, settings, kind, parsed.rows, by)
    if taken.errors:
        raise _refused(taken.errors[0])
    changed = bool(taken.added or taken.changed)
    return {
        "kind": kind,
        "recorded": changed,
        "moved": len(taken.moved),
        **{k: v for k, v in given.items() if k != "note"},
    }


def _refused(error: CellError) -> NotRecorded:
    return NotRecorded(
        error.problem if error.column is None else f"{error.column.header}: {error.problem}", error.remedy
    )
