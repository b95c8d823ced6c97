"""Sealed columns: what is sealed for one place opens there only, unaltered, and with the right key."""

import os
import struct
from collections.abc import Callable

import pytest
from cryptography.exceptions import UnsupportedAlgorithm
from hypothesis import given, settings
from hypothesis import strategies as st

from models.seal import KeyRing, MissingKey, WrongSeal
from models.suites import SM4_GCM, NoSuite, Sm4Gcm, sm4_key

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


# RFC 8998, appendix A.1: key, nonce, associated data, plain text; then what SM4-GCM makes of it, tag last.
RFC_8998 = (
    "0123456789abcdeffedcba9876543210",
    "00001234567800000000abcd",
    "feedfacedeadbeeffeedfacedeadbeefabaddad2",
    (
        "aaaaaaaaaaaaaaaabbbbbbbbbbbbbbbbccccccccccccccccddddddddddddddddeeeeeeeeeeeeeeeeffffffffffffffffeeeeeeeeeeeeeeee"
        "aaaaaaaaaaaaaaaa"
    ),
    (
        "17f399f08c67d5ee19d0dc9969c4bb7d5fd46fd3756489069157b282bb200735d82710ca5c22f0ccfa7cbf93d496ac15a56834cbcf98c397"
        "b4024a2691233b8d83de3541e4c2b58177e065a9bf7b62ec"
    ),
)
SM4 = KeyRing({1: KEY}, 1, RING.index, RING.audit, SM4_GCM)


def test_sm4_gcm_gives_what_rfc_8998_says() -> None:
    key, nonce, told, plain, sealed_text = map(bytes.fromhex, RFC_8998)
    assert Sm4Gcm(key).encrypt(nonce, plain, told) == sealed_text
    assert Sm4Gcm(key).decrypt(nonce, sealed_text, told) == plain


def test_both_suites_open_whichever_is_chosen_for_new_values() -> None:
    assert [each.open(*PLACE, sealed(ring=other)) for each in (RING, SM4) for other in (RING, SM4)] == ["李建国"] * 4
    assert sealed(ring=SM4)[:4] == struct.pack(">BBH", 1, 2, 1)


def test_a_value_of_sm4_is_as_bound_and_as_whole_as_one_of_aes() -> None:
    envelope = sealed("李", SM4)
    for place in range(len(envelope) * 8):
        flipped = bytearray(envelope)
        flipped[place // 8] ^= 1 << place % 8
        with pytest.raises(WrongSeal):
            SM4.open(*PLACE, bytes(flipped))
    for cut in range(len(envelope)):
        with pytest.raises(WrongSeal):
            SM4.open(*PLACE, envelope[:cut])
    with pytest.raises(WrongSeal):
        SM4.open("cadre.phone", PLACE[1], envelope)


def test_the_key_of_sm4_is_derived_and_no_part_of_the_key() -> None:
    assert len(sm4_key(KEY)) == 16
    assert sm4_key(KEY) not in KEY
    assert sm4_key(KEY) != sm4_key(KEY[::-1])


def test_a_machine_without_sm4_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(*_: object) -> None:
        raise UnsupportedAlgorithm("SM4")

    monkeypatch.setattr(Sm4Gcm, "__init__", missing)
    fresh = KeyRing({1: KEY}, 1, RING.index, RING.audit, SM4_GCM)
    with pytest.raises(NoSuite, match="TUOQI_SUITE"):
        fresh.seal(*PLACE, "李建国")
    with pytest.raises(NoSuite, match="TUOQI_SUITE"):
        KeyRing({1: KEY}, 1, RING.index, RING.audit).open(*PLACE, sealed(ring=SM4))


def test_a_missing_key_is_named_by_its_number() -> None:
    with pytest.raises(MissingKey, match="2 号密钥"):
        RING.open(*PLACE, sealed(ring=KeyRing({2: KEY}, 2, RING.index, RING.audit)))


def test_a_ring_opens_with_a_key_that_came_after_it() -> None:
    later = KeyRing({1: KEY, 2: b"2" * 32}, 2, RING.index, RING.audit)
    running = KeyRing({1: KEY}, 1, RING.index, RING.audit, source=lambda _: later)
    assert running.open(*PLACE, sealed(ring=later)) == "李建国"
    assert running.fresh() is later
