"""Whether money rests: a restore that nobody has looked into -> no file leaves, no strange answer is taken in."""

from sqlmodel import Session

from flows.settings import Settings
from models.restores import in_doubt
from rules.allowance_refusals import MoneyRests


def resting(session: Session, settings: Settings) -> MoneyRests | None:
    """Return why money rests in the district of these settings, if it does."""
    found = in_doubt(session, settings.district)
    return found and MoneyRests(f"{settings.local(found.at):%Y-%m-%d %H:%M}", len(found.actors))


def refuse_while_resting(session: Session, settings: Settings) -> None:
    """Let nothing pass while a restore is in doubt.

    Raises:
        MoneyRests: it is.
    """
    if why := resting(session, settings):
        raise why
