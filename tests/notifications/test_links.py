"""Links: short codes that say what they are for, to whoever has the keys, and nothing when one character is wrong."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.seal import KeyRing
from notifications.links import LONGEST, BadLink, ExpiredLink, Ticket, make, read

KEYS = KeyRing({1: b"s" * 32}, 1, b"i" * 32, b"a" * 32)
OTHER = KeyRing({1: b"s" * 32}, 1, b"j" * 32, b"a" * 32)
NOW = datetime(2026, 3, 9, 10, 0, tzinfo=UTC)
DUTY = Ticket("duty", 41, 17, 2, NOW + timedelta(days=2))
LETTERS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
MINUTES = st.integers(1, 2**27).map(lambda minutes: datetime(1970, 1, 1, tzinfo=UTC) + timedelta(minutes=minutes))
TICKETS = st.builds(
    Ticket,
    st.sampled_from(["duty", "swap", "optout"]),
    st.integers(0, 2**35 - 1),
    st.integers(0, 2**28 - 1),
    st.integers(0, 2**14 - 1),
    MINUTES,
)


@given(TICKETS)
def test_a_code_gives_its_ticket_back(ticket: Ticket) -> None:
    assert read(KEYS, make(KEYS, ticket), ticket.expires_at - timedelta(minutes=1)) == ticket


@given(TICKETS)
def test_a_code_fits_an_sms_variable_and_no_telephone_cuts_it_off(ticket: Ticket) -> None:
    code = make(KEYS, ticket)
    assert code.isascii()
    assert code.isalnum()
    assert len(code) <= LONGEST


@pytest.mark.parametrize(
    ("slot", "cadre", "most"),
    [pytest.param(40_000, 985, 29, id="a district"), pytest.param(5_000_000, 130_000, 32, id="a province")],
)
def test_the_code_of_a_duty_is_shorter_than_it_may_be(slot: int, cadre: int, most: int) -> None:
    assert len(make(KEYS, replace(DUTY, subject=slot, person=cadre))) <= most


def test_the_largest_numbers_fill_an_sms_variable_and_no_more() -> None:
    end = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(minutes=2**28 - 1)
    assert len(make(KEYS, Ticket("optout", 2**35 - 1, 2**28 - 1, 2**14 - 1, end))) == LONGEST


@given(TICKETS, st.data())
def test_any_single_changed_character_is_refused(ticket: Ticket, data: st.DataObject) -> None:
    code = make(KEYS, ticket)
    place = data.draw(st.integers(0, len(code) - 1))
    letter = data.draw(st.sampled_from(LETTERS.replace(code[place], "")))
    with pytest.raises(BadLink):
        read(KEYS, code[:place] + letter + code[place + 1 :], NOW)


def test_every_single_change_of_one_code_is_refused() -> None:
    code = make(KEYS, DUTY)
    for place, right in enumerate(code):
        for letter in LETTERS.replace(right, ""):
            with pytest.raises(BadLink):
                read(KEYS, code[:place] + letter + code[place + 1 :], NOW)


@pytest.mark.parametrize(
    "spoil",
    [
        pytest.param(lambda code: code[:-1], id="cut off"),
        pytest.param(lambda code: code[1:], id="begun late"),
        pytest.param(lambda code: code + "0", id="longer"),
        pytest.param(lambda code: "0" + code, id="a leading zero, the same number"),
        pytest.param(str.swapcase, id="other case"),
        pytest.param(lambda code: code[::-1], id="backwards"),
        pytest.param(lambda code: code + "=", id="padding"),
        pytest.param(lambda code: code + "\n", id="a line break"),
        pytest.param(lambda code: code[:-1] + chr(ord(code[-1]) + 0xFEE0), id="full width"),
        pytest.param(lambda _: "", id="nothing"),
        pytest.param(lambda _: "0", id="zero"),
        pytest.param(lambda _: "1", id="one"),
        pytest.param(lambda _: "A" * LONGEST, id="noise"),
        pytest.param(lambda _: "z" * 10_000, id="a flood"),
    ],
)
def test_what_is_not_a_code_is_refused(spoil: Callable[[str], str]) -> None:
    with pytest.raises(BadLink):
        read(KEYS, spoil(make(KEYS, DUTY)), NOW)


@given(st.text(alphabet=LETTERS, max_size=LONGEST))
def test_a_guess_is_refused(guess: str) -> None:
    with pytest.raises(BadLink):
        read(KEYS, guess, NOW)


def test_a_code_made_with_other_keys_is_refused() -> None:
    with pytest.raises(BadLink):
        read(KEYS, make(OTHER, DUTY), NOW)


@pytest.mark.parametrize(
    ("field", "value"),
    [("purpose", "swap"), ("subject", 42), ("person", 18), ("revision", 3), ("expires_at", NOW + timedelta(days=3))],
)
def test_each_part_of_a_ticket_makes_another_code(field: str, value: object) -> None:
    assert make(KEYS, replace(DUTY, **{field: value})) != make(KEYS, DUTY)  # type: ignore[arg-type]


def test_the_same_ticket_makes_the_same_code_so_that_a_message_stays_the_same() -> None:
    assert make(KEYS, DUTY) == make(KEYS, replace(DUTY))


@pytest.mark.parametrize(
    ("late", "good"),
    [
        pytest.param(timedelta(seconds=-1), True, id="a second before"),
        pytest.param(timedelta(0), False, id="at the end"),
        pytest.param(timedelta(days=400), False, id="long after"),
    ],
)
def test_a_link_ends_on_time(late: timedelta, good: bool) -> None:
    code = make(KEYS, DUTY)
    if good:
        assert read(KEYS, code, DUTY.expires_at + late) == DUTY
    else:
        with pytest.raises(ExpiredLink):
            read(KEYS, code, DUTY.expires_at + late)


def test_an_expiry_between_two_minutes_is_the_later_one() -> None:
    code = make(KEYS, replace(DUTY, expires_at=NOW + timedelta(seconds=61)))
    assert read(KEYS, code, NOW).expires_at == NOW + timedelta(minutes=2)


@pytest.mark.parametrize(
    ("field", "value"), [("subject", 2**35), ("person", 2**28), ("revision", 2**14), ("subject", -1)]
)
def test_numbers_that_no_table_reaches_are_a_mistake(field: str, value: int) -> None:
    wrong: Any = {field: value}
    with pytest.raises(ValueError, match="duty link"):
        make(KEYS, replace(DUTY, **wrong))


def test_a_refusal_quotes_nothing() -> None:
    for refused in (BadLink(), ExpiredLink()):
        assert refused.__dict__ == {}
        assert str(refused).endswith("。")
