"""The page that ends messages: the message a link came with -> its channel and address -> no more of them."""

from flows.answer_page.desk import Desk
from flows.answer_page.page import Answered, Page, lost, note, used
from flows.intake_store import one_transaction
from models import audit
from models.answers import Addressee, addressee_of, link_uses, use_link
from models.consent import opt_out
from notifications.links import Ticket
from rules.errors import say


def show(desk: Desk, code: str, ticket: Ticket) -> Page:
    """Ask whether to end them; opening the link ends nothing, for mail scanners open links.

    Raises:
        Answered: the message is not there, or had no address; or the link ended them once, and they were let in again.
    """
    with desk.database.read() as session:
        addressee = _present(addressee_of(session, desk.settings.district, ticket.subject))
        spent = bool(link_uses(session, code)) and not addressee.opted_out  # the centre let messages in again
    if spent:
        raise Answered(used())
    return _ended(addressee) if addressee.opted_out else Page(200, "optout.html", {"kind": _kind(addressee)})


def take(desk: Desk, code: str, ticket: Ticket) -> Page:
    """End them. The body is not looked at, so a mail program's one-click POST (RFC 8058) in any form will do.

    Raises:
        Answered: the message is not there or had no address; or the link ended them once and they were asked for anew.
    """
    with one_transaction(desk.database) as session:
        fresh = use_link(session, code, "optout", desk.now)  # first: whoever waits for it sees what it did
        addressee = _present(addressee_of(session, desk.settings.district, ticket.subject))
        if fresh:
            opt_out(session, addressee.channel, addressee.address, "link", desk.now)
            told = {"message": ticket.subject, "channel": addressee.channel, "source": "link"}
            audit.record(session, desk.settings.district, "recipient", "message.optout", desk.now, **told)
        elif not addressee.opted_out:  # to say that it is done would be a lie
            raise Answered(used())
    return _ended(addressee)


def _present(addressee: Addressee | None) -> Addressee:
    if addressee is None or not addressee.address:
        raise Answered(lost())
    return addressee


def _kind(addressee: Addressee) -> str:
    return say("邮件", "e-mails") if addressee.channel == "email" else say("短信", "text messages")


def _ended(addressee: Addressee) -> Page:
    kind = _kind(addressee)
    title = say(f"以后不再发{kind}给您", f"No more {kind}")
    text = say(
        "已为您登记。有值班等工作安排时，会用其他方式告诉您。想重新接收，请联系您所在的服务中心。",
        "This is recorded. Duties and other work will reach you another way. To receive them again, ask your centre.",
    )
    return note(200, title, text, "calm")
