"""Duty as files: rows for csv and xlsx, the month calendar of each centre, the holiday table, calendars for phones."""

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

from sqlmodel import Session

from flows.duty_day import explained
from flows.settings import Settings
from models.duty_record import held_slots


def duty_rows(
    session: Session, settings: Settings, district: int, span: tuple[date, date], centre: str | None
) -> Iterator[list[Any]]:
    """Yield date, centre, cadre, state, rest_relaxed, why."""
    for slot in sorted(held_slots(session, district, *span), key=lambda slot: (slot.day, slot.centre)):
        if centre in (None, slot.centre):
            why = explained(slot, settings.lang)
            yield [slot.day, slot.centre, slot.cadre or "", slot.state, slot.rest_relaxed, why]
