"""Visits as files: the commitments by deadline, and the lists of days with their gaps; elders by reference only."""

from collections.abc import Iterator
from datetime import date
from typing import Any

from sqlalchemy import select
from sqlmodel import Session, col

from models.cadre import Cadre
from models.elder import Elder
from models.helper import Helper
from models.visit import VisitTask
from models.visit_lists import day_lines
from rules.visits_why import why_words

TASKS = ("elder", "kind", "cycle", "plan_on", "deadline", "state", "reason", "helper")
LIST = ("date", "helper", "order", "elder", "why", "deadline", "gap")
Span = tuple[date, date]


def task_rows(session: Session, district: int, span: Span, elder: str | None) -> Iterator[list[Any]]:
    """Yield the tasks with a deadline in the span, by elder."""
    columns = (
        Elder.ref, VisitTask.kind, VisitTask.cycle, VisitTask.plan_on, VisitTask.deadline, VisitTask.state,
        VisitTask.reason, Helper.number, Cadre.number,
    )  # fmt: skip
    query = (
        select(*map(col, columns))
        .join(Elder, col(Elder.id) == col(VisitTask.elder_id))
        .outerjoin(Helper, col(Helper.id) == col(VisitTask.helper_id))
        .outerjoin(Cadre, col(Cadre.id) == col(VisitTask.cadre_id))
        .where(col(Elder.district_id) == district, col(VisitTask.deadline).between(*span))
        .order_by(col(VisitTask.elder_id), col(VisitTask.opened_on), col(VisitTask.id))
    )
    if elder is not None:
        query = query.where(col(Elder.ref) == elder)
    for *row, helper, cadre in session.execute(query.execution_options(yield_per=2000)):
        yield [*row, helper or cadre]


def list_rows(session: Session, district: int, span: Span, elder: str | None) -> Iterator[list[Any]]:
    """Yield the lists of the days, each by helper and order, its gaps among them without a helper."""
    for day, lines in sorted(day_lines(session, district, *span).items()):
        for line in lines:
            if elder in (None, line.ref):
                why = why_words(line.why, line.through, day)
                gap = line.person is None
                yield [day, line.helper, line.position, line.ref, why, line.deadline, gap]
