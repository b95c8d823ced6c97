"""What goes to the bank: exact amounts, keys that lead back to their file, and lines that a bank would misread."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from rules.bank import MOST_FEN, bank_fen, bank_yuan, file_key, file_ref
from rules.bank_checks import PayListRefused, checked, problems
from rules.errors import LANGUAGE
from rules.refs import new_ref
from tests.rules.pay_lists import REF, form_of, pay_list

CSV = form_of("csv")


@given(st.integers(1, MOST_FEN))
@example(1)
@example(MOST_FEN)
@settings(max_examples=60)
def test_fen_go_to_text_and_back_without_a_loss(fen: int) -> None:
    text = bank_yuan(fen)
    assert bank_fen(text) == fen
    assert bank_fen(text + "000") == fen
    assert bank_fen(str(fen), "fen") == fen
    assert text.rpartition(".")[2] == f"{fen:02}"[-2:]


@pytest.mark.parametrize(
    ("text", "fen"),
    [
        pytest.param("0.01", 1, id="one fen"),
        pytest.param("60", 6000, id="no decimals"),
        pytest.param("60.5", 6050, id="one decimal is ten fen"),
        pytest.param("775.07000", 77507, id="five decimals, three of them zero"),
        pytest.param("100000000000.00", 10**13, id="the most"),
    ],
)
def test_an_amount_is_read_exactly(text: str, fen: int) -> None:
    assert bank_fen(text) == fen


@pytest.mark.parametrize(
    "text",
    ["", ".5", "5.", "-1", "+1", "1e3", "1,000", " 1", "1 ", "0.001", "1.23456", "１", "٣", "NaN", "1.00\n", "9" * 15],
)
def test_what_is_no_amount_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="amount"):
        bank_fen(text)


def test_fen_have_no_decimals() -> None:
    with pytest.raises(ValueError, match="amount"):
        bank_fen("1.00", "fen")


@given(st.integers(0, 2**35 - 1), st.integers(1, 10**7 - 1))
@settings(max_examples=40)
def test_a_key_leads_back_to_its_file(bits: int, number: int) -> None:
    ref = new_ref("F", lambda _: bits if bits % 37 < 32 else 0)
    key = file_key(ref, number)
    assert file_ref(key) == ref
    assert len(key) == 17


def test_a_key_is_the_reference_and_seven_digits() -> None:
    assert file_key(REF, 1) == "F7K3Q9XM1-0000001"


@pytest.mark.parametrize("key", ["", "F7K3Q9XM1", "F7K3Q9XM1-1", "7K3Q9XM1-0000001", "F7K3Q9XM1-000000１"])
def test_other_texts_lead_to_no_file(key: str) -> None:
    assert file_ref(key) == ""


@pytest.mark.parametrize("number", [0, 10**7])
def test_a_line_beyond_seven_digits_has_no_key(number: int) -> None:
    with pytest.raises(ValueError, match="7 digits"):
        file_key(REF, number)


def test_real_names_may_go_to_the_bank() -> None:
    for form in ("csv", "xlsx", "pain.001"):
        assert list(problems(pay_list(), form_of(form))) == []


@pytest.mark.parametrize(
    ("changed", "column"),
    [
        pytest.param({"name": "=cmd|' /C calc'!A0"}, "name", id="a formula"),
        pytest.param({"name": "＝1"}, "name", id="a full-width formula"),
        pytest.param({"name": "-张三"}, "name", id="minus"),
        pytest.param({"name": "@张三"}, "name", id="at"),
        pytest.param({"name": "张\x00三"}, "name", id="NUL"),
        pytest.param({"name": "张\x0b三"}, "name", id="a control character that XML 1.0 forbids"),
        pytest.param({"name": "张\ufffe三"}, "name", id="no character"),
        pytest.param({"name": "张\U0003ffff三"}, "name", id="no character, far up"),
        pytest.param({"name": "张\ud842三"}, "name", id="half a pair"),
        pytest.param({"name": "张\ue863"}, "name", id="private use, as old systems wrote 䶮"),
        pytest.param({"name": "张\u200b三"}, "name", id="an invisible space"),
        pytest.param({"name": "张\u202e三"}, "name", id="writing direction turned round"),
        pytest.param({"name": "张\n三"}, "name", id="a new line"),
        pytest.param({"name": "张,三"}, "name", id="the delimiter"),
        pytest.param({"name": '张"三'}, "name", id="a quote"),
        pytest.param({"name": " 张三"}, "name", id="a space in front"),
        pytest.param({"name": ""}, "name", id="no name"),
        pytest.param({"name": "张" * 61}, "name", id="too long"),
        pytest.param({"note": "+60"}, "note", id="a note like a formula"),
        pytest.param({"bank": "某\t银行"}, "bank", id="a tab in the bank"),
        pytest.param({"account": ""}, "account", id="no account"),
        pytest.param({"account": "6222 0210"}, "account", id="a space in the account"),
        pytest.param({"account": "6.22202E+18"}, "account", id="an exponent"),
        pytest.param({"account": "６２２２０２"}, "account", id="full-width digits"),
        pytest.param({"fen": 0}, "amount", id="nothing"),
        pytest.param({"fen": -1}, "amount", id="less than nothing"),
        pytest.param({"fen": MOST_FEN + 1}, "amount", id="more than a spreadsheet holds"),
        pytest.param({"key": "FABCDEFG1-0000001"}, "key", id="a key of another file"),
        pytest.param({"key": "F7K3Q9XM1-1"}, "key", id="a short key"),
    ],
)
def test_a_line_the_bank_would_misread_is_refused_without_repeating_it(changed: dict[str, Any], column: str) -> None:
    listed = pay_list(3)
    bad = replace(listed, lines=[listed.lines[0], replace(listed.lines[1], **changed), listed.lines[2]])
    with pytest.raises(PayListRefused) as refused:
        checked(bad, CSV)
    assert [(each.line, each.column) for each in refused.value.problems] == [(2, column)]
    said = str(refused.value)
    assert "第 2 笔" in said
    assert not any(secret in said for secret in ("张", listed.lines[1].account, listed.lines[1].name))


def test_a_key_stands_in_a_file_once() -> None:
    listed = pay_list(2)
    twice = replace(listed, lines=[listed.lines[0], listed.lines[0]])
    assert [(each.line, each.column) for each in problems(twice, CSV)] == [(2, "key")]


@pytest.mark.parametrize("count", [0, 4])
def test_a_file_has_some_lines_and_not_too_many(count: int) -> None:
    with pytest.raises(PayListRefused):
        checked(pay_list(count), replace(CSV, lines_per_file=3))


def test_a_line_and_a_debtor_shown_by_accident_show_nobody() -> None:
    shown = repr(pay_list(1).lines[0]) + repr(CSV)
    assert "F7K3Q9XM1-0000001" in shown
    assert not any(text in shown for text in ("张三", "6222", CSV.debtor.account, "重阳"))


def test_the_refusal_can_be_read_in_english() -> None:
    token = LANGUAGE.set("en")
    try:
        with pytest.raises(PayListRefused, match=r"bank file F-7K3Q-9XM1 was not made .* correct the accounts"):
            checked(replace(pay_list(1), lines=[replace(pay_list(1).lines[0], name="")]), CSV)
    finally:
        LANGUAGE.reset(token)
