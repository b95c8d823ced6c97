"""Whether money rests: a restore in doubt, or a person's word -> no file leaves, no strange answer is taken in."""

from datetime import UTC, datetime
from pathlib import Path

from sqlmodel import Session

from flows.settings import Settings
from models import restores
from rules.allowance_refusals import MoneyHeld, MoneyRests


def resting(session: Session, settings: Settings) -> MoneyRests | MoneyHeld | None:
    """Return why money rests in the district of these settings, if it does."""
    mark = restore_mark(settings)
    if mark.exists():  # killed before its trace was in the log: it must be restored again
        return MoneyRests(_said(settings, datetime.fromtimestamp(mark.stat().st_mtime, UTC)), 0)
    found = restores.resting(session, settings.district)
    why = MoneyRests if found and found.restored else MoneyHeld
    return found and why(_said(settings, found.at), len(found.actors))


def restore_mark(settings: Settings) -> Path:
    """The file that is there from when a restore replaces the database until the audit log tells of it."""
    return settings.folder("") / "restoring"


def _said(settings: Settings, at: datetime) -> str:
    return f"{settings.local(at):%Y-%m-%d %H:%M}"
