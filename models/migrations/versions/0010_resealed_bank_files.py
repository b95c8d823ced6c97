"""The content of a bank file may be sealed under another key or suite, and changed in no other way."""

from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

_WAS = " OF ref, batch_id, part, content, sha256, count, fen, frozen_at"
_IS = " OF ref, batch_id, part, sha256, count, fen, frozen_at"
_SEALED_ANEW = (
    "(length(NEW.content) = length(OLD.content) AND substr(NEW.content, 1, 1) = substr(OLD.content, 1, 1) "
    "AND substr(NEW.content, 2, 3) <> substr(OLD.content, 2, 3)) IS NOT TRUE"
)


def upgrade() -> None:
    """Let a value be sealed anew, in the words of models/append_only.py."""
    _frozen(_IS)
    if op.get_context().dialect.name == "sqlite":
        refusal = "BEGIN SELECT RAISE(ABORT, 'bank_file is append-only'); END"
        event = "BEFORE UPDATE OF content ON bank_file"
        op.execute(f"CREATE TRIGGER bank_file_resealed {event} WHEN {_SEALED_ANEW} {refusal}")
    else:
        op.execute(
            "CREATE TRIGGER bank_file_resealed BEFORE UPDATE OF content ON bank_file "
            f"FOR EACH ROW WHEN ({_SEALED_ANEW}) EXECUTE FUNCTION bank_file_frozen()"
        )


def downgrade() -> None:
    """Freeze the column whole."""
    on = "" if op.get_context().dialect.name == "sqlite" else " ON bank_file"
    op.execute(f"DROP TRIGGER bank_file_resealed{on}")
    _frozen(_WAS)


def _frozen(columns: str) -> None:
    if op.get_context().dialect.name == "sqlite":
        op.execute("DROP TRIGGER bank_file_no_update")
        refusal = "BEGIN SELECT RAISE(ABORT, 'bank_file is append-only'); END"
        op.execute(f"CREATE TRIGGER bank_file_no_update BEFORE UPDATE{columns} ON bank_file {refusal}")
        return
    op.execute("DROP TRIGGER bank_file_frozen ON bank_file")
    op.execute(
        f"CREATE TRIGGER bank_file_frozen BEFORE UPDATE{columns} OR DELETE ON bank_file "
        "FOR EACH ROW EXECUTE FUNCTION bank_file_frozen()"
    )
