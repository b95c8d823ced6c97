"""Where the issues of a district stand: logs, whose they are and where -> the facts that ladder and call-back need."""

from collections.abc import Mapping
from datetime import date
from typing import NamedTuple, cast

from sqlalchemy import select
from sqlmodel import Session, col

from models.db import insert_for
from models.district import Centre
from models.elder import Elder, batches
from models.issue import Issue, IssueEscalation, IssueEvent, logs
from models.post_death import is_dead
from models.visit_histories import histories
from rules.issues_log import Event, IssueKind
from rules.visits_facts import community_on


class Standing(NamedTuple):
    """An issue that is not closed; `elder` is a reference, `owner` the number of who got it last, both "" for none.

    `post_death`: its elder has died, and it is open all the same.
    """

    id: int
    number: str
    kind: IssueKind
    elder: str
    centre: str
    community: int
    owner: str
    log: list[Event]
    post_death: bool = False


def open_issues(session: Session, district: int, day: date) -> list[Standing]:
    """Return the issues without a closing event, by number, with the community where the elder lives on the day."""
    closed = select(col(IssueEvent.id)).where(
        col(IssueEvent.issue_id) == col(Issue.id), col(IssueEvent.event) == "close"
    )
    columns = (Issue.id, Issue.number, Issue.kind, Elder.id, Elder.ref, Centre.name, Centre.community_id)
    query = (
        select(*map(col, columns))
        .outerjoin(Elder, col(Elder.id) == col(Issue.elder_id))
        .outerjoin(Centre, col(Centre.id) == col(Issue.centre_id))
        .where(col(Issue.district_id) == district, ~closed.exists())
        .order_by(col(Issue.number))
    )
    rows = session.execute(query).all()
    known = logs(session, [row[0] for row in rows])
    homes = _homes(session, district, {row[3] for row in rows if row[3] is not None}, day)
    dead = {elder for elder, (_, died) in homes.items() if died}
    return [
        Standing(
            number, name, cast(IssueKind, kind), ref or "", centre or "", homes[elder][0] if elder else home,
            owner_of(known[number]), known[number], elder in dead,
        )
        for number, name, kind, elder, ref, centre, home in rows
    ]  # fmt: skip


def owner_of(log: list[Event]) -> str:
    """Return the number of who got the issue last; "" while nobody has it."""
    return next((event.actor for event in reversed(log) if event.kind == "assign"), "")


def _homes(session: Session, district: int, elders: set[int], day: date) -> Mapping[int, tuple[int, bool]]:
    """Where elders live on the day, and whether they are dead."""
    return {
        read.elder_id: (
            int(community_on(read.history.statuses, str(read.community_id), day)),
            is_dead(read.history, day),
        )
        for read in histories(session, district, elders)
    }


def escalate(session: Session, rows: list[dict[str, object]]) -> set[tuple[int, str, str]]:
    """Record steps of the ladder; return (issue, level, recipient) of those that were not there yet."""
    columns = (col(IssueEscalation.issue_id), col(IssueEscalation.level), col(IssueEscalation.recipient))
    found: set[tuple[int, str, str]] = set()
    for some in batches(rows):
        fresh = insert_for(session, IssueEscalation).values(some).on_conflict_do_nothing()
        found.update((issue, level, who) for issue, level, who in session.execute(fresh.returning(*columns)))
    return found
