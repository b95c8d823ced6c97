"""Tables whose rows, or some of whose columns, nobody may write anew: the database refuses it by triggers."""

from collections.abc import Iterator, Mapping

from sqlalchemy import DDL, event
from sqlmodel import SQLModel


def freeze(frozen: Mapping[str, str], known_by: Mapping[str, str]) -> None:
    """Give tables their triggers when they are created.

    Args:
        frozen: table to " OF column, column" where only some columns stay as they were written, else "".
        known_by: table to the condition by which SQLite knows a row again.
    """
    for table, columns in frozen.items():
        for dialect, statement in _freezing(table, columns, known_by[table]):
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
