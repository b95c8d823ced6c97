"""What an approval bound and what an attempt was to pay: columns that nobody may write anew."""

from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

_FROZEN = {
    "approval": " OF batch_id, maker_id, approver_id, content_hash, people, fen, path, at",
    "payment": " OF entitlement_id, n, key, file_id, account_id, fen",
}
_KNOWN_BY = {
    "approval": "id = NEW.id",
    "payment": "id = NEW.id OR key = NEW.key OR (entitlement_id = NEW.entitlement_id AND n = NEW.n)",
}


def upgrade() -> None:
    """Freeze the columns, in the words of models/append_only.py."""
    for table, columns in _FROZEN.items():
        _freeze(table, columns)


def downgrade() -> None:
    """Let them be written again."""
    for table in _FROZEN:
        if op.get_context().dialect.name == "sqlite":
            for name in ("update", "delete", "replace"):
                op.execute(f"DROP TRIGGER {table}_no_{name}")
            continue
        for name in ("frozen", "kept"):
            op.execute(f"DROP TRIGGER {table}_{name} ON {table}")
        op.execute(f"DROP FUNCTION {table}_frozen()")


def _freeze(table: str, columns: str) -> None:
    if op.get_context().dialect.name == "sqlite":
        refusal = f"BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
        for name, what in (("update", f"UPDATE{columns}"), ("delete", "DELETE")):
            op.execute(f"CREATE TRIGGER {table}_no_{name} BEFORE {what} ON {table} {refusal}")
        known = f"WHEN EXISTS (SELECT 1 FROM {table} WHERE {_KNOWN_BY[table]})"  # noqa: S608 - our own words
        op.execute(f"CREATE TRIGGER {table}_no_replace BEFORE INSERT ON {table} {known} {refusal}")
        return
    op.execute(
        f"CREATE OR REPLACE FUNCTION {table}_frozen() RETURNS trigger LANGUAGE plpgsql AS "
        f"$$ BEGIN RAISE EXCEPTION '{table} is append-only' USING ERRCODE = 'integrity_constraint_violation'; END $$"
    )
    op.execute(
        f"CREATE TRIGGER {table}_frozen BEFORE UPDATE{columns} OR DELETE ON {table} "
        f"FOR EACH ROW EXECUTE FUNCTION {table}_frozen()"
    )
    op.execute(f"CREATE TRIGGER {table}_kept BEFORE TRUNCATE ON {table} EXECUTE FUNCTION {table}_frozen()")
