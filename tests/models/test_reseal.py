"""Sealing anew: every table by its reference, what others wrote meanwhile stays, bank files change in no other way."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import JSON, Boolean, Date, Integer, LargeBinary, insert, select, text, update
from sqlalchemy.exc import DBAPIError
from sqlmodel import Session, SQLModel

from models import reseal as module
from models.cadre import Cadre
from models.db import Database, Instant
from models.reseal import reseal
from models.seal import HEAD, KeyRing
from models.sealed import count_stale, sealed_columns
from models.suites import SM4_GCM
from tests.models.test_money_constraints import TOWN, put, run

REFERENCES = {
    "bank_file": "ref-1", "cadre": "ref-1", "elder": "ref-1", "helper": "ref-1", "school": "ref-1", "staff": "ref-1",
    "student": "ref-1", "subdistrict": "ref-1", "message": "dedupe_key-1", "enclosed_file": "digest-1",
    "reply": "provider-1:reply_id-1", "payee_account": "ref-1", "visit_contact": "ref-1", "objection": "ref-1",
    "issue_event": "number-1", "duty_slot": "code-1/2026-03-01", "duty_handover": "code-1/2026-03-01",
}  # fmt: skip
"""The reference of the row that `_any_row` makes, in the words of the code that seals it."""


def _nobody(_: Session) -> None:
    """A rotation that nobody takes over."""


def _newer(keys: KeyRing, **change: Any) -> KeyRing:
    return replace(keys, sealing={**keys.sealing, 2: b"2" * 32}, current=2, source=None, **change)


def _any_row(table: Any, sealed: dict[str, bytes]) -> dict[str, Any]:
    """A row of number 1 in everything, with its checks left aside."""
    kinds = {
        Instant: datetime(2026, 3, 1, tzinfo=UTC), Date: date(2026, 3, 1), Boolean: True, LargeBinary: b"x", JSON: {},
        Integer: 1,
    }  # fmt: skip
    row = {c.name: next((value for kind, value in kinds.items() if isinstance(c.type, kind)), None) for c in table.c}
    return {name: f"{name}-1" if value is None else value for name, value in row.items()} | sealed


def test_every_sealed_table_has_the_reference_that_its_values_were_sealed_for(tmp_path: Path) -> None:
    old = KeyRing({1: b"1" * 32}, 1, b"i" * 32, b"a" * 32)
    database = Database(f"sqlite:///{tmp_path / 'all.db'}", old)
    SQLModel.metadata.create_all(database.engine)
    tables, columns = SQLModel.metadata.tables, sealed_columns()
    assert columns.keys() == REFERENCES.keys()
    with database.engine.connect() as connection:
        for pragma in ("foreign_keys=OFF", "ignore_check_constraints=ON"):  # not through SQLAlchemy: it would begin
            connection.connection.cursor().execute(f"PRAGMA {pragma}")
        for name in [*columns, "centre", "issue"]:
            told = {c: old.seal_bytes(f"{name}.{c}", REFERENCES[name], c.encode()) for c in columns.get(name, [])}
            connection.execute(insert(tables[name]).values(_any_row(tables[name], told)))
        connection.commit()
    database._keys = _newer(old, suite=SM4_GCM)
    assert reseal(database, _nobody) == (len(columns), Counter())
    with database.read() as session:
        assert count_stale(session) == {}
        for name, names in columns.items():
            for each, cell in zip(
                names, session.execute(select(*(tables[name].c[n] for n in names))).one(), strict=True
            ):
                assert database.keys.open(f"{name}.{each}", REFERENCES[name], cell) == each
    database.close()


@pytest.fixture
def staff(database: Database) -> Iterator[Database]:
    """Seven cadres under key 1, a database that seals with key 2, three rows a batch."""
    old = database.keys
    with database.write() as session:
        for n in range(7):
            name, phone = (old.seal(f"cadre.{each}", f"C-{n}", f"{each}{n}") for each in ("name", "phone"))
            session.add(Cadre(district_id=1, number=f"G{n}", ref=f"C-{n}", name=name, phone=phone))
    database._keys = _newer(old)
    yield database
    database._keys = old


def _phones(database: Database) -> list[str]:
    with database.read() as session:
        rows = session.execute(select(Cadre.ref, Cadre.phone).order_by(Cadre.ref)).all()  # type: ignore[call-overload]
    return [database.keys.open("cadre.phone", ref, phone) for ref, phone in rows]


def test_what_was_corrected_between_reading_and_writing_stays(staff: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "ROWS", 3)
    whole, old = module._put_back, replace(staff.keys, current=1)
    corrected = iter([("C-1", staff.keys), ("C-4", old)])

    def late(session: Session, *args: Any) -> int:
        """Somebody was faster: once with the new key, once still with the old one."""
        for ref, keys in [each for each in [next(corrected, None)] if each]:
            phone = keys.seal("cadre.phone", ref, "corrected")
            session.execute(update(Cadre).where(Cadre.ref == ref).values(phone=phone))  # type: ignore[arg-type]
        return whole(session, *args)

    monkeypatch.setattr(module, "_put_back", late)
    assert reseal(staff, _nobody)[0] == 5
    with staff.read() as session:
        assert count_stale(session) == {"cadre.name": 2, "cadre.phone": 1}
    assert reseal(staff, _nobody)[0] == 2
    assert _phones(staff) == ["phone0", "corrected", "phone2", "phone3", "corrected", "phone5", "phone6"]


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)  # SQLite has one writer
def test_a_row_that_is_locked_is_left_for_the_next_pass(staff: Database) -> None:
    other = Database(staff.engine.url.render_as_string(hide_password=False), staff.keys)
    with other.write() as session:
        session.execute(text("UPDATE cadre SET number = number WHERE ref = 'C-3'"))
        assert reseal(staff, _nobody)[0] == 6
    other.close()
    assert reseal(staff, _nobody)[0] == 1


def test_what_does_not_open_is_counted_and_stays_and_hinders_nothing_else(staff: Database) -> None:
    with staff.write() as session:
        lost = replace(staff.keys, sealing={9: b"9" * 32}, current=9).seal("cadre.name", "C-2", "lost")
        moved = replace(staff.keys, current=1).seal("cadre.name", "C-6", "moved")
        for ref, name in (("C-2", lost), ("C-3", moved)):
            session.execute(update(Cadre).where(Cadre.ref == ref).values(name=name))  # type: ignore[arg-type]
    assert reseal(staff, _nobody) == (7, Counter({"cadre.name": 2}))
    with staff.read() as session:
        assert count_stale(session) == {"cadre.name": 2}
        assert session.scalar(select(Cadre.name).where(Cadre.ref == "C-2")) == lost  # type: ignore[call-overload]


ENVELOPE = HEAD.pack(1, 1, 1) + b"n" * 12 + b"content" + b"t" * 16


SEALED_ANEW = {
    "another key": HEAD.pack(1, 1, 2) + b"other" * 7,
    "another suite": HEAD.pack(1, 2, 2) + b"other" * 7,
}
CHANGED = {
    "the same again": ENVELOPE,
    "other bytes under the same key": ENVELOPE[:-1] + b"x",
    "another version": HEAD.pack(2, 1, 2) + b"other" * 7,
    "longer": HEAD.pack(1, 1, 2) + b"longer" * 7,
    "the head alone": HEAD.pack(1, 1, 2),
    "empty": b"",
    "nothing": None,
}


def test_a_bank_file_can_be_sealed_anew_and_changed_in_no_other_way(database: Database) -> None:
    for table, row in TOWN:
        put(database, table, {**row, "content": ENVELOPE} if table == "bank_file" else row)
    change = "UPDATE bank_file SET content = :content"
    for content in CHANGED.values():
        with pytest.raises(DBAPIError, match=r"append-only|NOT NULL|null value"):
            run(database, change, {"content": content})
    for content in SEALED_ANEW.values():
        assert len(content) == len(ENVELOPE)
        with pytest.raises(DBAPIError, match="append-only"):
            run(database, change + ", sha256 = 'other'", {"content": content})
        assert run(database, change, {"content": content}) == 1
