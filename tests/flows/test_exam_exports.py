"""Exports of exams end to end: rosters and mark files in, csv out, against counts by hand and plain Python."""

import csv
import json
from collections.abc import Callable, Iterable, Sequence
from fractions import Fraction
from pathlib import Path
from random import Random
from typing import Any

import pytest
from sqlalchemy import select
from sqlmodel import col

from flows import exam_exports
from flows.exam_exports import ITEMS, RELIABILITY, RESULTS, STATS, TooLongForExcel, UnknownExam
from flows.exports import BadWish, Wish, export_file
from flows.settings import settings
from flows.tables import read_sheets
from models.audit import AuditEntry
from models.db import Database
from tests.flows.exams import EXAM, LATER, NOW, exam_office, give, give_marks, mark, student
from tests.flows.test_duty import Office

Table = list[dict[str, str]]


@pytest.fixture
def office(database: Database, tmp_path: Path) -> Office:
    return exam_office(database, tmp_path)


def exported(office: Office, kind: str, exam: str | None = "E1", *, reveal: bool = True) -> Table:
    to = office.folder / "out.csv"
    told = export_file(office.database, settings(), kind, Wish(exam=exam, reveal=reveal), to)
    with to.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    assert told["rows"] == len(rows)
    return rows


def cells(rows: Table, **known: str) -> dict[str, str]:
    """The one row that has these values."""
    (row,) = (row for row in rows if all(row[name] == value for name, value in known.items()))
    return row
