"""Facility tickets 报修: what a hand-over finds broken becomes an issue of the centre, once."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import insert
from sqlmodel import Session, col

from models.db import insert_for, keys_of
from models.elder import batches
from models.intake import Scope
from models.issue import Issue, IssueEvent


class Ticket(NamedTuple):
    """One line of a checklist with a problem; `at` is when it was handed over, aware."""

    number: str
    centre_id: int
    slot_id: int
    item: str
    at: datetime
    note: str


def open_tickets(session: Session, scope: Scope, tickets: Sequence[Ticket]) -> None:
    """Open the tickets that are not there yet, in the transaction that stores the hand-overs."""
    if not tickets:
        return
    constant = {"district_id": scope.district, "kind": "other", "recorded_at": scope.now}
    own = ("number", "centre_id", "slot_id", "item")
    rows = [{**constant, **{name: getattr(ticket, name) for name in own}} for ticket in tickets]
    new: dict[str, int] = {}
    for some in batches(rows):
        opened = insert_for(session, Issue).values(some).on_conflict_do_nothing()
        new |= dict(session.execute(opened.returning(col(Issue.number), col(Issue.id))).tuples().all())
    seal = keys_of(session).seal
    lines = [
        {
            "issue_id": new[ticket.number],
            "event": "open",
            "at": ticket.at.replace(microsecond=0),
            "actor": "",
            "note": seal("issue_event.note", ticket.number, ticket.note),
            "recorded_at": scope.now,
            "recorded_by": scope.actor,
        }
        for ticket in tickets
        if ticket.number in new
    ]
    if lines:
        session.execute(insert(IssueEvent), lines)
