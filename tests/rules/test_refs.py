"""References: a slip of the tongue or the pen is noticed, and the usual misreadings are forgiven."""

import random
import secrets

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rules.refs import ALPHABET, is_ref, new_ref

refs = st.integers(0).map(lambda seed: new_ref("E", random.Random(seed).getrandbits))


@given(refs)
def test_a_new_reference_is_a_reference(ref: str) -> None:
    assert is_ref(ref)
    assert (ref[:2], ref[6], len(ref)) == ("E-", "-", 11)
    assert set(ref[2:].replace("-", "")) <= set(ALPHABET)


@given(refs)
@settings(max_examples=40)
def test_every_single_wrong_character_is_found(ref: str) -> None:
    for place in (*range(2, 6), *range(7, 11)):
        for letter in ALPHABET.replace(ref[place], ""):
            assert not is_ref(ref[:place] + letter + ref[place + 1 :])


@given(refs)
def test_every_swap_of_neighbours_among_the_first_seven_is_found(ref: str) -> None:
    digits = ref[2:6] + ref[7:]
    for place in range(6):
        swapped = digits[:place] + digits[place + 1] + digits[place] + digits[place + 2 :]
        assert is_ref(f"E-{swapped}") == (swapped == digits)


@given(refs)
def test_o_i_and_l_are_read_as_zero_and_one_in_any_case(ref: str) -> None:
    body = ref[2:]
    assert is_ref("e-" + body.lower())
    for one in "iIlL":
        assert is_ref("E-" + body.replace("0", "O").replace("1", one))
    assert is_ref(f"  {ref.replace('-', '')[:1]}-{body.replace('-', '')}\n")


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="nothing"),
        pytest.param("E-", id="prefix alone"),
        pytest.param("7K3Q-9XM2", id="no prefix"),
        pytest.param("E-7K3Q-9XM", id="too short"),
        pytest.param("E-7K3Q-9XM22", id="too long"),
        pytest.param("E-7K3Q-9X*2", id="a stranger among the characters"),
        pytest.param("E-7K3Q-9XU2", id="U is no letter of it"),
        pytest.param("1-7K3Q-9XM2", id="a digit as prefix"),
        pytest.param("530112194207021234", id="an ID number"),
        pytest.param("13800138000", id="a telephone number"),
    ],
)
def test_other_texts_are_no_references(text: str) -> None:
    assert not is_ref(text)


def test_ten_thousand_references_are_ten_thousand() -> None:
    drawn = {new_ref("C", secrets.randbits) for _ in range(10_000)}
    assert len(drawn) >= 9_999  # 35 bits: a pair is a matter of one in 700
