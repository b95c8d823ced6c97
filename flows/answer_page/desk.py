"""What every page needs: the database and the settings with their clock; and the duty a link may still speak of."""

from dataclasses import dataclass, replace
from datetime import date, datetime

from sqlmodel import Session

from flows.answer_page.page import Answered, Page, lost, note
from flows.settings import Settings
from models.answers import Duty, duty_of
from models.db import Database
from models.district import district_id
from models.whose import district_behind
from notifications.links import Ticket
from rules.errors import say


@dataclass(frozen=True, slots=True)
class Desk:
    """Where answers are taken."""

    database: Database
    settings: Settings

    @property
    def now(self) -> datetime:
        """The instant, or the one that `--at` put in its place."""
        return self.settings.now()

    @property
    def today(self) -> date:
        """The district's date."""
        return self.settings.today()

    def of(self, ticket: Ticket) -> "Desk":
        """Return the desk of the district that a link is about; one page answers for a whole city."""
        if not self.settings.districts:
            return self
        with self.database.read() as session:
            code = district_behind(session, ticket.purpose, ticket.subject)
        return self if code is None else replace(self, settings=self.settings.of_district(code))

    def district(self, session: Session) -> int:
        """The district's id."""
        return district_id(session, self.settings.district)


def duty_behind(session: Session, desk: Desk, ticket: Ticket) -> Duty:
    """Return the duty of a ticket as it stands.

    Raises:
        Answered: there is none, or it is somebody else's now, or was taken away and given back.
    """
    duty = duty_of(session, desk.district(session), ticket.subject)
    if duty is None:
        raise Answered(lost())
    if duty.cadre_id != ticket.person:
        raise Answered(moved())
    if duty.revision != ticket.revision:
        raise Answered(_given_back())
    return duty


def moved() -> Page:
    """Somebody else serves."""
    title = say("您不用来了", "You need not come")
    text = say("这一班已调整给别人，您不用来。", "This duty was given to somebody else; you need not come.")
    return note(410, title, text, "calm")


def _given_back() -> Page:
    """A -> B -> A: to say "you need not come" would leave the centre closed."""
    title = say("这一班有过调整", "This duty was changed")
    text = say(
        "这一班调整过，现在仍由您值班。请打开最新一条短信或邮件里的链接。",
        "This duty was changed, and it is yours again. Please open the link in the latest message.",
    )
    return note(410, title, text, "urgent")
