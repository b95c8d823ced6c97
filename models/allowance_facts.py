"""What is known of the people whom a notice may concern, as of a cycle's day -> the persons of rules/allowances.py.

Who is too young for every band and stands in none of its categories never leaves the database: they are
counted. Nothing personal is opened.
"""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from datetime import date, timedelta
from itertools import chain
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Select, func, or_, select, true
from sqlmodel import Session, col

from models.account import Certification, PayeeAccount, account_in_force
from models.allowance import AllowanceCycle, Entitlement
from models.elder import Elder, ElderCategory, ElderStatus, batches
from rules.allowances import Departure, Person, Tariff, departure
from rules.allowances_facts import AccountState
from rules.calendar import month_dates
from rules.periods import month_of
from rules.visits_facts import StatusRow, is_move_inside

_FLOW = 5000


class Candidate(NamedTuple):
    """Somebody a notice may concern; `key` is the blind index of the ID number, by which a person is paid once."""

    person: Person
    key: bytes
    community_id: int


class _Life(NamedTuple):
    """What the register of statuses says of one elder, as of a day."""

    gone: Departure
    community_id: int | None


class _Frame(NamedTuple):
    """What one call of `candidates` is about; `elsewhere` is by blind index."""

    district: int
    tariff: Tariff
    as_of: date
    day: date
    elsewhere: Mapping[bytes, frozenset[str]]


def registered(session: Session, district: int) -> int:
    """Count the people on a district's register."""
    mine = select(func.count()).select_from(Elder).where(col(Elder.district_id) == district)
    return session.scalar(mine) or 0


def candidates(
    session: Session, district: int, tariff: Tariff, as_of: date, day: date, only: Collection[int] | None = None
) -> Iterator[Candidate]:
    """Yield whom a notice may concern, in the order of ids.

    Args:
        session: reads only.
        district: whose register.
        tariff: the notice in force on as_of.
        as_of: the day on which age, status and residence are judged.
        day: the day of planning, on which an account must be good.
        only: these elders and no others, whatever their age.
    """
    elsewhere = _elsewhere(session, district, tariff, as_of)
    frame = _Frame(district, tariff, as_of, day, elsewhere)
    if only is None:
        yield from _read(session, frame, _of_age_or_category(tariff, as_of), few=False)
        return
    for some in batches(sorted(only)):
        yield from _read(session, frame, col(Elder.id).in_(some), few=True)


def _of_age_or_category(tariff: Tariff, as_of: date) -> ColumnElement[bool]:
    """All who could fit a band; a day more on each side is no harm, for the rule decides."""
    ages = [band.age for band in tariff.bands if band.category is None]
    names = sorted({band.category for band in tariff.bands if band.category is not None})
    fits = []
    if ages:
        youngest = min(age or 0 for age in ages)
        latest = as_of.replace(year=as_of.year - youngest, day=min(as_of.day, 28)) + timedelta(days=4)
        fits.append(col(Elder.birth_date) <= latest)
    if names:
        under = select(col(ElderCategory.elder_id)).where(col(ElderCategory.category).in_(names))
        fits.append(col(Elder.id).in_(under))
    return or_(*fits)


def _query(district: int, day: date) -> Select[Any]:
    seen = (
        select(func.max(col(Certification.certified_on)))
        .where(col(Certification.elder_id) == col(Elder.id))
        .correlate(Elder)
        .scalar_subquery()
    )
    return (
        select(
            col(Elder.id), col(Elder.id_index), col(Elder.community_id), col(Elder.birth_date), col(Elder.hukou),
            col(Elder.registered_on), seen.label("certified_on"), col(PayeeAccount.id).label("account_id"),
            col(PayeeAccount.proxy_until),
        )
        .outerjoin(PayeeAccount, col(PayeeAccount.id) == account_in_force(col(Elder.id), day))
        .where(col(Elder.district_id) == district)
        .order_by(col(Elder.id))
    )  # fmt: skip


