"""What a register is: its columns, and what reading a file against it gives back."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

from rules.errors import say

Kind = Literal[
    "text",
    "name",
    "code",
    "int",
    "number",
    "date",
    "instant",
    "yesno",
    "choice",
    "choices",
    "phone",
    "email",
    "id_number",
    "elder",
    "when",
    "period",
    "account",
    "fen",
    "mark",
]
Lang = Literal["zh", "en"]

YES_NO: Mapping[str, str] = {"yes": "是", "no": "否"}
QUOTED = 24  # a sentence quotes so many characters of a bad cell, the workbook shows the rest


@dataclass(frozen=True)
class Column:
    """One column of a register; the form, the parser, the error workbook and the documentation are made from it.

    Args:
        name: the English name, fixed for ever.
        header: the Chinese header.
        kind: how a cell is read; see rules/registers/cells.py for the values it gives.
        note_zh: what to write here, for clerks.
        note_en: the same in English.
        required: a cell may not be blank.
        key: part of what makes a row unique; always required.
        allowed: English value to Chinese label, for choice and choices; either is accepted.
        secret: personal data, left out of exports unless revealed and never quoted in a sentence.
        default: the value of a blank cell.
        example: one cell as people would write it.
        also: other headers that real files use for this column.
        said: other words for a value that real files use, to the English value, for choice and choices.
        least: the smallest number a cell may say, for fen.
        stand_in: the column whose value an export shows here unless personal data is revealed.
    """

    name: str
    header: str
    kind: Kind
    note_zh: str
    note_en: str
    required: bool = False
    key: bool = False
    allowed: Mapping[str, str] = field(default_factory=dict, compare=False)
    secret: bool = False
    default: str | bool | int | None = None
    example: str = ""
    also: tuple[str, ...] = ()
    said: Mapping[str, str] = field(default_factory=dict, compare=False)
    stand_in: str = ""
    least: int = 0

    @property
    def quotable(self) -> bool:
        """Whether a sentence may repeat a cell; who is meant by an `elder` cell may be written as an ID number."""
        return not self.secret and self.kind not in {"elder", "id_number"}

    @property
    def needed(self) -> bool:
        """Whether a cell of this column may not be blank."""
        return self.required or self.key

    @property
    def options(self) -> Mapping[str, str]:
        """English value to Chinese label of all a cell may say; empty where any value may stand."""
        return YES_NO if self.kind == "yesno" else self.allowed

    def title(self, lang: Lang) -> str:
        """The header in a form of that language."""
        return self.header if lang == "zh" else self.name

    def note(self, lang: Lang) -> str:
        """The note, with what a blank cell means where that is not obvious."""
        note = self.note_zh if lang == "zh" else self.note_en
        if self.default is None:
            return note
        blank = self.label(self.default, lang)
        return f"{note}；空白视为“{blank}”" if lang == "zh" else f'{note}; blank means "{blank}"'

    def label(self, value: object, lang: Lang) -> str:
        """A yes/no or choice value as the form of that language shows it; other values as text."""
        if self.kind == "choices" and isinstance(value, tuple):
            return ("、" if lang == "zh" else "; ").join(self.label(each, lang) for each in value)
        text = ("yes" if value else "no") if isinstance(value, bool) else "" if value is None else str(value)
        return self.options.get(text, text) if lang == "zh" else text


@dataclass(frozen=True)
class Series:
    """Columns of one kind, as many as a file has, told apart by number: q1, q2 ... of a paper with so many items.

    Args:
        column: what each is; its name and header are followed by the number.
        headers: the headers that real files use, as compared; the first group that matches is the number.
    """

    column: Column
    headers: str

    def name(self, key: str) -> str | None:
        """The column that a header means, if it is one of these."""
        match = re.fullmatch(self.headers, key)
        number = next(filter(None, match.groups())) if match else ""
        return f"{self.column.name}{number}" if number else None

    def numbered(self, name: str) -> Column | None:
        """The column of that name, if it is one of these."""
        number = name.removeprefix(self.column.name)
        if number == name or not number.isdecimal():
            return None
        return replace(self.column, name=name, header=f"{self.column.header}{number}")


@dataclass(frozen=True)
class Register:
    """A file people exchange with Tuoqi: one declaration yields form, parser, error workbook and documentation.

    Two columns named `from` and `until` are a period, inclusive at both ends: from > until is refused.
    `apart` names what tells the rows of a log apart, where one key has several: the events of an issue.
    With `every` each row counts by itself, and a row that stands twice is told twice: the lines of a bank.
    With `by_row` each row is taken or left by itself, and bad ones do not stop the others: mark files.
    """

    kind: str
    title_zh: str
    title_en: str
    columns: tuple[Column, ...]
    note_zh: str = ""
    note_en: str = ""
    apart: tuple[str, ...] = ()
    every: bool = False
    series: tuple[Series, ...] = ()
    by_row: bool = False

    @property
    def keys(self) -> tuple[str, ...]:
        """Names of the key columns, starred in the form's declaration."""
        return tuple(column.name for column in self.columns if column.key)

    @property
    def identity(self) -> tuple[str, ...]:
        """What tells two rows apart: the key, or where no column is starred, every required column."""
        return self.apart or self.keys or tuple(column.name for column in self.columns if column.required)

    @property
    def needed(self) -> tuple[Column, ...]:
        """The columns a file must have."""
        return tuple(column for column in self.columns if column.needed)

    def column(self, name: str) -> Column:
        """The column of that English name; KeyError if there is none."""
        for series in self.series:
            if column := series.numbered(name):
                return column
        return {column.name: column for column in self.columns}[name]

    def numbered(self, key: str) -> str | None:
        """The name of the column of a series that a header, as compared, means; None if it means none."""
        return next(filter(None, (series.name(key) for series in self.series)), None)

    def shown(self, *, reveal: bool) -> tuple[Column, ...]:
        """The columns of an export: without `reveal` the personal ones are left out, so no re-import can blank them."""
        return tuple(column for column in self.columns if reveal or not column.secret)

    def title(self, lang: Lang) -> str:
        """The title in that language."""
        return self.title_zh if lang == "zh" else self.title_en

    def note(self, lang: Lang) -> str:
        """The note in that language."""
        return self.note_zh if lang == "zh" else self.note_en


