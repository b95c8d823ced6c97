"""The bank's own books: a file taken > its credits and what will be said of them, in one commit > totals.

An SQLite file of its own. Append-only but for what was told: a second hand-in is a second set of credits. Not synced to
the disk, for nobody pulls the plug in a rehearsal; what was committed outlives any kill.
"""

import sqlite3
from collections import Counter
from collections.abc import Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from flows.rehearsal_bank.script import Answer
from rules.bank import PayLine

_TABLES = """
CREATE TABLE IF NOT EXISTS taken (
    number INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, ref TEXT NOT NULL, sha256 TEXT NOT NULL, at TEXT NOT NULL,
    problem TEXT NOT NULL, lost INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS credit (
    number INTEGER PRIMARY KEY, taken INTEGER NOT NULL REFERENCES taken, file TEXT NOT NULL, key TEXT NOT NULL,
    account TEXT NOT NULL, fen INTEGER NOT NULL, at TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS answer (
    number INTEGER PRIMARY KEY, taken INTEGER NOT NULL REFERENCES taken, round INTEGER NOT NULL, key TEXT NOT NULL,
    account TEXT NOT NULL, fen INTEGER NOT NULL, result TEXT NOT NULL, reason TEXT NOT NULL, booked_on TEXT NOT NULL,
    recalls INTEGER NOT NULL, told INTEGER NOT NULL DEFAULT 0);
CREATE INDEX IF NOT EXISTS credit_key ON credit (key);
CREATE INDEX IF NOT EXISTS answer_taken ON answer (taken, round);
"""


@dataclass(frozen=True, slots=True)
class Taken:
    """A file the bank took.

    Attributes:
        name: in the folder `taken`: a number and the name it came under.
        ref: the reference of the file, out of its first key; "" if it could not be read.
        sha256: of its bytes.
        at: when, ISO 8601.
        problem: why nothing of it was booked, "" if it was.
        lost: its answer is kept back until somebody asks.
    """

    name: str
    ref: str
    sha256: str
    at: str
    problem: str = ""
    lost: bool = False


@dataclass(frozen=True)
class Totals:
    """What the bank really paid, fen, less what it took back; keys and accounts that got nothing are left out."""

    by_key: dict[str, int]
    by_account: dict[str, int] = field(repr=False)
    credits: dict[str, int]
    """How many times a key was credited."""

    @property
    def fen(self) -> int:
        """The sum of all."""
        return sum(self.by_key.values())

    @property
    def paid_twice(self) -> dict[str, int]:
        """Keys that were credited more than once, with how often."""
        return {key: times for key, times in self.credits.items() if times > 1}


class Ledger:
    """The books in one SQLite file; each method is one transaction on a connection of its own, safe after a fork."""

    def __init__(self, path: Path) -> None:
        self._path = path
        with closing(self._open()) as books:
            books.executescript(_TABLES)

    def _open(self) -> sqlite3.Connection:
        books = sqlite3.connect(self._path, timeout=30)
        books.execute("PRAGMA synchronous = OFF")
        return books

    def book(self, taken: Taken, credited: Sequence[PayLine], answers: Iterable[Answer]) -> None:
        """Book a file with its credits and answers in one commit; a name that stands there is not booked again."""
        with closing(self._open()) as books, books:
            values = (taken.name, taken.ref, taken.sha256, taken.at, taken.problem, taken.lost)
            new = books.execute(
                "INSERT INTO taken (name, ref, sha256, at, problem, lost) VALUES (?, ?, ?, ?, ?, ?)"
                " ON CONFLICT DO NOTHING",
                values,
            )
            if not new.rowcount:
                return
            number = new.lastrowid
            books.executemany(
                "INSERT INTO credit (taken, file, key, account, fen, at) VALUES (?, ?, ?, ?, ?, ?)",
                ((number, taken.name, line.key, line.account, line.fen, taken.at) for line in credited),
            )
            books.executemany(
                "INSERT INTO answer (taken, round, key, account, fen, result, reason, booked_on, recalls)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    (number, a.round, a.key, a.account, a.fen, a.result, a.reason, a.booked_on.isoformat(), a.recalls)
                    for a in answers
                ),
            )

    def files(self) -> list[Taken]:
        """All files taken, oldest first."""
        with closing(self._open()) as books:
            rows = books.execute("SELECT name, ref, sha256, at, problem, lost FROM taken ORDER BY number")
            return [Taken(*row) for row in rows]

    def known(self) -> set[str]:
        """Keys that were ever handed in and answered for."""
        with closing(self._open()) as books:
            return {key for (key,) in books.execute("SELECT DISTINCT key FROM answer")}

    def due(self, which: int) -> list[Taken]:
        """Files of which something is to be said in a round and was not, except those whose answer is lost."""
        with closing(self._open()) as books:
            rows = books.execute(
                "SELECT name, ref, sha256, at FROM taken WHERE NOT lost AND EXISTS (SELECT 1 FROM answer WHERE taken ="
                " taken.number AND round = ? AND NOT told) ORDER BY number",
                (which,),
            )
            return [Taken(*row) for row in rows]

    def answered(self, ref: str) -> list[Taken]:
        """The times a file was taken and acted on."""
        with closing(self._open()) as books:
            rows = books.execute(
                "SELECT name, ref, sha256, at FROM taken WHERE ref = ? AND EXISTS (SELECT 1 FROM answer WHERE taken ="
                " taken.number) ORDER BY number",
                (ref,),
            )
            return [Taken(*row) for row in rows]

    def tell(self, name: str, which: int, at: str) -> list[Answer]:
        """Return what is said of a file in a round, and book it as said: what is taken back is taken back now."""
        with closing(self._open()) as books, books:
            books.execute("UPDATE taken SET lost = 0 WHERE name = ?", (name,))
            of_it = "taken = (SELECT number FROM taken WHERE name = ?) AND round = ?"
            books.execute(
                "INSERT INTO credit (taken, file, key, account, fen, at) SELECT taken, ?, key, account, -recalls, ?"  # noqa: S608
                f" FROM answer WHERE {of_it} AND recalls > 0 AND NOT told",
                (name, at, name, which),
            )
            books.execute(f"UPDATE answer SET told = 1 WHERE {of_it}", (name, which))  # noqa: S608
            rows = books.execute(
                "SELECT round, key, account, fen, result, reason, booked_on, recalls FROM answer"  # noqa: S608
                f" WHERE {of_it} ORDER BY number",
                (name, which),
            )
            return [
                Answer(said_in, key, account, fen, result, reason, date.fromisoformat(day), recalls)
                for said_in, key, account, fen, result, reason, day, recalls in rows
            ]

    def totals(self) -> Totals:
        """What was really paid."""
        by_key, by_account, times = Counter[str](), Counter[str](), Counter[str]()
        with closing(self._open()) as books:
            for key, account, fen in books.execute("SELECT key, account, fen FROM credit"):
                by_key[key] += fen
                by_account[account] += fen
                times[key] += fen > 0
        return Totals({k: n for k, n in by_key.items() if n}, {k: n for k, n in by_account.items() if n}, dict(times))
