"""The csv template: every character as it was, no quotes, the same bytes for ever, and totals that are checked."""

from dataclasses import replace

import pytest

from rules.bank import BankForm, NotOurFile
from rules.bank_csv import csv_bytes, read_csv
from tests.rules.pay_lists import form_of, pay_list

CSV = form_of("csv")


def test_a_file_reads_as_the_bank_will_see_it() -> None:
    assert csv_bytes(pay_list(2), CSV).decode("gb18030").split("\r\n") == [
        "序号,收款账号,收款户名,收款银行,金额,摘要,业务编号",
        "1,6222020000000000001,张三,昆明某银行,61.01,2026年重阳节保健金,F7K3Q9XM1-0000001",
        "2,6222020000000000002,李𠮷祥,102731000015,62.02,2026年重阳节保健金,F7K3Q9XM1-0000002",
        "合计,2,,,123.03,,",
        "",
    ]  # 60.00 + 1.01 + 60.00 + 2.02 = 123.03


def test_characters_outside_gbk_survive_gb18030() -> None:
    content = csv_bytes(pay_list(), CSV)
    for rare in "䶮𠮷㛃":
        assert rare.encode("gb18030") in content
        with pytest.raises(UnicodeEncodeError):
            rare.encode("gb2312")
    assert read_csv(content, CSV) == pay_list().lines


@pytest.mark.parametrize(
    "form",
    [
        pytest.param(CSV, id="as documented"),
        pytest.param(form_of("csv", encoding="UTF-8", delimiter="|", line_ending="LF"), id="UTF-8, bars, LF"),
        pytest.param(form_of("csv", header=False, totals=[]), id="lines only"),
        pytest.param(form_of("csv", unit="fen"), id="fen"),
    ],
)
def test_a_file_is_the_same_each_time_and_reads_back(form: BankForm) -> None:
    content = csv_bytes(pay_list(), form)
    assert content == csv_bytes(pay_list(), form)
    assert read_csv(content, form) == pay_list().lines
    assert b'"' not in content


@pytest.mark.parametrize(
    ("old", "new"),
    [
        pytest.param("61.01", "61.02", id="one fen more"),
        pytest.param("合计,2", "合计,3", id="a wrong count"),
        pytest.param("123.03", "123.04", id="a wrong total"),
        pytest.param("收款户名", "户名", id="another header"),
        pytest.param("61.01", "6.1e1", id="an exponent"),
        pytest.param("\r\n2,", "\r\n3,", id="a line that is missing"),
        pytest.param("张三,", "", id="a cell that is missing"),
        pytest.param("合计,2,,,123.03,,\r\n", "合计,2", id="cut short"),
        pytest.param("合计,2,,,123.03,,\r\n", "", id="no totals"),
    ],
)
def test_a_file_that_was_touched_does_not_read_back(old: str, new: str) -> None:
    text = csv_bytes(pay_list(2), CSV).decode("gb18030")
    assert old in text
    with pytest.raises(NotOurFile):
        read_csv(text.replace(old, new, 1).encode("gb18030"), CSV)


def test_another_encoding_is_refused() -> None:
    with pytest.raises(NotOurFile):
        read_csv(csv_bytes(pay_list(), CSV), replace(CSV, encoding="UTF-8"))


def test_the_name_of_a_file_carries_its_reference() -> None:
    assert CSV.name_of("F-7K3Q-9XM1") == "DF_F-7K3Q-9XM1.csv"