@dataclass(frozen=True)
class CellError:
    """One thing wrong in a file: where (row as Excel counts, column), what it says, what to do.

    `column` is None where the whole row or the file is meant; `sheet` is named where the file has several.
    """

    row: int
    column: Column | None
    text: str
    problem: str
    remedy: str
    sheet: str = ""

    @property
    def sentence(self) -> str:
        """One sentence naming sheet, row, column and remedy; a secret cell is not quoted."""
        quotable = self.column is not None and self.column.quotable and self.text.strip()
        return self._said(shorten(self.text) if quotable else "")

    @property
    def quiet(self) -> str:
        """The sentence with no cell quoted, for what Prefect keeps: a cell may say what belongs into its neighbour."""
        return self._said("")

    def _said(self, quoted: str) -> str:
        place = say(f"工作表“{self.sheet}”", f"sheet {self.sheet!r}, ") if self.sheet else ""
        if self.column is None:
            return say(
                f"{place}第 {self.row} 行：{self.problem}；{self.remedy}。",
                f"{place}row {self.row}: {self.problem}; {self.remedy}.",
            )
        says_zh = f"填的是“{quoted}”，" if quoted else "："
        says_en = f" says {quoted!r}" if quoted else ""
        return say(
            f"{place}第 {self.row} 行“{self.column.header}”{says_zh}{self.problem}；{self.remedy}。",
            f"{place}row {self.row}, column {self.column.name!r}{says_en}: {self.problem}; {self.remedy}.",
        )

    def __str__(self) -> str:
        return self.sentence


@dataclass(frozen=True)
class Row:
    """One row of a file, read: `number` as Excel counts, values by column name.

    `values` holds only the columns the file has; a blank cell is the column's default, else None.
    """

    number: int
    values: dict[str, object]


@dataclass(frozen=True)
class Parsed:
    """A file read against a register; with errors nothing of it may be stored.

    Attributes:
        rows: the good rows, in file order, identical ones once.
        errors: in file order.
        header_row: the row of the headers as Excel counts, None if there is none.
        mapping: column name to position (from 0) in the grid.
        unknown_columns: position to header of columns this register does not know; they are not read.
    """

    rows: tuple[Row, ...]
    errors: tuple[CellError, ...]
    header_row: int | None = None
    mapping: dict[str, int] = field(default_factory=dict)
    unknown_columns: dict[int, str] = field(default_factory=dict)


def shorten(text: str) -> str:
    """The text on one line, cut to what a sentence can carry."""
    line = " ".join(text.split())
    return line if len(line) <= QUOTED else line[:QUOTED] + "…"
