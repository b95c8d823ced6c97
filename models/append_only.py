"""Tables whose rows, or some of whose columns, nobody may write anew: the database refuses it by triggers."""

from collections.abc import Iterator, Mapping

from sqlalchemy import DDL, event
from sqlmodel import SQLModel


def freeze(frozen: Mapping[str, str], known_by: Mapping[str, str], resealed: Mapping[str, str] | None = None) -> None:
    """Give tables their triggers when they are created.

    Args:
        frozen: table to " OF column, column" where only some columns stay as they were written, else "".
        known_by: table to the condition by which SQLite knows a row again.
        resealed: table to its sealed column, which may change to the same under another key or suite and not else.
    """
    for table, columns in frozen.items():
        for dialect, statement in _freezing(table, columns, known_by[table]):
            made = DDL(statement).execute_if(dialect=dialect)  # type: ignore[no-untyped-call]
            event.listen(SQLModel.metadata.tables[table], "after_create", made)
    for table, column in (resealed or {}).items():
        for dialect, statement in _resealing(table, column):
            made = DDL(statement).execute_if(dialect=dialect)  # type: ignore[no-untyped-call]
            event.listen(SQLModel.metadata.tables[table], "after_create", made)


def _freezing(table: str, columns: str, known_by: str) -> Iterator[tuple[str, str]]:
    """Yield the triggers of a table, as dialect and statement."""
    for name, what in (("update", f"UPDATE{columns}"), ("delete", "DELETE")):
        refusal = f"BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
        yield "sqlite", f"CREATE TRIGGER {table}_no_{name} BEFORE {what} ON {table} {refusal}"
    known = f"WHEN EXISTS (SELECT 1 FROM {table} WHERE {known_by})"  # noqa: S608 - our own words
    yield "sqlite", f"CREATE TRIGGER {table}_no_replace BEFORE INSERT ON {table} {known} {refusal}"
    refusal = f"RAISE EXCEPTION '{table} is append-only' USING ERRCODE = 'integrity_constraint_violation';"
    function = f"CREATE OR REPLACE FUNCTION {table}_frozen() RETURNS trigger LANGUAGE plpgsql AS"
    yield "postgresql", f"{function} $$ BEGIN {refusal} END $$"
    events = f"BEFORE UPDATE{columns} OR DELETE ON {table}"
    yield "postgresql", f"CREATE TRIGGER {table}_frozen {events} FOR EACH ROW EXECUTE FUNCTION {table}_frozen()"
    emptied = f"BEFORE TRUNCATE ON {table}"
    yield "postgresql", f"CREATE TRIGGER {table}_kept {emptied} EXECUTE FUNCTION {table}_frozen()"


def _resealing(table: str, column: str) -> Iterator[tuple[str, str]]:
    """Yield the trigger that lets a value be sealed anew: version and length stay, suite or key differ.

    That what it holds is the same, the database cannot see: a digest in a frozen column says so when it is read.
    """
    new, old = f"NEW.{column}", f"OLD.{column}"
    anew = (
        f"(length({new}) = length({old}) AND substr({new}, 1, 1) = substr({old}, 1, 1) "
        f"AND substr({new}, 2, 3) <> substr({old}, 2, 3)) IS NOT TRUE"
    )
    event = f"CREATE TRIGGER {table}_resealed BEFORE UPDATE OF {column} ON {table}"
    yield "sqlite", f"{event} WHEN {anew} BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
    yield "postgresql", f"{event} FOR EACH ROW WHEN ({anew}) EXECUTE FUNCTION {table}_frozen()"
