"""Statuses of elders from their register: each row against what holds on its date; a correction is a new row."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any, NamedTuple

from sqlalchemy import insert, select
from sqlmodel import Session, col

from models.elder import Elder, ElderStatus, batches, elder_ids
from models.intake import Refused, Scope, Taken
from models.intake_cadres import IN_ONE
from models.intake_communities import Communities
from models.intake_contact_checks import recorded_at
from rules.registers import Row


class Told(NamedTuple):
    """What a row says of an elder from a date on; the place of a move inside is a matter of its own."""

    elder_id: int
    since: date
    status: str
    community_id: int | None
    reoffer_on: date | None

    @property
    def matter(self) -> tuple[int, date, bool]:
        """What one row can correct another in: the status, or the place, of one elder from one date on."""
        return self.elder_id, self.since, self.community_id is not None


def store_statuses(session: Session, scope: Scope, rows: Sequence[Row]) -> Taken:
    """Store what differs from what holds; rows are only added."""
    taken = Taken()
    elders = elder_ids(session, scope.district, {str(row.values["elder"]) for row in rows})
    communities = Communities(session, scope)
    known = _known(session, {number for number, _ in elders.values()})
    given: dict[tuple[object, ...], Row] = {}
    fresh: list[dict[str, Any]] = []
    for row in rows:
        try:
            told, at = _told(scope, row, elders, communities), recorded_at(scope, row)
            _alone(scope, row, (told.matter, at), given)
        except Refused as refusal:
            taken.errors.append(refusal.error)
            continue
        before = known.get(told.matter, [])
        if before and (before[-1][1] == told or (at, told) in before):
            taken.unchanged += 1
            continue
        taken.add()
        known[told.matter] = sorted([*before, (at, told)])
        fresh.append({**told._asdict(), "recorded_at": at, "source": "status", "actor": scope.actor})
    if fresh and not taken.errors:
        session.execute(insert(ElderStatus), fresh, execution_options=IN_ONE)
    return taken


def _alone(scope: Scope, row: Row, matter: tuple[object, ...], given: dict[tuple[object, ...], Row]) -> None:
    """Refuse a second row of one file on the same matter, recorded at the same time, that says something else."""
    other = given.setdefault(matter, row)
    if other is not row:
        problem = (f"与第 {other.number} 行是同一位老人、同一日期", f"same elder and date as row {other.number}")
        raise Refused(scope.wrong(row, "status", problem, ("请只保留一行", "keep only one of them")))


def _told(scope: Scope, row: Row, elders: Mapping[str, tuple[int, str]], communities: Communities) -> Told:
    elder, since, status = elders.get(str(row.values["elder"])), row.values["from"], str(row.values["status"])
    if elder is None:
        raise Refused(scope.unknown(row, "elder"))
    assert isinstance(since, date)
    if since > scope.today and status == "DEAD":
        problem = ("晚于今天", "lies in the future")
        raise Refused(scope.wrong(row, "from", problem, ("请核对日期", "check the date")))
    home = communities.home(row)
    if home is not None and status != "MOVED":
        problem = ("只有迁居才填社区", "only a move has a community")
        raise Refused(scope.wrong(row, "community", problem, ("请留空，或把状态改为迁出", "leave it blank")))
    if home in communities.new:
        problem = ("这个社区还没有登记", "this community is not registered")
        remedy = ("请先在老人登记表里填写街道和社区", "name it with its sub-district in the elder register first")
        raise Refused(scope.wrong(row, "community", problem, remedy))
    return Told(elder[0], since, status, communities.id_of(home), _reoffer(scope, row, since, status))


def _reoffer(scope: Scope, row: Row, since: date, status: str) -> date | None:
    agreed = row.values.get("reoffer_on")
    if agreed is None:
        return None
    assert isinstance(agreed, date)
    if status != "REFUSED" or agreed <= since:
        problem = ("只用于拒绝探访，且晚于起始日期", "is for REFUSED only, and after the first day")
        raise Refused(scope.wrong(row, "reoffer_on", problem, ("请留空或改正", "leave it blank or correct it")))
    return agreed


def _known(session: Session, elders: set[int]) -> dict[tuple[int, date, bool], list[tuple[datetime, Told]]]:
    """What is stored on each matter, the holding row last."""
    columns = [col(getattr(ElderStatus, name)) for name in Told._fields]
    query = select(col(ElderStatus.recorded_at), *columns).join(Elder, col(Elder.id) == col(ElderStatus.elder_id))
    query = query.order_by(col(ElderStatus.recorded_at), col(ElderStatus.id))
    found: dict[tuple[int, date, bool], list[tuple[datetime, Told]]] = {}
    for some in batches(sorted(elders)):
        for at, *told in session.execute(query.where(col(ElderStatus.elder_id).in_(some))):
            found.setdefault(Told(*told).matter, []).append((at, Told(*told)))
    return found
