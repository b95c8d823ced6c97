"""Notes that hold the number of a person are refused; what a bank writes is cut and masked."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rules.bank_reasons import kept_reason
from rules.free_text import NumberOfAPerson, check_note, masked_digits


@pytest.mark.parametrize(
    "note",
    [
        pytest.param("电话 13800000000", id="telephone"),
        pytest.param("身份证 53011219400101123X", id="ID with X"),
        pytest.param("账号６２２２０２００", id="eight full-width digits"),
        pytest.param("卡号 6222 0200 1234", id="digits in groups"),
        pytest.param("12345678", id="eight digits"),
        pytest.param("138-0000-0000", id="a telephone as people write it"),
    ],
)
def test_a_note_with_a_persons_number_is_refused_and_not_repeated(note: str) -> None:
    with pytest.raises(NumberOfAPerson) as refused:
        check_note(note)
    assert note not in str(refused.value)


@pytest.mark.parametrize(
    "note",
    [
        pytest.param("回单存档 12 号，2026-10-20", id="file number and day"),
        pytest.param("见 F7K3Q9XM1-0000001", id="key of a payment"),
        pytest.param("1234567", id="seven digits"),
    ],
)
def test_where_the_proof_is_kept_may_be_written(note: str) -> None:
    assert check_note(f" {note} ") == note


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        pytest.param("AC04", "AC04 账户已销户", id="a code"),
        pytest.param("MD07 收款人已死亡", "MD07 收款人已死亡", id="as we write it ourselves"),
        pytest.param("王桂兰 账户已销户 6222020000000011", "账户已销户", id="our reason among names and numbers"),
        pytest.param("户名不符6222020000000011", "户名不符****", id="an account in prose"),
        pytest.param("电话 1380 000 0000", "电话 ****", id="digits in groups"),
        pytest.param("", "", id="nothing"),
        pytest.param("AC047", "AC047", id="no code of ours"),
    ],
)
def test_of_a_banks_reason_the_known_part_is_kept(said: str, kept: str) -> None:
    assert kept_reason(said) == kept


@settings(max_examples=40)
@given(st.text(alphabet="0123456789 Xx账号AC４", max_size=60))
def test_what_is_kept_is_short_and_has_no_long_number_and_is_kept_as_it_is(said: str) -> None:
    kept = kept_reason(said)
    assert len(kept) <= 35
    assert not any(len(run) >= 4 for run in "".join(c if c.isdigit() else " " for c in kept).split())
    assert kept_reason(kept) == kept
    assert masked_digits(kept) == kept
