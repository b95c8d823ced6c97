"""Which columns are sealed is said by the models alone, and SQL sees which values a change of keys has left behind."""

from dataclasses import replace

from sqlalchemy import LargeBinary
from sqlmodel import SQLModel

from models.cadre import Cadre
from models.db import Database
from models.sealed import count_stale, sealed_columns
from models.suites import SM4_GCM

PLAIN = {
    "mark.items", "mark_held.items", "message.variables_hash", "message.request_hash", "attempt.request_hash",
    "link_use.code_hash", "entitlement.person",
}  # fmt: skip
"""Bytes that are no text of anybody: marks by number, keyed hashes, blind indexes."""


def test_every_column_of_bytes_is_sealed_or_an_index_or_known_to_be_plain() -> None:
    sealed = {f"{table}.{name}" for table, names in sealed_columns().items() for name in names}
    held = [column for table in SQLModel.metadata.tables.values() for column in table.c]
    of_bytes = {f"{each.table.name}.{each.name}" for each in held if isinstance(each.type, LargeBinary)}
    assert {name for name in of_bytes - sealed - PLAIN if not name.endswith("_index")} == set()
    assert sealed & PLAIN == set()
    assert {"staff.totp_secret", "bank_file.content", "message.routes", "duty_slot.leader"} <= sealed


def test_sql_counts_what_is_sealed_under_another_key_or_suite(database: Database) -> None:
    old = database.keys
    with database.write() as session:
        ref = "C-7K3Q-9XM2"
        name, phone = (old.seal(f"cadre.{name}", ref, "李") for name in ("name", "phone"))
        session.add(Cadre(district_id=1, number="G1", ref=ref, name=name, phone=phone))
    with database.read() as session:
        assert count_stale(session) == {}
        session.info["keys"] = replace(old, sealing={**old.sealing, 2: b"2" * 32}, current=2)
        assert count_stale(session) == {"cadre.name": 1, "cadre.phone": 1}
        session.info["keys"] = replace(old, suite=SM4_GCM)
        assert count_stale(session) == {"cadre.name": 1, "cadre.phone": 1}
