"""Sealed columns: what is sealed for one place opens there only, unaltered, and with the right key."""

import os
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.seal import KeyRing, WrongSeal

KEY = bytes(range(32))
RING = KeyRing({1: KEY}, 1, b"i" * 32, b"a" * 32)
PLACE = ("cadre.name", "C-7K3Q-9XM2")


def sealed(text: str = "李建国", ring: KeyRing = RING) -> bytes:
    envelope = ring.seal(*PLACE, text)
    assert envelope is not None
    return envelope


@pytest.mark.parametrize("text", ["李建国", "𠮷野家", "㐂·阿卜杜拉", "a\x00b", "👩‍👧", "é", "x" * 10_000])
def test_what_is_sealed_opens_again(text: str) -> None:
    assert RING.open(*PLACE, sealed(text)) == text


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1), st.text(max_size=20), st.text(max_size=20))
@settings(max_examples=100, deadline=None)
def test_any_text_opens_in_its_own_place(text: str, column: str, ref: str) -> None:
    envelope = RING.seal(column, ref.replace("\ud800", ""), text)
    assert RING.open(column, ref.replace("\ud800", ""), envelope) == text


@pytest.mark.parametrize("text", [None, ""])
def test_nothing_is_sealed_as_nothing(text: str | None) -> None:
    assert RING.seal(*PLACE, text) is None
    assert RING.open(*PLACE, None) == ""


@pytest.mark.parametrize(
    ("column", "ref"),
    [
        pytest.param("cadre.phone", PLACE[1], id="wrong column"),
        pytest.param("subdistrict.name", PLACE[1], id="wrong table"),
        pytest.param(PLACE[0], "C-0000-0000", id="wrong ref"),
    ],
)
def test_a_moved_value_does_not_open(column: str, ref: str) -> None:
    with pytest.raises(WrongSeal, match="TUOQI_KEY_FILE"):
        RING.open(column, ref, sealed())


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda e: bytes([9]) + e[1:], id="unknown version"),
        pytest.param(lambda e: e[:1] + bytes([9]) + e[2:], id="unknown suite"),
        pytest.param(lambda e: e[:2] + b"\x00\x07" + e[4:], id="unknown key id"),
        pytest.param(lambda e: e[:-1], id="cut by a byte"),
        pytest.param(lambda e: e[:16], id="only head and nonce"),
        pytest.param(lambda e: e[:10], id="cut in the nonce"),
        pytest.param(lambda e: e[:3], id="cut in the head"),
        pytest.param(lambda _: b"", id="empty"),
        pytest.param(lambda e: e + b"\x00", id="a byte too long"),
        pytest.param(lambda _: os.urandom(60), id="noise"),
    ],
)
def test_a_damaged_value_does_not_open(change: Callable[[bytes], bytes]) -> None:
    with pytest.raises(WrongSeal):
        RING.open(*PLACE, change(sealed()))


def test_every_flipped_bit_is_noticed() -> None:
    envelope = sealed("李")
    for place in range(len(envelope) * 8):
        flipped = bytearray(envelope)
        flipped[place // 8] ^= 1 << place % 8
        with pytest.raises(WrongSeal):
            RING.open(*PLACE, bytes(flipped))


def test_another_key_of_the_same_id_does_not_open() -> None:
    with pytest.raises(WrongSeal):
        KeyRing({1: b"x" * 32}, 1, RING.index, RING.audit).open(*PLACE, sealed())


def test_after_a_change_of_keys_old_values_open_and_new_ones_use_the_new_key() -> None:
    changed = KeyRing({1: KEY, 2: b"2" * 32}, 2, RING.index, RING.audit)
    assert changed.open(*PLACE, sealed()) == "李建国"
    assert sealed(ring=changed)[2:4] == b"\x00\x02"


def test_sealing_twice_gives_two_envelopes_that_tell_nothing() -> None:
    first, second = sealed(), sealed()
    assert first != second
    assert "李建国".encode() not in first + second


def test_the_blind_index_is_equal_for_equal_values_of_one_kind_alone() -> None:
    assert RING.blind("phone", "13800138000") == RING.blind("phone", "13800138000")
    told = {RING.blind(kind, text) for kind in ("phone", "id") for text in ("13800138000", "13800138001")}
    assert len(told) == 4
    assert KeyRing({1: KEY}, 1, b"j" * 32, b"a" * 32).blind("phone", "13800138000") not in told


def test_the_error_names_the_place_and_never_the_value() -> None:
    with pytest.raises(WrongSeal) as caught:
        RING.open("cadre.phone", PLACE[1], sealed("13800138000"))
    assert PLACE[1] in str(caught.value)
    assert "13800138000" not in str(caught.value)
