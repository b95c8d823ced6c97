"""The facts of allowances 津贴: what a notice promises, what is known of a person, and what may be decided.

Money is in fen per person and cycle. `as_of` is the day on which age, status and residence are judged: a month's last
day, or the festival itself.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date
from typing import Literal, NamedTuple, get_args

from rules.visits_facts import STATUSES, StatusRow, is_move_inside

Cycle = Literal["month", "festival"]
Death = Literal["stop_next_month", "alive_on_as_of"]
LeapBirthday = Literal["03-01", "02-28"]
AccountState = Literal["ok", "none", "proxy_expired"]
Reason = Literal[
    "dead", "moved_out", "hukou_other", "not_applied", "other_programme", "hukou_unknown", "not_certified",
    "no_account", "proxy_expired", "duplicate",
]  # fmt: skip
REASONS: tuple[Reason, ...] = get_args(Reason)
"""The order in which one reason is named where several hold: first what stands for that period whatever anybody does,
then what a paper can put right. So nobody is sent to be certified who would not be paid even then. `duplicate` is found
by the database alone."""


@dataclass(frozen=True, slots=True)
class Band:
    """One line of a notice: who it is for and what it pays; ages in full years 周岁, both included.

    Attributes:
        code: names the band in tables and exports.
        fen: per person and cycle, above 0.
        age: from this age on; None: of any age.
        until_age: up to this age; None: without end.
        category: only who is on the register under it, such as destitute 特困; None: everybody.
        festivals: only at these; None: in every cycle of the programme.
    """

    code: str
    zh: str
    en: str
    fen: int
    age: int | None = None
    until_age: int | None = None
    category: str | None = None
    festivals: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class Tariff:
    """One version of a programme's notice, whole; the version in force on as_of decides a cycle.

    Attributes:
        since: in force from this day on, until the next version.
        notice: the number of the notice 文号, copied into every entitlement.
        source: where the notice can be read.
        festivals: of a festival programme: at which it pays.
        bands: in the order of the notice; the first that fits decides.
        hukou_required: household registration in the district is asked for.
        from_application: paid from the month in which the person was registered.
        certification_months: a survival certification 领取资格认证 holds to the end of this many months after its
            own; None: none is asked for.
        death: `stop_next_month` pays the month of death, `alive_on_as_of` only who lives through as_of.
        not_with: programmes that exclude this one.
        leap_birthday: when those born on 29 February are a year older in a common year.
        opens: of a monthly programme the day of the month on which the cycle is planned, else days before the festival.
    """

    programme: str
    zh: str
    en: str
    since: date
    notice: str
    source: str
    cycle: Cycle
    bands: tuple[Band, ...]
    opens: int
    festivals: tuple[str, ...] = ()
    hukou_required: bool = True
    from_application: bool = False
    certification_months: int | None = None
    death: Death = "alive_on_as_of"
    not_with: tuple[str, ...] = ()
    leap_birthday: LeapBirthday = "03-01"


@dataclass(frozen=True, slots=True)
class Person:
    """What is known now of a person, as it stood on the as_of of one cycle.

    Attributes:
        categories: those that stood on as_of.
        died_on: as known now, whichever day that is.
        moved_out_on: when the person left the district, if still away on as_of.
        certified_on: the latest certification known now, be it after as_of; after a death, the latest up to it.
        account: whether money could be sent now.
        elsewhere: programmes that hold a live entitlement of the person in the month of as_of.
    """

    elder_id: int
    birth_date: date
    hukou: str | None
    categories: frozenset[str]
    registered_on: date
    died_on: date | None = None
    moved_out_on: date | None = None
    certified_on: date | None = None
    account: AccountState = "ok"
    elsewhere: frozenset[str] = frozenset()


class Entitled(NamedTuple):
    """An amount is owed."""

    band: Band
    fen: int


class Excluded(NamedTuple):
    """Of entitled age or category, and not paid; the band is what it would have been."""

    reason: Reason
    band: Band


Decision = Entitled | Excluded | None
"""None: neither of entitled age nor of an entitled category."""


class Departure(NamedTuple):
    """When a person died, and since when gone from the district."""

    died_on: date | None = None
    moved_out_on: date | None = None


def departure(rows: Iterable[StatusRow], as_of: date) -> Departure:
    """Read death and removal out of the register of statuses 状态, rows in any order.

    Of rows of one date the one recorded last holds. A death counts whenever it lies, until a row recorded later says
    ACTIVE from that day on or after; nothing else undoes it, least of all a status of a later date that had been on
    paper before. A removal counts if nobody had come back by as_of. Hospital, institution and the like do not matter.
    """
    ordered = sorted(rows, key=lambda row: (row.since, row.recorded_at, -STATUSES.index(row.status)))
    died: StatusRow | None = None
    moved: date | None = None
    for row in {row.since: row for row in ordered if not is_move_inside(row)}.values():
        if row.status == "DEAD":
            died = row if died is None else replace(died, recorded_at=max(died.recorded_at, row.recorded_at))
        elif row.status == "ACTIVE" and died is not None and row.recorded_at >= died.recorded_at:
            died = None
        if row.since <= as_of and row.status != "DEAD":
            moved = (moved or row.since) if row.status == "MOVED" else None
    return Departure(died.since if died else None, moved)
