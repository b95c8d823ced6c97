"""A block of policy on one bank's files -> BankForm, every key checked: a misspelt one would change what is paid.

bank:
  format: csv                       # csv, xlsx or pain.001; what follows is by format
  file_name: "DF_{ref}.csv"         # {ref} is the file's reference
  lines_per_file: 5000              # more lines make more files
  debtor: {name: 某区民政局, account: "2502010109200000001", bank: 某银行某支行}
  encoding: GB18030                 # csv only: GB18030 or UTF-8
  delimiter: ","                    # csv only: , ; | or a tab
  line_ending: CRLF                 # csv only: CRLF or LF
  header: true                      # csv and xlsx: the first line has the headers
  unit: yuan                        # csv and xlsx: yuan (with two decimals) or fen
  columns:                          # csv and xlsx; fields: rules.bank.FIELDS
    - {header: 序号, field: line}
    - {header: 收款账号, field: account}
    - {header: 收款户名, field: name}
    - {header: 金额, field: amount}
    - {header: 业务编号, field: key}
  totals: [合计, "{count}", "", "{amount}", ""]   # csv and xlsx: a last line, or [] for none
"""

import re
from collections.abc import Mapping
from typing import Any

from policies.book import check_names, whole
from rules.bank import FIELDS, NEEDED_FIELDS, BankColumn, BankForm, Debtor
from rules.bank_checks import LONGEST, text_problem

_ALWAYS = ("format", "file_name", "lines_per_file", "debtor")
_TABLE = ("header", "unit", "columns", "totals")
_TEXT = ("encoding", "delimiter", "line_ending")
_KEYS = {"csv": (*_ALWAYS, *_TABLE, *_TEXT), "xlsx": (*_ALWAYS, *_TABLE), "pain.001": _ALWAYS}
_SUFFIX = {"csv": (".csv", ".txt"), "xlsx": (".xlsx",), "pain.001": (".xml",)}
_ENDINGS = {"CRLF": "\r\n", "LF": "\n"}
_FILE_NAME = re.compile(r"\w[\w.-]*")
_ACCOUNT = re.compile(r"[0-9A-Z][0-9A-Z-]{3,33}")
_MOST_LINES = 1_000_000
_NAMED = {"encoding": ("GB18030", "UTF-8"), "delimiter": (",", ";", "|", "\t"), "unit": ("yuan", "fen")}


def bank_form(block: Mapping[str, Any]) -> BankForm:
    """Read one block.

    Raises:
        ValueError, TypeError, KeyError: what is wrong with it, the key named.
    """
    if not isinstance(block, Mapping):
        raise TypeError(f"bank: {block!r} is not a mapping")
    made = _one_of("format", block.get("format"), _KEYS)
    check_names(f"bank ({made})", block, _KEYS[made])
    given: dict[str, Any] = {name: _one_of(name, block[name], _NAMED[name]) for name in _NAMED if name in block}
    if "columns" in block:
        given["columns"] = _columns(block["columns"])
        given["header"] = _yes_no("header", block["header"])
        given["totals"] = _totals(block["totals"], len(given["columns"]))
        _check_cells(given["columns"], given["totals"], given.get("delimiter", ""))
    if "line_ending" in block:
        given["line_ending"] = _ENDINGS[_one_of("line_ending", block["line_ending"], _ENDINGS)]
    lines = whole(block["lines_per_file"])
    if not 0 < lines <= _MOST_LINES:
        raise ValueError(f"lines_per_file: {lines} is not from 1 to {_MOST_LINES}")
    return BankForm(
        format=made,  # type: ignore[arg-type]
        file_name=_file_name(block["file_name"], made),
        lines_per_file=lines,
        debtor=_debtor(block["debtor"]),
        **given,
    )


def _one_of(name: str, value: object, allowed: Any) -> str:
    if not isinstance(value, str) or value not in allowed:
        raise ValueError(f"{name}: {value!r} is not one of {list(allowed)}")
    return value


def _yes_no(name: str, value: object) -> bool:
    if not isinstance(value, bool):
        raise TypeError(f"{name}: {value!r} is neither true nor false")
    return value


def _columns(value: object) -> tuple[BankColumn, ...]:
    if not isinstance(value, list) or not value:
        raise ValueError("columns: a list of {header, field} is wanted")
    columns = []
    for each in value:
        check_names("columns", each, ("header", "field"))
        columns.append(BankColumn(_text("header", each["header"]), _one_of("field", each["field"], FIELDS)))
    fields = [column.field for column in columns]
    missing = [name for name in NEEDED_FIELDS if name not in fields]
    if missing or len(set(fields)) != len(fields):
        raise ValueError(f"columns: {missing} are missing, or one stands there twice")
    return tuple(columns)


def _totals(value: object, columns: int) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(cell, str) for cell in value):
        raise ValueError('totals: a list of texts is wanted, such as ["合计", "{count}", "{amount}"]')
    cells = tuple(value)
    if cells and (len(cells) > columns or not {"{count}", "{amount}"} <= set(cells)):
        raise ValueError("totals: at most as many cells as columns, {count} and {amount} among them")
    return cells


def _check_cells(columns: tuple[BankColumn, ...], totals: tuple[str, ...], delimiter: str) -> None:
    for cell in (*(column.header for column in columns), *totals):
        if why := text_problem(cell, LONGEST["note"], delimiter):
            raise ValueError(f"{cell!r}: {why[1]}")


def _file_name(value: object, made: str) -> str:
    name = _text("file_name", value)
    if name.count("{ref}") != 1 or not _FILE_NAME.fullmatch(name.replace("{ref}", "F-1")):
        raise ValueError(f"file_name: {name!r} needs {{ref}} once, and letters, digits and - _ . beside it")
    if not name.endswith(_SUFFIX[made]):
        raise ValueError(f"file_name: {name!r} does not end in {' or '.join(_SUFFIX[made])}")
    return name


def _debtor(value: Any) -> Debtor:
    check_names("debtor", value, ("name", "account", "bank"))
    account = value["account"]
    if not isinstance(account, str) or not _ACCOUNT.fullmatch(account):
        raise ValueError("debtor: account is a text of 4 to 34 digits or capital letters, in quotes")
    return Debtor(_text("name", value["name"]), account, _text("bank", value["bank"]))


def _text(name: str, value: object) -> str:
    if not isinstance(value, str) or not value:
        raise ValueError(f"{name}: a text is wanted")
    if why := text_problem(value, LONGEST["bank"]):
        raise ValueError(f"{name}: {why[1]}")
    return value
