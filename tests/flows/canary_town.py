"""A small district in which every personal value is a canary: the sample's people -> values that stand nowhere else.

Names and prose carry a word of three characters of which the first is in no text of ours, numbers begin as nobody's do.
"""

import csv
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from itertools import count
from pathlib import Path
from typing import Any

import pyotp

from flows import staff_desk
from flows.demo_stage import at_moment
from flows.intake import take_file
from flows.sample import District, district, register_rows
from flows.sample_payees import make_staff, payee_rows
from flows.sample_visits import visit_rows, visits
from flows.settings import Settings
from models.db import Database
from rules.bank_card import luhn_digit
from rules.registers import REGISTERS, Column
from tests.flows.canary_scan import Scanner

WORD = r"㒲[\u3400-\u4dbf]{2}"
PATTERN = rf"{WORD}|15499\d{{6}}|990112\d{{11}}[\dX]|0077\d{{15}}|kz\d{{6}}@canary\.example|KZ\d{{6}}"
OFFICES = frozenset({"subdistrict", "centre"})
"""Registers whose telephones and addresses are those of public offices."""
PROSE = frozenset({"handover.note"})
"""Prose that is not marked secret and may name people all the same."""
_NOUN = {"account": "elder", "mark": "student"}
"""Registers that speak of the people of another."""
REGISTERED, PAID_FROM, EXAMINED = "2026-02-20T07:00+08:00", "2026-03-20T09:00+08:00", "2026-04-20T14:00+08:00"
EXAM, SUBJECTS = "2026春-高二", {"语文": 150, "物理": 100}


@dataclass(frozen=True)
class Size:
    """How large the district is, and whether the month's jobs run through the worker, each in a process of its own."""

    centres: int
    cadres: int
    elders: int
    helpers: int
    students: int
    by_worker: bool = False


SMALL, WHOLE = Size(4, 16, 90, 12, 24), Size(12, 120, 2000, 60, 600, by_worker=True)

Row = dict[str, Any]


@dataclass
class Canaries:
    """What was planted.

    Attributes:
        kinds: of each value, such as elder.name.
        people: all values of the person, by each of them.
        schools: of students and of the contacts of schools, by value.
    """

    kinds: dict[str, set[str]] = field(default_factory=dict)
    people: dict[str, set[str]] = field(default_factory=dict)
    schools: dict[str, str] = field(default_factory=dict)
    _known: dict[tuple[str, str, str], str] = field(default_factory=dict)
    _number: Iterator[int] = field(default_factory=lambda: count(1))

    @property
    def scanner(self) -> Scanner:
        return Scanner(PATTERN, lambda value: value in self.kinds)

    def row(self, register: str, row: Mapping[str, Any]) -> Row:
        """The row with canaries in the place of everything personal."""
        planted, own = dict(row), list[str]()
        if register in OFFICES:
            return planted
        for column in REGISTERS[register].columns:
            name, told = f"{register}.{column.name}", row.get(column.name)
            if (
                told
                and column.kind != "mark"
                and (column.secret or column.kind in {"elder", "id_number"} or name in PROSE)
            ):
                planted[column.name], value = self._planted(_NOUN.get(register, register), column, str(told))
                self.kinds.setdefault(value, set()).add(name)
                own.append(value)
        for value in own:
            if register in {"school", "student"}:
                self.schools[value] = str(row.get("school") or row["code"])
            self.people.setdefault(value, set()).update(own)
        return planted

    def _planted(self, noun: str, column: Column, told: str) -> tuple[str, str]:
        if column.kind in {"elder", "id_number"}:
            return told, told
        value = self._known.setdefault((noun, column.kind, told), "") or self._new(column)
        self._known[noun, column.kind, told] = value
        return (value + told if column.kind == "text" else value), value

    def _new(self, column: Column) -> str:
        number = next(self._number)
        if column.kind == "phone":
            return f"15499{number:06d}"
        if column.kind == "email":
            return f"kz{number:06d}@canary.example"
        if column.kind == "code":
            return f"KZ{number:06d}"
        if column.kind == "account":
            body = f"0077{number:014d}"
            return body + luhn_digit(body)
        return self.word(number)

    def word(self, number: int) -> str:
        """The word of a number, of which no two share both characters."""
        return f"㒲{chr(0x3500 + number % 5000)}{chr(0x3500 + number * 7 % 5000)}"

    def some(self) -> list[str]:
        """One value of each kind, each of somebody else."""
        return [next(value for value, kinds in self.kinds.items() if kind in kinds) for kind in self.all_kinds()]

    def all_kinds(self) -> list[str]:
        """The kinds that were planted, such as elder.name."""
        return sorted({kind for kinds in self.kinds.values() for kind in kinds})

    def whose(self, values: Iterable[str]) -> set[str]:
        """All values of the people to whom these belong."""
        return {own for value in values for own in self.people.get(value, ())} | set(values)


