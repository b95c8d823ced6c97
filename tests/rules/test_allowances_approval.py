"""What an approval binds: any order gives one hash, any change another, and a code that survives being read out."""

import hashlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rules.allowances import Line, Tier, approvers_needed, confirmation_code, content_hash, same_code
from rules.refs import ALPHABET

text = st.text(st.characters(codec="utf-8"), max_size=6)
lines = st.lists(st.builds(Line, text, text, text, st.integers(1, 10**6)), max_size=12)
A, B = Line("2026-10", "E-7K3Q-9XM1", "aa", 8000), Line("2026-10", "E-8K3Q-9XM1", "bb", 15000)


@given(lines, st.randoms(use_true_random=False))
def test_the_order_of_a_list_is_no_matter(listed: list[Line], random: object) -> None:
    shuffled = list(listed)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert content_hash(iter(shuffled)) == content_hash(listed)


@given(lines, lines)
@settings(max_examples=60)
def test_two_lists_have_one_hash_only_if_they_are_one(some: list[Line], others: list[Line]) -> None:
    assert (content_hash(some) == content_hash(others)) == (sorted(some) == sorted(others))


@pytest.mark.parametrize(
    "changed",
    [
        pytest.param([A, B._replace(fen=15001)], id="one fen more"),
        pytest.param([A._replace(fen=15000), B._replace(fen=8000)], id="amounts swapped, the total is the same"),
        pytest.param([A._replace(account="bb"), B._replace(account="aa")], id="accounts swapped"),
        pytest.param([A, B._replace(account="bc")], id="another account"),
        pytest.param([A, B._replace(account="")], id="no account any more"),
        pytest.param([A, B._replace(ref="E-9K3Q-9XM1")], id="another person"),
        pytest.param([A, B._replace(period="2026-09")], id="another period"),
        pytest.param([A], id="a line less"),
        pytest.param([A, B, A], id="a line twice"),
        pytest.param([A, B, Line("2026-10", "E-9K3Q-9XM1", "cc", 1)], id="a line more"),
        pytest.param([A._replace(account="a"), B._replace(account="abb")], id="a letter from one to the other"),
        pytest.param([Line("2026-10E", "-7K3Q-9XM1", "aa", 8000), B], id="a letter from one field to the next"),
        pytest.param([], id="nothing left"),
    ],
)
def test_any_change_of_a_list_changes_its_hash(changed: list[Line]) -> None:
    assert content_hash(changed) != content_hash([A, B])


def test_the_hash_can_be_worked_out_by_hand() -> None:
    written = '["2026-10","E-7K3Q-9XM1","aa",8000]\n["2026-10","E-8K3Q-9XM1","bb",15000]\n'
    assert content_hash([B, A]) == hashlib.sha256(written.encode()).hexdigest()


@given(st.binary(min_size=32, max_size=32).map(bytes.hex))
def test_a_code_is_twelve_characters_in_three_groups_and_its_own(content: str) -> None:
    code = confirmation_code(content)
    assert [len(group) for group in code.split("-")] == [4, 4, 4]
    assert set(code.replace("-", "")) <= set(ALPHABET)
    assert int(content, 16) >> 196 == sum(
        ALPHABET.index(letter) << 5 * place for place, letter in enumerate(reversed(code.replace("-", "")))
    )
    assert same_code(code, content)


@given(st.binary(min_size=32, max_size=32).map(bytes.hex), st.integers(0, 59))
def test_a_hash_that_differs_in_one_of_its_first_bits_has_another_code(content: str, bit: int) -> None:
    other = f"{int(content, 16) ^ (1 << (255 - bit)):064x}"
    assert not same_code(confirmation_code(other), content)


CODE = "000" + "1" * 61
"""A hash whose code is all noughts and a few ones, the letters that are misread."""


@pytest.mark.parametrize(
    "said",
    [
        pytest.param("{code}", id="as printed"),
        pytest.param("{lower}", id="in small letters"),
        pytest.param("{bare}", id="without strokes"),
        pytest.param("  {spaced}\n", id="with spaces for strokes"),
        pytest.param("{dashes}", id="with long strokes"),
        pytest.param("{wide}", id="in full-width characters"),
        pytest.param("{misread}", id="O for 0, I for 1"),
        pytest.param("{misread_l}", id="o for 0, l for 1"),
    ],
)
def test_a_code_is_recognised_however_it_is_typed(said: str) -> None:
    code = confirmation_code(CODE)
    wide = "".join(chr(ord(letter) + 0xFEE0) for letter in code)
    spelt = {
        "code": code,
        "lower": code.lower(),
        "bare": code.replace("-", ""),
        "spaced": code.replace("-", " "),
        "dashes": code.replace("-", "—"),
        "wide": wide,
        "misread": code.replace("0", "O").replace("1", "I"),
        "misread_l": code.replace("0", "o").replace("1", "l"),
    }
    assert same_code(said.format(**spelt), CODE)


@pytest.mark.parametrize("said", ["", "-", "0" * 12, "7KQ3-9XM2-4TCE", "{code}0", "{code}-{code}", "{short}"])
def test_another_code_is_not_recognised(said: str) -> None:
    code = confirmation_code(CODE)
    assert not same_code(said.format(code=code, short=code[:-1]), CODE)


@pytest.mark.parametrize(
    ("fen", "needed"),
    [
        pytest.param(0, 1, id="nothing"),
        pytest.param(99_999_999, 1, id="a fen below a million yuan"),
        pytest.param(100_000_000, 2, id="a million yuan"),
        pytest.param(10**15, 3, id="more than any district has"),
    ],
)
def test_a_larger_list_needs_more_approvers(fen: int, needed: int) -> None:
    assert approvers_needed(fen, [Tier(0, 1), Tier(100_000_000, 2), Tier(10**12, 3)]) == needed
