"""Recording visits, statuses and issues one at a time: who reports -> the register's own parser -> the same store."""

from collections.abc import Iterator, Mapping
from datetime import datetime

from flows.duty_desk import OFFICE, NotRecorded, UnknownReporter, refused, typed
from flows.intake_store import store_rows
from flows.jobs import Result
from flows.settings import Settings
from models.cadre import cadre_ids
from models.db import Database
from models.district import district_id
from models.elder import elder_ids
from models.helper import helper_ids
from models.issue import issue_ids, next_number
from models.post_death import dead_with_issues, tag
from rules.registers import Row
from rules.registers.spelling import plain

__all__ = ["NotRecorded", "UnknownReporter", "new_number", "record"]

_TOLD = ("helper", "channel", "outcome", "from", "status", "number", "event")
"""Columns that an answer may repeat; an elder is told by reference, and prose not at all."""


def record(database: Database, settings: Settings, kind: str, by: str, values: Mapping[str, str | None]) -> Result:
    """Record one contact, status or event of an issue.

    Args:
        database: where to.
        settings: the district and the clock.
        kind: contact, status or issue.
        by: who reports: a cadre's or helper's number, or office.
        values: cells by English column name, as text.

    Raises:
        UnknownReporter, NotRecorded: with the reason and the remedy.
    """
    actor = _reporter(database, settings, by)
    given = {name: value for name, value in values.items() if value is not None}
    rows = typed(kind, given)
    taken = store_rows(database, settings, kind, rows, actor)
    if taken.errors:
        raise refused(taken.errors[0])
    told = {name: rows[0].values[name] for name in _TOLD if name in given}
    doubts = [*(zh for zh, _ in taken.doubts), *(_post_death(database, settings, rows[0]) if kind == "issue" else ())]
    who = {"elder": _ref(database, settings, rows[0])} if "elder" in given else {}
    changed = bool(taken.added or taken.changed)
    return {"kind": kind, "recorded": changed, **who, **told, **({"flagged": doubts} if doubts else {})}


def new_number(database: Database, settings: Settings) -> str:
    """Return the next free number of an issue, for one that is opened without."""
    with database.read() as session:
        return next_number(session, district_id(session, settings.district), settings.today().year)


def now_as_text(settings: Settings) -> str:
    """Return the moment as a cell of a register says it."""
    moment: datetime = settings.now()
    return moment.replace(microsecond=0).isoformat()


def _ref(database: Database, settings: Settings, row: Row) -> str:
    said = str(row.values["elder"])
    with database.read() as session:
        return elder_ids(session, district_id(session, settings.district), {said})[said][1]


def _post_death(database: Database, settings: Settings, row: Row) -> Iterator[str]:
    """The tag of an issue whose elder died: it stays open, and nobody telephones the elder."""
    number = str(row.values["number"])
    with database.read() as session:
        district = district_id(session, settings.district)
        elder = issue_ids(session, district, {number})[number].elder_id
        if elder is not None and dead_with_issues(session, district, settings.today(), [elder]):
            yield tag(post_death=True)


def _reporter(database: Database, settings: Settings, by: str) -> str:
    """Return the actor to be kept: a cadre's or helper's number as it is registered, or office."""
    said = plain(by).replace(" ", "")
    if said.casefold() in OFFICE:
        return "office"
    with database.read() as session:
        district = district_id(session, settings.district)
        if said not in cadre_ids(session, district) and said not in helper_ids(session, district):
            raise UnknownReporter
    return said
