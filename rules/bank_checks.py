"""Which lines no bank could read, or would read as something else: a pay list -> problems, by line and column.

A file is made of all its lines or of none. What is wrong is said without repeating it, for it is somebody's name.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from rules.bank import LONGEST_KEY, MOST_FEN, BankForm, PayLine, PayList, file_key, file_ref
from rules.errors import TuoqiError, say

LONGEST = {"name": 60, "bank": 100, "note": 100}
_ACCOUNT = re.compile(r"[0-9A-Z][0-9A-Z-]{3,33}")
_UNSENDABLE = re.compile(
    r"[\x00-\x1f\x7f-\x9f\xad\u200b-\u200f\u2028-\u202e\u2060-\u206f\ud800-\udfff\ue000-\uf8ff\ufdd0-\ufdef\ufeff"
    r"\ufff0-\uffff\U000e0000-\U000e00ff\U000f0000-\U0010ffff"
    + "".join(f"{chr(plane << 16 | 0xFFFE)}{chr(plane << 16 | 0xFFFF)}" for plane in range(1, 15))
    + "]"
)  # controls, invisible marks, halves of pairs, private use, no characters: XML forbids most, no bank shows any
_STARTERS = ("=", "+", "-", "@", "＝", "＋", "－", "＠", "'")
_SHOWN = 3


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