def plant(database: Database, settings: Settings, secrets: Path, size: Size) -> Canaries:
    """Send the district's files through the importers, enrol its staff, and leave the staff's secrets in a file."""
    planted, made = Canaries(), district(centres=size.centres, cadres=size.cadres)
    known = visits(made, elders=size.elders, helpers=size.helpers, days=60, last=date(2026, 2, 18))
    registers = [*register_rows(made).items(), *visit_rows(known).items()]
    for kind, rows in registers:
        send(database, settings, planted, kind, rows, REGISTERED)
    for kind, rows in payee_rows(known, date(2026, 3, 20), months=2).items():
        send(database, settings, planted, kind, rows, PAID_FROM)
    _enrol(database, settings, planted, made, secrets)
    for kind, rows in _exam(size.students).items():
        send(database, settings, planted, kind, rows, EXAMINED)
    return planted


def send(
    database: Database, settings: Settings, planted: Canaries, kind: str, rows: Iterable[Mapping[str, Any]], at: str
) -> None:
    """Send rows as a csv file through the importer."""
    path = write(planted, kind, rows, settings.folder("inbox") / f"{kind}.csv")
    taken = take_file(database, at_moment(settings, at), kind, path)
    assert taken.rows, kind


def write(planted: Canaries, kind: str, rows: Iterable[Mapping[str, Any]], path: Path) -> Path:
    """Write rows as a csv file with canaries in them."""
    listed = [planted.row(kind, row) for row in rows]
    path.parent.mkdir(mode=0o700, exist_ok=True)
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.DictWriter(file, [*listed[0]])
        writer.writeheader()
        writer.writerows({name: _cell(value) for name, value in row.items()} for row in listed)
    return path


def _cell(value: Any) -> Any:
    return "、".join(value) if isinstance(value, tuple) else value


def _enrol(database: Database, settings: Settings, planted: Canaries, made: District, secrets: Path) -> None:
    chosen, held = at_moment(settings, PAID_FROM), dict[str, str]()
    for one in make_staff(made.seed):
        words = planted.row("cadre", {"name": one.name, "phone": one.phone, "email": one.email})
        staff_desk.add(database, chosen, {"number": one.number, "role": one.role, **words})
        waiting = staff_desk.begin_enrolment(database, chosen, one.number)
        held[one.number] = waiting.secret
        code = pyotp.TOTP(waiting.secret).at(chosen.now())
        staff_desk.finish_enrolment(database, chosen, waiting, code)
    secrets.write_text(json.dumps(held))


def _exam(count: int) -> dict[str, list[Row]]:
    schools = [
        {"code": c, "name": f"第{c}中学", "contact_name": f"联系{c}", "contact_email": f"{c}@x.cn"} for c in "12"
    ]
    students = [
        {"exam": EXAM, "number": str(n), "name": f"考生{n}", "school": str(n % 2 + 1), "class": f"{n % 4}班",
         "track": "physics", "contact_email": f"j{n}@x.cn", "contact_verified": "yes" if n % 6 else "no"}
        for n in range(count)
    ]  # fmt: skip
    return {
        "school": schools,
        "exam": [{"code": EXAM, "name": "高二联考", "date": "2026-04-22", "group": "senior"}],
        "student": students,
        "paper": [{"exam": EXAM, "subject": subject, "full": full} for subject, full in SUBJECTS.items()],
    }


def bad_files(planted: Canaries, folder: Path) -> list[Path]:
    """Write a file for each register in which every cell is wrong: it has what two other columns should have."""
    paths, words = [], planted.some()
    for kind, register in REGISTERS.items():
        cells = {
            column.name: f"{words[at % len(words)]} {words[(at + 3) % len(words)]}"
            for at, column in enumerate(register.columns)
        }
        path = folder / f"{kind}.csv"
        path.parent.mkdir(mode=0o700, exist_ok=True)
        path.write_text(f"{','.join(cells)}\n{','.join(cells.values())}\n", "utf-8-sig")
        paths.append(path)
    return paths


def mark_rows(count: int) -> list[Row]:
    """Everybody's marks."""
    return [
        {"exam": EXAM, "number": str(n), "subject": subject, "mark": (n * 7 + full) % full}
        for n in range(count)
        for subject, full in SUBJECTS.items()
    ]
