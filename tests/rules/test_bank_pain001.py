"""pain.001: valid against the published schema, and the same list again when read.

The schema is pain.001.001.09 as published by ISO 20022 (https://www.iso20022.org), which the tests take from the
package sepaxml (MIT licence), where it is sepaxml/schemas/pain.001.001.09.xsd.
"""

from dataclasses import replace
from datetime import UTC, datetime
from functools import cache
from importlib.resources import files

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from xmlschema import XMLSchema

from rules.bank import MOST_FEN, NotOurFile
from rules.bank_checks import PayListRefused, text_problem
from rules.bank_pain001 import pain001_bytes, pieces_of, read_pain001
from tests.rules.pay_lists import form_of, pay_list

PAIN = form_of("pain.001")


@cache
def schema() -> XMLSchema:
    return XMLSchema(str(files("sepaxml") / "schemas" / "pain.001.001.09.xsd"))


def test_a_file_is_valid_by_the_published_schema() -> None:
    schema().validate(pain001_bytes(pay_list(), PAIN).decode())
    with_code = replace(PAIN, debtor=replace(PAIN.debtor, bank="102731000015"))
    schema().validate(pain001_bytes(pay_list(), with_code).decode())


@given(st.text(min_size=1, max_size=30).filter(lambda text: text_problem(text, 60) is None), st.integers(1, MOST_FEN))
@settings(max_examples=25, deadline=None)
def test_whatever_name_passes_is_valid_and_comes_back_as_it_was(name: str, fen: int) -> None:
    listed = pay_list(2)
    nasty = replace(listed, lines=[replace(listed.lines[0], name=name, note=name, fen=fen), listed.lines[1]])
    content = pain001_bytes(nasty, PAIN)
    schema().validate(content.decode())
    assert read_pain001(pieces_of(content)) == nasty


def test_a_name_that_xml_forbids_is_refused() -> None:
    listed = pay_list(1)
    with pytest.raises(PayListRefused, match="控制字符"):
        pain001_bytes(replace(listed, lines=[replace(listed.lines[0], name="张\x08三")]), PAIN)


def test_the_header_counts_and_sums() -> None:
    text = pain001_bytes(pay_list(2), PAIN).decode()
    assert text.count("<NbOfTxs>2</NbOfTxs><CtrlSum>123.03</CtrlSum>") == 2
    assert "<MsgId>F-7K3Q-9XM1</MsgId><CreDtTm>2026-10-12T10:30:00+08:00</CreDtTm>" in text
    assert "<ReqdExctnDt><Dt>2026-10-16</Dt></ReqdExctnDt>" in text
    assert '<EndToEndId>F7K3Q9XM1-0000001</EndToEndId></PmtId><Amt><InstdAmt Ccy="CNY">61.01</InstdAmt></Amt>' in text


def test_a_file_is_the_same_each_time_wherever_the_clock_stands() -> None:
    again = replace(pay_list(), created=datetime(2026, 10, 12, 2, 30, 0, 999, tzinfo=UTC))
    assert pain001_bytes(pay_list(), PAIN) == pain001_bytes(again, PAIN)


@pytest.mark.parametrize("size", [1, 7, 4096])
def test_it_reads_the_same_however_it_is_cut(size: int) -> None:
    assert read_pain001(pieces_of(pain001_bytes(pay_list(), PAIN), size)) == pay_list()


@pytest.mark.parametrize(
    ("old", "new"),
    [
        pytest.param("61.01", "61.02", id="one fen more"),
        pytest.param("<NbOfTxs>2", "<NbOfTxs>3", id="a wrong count"),
        pytest.param('"CNY"', '"USD"', id="another currency"),
        pytest.param("61.01", "6.101E1", id="an exponent"),
        pytest.param("pain.001.001.09", "pain.001.001.03", id="another version"),
    ],
)
def test_a_file_that_was_touched_does_not_read_back(old: str, new: str) -> None:
    text = pain001_bytes(pay_list(2), PAIN).decode()
    with pytest.raises(NotOurFile):
        read_pain001([text.replace(old, new, 1).encode()])
