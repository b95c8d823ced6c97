"""Issues of elders who died 亡后: they stay open, and wherever they are shown they are tagged.

Whether somebody is dead on a day is a matter of all status rows: a death that was a mistake has a later ACTIVE row.
"""

from collections.abc import Collection
from datetime import date

from sqlalchemy import select
from sqlmodel import Session, col

from models.elder import Elder, ElderStatus
from models.issue import Issue
from models.visit_histories import histories
from rules.errors import say
from rules.visits_facts import History, span_on, spans


def is_dead(history: History, day: date) -> bool:
    """Tell whether an elder is dead on a day."""
    life = span_on(spans(history), day)
    return life is not None and life.status == "DEAD"


def dead_with_issues(session: Session, district: int, day: date, elders: Collection[int] | None = None) -> set[str]:
    """Return the references of the elders who are dead on a day and have issues, or of those among some."""
    died = (
        select(col(ElderStatus.elder_id))
        .join(Elder, col(Elder.id) == col(ElderStatus.elder_id))
        .where(col(Elder.district_id) == district, col(ElderStatus.status) == "DEAD")
        .where(col(ElderStatus.elder_id).in_(select(col(Issue.elder_id)).where(col(Issue.elder_id).is_not(None))))
    )
    ids = set(session.execute(died.distinct()).scalars())
    some = ids if elders is None else ids & set(elders)
    return {read.ref for read in histories(session, district, some) if is_dead(read.history, day)}


def tag(*, post_death: bool) -> str:
    """Return the tag of an issue; "" while the elder lives, or for a centre's ticket."""
    return say("亡后", "post-death") if post_death else ""
