"""What goes to the bank 代发清单: pay lines and the bank's form -> what is wrong with them, keys, exact amounts.

The files themselves are made from this by bank_csv and bank_pain001 here, and by flows/bank_xlsx.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import cached_property
from itertools import islice
from typing import Literal

from rules.errors import TuoqiError, say

Format = Literal["csv", "xlsx", "pain.001"]
Encoding = Literal["GB18030", "UTF-8"]
Unit = Literal["yuan", "fen"]
FIELDS = ("line", "key", "name", "account", "bank", "amount", "note", "debtor_name", "debtor_account")
"""What a column of a bank's template can hold; `line` counts from 1, `bank` is a name or a 12-digit CNAPS code."""
NEEDED_FIELDS = ("key", "name", "account", "amount")
MOST_FEN = 10**13
"""The largest amount of one line; beyond 15 digits a spreadsheet rounds."""
LONGEST = {"name": 60, "bank": 100, "note": 100}
LONGEST_KEY = 35

_AMOUNT = re.compile(r"([0-9]{1,14})(?:\.([0-9]{1,2})0*)?")
_ACCOUNT = re.compile(r"[0-9A-Z][0-9A-Z-]{3,33}")
_CNAPS = re.compile(r"[0-9]{12}")
_UNSENDABLE = re.compile(
    r"[\x00-\x1f\x7f-\x9f\xad\u200b-\u200f\u2028-\u202e\u2060-\u206f\ud800-\udfff\ue000-\uf8ff\ufdd0-\ufdef\ufeff"
    r"\ufff0-\uffff\U000e0000-\U000e00ff\U000f0000-\U0010ffff"
    + "".join(f"{chr(plane << 16 | 0xFFFE)}{chr(plane << 16 | 0xFFFF)}" for plane in range(1, 15))
    + "]"
)  # controls, invisible marks, halves of pairs, private use, no characters: XML forbids most, no bank shows any
_STARTERS = ("=", "+", "-", "@", "＝", "＋", "－", "＠", "'")
_SHOWN = 3


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
        return yuan(fen) if self.unit == "yuan" else str(fen)


@dataclass(frozen=True, slots=True)
class LineProblem:
    """Why a line cannot go to the bank; says which line and column, never what stands there."""

    line: int
    key: str
    column: str
    zh: str
    en: str

    def __str__(self) -> str:
        return say(
            f"第 {self.line} 笔（{self.key}）{self.column}：{self.zh}",
            f"line {self.line} ({self.key}), {self.column}: {self.en}",
        )


@dataclass(eq=False)
class PayListRefused(TuoqiError):
    """Lines that the bank could not read, or would read as something else; no file is made of any of them."""

    ref: str
    problems: tuple[LineProblem, ...]

    def __str__(self) -> str:
        shown = "; ".join(str(problem) for problem in self.problems[:_SHOWN])
        count = len(self.problems)
        return say(
            f"代发文件 {self.ref} 没有生成，有 {count} 处问题：{shown}；请更正账户登记表后重试。",
            f"bank file {self.ref} was not made for {count} problems: {shown}; correct the accounts and try again.",
        )


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


def yuan(fen: int) -> str:
    """Fen as yuan with two decimals, exact."""
    if fen < 0:
        raise ValueError(f"{fen} fen is no amount")
    return f"{fen // 100}.{fen % 100:02}"


def fen_of(text: str, unit: Unit = "yuan") -> int:
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


def portions(lines: Sequence[PayLine], form: BankForm) -> Iterator[Sequence[PayLine]]:
    """Divide lines among files, in order, as many to each as the bank takes."""
    walk = iter(lines)
    while portion := list(islice(walk, form.lines_per_file)):
        yield portion


def checked(listed: PayList, form: BankForm) -> PayList:
    """Return the list if every line can be written in this form.

    Raises:
        PayListRefused: no lines, too many, or what `problems` finds.
    """
    if not 0 < len(listed.lines) <= form.lines_per_file:
        raise PayListRefused(
            listed.ref,
            (
                LineProblem(
                    len(listed.lines), "-", "lines", f"一个文件 1 到 {form.lines_per_file} 笔",
                    f"a file has 1 to {form.lines_per_file}",
                ),
            ),
        )  # fmt: skip
    if found := tuple(problems(listed, form)):
        raise PayListRefused(listed.ref, found)
    return listed


def problems(listed: PayList, form: BankForm) -> Iterator[LineProblem]:
    """Yield what is wrong with each line, in order: what the bank could not read or would read as something else."""
    head, seen = file_key(listed.ref, 1)[:-7], set[str]()
    delimiter = form.delimiter if form.format == "csv" else ""
    for number, line in enumerate(listed.lines, start=1):
        for column, zh, en in _wrong(line, head, delimiter):
            yield LineProblem(number, line.key, column, zh, en)
        if line.key in seen:
            yield LineProblem(number, line.key, "key", "与前面的重复", "stands there already")
        seen.add(line.key)


def _wrong(line: PayLine, head: str, delimiter: str) -> Iterator[tuple[str, str, str]]:
    if not line.key.startswith(head) or not file_ref(line.key) or len(line.key) > LONGEST_KEY:
        yield "key", "不是本文件的流水号", "is no key of this file"
    if not 0 < line.fen <= MOST_FEN:
        yield "amount", "金额必须大于 0 且不超过上限", f"more than 0 and at most {MOST_FEN} fen"
    if not _ACCOUNT.fullmatch(line.account):
        yield "account", "账号应为 4 至 34 位数字或大写字母", "4 to 34 digits or capital letters"
    if not line.name:
        yield "name", "户名为空", "is blank"
    for column, text in (("name", line.name), ("bank", line.bank), ("note", line.note)):
        if why := text_problem(text, LONGEST[column], delimiter):
            yield (column, *why)


def text_problem(text: str, longest: int, delimiter: str = "") -> tuple[str, str] | None:
    """What keeps a text from a bank's cell, in Chinese and English; the cell is data and never needs quotes."""
    if len(text) > longest:
        return f"超过 {longest} 个字", f"longer than {longest} characters"
    if _UNSENDABLE.search(text):
        return "含有控制字符、不可见字符或自造字", "has a control, invisible or private-use character"
    if text.startswith(_STARTERS):
        return "以 = + - @ 开头，会被当作公式", "starts like a formula"
    if text != text.strip():
        return "首尾有空格", "begins or ends with a space"
    if delimiter and (delimiter in text or '"' in text):
        return "含有分隔符或引号", "has the delimiter or a quote in it"
    return None
