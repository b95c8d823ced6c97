"""A swap is allowed, or refused with the one rule it breaks."""

from dataclasses import replace
from datetime import date, timedelta

import pytest

from rules.calendar import Day
from rules.duty import Facts, Leave, Membership, Policy, Slot
from rules.duty_swap import SENTENCES, SwapRefused, check_swap
from rules.errors import LANGUAGE

# day   1  2  3  4  5  6  7  8
# duty  A  B  C  D  A  B  C  D
DAYS = [date(2026, 9, 24) + timedelta(days=n) for n in range(14)]
CALENDAR = {day: Day(day, "rest" if day in {DAYS[5], DAYS[8]} else "work") for day in DAYS}
SEATS = [Membership(cadre, "K1", DAYS[0], None) for cadre in "ABCD"]
ROSTER = [Slot("K1", DAYS[n], "DABCDABCD"[n], "published", published=True) for n in range(1, 9)]


def swap(
    a: tuple[int, str], b: tuple[int, str], slots: list[Slot] | None = None, leaves: tuple[Leave, ...] = (),
    seats: list[Membership] | None = None, today: int = 2,
) -> None:  # fmt: skip
    facts = Facts([], seats or SEATS, leaves, slots or ROSTER, CALENDAR)
    check_swap(facts, "K1", DAYS[a[0]], a[1], DAYS[b[0]], b[1], DAYS[today], Policy())


def changed(n: int, **fields: object) -> list[Slot]:
    return [replace(slot, **fields) if slot.date == DAYS[n] else slot for slot in ROSTER]  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("a", "b", "slots"),
    [
        pytest.param((7, "C"), (8, "D"), None, id="neighbours at the end of the roster"),
        pytest.param((8, "D"), (7, "C"), None, id="the same the other way round"),
        pytest.param((7, "C"), (8, "D"), changed(7, state="acknowledged"), id="acknowledged, as both consent"),
        pytest.param((4, "D"), (5, "A"), None, id="exactly the gap, before and after"),
    ],
)
def test_a_swap_that_keeps_all_rules_is_allowed(
    a: tuple[int, str], b: tuple[int, str], slots: list[Slot] | None
) -> None:
    swap(a, b, slots)


@pytest.mark.parametrize(
    ("a", "b", "slots", "rule"),
    [
        pytest.param((5, "A"), (9, "A"), None, "same_cadre", id="with oneself"),
        pytest.param((5, "A"), (5, "B"), None, "same_date", id="on one date"),
        pytest.param((5, "B"), (6, "A"), None, "not_the_cadre", id="duties of someone else"),
        pytest.param((5, "A"), (9, "B"), None, "not_the_cadre", id="a date without a slot"),
        pytest.param((5, "A"), (6, "B"), changed(6, cadre=None, state="gap"), "not_the_cadre", id="a gap"),
        pytest.param((1, "A"), (6, "B"), None, "past", id="a past duty"),
        pytest.param((6, "B"), (1, "A"), None, "past", id="a past duty of the other"),
        pytest.param((5, "A"), (6, "B"), changed(5, state="on_duty"), "already_served", id="on duty"),
        pytest.param((5, "A"), (6, "B"), changed(5, state="missed"), "already_served", id="missed"),
        pytest.param((5, "A"), (6, "B"), changed(6, checked_in="B"), "already_served", id="checked in"),
        pytest.param((5, "A"), (6, "B"), changed(6, pinned=True), "pinned", id="pinned"),
        pytest.param((4, "D"), (6, "B"), None, "rest_rule", id="too near a later duty"),
        pytest.param((5, "A"), (8, "D"), None, "rest_rule", id="too near an earlier duty"),
    ],
)
def test_a_swap_is_refused_by_the_rule_it_breaks(
    a: tuple[int, str], b: tuple[int, str], slots: list[Slot] | None, rule: str
) -> None:
    with pytest.raises(SwapRefused) as refused:
        swap(a, b, slots)
    assert refused.value.rule == rule


@pytest.mark.parametrize(
    ("leaves", "seats", "extra", "rule", "cadre"),
    [
        pytest.param((Leave("C", DAYS[8], DAYS[8], "official"),), SEATS, (), "on_leave", "C", id="on leave that day"),
        pytest.param((), [*SEATS[:2], Membership("C", "K1", DAYS[0], DAYS[7]), SEATS[3]], (), "off_roster", "C",
                     id="the day after leaving"),
        pytest.param((), [replace(seat, rest_day_exempt=seat.cadre == "C") for seat in SEATS], (), "exempt", "C",
                     id="exempt, and day 8 is a rest day"),
        pytest.param((), SEATS, (Slot("K2", DAYS[7], "D", "draft"),), "one_duty_a_date", "D", id="busy elsewhere"),
        pytest.param((), SEATS, (Slot("K2", DAYS[10], "C", "published"),), "rest_rule", "C", id="rests from elsewhere"),
    ],
)  # fmt: skip
def test_each_must_be_able_to_take_the_other_date(
    leaves: tuple[Leave, ...], seats: list[Membership], extra: tuple[Slot, ...], rule: str, cadre: str
) -> None:
    with pytest.raises(SwapRefused) as refused:
        swap((7, "C"), (8, "D"), [*ROSTER, *extra], leaves, seats)
    assert (refused.value.rule, refused.value.cadre) == (rule, cadre)


def test_the_refusal_names_the_rule_in_both_languages() -> None:
    refused = SwapRefused("rest_rule", "K1", DAYS[8], "A", DAYS[9], 3)
    assert str(refused) == "换班后 A 在 2026-10-02 与 2026-10-03 的值班间隔不足 3 天；请另选日期。"
    token = LANGUAGE.set("en")
    assert "serves on 2026-10-02 and 2026-10-03, less than 3 days apart" in str(refused)
    LANGUAGE.reset(token)


@pytest.mark.parametrize("rule", SENTENCES)
def test_every_rule_has_a_sentence_that_can_be_filled(rule: str) -> None:
    for text in SENTENCES[rule]:  # type: ignore[index]
        assert "{" not in text.format(**vars(SwapRefused(rule, "K1", DAYS[1], "A", DAYS[2], 3)))  # type: ignore[arg-type]
