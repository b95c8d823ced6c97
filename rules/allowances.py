"""Allowances 津贴, one person in one cycle: notice, person -> entitled, excluded with its reason, or not of age.

The same decision is taken when a cycle is planned and ever after: back-pay 补发 is an old period decided again with
what is known now, and a claim after a death is one that no longer comes out.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from rules.allowances_age import age_on, band_of
from rules.allowances_approval import Line, Tier, approvers_needed, confirmation_code, content_hash, same_code
from rules.allowances_facts import (
    Band,
    Decision,
    Departure,
    Entitled,
    Excluded,
    Person,
    Reason,
    Tariff,
    departure,
)
from rules.errors import TuoqiError
from rules.periods import is_month, month_of

__all__ = [
    "Band", "Decision", "Departure", "Entitled", "Excluded", "Line", "Person", "Reason", "Tariff", "Tier",
    "WrongPeriod", "age_on", "approvers_needed", "band_of", "check_period", "confirmation_code",
    "content_hash", "decide", "departure", "is_certified", "is_over", "overpaid", "owed_after_death", "same_code",
    "shared_cards",
]  # fmt: skip


@dataclass(eq=False)
class WrongPeriod(TuoqiError):
    """The programme does not pay in this period, so planning it would list nobody."""

    programme: str
    period: str
    zh = "{programme} 在 {period} 不发放；请核对发放期，或在 policies/{programme}.yaml 中补充该节日。"
    en = "{programme} does not pay in {period}; check the period, or add the festival to policies/{programme}.yaml."


def check_period(tariff: Tariff, period: str, as_of: date) -> None:
    """See that a notice pays in a period; `as_of` of a month lies in it.

    Raises:
        WrongPeriod: a month for a festival programme, a festival for a monthly one, or one the notice does not name.
    """
    if tariff.cycle == "month":
        fits = is_month(period) and month_of(as_of) == period
    else:
        fits = period[5:] in tariff.festivals and f"{as_of.year}" == period[:4]
    if not fits:
        raise WrongPeriod(tariff.programme, period)


def decide(person: Person, tariff: Tariff, period: str, as_of: date) -> Decision:
    """Decide one person's allowance in one cycle.

    Everything is judged on as_of, or on the day of death where that came first: nobody grows older, moves or comes
    into a higher band after dying.

    Args:
        person: as of the cycle's as_of.
        tariff: the version in force on as_of.
        period: the cycle's, in its one spelling.
        as_of: month's last day or festival.

    Returns:
        Entitled; or Excluded with the first reason in the order of REASONS; or None, neither of entitled age nor of an
        entitled category.
    """
    day = as_of if person.died_on is None else min(as_of, person.died_on)
    band = band_of(person.birth_date, person.categories, day, tariff, period)
    if band is None:
        return None
    reason = _for_good(person, tariff, as_of, day) or _for_now(person, tariff, as_of)
    return Excluded(reason, band) if reason else Entitled(band, band.fen)


def _for_good(person: Person, tariff: Tariff, as_of: date, day: date) -> Reason | None:
    """Name what stands for the period whatever anybody does."""
    if is_over(person.died_on, tariff, as_of):
        return "dead"
    if person.moved_out_on is not None and person.moved_out_on <= day:
        return "moved_out"
    if tariff.hukou_required and person.hukou not in {None, "district"}:
        return "hukou_other"
    if tariff.from_application and _month(person.registered_on) > _month(as_of):
        return "not_applied"
    return "other_programme" if not person.elsewhere.isdisjoint(tariff.not_with) else None


def _for_now(person: Person, tariff: Tariff, as_of: date) -> Reason | None:
    """Name what a paper can put right."""
    if tariff.hukou_required and person.hukou is None:
        return "hukou_unknown"
    if not is_certified(person, tariff, as_of):
        return "not_certified"
    if person.account == "ok":
        return None
    return "no_account" if person.account == "none" else "proxy_expired"


def is_over(died_on: date | None, tariff: Tariff, as_of: date) -> bool:
    """Tell whether a death ends the allowance before this cycle: its own month is still paid where the notice says so.

    A festival is for those who live through it: who died on as_of is dead.
    """
    if died_on is None:
        return False
    if tariff.cycle == "month" and tariff.death == "stop_next_month":
        return _month(died_on) < _month(as_of)
    return died_on <= as_of


def is_certified(person: Person, tariff: Tariff, as_of: date) -> bool:
    """Tell whether the latest certification covers a cycle.

    It holds for `certification_months` after its own month, and for all months before it: who is seen alive today was
    alive then. One dated after the death cannot be true and covers nothing.
    """
    if tariff.certification_months is None:
        return True
    seen = person.certified_on
    if seen is None or (person.died_on is not None and seen > person.died_on):
        return False
    return _month(as_of) <= _month(seen) + tariff.certification_months


def owed_after_death(person: Person, tariff: Tariff, period: str, as_of: date) -> Band | None:
    """Return the band that a cycle still owes to a person who has died, None if nothing.

    Used to stop what has not left the house, and to claim back 追回 what has. Only death is looked at: other things may
    have changed since, which is no reason to take an amount back. The band is that of the age reached at death; where a
    birthday was to come before as_of it may be a lower one than was planned, or none.
    """
    if is_over(person.died_on, tariff, as_of):
        return None
    day = as_of if person.died_on is None else min(as_of, person.died_on)
    return band_of(person.birth_date, person.categories, day, tariff, period)


def overpaid(person: Person, tariff: Tariff, period: str, as_of: date, fen: int) -> int:
    """Return how much of an amount that was paid for a cycle is not owed by what is known now, in fen.

    All of it after a death or a move that ends the allowance before the cycle; the difference where the age reached at
    death is that of a lower band; 0 when it is owed.
    """
    owed = owed_after_death(person, tariff, period, as_of)
    left = person.moved_out_on is not None and person.moved_out_on <= min(as_of, person.died_on or as_of)
    return fen if owed is None or left else max(0, fen - owed.fen)


def shared_cards(cards: Iterable[tuple[str, str]]) -> list[tuple[str, ...]]:
    """Return the references of people whose money goes to one card, to be looked at; nobody is excluded for it.

    Args:
        cards: (reference, blind index of the card's number) of everybody on a list, in any order.

    Returns:
        Groups of two or more, sorted.
    """
    found: dict[str, set[str]] = {}
    for ref, card in cards:
        if card:
            found.setdefault(card, set()).add(ref)
    return sorted(tuple(sorted(refs)) for refs in found.values() if len(refs) > 1)


def _month(day: date) -> int:
    return day.year * 12 + day.month - 1
