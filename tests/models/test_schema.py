"""The schema: migrations and metadata make the same, on both databases, and every step can be taken back."""

import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, inspect, text
from sqlmodel import SQLModel

from models import schema, tables
from models.db import open_engine
from tests.clones import Clones

assert tables
KINDS = ("sqlite", "postgresql")
HEAD = schema.head()
REBUILD = f"""
import sqlalchemy as sa
from alembic import op

revision, down_revision, branch_labels, depends_on = "next", "{HEAD}", None, None


def upgrade() -> None:
    with op.batch_alter_table("district") as batch:  # SQLite can only rebuild the table for this
        batch.alter_column("name", existing_type=sa.String(), nullable=True)


def downgrade() -> None:
    with op.batch_alter_table("district") as batch:
        batch.alter_column("name", existing_type=sa.String(), nullable=False)
"""


@pytest.fixture(params=KINDS)
def engine(request: pytest.FixtureRequest, fresh_url: Callable[[str], str]) -> Iterator[Engine]:
    opened = open_engine(fresh_url(request.param))
    yield opened
    opened.dispose()


@pytest.fixture
def next_revision(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sqlite_template: Path, postgres_clones: Clones
) -> Iterator[None]:
    del sqlite_template, postgres_clones  # they are made before there is a next revision
    folder = tmp_path / "migrations"
    shutil.copytree(schema._FOLDER, folder, ignore=shutil.ignore_patterns("__pycache__"))
    (folder / "versions" / "next.py").write_text(REBUILD)
    monkeypatch.setattr(schema, "_FOLDER", folder)
    schema.history.cache_clear()
    yield
    schema.history.cache_clear()


def _clauses(sql: str) -> list[str]:
    """Split CREATE TABLE at its commas: columns and constraints, whatever their order and spacing."""
    plain, options, _ = " ".join(sql.replace('"', "").split()).partition(" WITHOUT ROWID")
    head, _, body = plain.partition("(")
    parts, depth = [""], 0
    for letter in body.rstrip(") "):
        depth += (letter == "(") - (letter == ")")
        if letter == "," and not depth:
            parts.append("")
        else:
            parts[-1] += letter
    closed = [part.strip() + ")" * (part.count("(") - part.count(")")) for part in parts]
    return [head.strip() + options, *sorted(re.sub(r"\s*([(),])\s*", r"\1", part) for part in closed)]


def _sqlite(engine: Engine) -> dict[str, object]:
    query = "SELECT type, name, tbl_name, sql FROM sqlite_master WHERE name NOT IN ('alembic_version')"
    with engine.connect() as connection:
        rows = connection.exec_driver_sql(query).all()
    return {name: (kind, table, _clauses(sql or "")) for kind, name, table, sql in rows if "alembic" not in name}


def _postgres(engine: Engine) -> dict[str, object]:
    columns = """SELECT table_name, column_name, data_type, is_nullable, column_default FROM information_schema.columns
        WHERE table_schema = 'public' AND table_name <> 'alembic_version'"""
    constraints = """SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint
        WHERE connamespace = 'public'::regnamespace AND conrelid::regclass::text <> 'alembic_version'"""
    indexes = "SELECT tablename, indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'"
    with engine.connect() as connection:
        found = [row for query in (columns, constraints, indexes) for row in connection.execute(text(query))]
    return {f"{table}.{name}": tuple(rest) for table, name, *rest in found if table != "alembic_version"}


def _schema(engine: Engine) -> dict[str, object]:
    return _sqlite(engine) if engine.dialect.name == "sqlite" else _postgres(engine)


def test_migrations_make_the_schema_that_the_models_declare(engine: Engine) -> None:
    migrated = _schema(engine)
    schema.downgrade(engine, "base")
    SQLModel.metadata.create_all(engine)
    declared = _schema(engine)
    assert migrated.keys() == declared.keys()
    assert {name: (migrated[name], declared[name]) for name in declared if migrated[name] != declared[name]} == {}


@pytest.mark.parametrize(
    "promise",
    [
        pytest.param("ck_duty_slot_gap", id="a CHECK"),
        pytest.param("ix_message_open", id="a partial index"),
        pytest.param("uq_duty_slot_cadre_day", id="a unique index"),
        pytest.param("fk_duty_slot_cadre_id", id="a foreign key"),
    ],
)
def test_the_comparison_sees_checks_and_partial_indexes(engine: Engine, promise: str) -> None:
    told = str(_schema(engine))
    assert promise in told
    assert re.search(r"ix_message_open.*WHERE", told)


def test_going_down_to_base_leaves_nothing_and_going_up_again_works(engine: Engine) -> None:
    before = _schema(engine)
    schema.downgrade(engine, "base")
    assert set(inspect(engine).get_table_names()) == {"alembic_version"}
    schema.upgrade(engine)
    assert _schema(engine) == before
    assert schema.revision(engine) == schema.head()


def test_there_is_one_head_and_history_begins_with_it() -> None:
    assert ScriptDirectory.from_config(schema._config()).get_heads() == [schema.head()]
    assert schema.history()[-1] == "0001"


def test_tables_of_a_stranger_are_told_from_an_empty_database(tmp_path: Path) -> None:
    opened = open_engine(f"sqlite:///{tmp_path / 'other.db'}")
    assert schema.revision(opened) is None
    with opened.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE theirs (id INTEGER)")
    assert schema.revision(opened) == schema.UNVERSIONED
    opened.dispose()


def test_asking_for_the_revision_does_not_wait_for_a_writer(fresh_url: Callable[[str], str]) -> None:
    writer, reader = (open_engine(url) for url in [fresh_url("sqlite")] * 2)
    with writer.begin() as connection:
        connection.exec_driver_sql("UPDATE district SET name = name")
        assert schema.revision(reader) == schema.head()
    writer.dispose()
    reader.dispose()


@pytest.mark.usefixtures("next_revision")
def test_rebuilding_a_table_keeps_the_rows_that_refer_to_it(engine: Engine) -> None:
    with engine.begin() as connection:
        connection.exec_driver_sql("INSERT INTO subdistrict (district_id, ref, name) VALUES (1, 'S-1', '马街')")
    schema.upgrade(engine)
    assert schema.revision(engine) == "next"
    with engine.begin() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM subdistrict").scalar() == 1
        if engine.dialect.name == "sqlite":
            assert connection.exec_driver_sql("PRAGMA foreign_keys").scalar() == 1
    schema.downgrade(engine, HEAD)
    assert schema.revision(engine) == HEAD


@pytest.mark.usefixtures("next_revision")
def test_a_migration_that_fails_changes_nothing(engine: Engine) -> None:
    version = schema._FOLDER / "versions" / "next.py"
    version.write_text(REBUILD.replace("def downgrade", "    raise ZeroDivisionError\n\n\ndef downgrade"))
    before = _schema(engine)
    with pytest.raises(ZeroDivisionError):
        schema.upgrade(engine)
    assert (_schema(engine), schema.revision(engine)) == (before, HEAD)
