"""The block of policy on a bank's files: the documented ones are read, and nothing in it is ignored."""

from typing import Any

import pytest

from policies.bank_forms import bank_form
from rules.bank import FIELDS
from tests.rules.pay_lists import DOCS, block


def test_the_documented_blocks_are_read() -> None:
    csv, xlsx, pain = (bank_form(block(name)) for name in ("csv", "xlsx", "pain.001"))
    assert (csv.encoding, csv.delimiter, csv.line_ending, csv.unit) == ("GB18030", ",", "\r\n", "yuan")
    assert [column.field for column in csv.columns] == ["line", "account", "name", "bank", "amount", "note", "key"]
    assert (xlsx.columns[0].header, xlsx.totals, xlsx.lines_per_file) == ("收款账号", (), 5000)
    assert (pain.format, pain.columns, pain.debtor.bank) == ("pain.001", (), "102731000015")


COLUMNS = [{"header": name, "field": name} for name in ("key", "name", "account", "amount")]


@pytest.mark.parametrize(
    ("form", "changed"),
    [
        pytest.param("csv", {"format": "pdf"}, id="an unknown format"),
        pytest.param("csv", {"encoding": "GBK"}, id="GBK, which lacks rare characters"),
        pytest.param("csv", {"delimiter": "1"}, id="a digit between the cells"),
        pytest.param("csv", {"line_ending": "\n"}, id="a line ending not named"),
        pytest.param("csv", {"unit": "jiao"}, id="an unknown unit"),
        pytest.param("csv", {"header": "yes"}, id="a yes in quotes"),
        pytest.param("csv", {"lines_per_file": 0}, id="no lines"),
        pytest.param("csv", {"lines_per_file": True}, id="true lines"),
        pytest.param("csv", {"lines_per_file": 10**7}, id="more lines than keys"),
        pytest.param("csv", {"delimeter": ","}, id="a misspelt key"),
        pytest.param("pain.001", {"encoding": "UTF-8"}, id="an encoding for pain.001"),
        pytest.param("csv", {"columns": []}, id="no columns"),
        pytest.param("csv", {"columns": COLUMNS[:3], "totals": []}, id="no amount"),
        pytest.param("csv", {"columns": COLUMNS[1:], "totals": []}, id="no key"),
        pytest.param("csv", {"columns": [*COLUMNS, COLUMNS[0]], "totals": []}, id="a field twice"),
        pytest.param("csv", {"columns": [*COLUMNS, {"header": "x", "field": "id_number"}]}, id="an unknown field"),
        pytest.param(
            "csv", {"columns": [*COLUMNS, {"header": "a,b", "field": "bank"}]}, id="the delimiter in a header"
        ),
        pytest.param("xlsx", {"columns": [*COLUMNS, {"header": "=1", "field": "bank"}]}, id="a formula as header"),
        pytest.param("csv", {"totals": ["合计"]}, id="totals without numbers"),
        pytest.param("csv", {"totals": ["{count}", "{amount}"] * 4}, id="more totals than columns"),
        pytest.param("csv", {"file_name": "DF.csv"}, id="a name without reference"),
        pytest.param("csv", {"file_name": "../{ref}.csv"}, id="a name that climbs out"),
        pytest.param("csv", {"file_name": ".{ref}.csv"}, id="a hidden name"),
        pytest.param("csv", {"file_name": "{ref}.xlsx"}, id="the name of another format"),
        pytest.param(
            "csv", {"debtor": {"name": "民政局", "account": 2502010109, "bank": "某银行"}}, id="an account unquoted"
        ),
        pytest.param("csv", {"debtor": {"name": "", "account": "2502010109", "bank": "某银行"}}, id="nobody pays"),
        pytest.param("csv", {"debtor": {"name": "民政局", "account": "2502010109"}}, id="no bank"),
        pytest.param("csv", {"debtor": "民政局"}, id="a debtor as text"),
    ],
)
def test_a_block_that_nobody_would_read_so_is_refused(form: str, changed: dict[str, Any]) -> None:
    with pytest.raises((ValueError, TypeError, KeyError)):
        bank_form({**block(form), **changed})


@pytest.mark.parametrize("form", ["csv", "xlsx", "pain.001"])
def test_every_key_is_needed(form: str) -> None:
    for key in block(form):
        with pytest.raises(ValueError, match=f"{key}|format"):
            bank_form({name: value for name, value in block(form).items() if name != key})


def test_the_fields_are_documented() -> None:
    assert f"# fields: {' '.join(FIELDS)}\n" in DOCS.read_text(encoding="utf-8")
