"""The nightly statement and a reading event by event say the same of every elder on every day."""

import random
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import event, insert
from sqlmodel import Session

from models.db import Database
from models.district import Community, Subdistrict
from models.elder import Elder, ElderStatus, ElderTier
from models.helper import Helper
from models.visit import VisitContact
from models.visit_facts import Standing, standing_facts
from models.visit_histories import histories
from rules.visits_facts import OUTCOMES, STATUSES, TIERS, Ungraded, community_on
from rules.visits_standing import facts_of

FIRST = date(2026, 1, 1)
BY = {"MET": "home", "PHONE": "phone", "VIDEO": "video"}
ELDERS = 120


def at(day: date, hour: int = 12) -> datetime:
    return datetime(day.year, day.month, day.day, hour, tzinfo=UTC)


def places(session: Session) -> None:
    session.execute(insert(Subdistrict), [{"district_id": 1, "ref": "S-1", "name": "马街"}])
    session.execute(insert(Community), [{"subdistrict_id": 1, "name": f"{n}社区"} for n in range(3)])
    helper = {"district_id": 1, "name": b"x", "role": "gate", "capacity": 5}
    session.execute(insert(Helper), [{**helper, "number": f"H{n}", "ref": f"H-{n}"} for n in range(3)])


def people(session: Session, count: int, registered: Callable[[int], date]) -> None:
    for n in range(1, count + 1):
        since = registered(n)
        sealed = {"id_number": b"x", "id_index": str(n).encode(), "name": b"x"}
        fixed = {"sex": "female", "birth_date": date(1940, 2, 29), "community_id": 1, "recorded_at": at(since)}
        session.execute(insert(Elder).values(district_id=1, ref=f"E-{n}", registered_on=since, **sealed, **fixed))


def a_life(rng: random.Random, registered: date) -> Iterator[tuple[Any, dict[str, Any]]]:
    """Rows of one elder, some of them on one date, recorded at once, before the registration or in the future."""
    days = [FIRST + timedelta(days=n) for n in range(-10, 70)]
    yield ElderTier, {"since": registered, "tier": rng.choice(TIERS), "recorded_at": at(registered), "actor": "test"}
    for hour in range(rng.choice([0, 0, 0, 1, 3])):
        row = {"since": rng.choice(days), "tier": rng.choice(TIERS), "recorded_at": at(days[-1], hour)}
        yield ElderTier, {**row, "actor": "test"}
    for hour in range(rng.choice([0, 0, 1, 2, 5])):
        yield ElderStatus, {**a_status(rng, rng.choice(days)), "recorded_at": at(rng.choice(days[-3:]), hour // 2)}
    taken: set[object] = set()
    for _ in range(rng.randint(0, 12)):
        yield VisitContact, a_contact(rng, rng.choice(days), taken)


def a_status(rng: random.Random, since: date) -> dict[str, Any]:
    status = rng.choice(STATUSES)
    home = rng.choice([None, 1, 2, 3]) if status == "MOVED" else None
    offer = since + timedelta(days=rng.randint(1, 30)) if status == "REFUSED" and rng.random() < 0.5 else None
    row = {"since": since, "status": status, "community_id": home, "reoffer_on": offer}
    return {**row, "source": "status", "actor": "test"}


def a_contact(rng: random.Random, day: date, taken: set[object]) -> dict[str, Any]:
    """One that stands, or is void where another already does."""
    outcome, helper = rng.choice(OUTCOMES), rng.randint(1, 3)
    channel = BY.get(outcome, "home")
    void = rng.choice(["mistaken", "amended"]) if (day, channel, helper) in taken else None
    taken.add((day, channel, helper))
    voided = {"voided_at": at(day), "voided_by": "test"} if void else {"voided_at": None, "voided_by": None}
    said = {"helper_id": helper, "channel": channel, "occurred_on": day, "outcome": outcome}
    return {**said, "recorded_at": at(day), "recorded_by": "test", "void_reason": void, **voided}


def fill(session: Session, seed: int) -> None:
    rng = random.Random(seed)
    registered = {n: FIRST + timedelta(days=rng.randint(-5, 20)) for n in range(1, ELDERS + 1)}
    people(session, ELDERS, registered.__getitem__)
    seen = set()
    for elder, since in registered.items():
        for table, row in a_life(rng, since):
            key = (table, elder, row.get("since"), row.get("status"), row["recorded_at"])
            if table is VisitContact or key not in seen:
                seen.add(key)
                session.execute(insert(table).values(elder_id=elder, **row))


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_statement_says_what_reading_event_by_event_says(database: Database, seed: int) -> None:
    with database.write() as session:
        places(session)
        fill(session, seed)
    with database.read() as session:
        read = list(histories(session, 1))
        for day in (FIRST + timedelta(days=n) for n in (-5, 0, 7, 20, 31, 45, 60, 80)):
            standing = {each.elder_id: each for each in standing_facts(session, 1, day)}
            expected = {one.elder_id: facts_of(one.history, day) for one in read}
            assert {number: each.facts for number, each in standing.items()} == {
                number: facts for number, facts in expected.items() if facts is not None
            }
            for one in read:
                if one.elder_id in standing:
                    _compare(standing[one.elder_id], one, day)


def _compare(told: Standing, one: Any, day: date) -> None:
    assert told.community_id == int(community_on(one.history.statuses, str(one.community_id), day))


def test_it_is_one_statement_however_many_elders(database: Database) -> None:
    with database.write() as session:
        places(session)
        fill(session, 4)
    seen: list[str] = []
    event.listen(database.engine, "before_cursor_execute", lambda *sent: seen.append(sent[2]))
    with database.read() as session:
        assert sum(1 for _ in standing_facts(session, 1, date(2026, 4, 1))) == ELDERS
    assert [sent[:4] for sent in seen if not sent.startswith("BEGIN")] == ["WITH"]


@pytest.mark.parametrize("count", [0, 1])
def test_a_district_of_nobody_and_of_one(database: Database, count: int) -> None:
    with database.write() as session:
        places(session)
        people(session, count, lambda _: FIRST)
        for elder in range(count):
            row: dict[str, Any] = {
                "elder_id": elder + 1,
                "since": FIRST,
                "tier": "red",
                "recorded_at": at(FIRST),
                "actor": "test",
            }
            session.execute(insert(ElderTier).values(**row))
    with database.read() as session:
        found = list(standing_facts(session, 1, FIRST))
        assert [(each.ref, each.facts.status, each.facts.no_answers) for each in found] == [
            ("E-1", "ACTIVE", ())
        ] * count
        assert list(standing_facts(session, 1, FIRST - timedelta(days=1))) == []


def test_an_elder_without_a_tier_is_an_error_not_a_guess(database: Database) -> None:
    with database.write() as session:
        places(session)
        people(session, 1, lambda _: FIRST)
    with database.read() as session:
        with pytest.raises(Ungraded):
            list(standing_facts(session, 1, FIRST))
        with pytest.raises(Ungraded):
            list(histories(session, 1))
