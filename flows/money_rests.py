"""Whether money rests: a restore that nobody has looked into -> no file leaves, no strange answer is taken in."""

from datetime import UTC, datetime
from pathlib import Path

from sqlmodel import Session

from flows.settings import Settings
from models.restores import in_doubt
from rules.allowance_refusals import MoneyRests


def resting(session: Session, settings: Settings) -> MoneyRests | None:
    """Return why money rests in the district of these settings, if it does."""
    mark = restore_mark(settings)
    if mark.exists():  # killed before its trace was in the log: it must be restored again
        return MoneyRests(_said(settings, datetime.fromtimestamp(mark.stat().st_mtime, UTC)), 0)
    found = in_doubt(session, settings.district)
    return found and MoneyRests(_said(settings, found.at), len(found.actors))


def refuse_while_resting(session: Session, settings: Settings) -> None:
    """Let nothing pass while a restore is in doubt.

    Raises:
        MoneyRests: it is.
    """
    if why := resting(session, settings):
        raise why


def restore_mark(settings: Settings) -> Path:
    """The file that is there from when a restore replaces the database until the audit log tells of it."""
    return settings.folder("prefect").parent / "restoring"


def _said(settings: Settings, at: datetime) -> str:
    return f"{settings.local(at):%Y-%m-%d %H:%M}"
