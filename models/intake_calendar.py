"""The work calendar from its register: named dates are confirmed, and a whole year's notice confirms the rest of it."""

from collections.abc import Iterable, Sequence
from datetime import date

from sqlalchemy import select, update
from sqlmodel import Session, col

from models.calendar import WorkCalendar, seed_calendar, statutory_days
from models.intake import Scope, Taken, differing
from rules.registers import Row


def store_calendar(session: Session, scope: Scope, rows: Sequence[Row]) -> Taken:
    """Override dates. A file that names every statutory day of a year is that year's notice: the rest is confirmed."""
    del scope
    taken = Taken()
    given = {day: row for row in rows if isinstance(day := row.values["date"], date)}
    seed_calendar(session, sorted({day.year for day in given}))  # from here on every date of the file is known
    known = _known(session, given)
    changed = []
    for day, row in given.items():
        before = known[day]
        moved = list(differing(row, before, ("kind", "name")))
        if taken.compare(row, str(day), moved if before["confirmed"] else [*moved, "confirmed"]):
            values = {"kind": row.values["kind"], "name": row.values.get("name") or ""}
            changed.append({"date": day, **values, "confirmed": True, "source": "import"})
    if changed:
        session.execute(update(WorkCalendar), changed)
    for year in {day.year for day in given}:
        if set(statutory_days(year)) <= set(given):
            _confirm(session, year)
    return taken


def _known(session: Session, days: Iterable[date]) -> dict[date, dict[str, object]]:
    wanted = sorted(days)
    columns = (WorkCalendar.date, WorkCalendar.kind, WorkCalendar.name, WorkCalendar.confirmed)
    query = select(*map(col, columns)).where(col(WorkCalendar.date).between(wanted[0], wanted[-1]))
    rows = session.execute(query) if wanted else ()
    return {row[0]: {"kind": row[1], "name": row[2], "confirmed": row[3]} for row in rows}


def _confirm(session: Session, year: int) -> None:
    rest_of_year = col(WorkCalendar.date).between(date(year, 1, 1), date(year, 12, 31))
    guessed = update(WorkCalendar).where(rest_of_year, ~col(WorkCalendar.confirmed))
    session.execute(guessed.values(confirmed=True))
