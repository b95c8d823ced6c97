"""Taking files in: what a store function is given, what it gives back, and the log of files taken."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Index
from sqlmodel import Field, Session, SQLModel, col, select

from models.db import Instant
from rules.errors import say
from rules.registers import CellError, Register, Row


class ImportLog(SQLModel, table=True):
    """One file taken in whole; refused files leave no row."""

    __tablename__ = "import_log"
    __table_args__ = (Index("ix_import_log_sha256", "sha256"),)
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

    @property
    def today(self) -> date:
        """The district's date."""
        return self.local_date(self.now)

    def local_date(self, instant: datetime) -> date:
        """The district's date at an instant."""
        return instant.astimezone(self.zone).date()

    def wrong(self, row: Row, column: str, problem: tuple[str, str], remedy: tuple[str, str]) -> CellError:
        """Refuse one cell; problem and remedy in Chinese and English."""
        value = row.values.get(column)
        text = "" if value is None else str(value)
        return CellError(row.number, self.register.column(column), text, say(*problem), say(*remedy))


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


def differing(row: Row, known: dict[str, Any], columns: Iterable[str]) -> Iterator[str]:
    """Yield the columns that the file has and that say something else than what is known; "" and None are equal."""
    for name in columns:
        if name in row.values and (row.values[name] or None) != (known[name] or None):
            yield name


def taken_before(session: Session, district: int, kind: str, sha256: str) -> bool:
    """Tell whether this very file was taken in before."""
    query = select(col(ImportLog.id)).where(
        col(ImportLog.district_id) == district, col(ImportLog.kind) == kind, col(ImportLog.sha256) == sha256
    )
    return session.exec(query.limit(1)).first() is not None
