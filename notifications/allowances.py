"""The messages of allowances: paid or not to the payee, sent to the community, what does not match to the maker.

Every key is made of what happened; a job that runs twice writes nothing twice.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any

from sqlmodel import Session

from models.allowance_figures import Head
from models.community_leads import community_phones, leads
from models.district import Contact
from models.drafts import Enclosure
from models.ledger import Amount
from models.payees import Due, Payee
from notifications.duty import Telling
from notifications.outbox import Draft
from notifications.visits import enqueue_new
from rules.allowances_due import Window
from rules.errors import LANGUAGE
from rules.identity import masked_name
from rules.periods import period_name
from rules.programmes import programme_name

BATCH, NOTICE, CERTIFY = "allowance-batch", "allowance-notice-open", "allowance-certify"
NEWS = timedelta(days=30)
"""A result that was booked longer ago is no news."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What approvers are asked for: a list and its sums in fen; `edition` tells its contents apart.

    The confirmation code proves that the sheet was read: it stands in the sheet and nowhere in a message.
    """

    batch: str
    programme: str
    period: str
    people: int
    fen: int
    budget_fen: int
    exceptions: int
    edition: str


def tell_payees(
    session: Session, telling: Telling, district: int, payees: Iterable[Payee], places: Mapping[int, str]
) -> int:
    """Tell payees that money has come, or that it has not and the account is to be looked at; return how many."""
    phones = community_phones(session, district)
    drafts = [_to_payee(telling, one, places[one.community_id], phones.get(one.community_id, "")) for one in payees]
    return enqueue_new(session, drafts, telling.now)


def _to_payee(telling: Telling, one: Payee, place: str, phone: str) -> Draft:
    told: dict[str, Any] = {
        "elder": masked_name(one.name),
        "programme": programme_name(one.programme),
        "period": _said(one.period),
    }
    name = "allowance-paid" if one.state == "paid" else "allowance-returned"
    if one.state == "paid":
        told |= {"fen": one.fen, "booked_on": one.booked_on, "account_tail": one.tail}
    else:
        told |= {"community": place, "phone": phone or "—"}
    contact = Contact(one.ref, one.name, one.phone, "")
    ends = telling.end_of(max(one.booked_on, telling.now.astimezone(telling.zone).date()) + NEWS)
    return telling.draft(name, name, f"{name}:{one.key}", contact, told, expires_at=ends)


def tell_due(
    session: Session,
    telling: Telling,
    district: int,
    programme: str,
    until: date,
    some: Sequence[Due],
    places: Mapping[int, str],
) -> int:
    """Ask people to certify before the month ends in which they are due, once for each due date."""
    phones = community_phones(session, district)
    drafts = []
    for one in some:
        told = {
            "elder": masked_name(one.name), "programme": programme_name(programme), "due": until,
            "community": places[one.community_id], "phone": phones.get(one.community_id, "") or "—",
        }  # fmt: skip
        contact = Contact(one.ref, one.name, one.phone, "")
        key = f"{CERTIFY}:{one.ref}:{programme}:{until}"
        drafts.append(telling.draft(CERTIFY, CERTIFY, key, contact, told, expires_at=telling.end_of(until)))
    return enqueue_new(session, drafts, telling.now)


def tell_communities(
    session: Session,
    telling: Telling,
    district: int,
    file_ref: str,
    day: date,
    sums: Mapping[tuple[int, str, str], Amount],
    places: Mapping[int, str],
) -> int:
    """Tell the lead of each community what went to the bank for its elders, once a file and period."""
    people = leads(session, district, day, {community for community, _, _ in sums})
    drafts = []
    for (community, programme, period), amount in sums.items():
        told = {
            "community": places[community], "programme": programme_name(programme), "period": _said(period),
            "people": amount.payments, "fen": amount.fen, "released_on": day,
        }  # fmt: skip
        for contact in people[community]:
            key = f"allowance-batch:{file_ref}:{community}:{programme}:{period}:{contact.ref}"
            drafts.append(telling.draft(BATCH, BATCH, key, contact, told | {"name": contact.name}))
    return enqueue_new(session, drafts, telling.now)


def tell_notice(
    session: Session,
    telling: Telling,
    district: int,
    top: Head,
    shown: tuple[Window, Mapping[int, int]],
    sheets: Mapping[int, Enclosure],
    places: Mapping[int, str],
) -> int:
    """Tell the lead of each community that a list is on public notice, with the list to pin up; once a list."""
    window, counts = shown
    people = leads(session, district, window.first, set(counts))
    drafts = []
    for home, count in counts.items():
        told = {
            "community": places[home], "programme": programme_name(top.programme), "period": _said(top.period),
            "people": count, "opens": window.first, "closes": window.last,
        }  # fmt: skip
        for contact in people[home]:
            key = f"{NOTICE}:{top.ref}:{home}:{contact.ref}"
            draft = telling.draft(NOTICE, NOTICE, key, contact, told | {"name": contact.name})
            drafts.append(replace(draft, enclosed=(sheets[home],)))
    return enqueue_new(session, drafts, telling.now)


def tell_approvers(
    session: Session, telling: Telling, people: Sequence[Contact], asked: Asked, sheet: Enclosure
) -> int:
    """Ask the approvers of a list to look at its sheet, once for each content of it."""
    drafts = []
    for contact in people:
        told = {
            "name": contact.name, "programme": programme_name(asked.programme), "period": _said(asked.period),
            "batch": asked.batch, "people": asked.people, "fen": asked.fen, "budget_fen": asked.budget_fen,
            "exceptions": asked.exceptions,
        }  # fmt: skip
        key = f"allowance-approval:{asked.batch}:{asked.edition}:{contact.ref}"
        draft = telling.draft("allowance-approval", "allowance-approval", key, contact, told)
        drafts.append(replace(draft, enclosed=(sheet,)))
    return enqueue_new(session, drafts, telling.now)


def tell_makers(
    session: Session, telling: Telling, makers: Sequence[tuple[Contact, str, str]], exceptions: int, newest: int
) -> int:
    """Tell makers of lines of the bank that do not match, once for each newest one; they are listed when it is sent."""
    drafts = []
    for contact, programme, period in makers:
        told = {
            "name": contact.name, "programme": programme_name(programme), "period": _said(period),
            "exceptions": exceptions,
        }  # fmt: skip
        key = f"allowance-exception:{telling.district}:{newest}:{contact.ref}"
        drafts.append(telling.draft("allowance-exception", "allowance-exception", key, contact, told))
    return enqueue_new(session, drafts, telling.now)


def _said(period: str) -> str:
    return period_name(period, LANGUAGE.get())
