"""What goes to the bank 代发清单: pay lines, the bank's form, keys and exact amounts.

bank_checks says which lines no bank could read; bank_csv, bank_pain001 and flows/bank_xlsx make the files.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import cached_property
from typing import Literal

from rules.errors import TuoqiError, say
from rules.free_text import masked_digits
from rules.money import yuan
from rules.refs import is_ref

Format = Literal["csv", "xlsx", "pain.001"]
Encoding = Literal["GB18030", "UTF-8"]
Unit = Literal["yuan", "fen"]
FIELDS = ("line", "key", "name", "account", "bank", "amount", "note", "debtor_name", "debtor_account")
"""What a column of a bank's template can hold; `line` counts from 1, `bank` is a name or a 12-digit CNAPS code."""
NEEDED_FIELDS = ("key", "name", "account", "amount")
MOST_FEN = 10**13
"""The largest amount of one line; beyond 15 digits a spreadsheet rounds."""
LONGEST_KEY = 35

_AMOUNT = re.compile(r"([0-9]{1,14})(?:\.([0-9]{1,2})0*)?")
_CNAPS = re.compile(r"[0-9]{12}")
_NOT_ASCII = re.compile(r"[^\x00-\x7f]")


@dataclass(frozen=True, slots=True)
class PayLine:
    """One payment as the bank sees it.

    Attributes:
        key: the attempt's own, see `file_key`; comes back in the bank's return.
        name: of the account's holder.
        account: card or passbook number.
        bank: where the account is: a name, a 12-digit CNAPS code, or "" for the debtor's own bank.
        fen: amount in fen, more than 0.
        note: what the payee reads on the statement.
    """

    key: str
    name: str = field(repr=False)
    account: str = field(repr=False)
    bank: str = field(repr=False)
    fen: int
    note: str = field(default="", repr=False)


@dataclass(frozen=True)
class PayList:
    """The lines of one bank file, with all that decides its bytes.

    Attributes:
        ref: of the file, such as F-7K3Q-9XM1.
        created: aware; fixed when the file is frozen, for the same list gives the same bytes for ever.
        pay_on: the day on which the bank is to pay.
        lines: in the order of the file.
    """

    ref: str
    created: datetime
    pay_on: date
    lines: Sequence[PayLine]

    @cached_property
    def fen(self) -> int:
        """The total."""
        return sum(line.fen for line in self.lines)


@dataclass(frozen=True, slots=True)
class BankColumn:
    """A column of a bank's template: its header and what stands in it, one of FIELDS."""

    header: str
    field: str


@dataclass(frozen=True, slots=True)
class Debtor:
    """Whose account pays: the office, its account, and its bank as name or CNAPS code."""

    name: str
    account: str = field(repr=False)
    bank: str


@dataclass(frozen=True, slots=True)
class BankForm:
    """How one bank wants its files; a block of policy, read by policies/bank_forms.py.

    Attributes:
        format: csv, xlsx or pain.001.
        file_name: with {ref} for the file's reference.
        lines_per_file: more lines make more files.
        debtor: whose account pays.
        columns: of csv and xlsx; pain.001 has none.
        unit: of amounts in csv and xlsx.
        header: csv and xlsx start with the headers.
        totals: cells of a last line, with {count} and {amount}; () for none.
        encoding: of csv.
        delimiter: of csv.
        line_ending: of csv.
    """

    format: Format
    file_name: str
    lines_per_file: int
    debtor: Debtor
    columns: tuple[BankColumn, ...] = ()
    unit: Unit = "yuan"
    header: bool = True
    totals: tuple[str, ...] = ()
    encoding: Encoding = "GB18030"
    delimiter: str = ","
    line_ending: str = "\r\n"

    def name_of(self, ref: str) -> str:
        """The name of the file with that reference."""
        return self.file_name.replace("{ref}", ref)

    def amount(self, fen: int) -> str:
        """An amount as this bank writes it, exact."""
        return bank_yuan(fen) if self.unit == "yuan" else str(fen)


@dataclass(eq=False)
class NotOurFile(TuoqiError):
    """A bank file that was read back is not what we write."""

    zh_why: str
    en_why: str

    def __str__(self) -> str:
        return say(
            f"代发文件有误：{self.zh_why}；请重新生成。", f"not a bank file of ours: {self.en_why}; make it again."
        )


def file_key(ref: str, number: int) -> str:
    """The key of line `number`, from 1, of the file `ref`: F-7K3Q-9XM1 and 1 make F7K3Q9XM1-0000001."""
    if not 0 < number < 10**7:
        raise ValueError(f"line {number} has no key of 7 digits")
    return f"{ref.replace('-', '')}-{number:07}"


def file_ref(key: str) -> str:
    """The reference of the file that a key belongs to, "" if it is no key."""
    head, dash, number = key.partition("-")
    if len(head) <= 8 or not dash or len(number) != 7 or not (number.isascii() and number.isdigit()):
        return ""
    return f"{head[:-8]}-{head[-8:-4]}-{head[-4:]}"


def kept_key(key: str, mark: Callable[[str], str]) -> str:
    """A key as it is kept: what a bank put in place of one of ours may be a person's number or name, and is masked.

    Args:
        key: as the bank's file has it.
        mark: tells one strange key from another without saying anything of it.
    """
    return key if is_ref(file_ref(key)) else f"{_NOT_ASCII.sub('*', masked_digits(key))}·{mark(key)}"


def bank_yuan(fen: int) -> str:
    """Fen as yuan as a bank reads it: two decimals, exact, no grouping, never below zero."""
    if fen < 0:
        raise ValueError(f"{fen} fen is no amount")
    return yuan(fen).replace(",", "")


def bank_fen(text: str, unit: Unit = "yuan") -> int:
    """Fen from digits, exact; zeros after the second decimal are allowed, for some banks write five decimals.

    Raises:
        ValueError: not an amount: signs, exponents, commas, spaces, a third decimal.
    """
    match = _AMOUNT.fullmatch(text)
    if match is None or (unit == "fen" and match[2] is not None) or not text.isascii():
        raise ValueError("not an amount")
    whole, part = match.groups()
    return int(whole) if unit == "fen" else int(whole) * 100 + int((part or "0").ljust(2, "0"))


def is_cnaps(bank: str) -> bool:
    """Whether a bank is given by its 12-digit code 联行号."""
    return _CNAPS.fullmatch(bank) is not None
