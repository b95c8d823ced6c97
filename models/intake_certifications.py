"""Survival certifications from their register: an elder was seen on a day; stored once, never changed."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from sqlalchemy import insert, select
from sqlmodel import Session, col

from models.account import Certification
from models.contact_flags import lives
from models.elder import batches, elder_ids
from models.intake import Refused, Scope, Taken
from models.intake_cadres import IN_ONE
from rules.registers import Row

Seen = tuple[int, date]
_DEAD = ("认证日期在登记的去世日期之后，请核实", "certified after the death on record; look into it")
_OTHERWISE = ("当天已有认证，方式不同，保留原来的", "certified that day already in another way, which is kept")


def store_certifications(session: Session, scope: Scope, rows: Sequence[Row]) -> Taken:
    """Store the certifications that are new."""
    taken = Taken()
    elders = elder_ids(session, scope.district, {str(row.values["elder"]) for row in rows})
    ids = {number for number, _ in elders.values()}
    known, died = _known(session, ids), _deaths(session, ids)
    fresh: list[dict[str, Any]] = []
    for row in rows:
        try:
            seen = elder, day = _seen(scope, row, elders)
        except Refused as refusal:
            taken.errors.append(refusal.error)
            continue
        if elder in died and died[elder] <= day:
            taken.doubt(_DEAD, row.number)
        method = str(row.values.get("method") or "other")
        if seen in known:
            taken.unchanged += 1
            if "method" in row.values and known[seen] != method:
                taken.doubt(_OTHERWISE, row.number)
            continue
        taken.add()
        known[seen] = method
        fresh.append({"elder_id": elder, "certified_on": day, "method": method})
    if fresh and not taken.errors:
        more = {"recorded_at": scope.now, "actor": scope.actor}
        session.execute(insert(Certification), [{**row, **more} for row in fresh], execution_options=IN_ONE)
    return taken


def _seen(scope: Scope, row: Row, elders: Mapping[str, tuple[int, str]]) -> Seen:
    elder, day = elders.get(str(row.values["elder"])), row.values["certified_on"]
    if elder is None:
        raise Refused(scope.unknown(row, "elder"))
    assert isinstance(day, date)
    if day > scope.today:
        problem = ("晚于今天", "lies in the future")
        raise Refused(scope.wrong(row, "certified_on", problem, ("请核对日期", "check the date")))
    return elder[0], day


def _known(session: Session, elders: set[int]) -> dict[Seen, str]:
    query = select(col(Certification.elder_id), col(Certification.certified_on), col(Certification.method))
    found: dict[Seen, str] = {}
    for some in batches(sorted(elders)):
        rows = session.execute(query.where(col(Certification.elder_id).in_(some)))
        found |= {(elder, day): method for elder, day, method in rows}
    return found


def _deaths(session: Session, elders: set[int]) -> dict[int, date]:
    """The day of each death on record that stands."""
    lived = lives(session, elders)
    return {elder: span.since for elder, life in lived.items() for span in life if span.status == "DEAD"}