def _read(session: Session, frame: _Frame, within: ColumnElement[bool], *, few: bool) -> Iterator[Candidate]:
    day = frame.day
    lives = _lives(session, frame, within, few=few)
    named = _categories(session, frame, within)
    dead = {elder: life.gone.died_on for elder, life in lives.items() if life.gone.died_on is not None}
    before_death = _certified_alive(session, dead)
    nobody, nothing = _Life(Departure(), None), frozenset[str]()
    query = _query(frame.district, day).where(within)
    found = session.connection().execute(
        query.execution_options(yield_per=_FLOW)
    )  # a session would make each row twice
    rows = chain.from_iterable(found.partitions())  # one by one they cost a third more
    for elder, key, community, born, hukou, since, certified, account, until in rows:
        life = lives.get(elder, nobody)
        state: AccountState = "none" if account is None else "ok" if until is None or until >= day else "proxy_expired"
        person = Person(
            elder, born, hukou, named.get(elder, nothing), since, life.gone.died_on, life.gone.moved_out_on,
            before_death.get(elder) if elder in dead else certified, state, frame.elsewhere.get(key, nothing),
        )  # fmt: skip
        yield Candidate(person, key, life.community_id or community)


def _lives(session: Session, frame: _Frame, within: ColumnElement[bool], *, few: bool) -> dict[int, _Life]:
    """Read those who ever died or moved; of who is in neither, nothing need be known.

    Of few elders all is read: asked who of them died, PostgreSQL reads the deaths of the whole register each time.
    """
    status = ElderStatus
    told = status.__table__.alias("told")  # type: ignore[attr-defined]
    left = select(told.c.id).where(told.c.elder_id == col(Elder.id), told.c.status.in_(("DEAD", "MOVED")))
    query = (
        select(
            col(status.elder_id), col(status.since), col(status.status), col(status.recorded_at),
            col(status.community_id),
        )
        .join(Elder, col(Elder.id) == col(status.elder_id))
        .where(col(Elder.district_id) == frame.district, within, true() if few else left.exists())
        .order_by(col(status.since), col(status.recorded_at), col(status.id))
    )  # fmt: skip
    rows: dict[int, list[StatusRow]] = defaultdict(list)
    for elder, since, name, at, home in session.connection().execute(query):
        rows[elder].append(StatusRow(since, name, at, None if home is None else str(home)))
    return {elder: _Life(departure(told, frame.as_of), _home(told, frame.as_of)) for elder, told in rows.items()}


def _home(rows: list[StatusRow], as_of: date) -> int | None:
    """The community of the last move inside the district up to a day."""
    moves = [row.community for row in rows if is_move_inside(row) and row.since <= as_of]
    return int(moves[-1]) if moves and moves[-1] is not None else None


def _categories(session: Session, frame: _Frame, within: ColumnElement[bool]) -> dict[int, frozenset[str]]:
    """Read who stood under one of the notice's categories on a day."""
    names = sorted({band.category for band in frame.tariff.bands if band.category is not None})
    if not names:
        return {}
    query = (
        select(col(ElderCategory.elder_id), col(ElderCategory.category))
        .join(Elder, col(Elder.id) == col(ElderCategory.elder_id))
        .where(col(Elder.district_id) == frame.district, within, col(ElderCategory.category).in_(names))
        .where(col(ElderCategory.since) <= frame.as_of)
        .where(col(ElderCategory.ended_on).is_(None) | (col(ElderCategory.ended_on) > frame.as_of))
    )
    found: dict[int, set[str]] = defaultdict(set)
    for elder, name in session.execute(query):
        found[elder].add(name)
    return {elder: frozenset(some) for elder, some in found.items()}


def _elsewhere(session: Session, district: int, tariff: Tariff, as_of: date) -> dict[bytes, frozenset[str]]:
    """Read who is entitled in a programme that excludes this one, in the month of a day."""
    if not tariff.not_with:
        return {}
    first, last = month_dates(month_of(as_of))
    query = (
        select(col(Entitlement.person), col(Entitlement.programme))
        .join(AllowanceCycle, col(AllowanceCycle.id) == col(Entitlement.cycle_id))
        .where(col(Entitlement.programme).in_(tariff.not_with), col(Entitlement.state) == "live")
        .where(col(AllowanceCycle.district_id) == district, col(AllowanceCycle.as_of).between(first, last))
    )
    found: dict[bytes, set[str]] = defaultdict(set)
    for person, programme in session.execute(query):
        found[person].add(programme)
    return {person: frozenset(some) for person, some in found.items()}


def _certified_alive(session: Session, dead: Mapping[int, date]) -> dict[int, date]:
    """Read the latest certification of each dead person up to the death; one after it cannot be true."""
    found: dict[int, date] = {}
    for some in batches(sorted(dead)):
        query = select(col(Certification.elder_id), col(Certification.certified_on))
        for elder, seen in session.execute(query.where(col(Certification.elder_id).in_(some))):
            if seen <= dead[elder]:
                found[elder] = max(seen, found.get(elder, seen))
    return found
