"""Taking files in: what a store function is given, what it gives back, and the log of files taken."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Protocol
from zoneinfo import ZoneInfo

from sqlmodel import Field, Session, SQLModel

from models.db import Instant
from rules.errors import say
from rules.registers import CellError, Register, Row

Place = tuple[str, date]
"""Where a duty is: centre code and date."""
Text = tuple[str, str]
"""Chinese and English."""


class ImportLog(SQLModel, table=True):
    """One file taken in whole; refused files leave no row."""

    __tablename__ = "import_log"
    id: int | None = Field(default=None, primary_key=True)
    district_id: int = Field(foreign_key="district.id")
    kind: str
    sha256: str
    rows: int
    added: int
    changed: int
    unchanged: int
    at: datetime = Field(sa_type=Instant)
    actor: str


@dataclass(frozen=True, slots=True)
class Scope:
    """Into which district a file goes, when, and who brings it."""

    district: int
    register: Register
    now: datetime
    zone: ZoneInfo
    actor: str
    digest: str = ""
    """Of the file; "" if typed in."""

    @property
    def today(self) -> date:
        """The district's date."""
        return self.local_date(self.now)

    def local_date(self, instant: datetime) -> date:
        """The district's date at an instant."""
        return instant.astimezone(self.zone).date()

    def wrong(self, row: Row, column: str, problem: Text, remedy: Text) -> CellError:
        """Refuse one cell."""
        value = row.values.get(column)
        text = "" if value is None else str(value)
        return CellError(row.number, self.register.column(column), text, say(*problem), say(*remedy))

    def unknown(self, row: Row, column: str) -> CellError:
        """Refuse a cell that names a centre or a person nobody registered."""
        problem_zh, problem_en, form_zh, form_en = _UNKNOWN.get(column, _UNKNOWN["cadre"])
        remedy = (f"请核对编号，或先导入{form_zh}", f"check it, or import the {form_en} register first")
        return self.wrong(row, column, (problem_zh, problem_en), remedy)


_UNKNOWN: Mapping[str, tuple[str, str, str, str]] = {
    "centre": ("没有这个编号的中心", "no centre has this code", "中心表", "centre"),
    "cadre": ("没有这个编号的干部", "no cadre has this number", "干部表", "cadre"),
    "person": (
        "没有这个编号的干部或帮扶人",
        "no cadre or helper has this number",
        "干部表或帮扶人表",
        "cadre or helper",
    ),
    "elder": ("没有登记这位老人", "no such elder is registered", "老人登记表", "elder"),
    "school": ("没有登记这所学校", "no such school is registered", "学校登记表", "school"),
    "exam": ("没有登记这次考试", "no such exam is registered", "考试登记表", "exam"),
    "compare_with": ("没有登记这次考试", "no such exam is registered", "考试登记表", "exam"),
    "subject": ("这次考试没有登记这个科目", "the exam has no such paper", "科目登记表", "paper"),
    "helper": ("没有这个编号的帮扶人", "no helper has this number", "帮扶人登记表", "helper"),
}
"""What to say of a code nobody has, by column: problem and register, in Chinese and English."""


class Refused(Exception):
    """One row cannot be taken."""

    def __init__(self, error: CellError) -> None:
        super().__init__(error.sentence)
        self.error = error


def place_of(row: Row) -> Place:
    """Return the duty a row with `centre` and `date` is about."""
    day = row.values["date"]
    assert isinstance(day, date)
    return str(row.values["centre"]), day


@dataclass(slots=True)
class Taken:
    """What a file did: counts, which rows changed which columns, and what was wrong; errors mean nothing is kept."""

    added: int = 0
    changed: int = 0
    unchanged: int = 0
    changes: list[tuple[int, str, tuple[str, ...]]] = field(default_factory=list)
    errors: list[CellError] = field(default_factory=list)
    moved: list[Any] = field(default_factory=list)
    """Duties that changed hands (models.duty_record.Step); the flow tells both sides in the same transaction."""
    audited: dict[str, Any] = field(default_factory=dict)
    """What the audit entry says beside the counts; references and amounts, never personal data."""
    doubts: dict[Text, list[int]] = field(default_factory=dict)
    """What was taken but deserves a look: sentence -> rows."""

    left_out: list[CellError] = field(default_factory=list)
    """Rows refused or held out of a register whose other rows are kept (marks)."""

    senders: dict[int, int | None] = field(default_factory=dict)
    """Who sent each row of a mark file: row to the school's id; None where nobody can tell."""
    held: set[int] = field(default_factory=set)
    """Those of `left_out` that were held out, not refused."""
    exams: dict[int, int] = field(default_factory=dict)
    """The exam of each row of a mark file."""
    kept: dict[tuple[int, int | None], tuple[int, int]] = field(default_factory=dict)
    """Rows of a mark file by exam and sender: stored, and known already."""

    def doubt(self, what: Text, row: int) -> None:
        """Remember a row that was taken but deserves a look."""
        self.doubts.setdefault(what, []).append(row)

    def add(self) -> None:
        """Count a new row."""
        self.added += 1

    def compare(self, row: Row, key: str, columns: Iterable[str]) -> bool:
        """Count a known row by the columns it changes, and tell whether it changes any."""
        differing = tuple(columns)
        if differing:
            self.changed += 1
            self.changes.append((row.number, key, differing))
        else:
            self.unchanged += 1
        return bool(differing)


class Bulk(Protocol):
    """A register that may be large: batches of rows are checked and staged, then all of it becomes real at once."""

    taken: Taken

    def take(self, rows: Sequence[Row]) -> None:
        """Check and stage one batch; errors are collected, and with one nothing is poured."""

    def settle(self) -> None:
        """Decide what only the whole file can tell."""

    def pour(self, session: Session) -> None:
        """Make it real, in the transaction given; raise models.staging.Raced if somebody was faster."""


def differing(row: Row, known: dict[str, Any], columns: Iterable[str]) -> Iterator[str]:
    """Yield the columns that the file has and that say something else than what is known; "" and None are equal."""
    for name in columns:
        if name in row.values and (row.values[name] or None) != (known[name] or None):
            yield name
