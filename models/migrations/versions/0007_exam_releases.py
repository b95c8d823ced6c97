"""Releases of exams: what was put forward, and a release with all that its figures come from."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_TABLES = ("exam_proposal", "exam_release", "exam_release_student")
_FROZEN = {
    "exam_proposal": "id = NEW.id",
    "exam_release": "id = NEW.id OR (exam_id = NEW.exam_id AND version = NEW.version)",
    "exam_release_student": "release_id = NEW.release_id AND student_id = NEW.student_id",
}
"""Tables whose rows stay as they were written, and by what SQLite knows a row again."""


def upgrade() -> None:
    """Create what releases need; no program before this one ever wrote the release that 0006 made."""
    _drop("exam_release")
    _proposals()
    _releases()
    _students()
    for table in _TABLES:
        _freeze(table, _FROZEN[table])


def downgrade() -> None:
    """Drop it again, and leave the release of 0006."""
    for table in reversed(_TABLES):
        _drop(table)
    op.create_table(
        "exam_release",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("exam_id", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("content_hash", sa.String(), nullable=False),
        sa.Column("last_file_id", sa.Integer(), nullable=False),
        sa.Column("policy_version", sa.Date(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("maker_id", sa.Integer(), nullable=False),
        sa.Column("approver_id", sa.Integer(), nullable=False),
        sa.Column("released_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("approver_id <> maker_id", name=op.f("ck_exam_release_two_people")),
        sa.CheckConstraint("version > 0", name=op.f("ck_exam_release_version")),
        sa.ForeignKeyConstraint(["approver_id"], ["staff.id"], name=op.f("fk_exam_release_approver_id")),
        sa.ForeignKeyConstraint(
            ["exam_id", "last_file_id"], ["exam_file.exam_id", "exam_file.id"], name="fk_exam_release_file"
        ),
        sa.ForeignKeyConstraint(["exam_id"], ["exam.id"], name=op.f("fk_exam_release_exam_id")),
        sa.ForeignKeyConstraint(["maker_id"], ["staff.id"], name=op.f("fk_exam_release_maker_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_exam_release")),
        sa.UniqueConstraint("exam_id", "version", name=op.f("uq_exam_release_exam_id_version")),
    )
    _freeze("exam_release", _FROZEN["exam_release"])


def _drop(table: str) -> None:
    op.drop_table(table)
    if op.get_context().dialect.name == "postgresql":
        op.execute(f"DROP FUNCTION {table}_frozen()")


def _freeze(table: str, known: str) -> None:
    """Refuse every later writing, in the words of models/append_only.py."""
    if op.get_context().dialect.name == "sqlite":
        for what in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER {table}_no_{what.lower()} BEFORE {what} ON {table} "
                f"BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
            )
        again = f"WHEN EXISTS (SELECT 1 FROM {table} WHERE {known})"  # noqa: S608 - our own words
        refusal = f"BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
        op.execute(f"CREATE TRIGGER {table}_no_replace BEFORE INSERT ON {table} {again} {refusal}")
        return
    op.execute(
        f"CREATE OR REPLACE FUNCTION {table}_frozen() RETURNS trigger LANGUAGE plpgsql AS "
        f"$$ BEGIN RAISE EXCEPTION '{table} is append-only' USING ERRCODE = 'integrity_constraint_violation'; END $$"
    )
    op.execute(
        f"CREATE TRIGGER {table}_frozen BEFORE UPDATE OR DELETE ON {table} "
        f"FOR EACH ROW EXECUTE FUNCTION {table}_frozen()"
    )
    op.execute(f"CREATE TRIGGER {table}_kept BEFORE TRUNCATE ON {table} EXECUTE FUNCTION {table}_frozen()")


def _proposals() -> None:
    op.create_table(
        "exam_proposal",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("exam_id", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("content_hash", sa.String(), nullable=False),
        sa.Column("last_file_id", sa.Integer(), nullable=False),
        sa.Column("policy_version", sa.Date(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("despite_held", sa.Boolean(), nullable=False),
        sa.Column("waiting", sa.JSON(), nullable=False),
        sa.Column("maker_id", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("version > 0", name=op.f("ck_exam_proposal_version")),
        sa.CheckConstraint("reason <> ''", name=op.f("ck_exam_proposal_reason")),
        sa.ForeignKeyConstraint(["exam_id"], ["exam.id"], name=op.f("fk_exam_proposal_exam_id")),
        sa.ForeignKeyConstraint(
            ["exam_id", "last_file_id"], ["exam_file.exam_id", "exam_file.id"], name="fk_exam_proposal_file"
        ),
        sa.ForeignKeyConstraint(["maker_id"], ["staff.id"], name=op.f("fk_exam_proposal_maker_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_exam_proposal")),
        sa.UniqueConstraint("id", "exam_id", "version", "maker_id", "content_hash", name="uq_exam_proposal_content"),
    )


def _releases() -> None:
    op.create_table(
        "exam_release",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("exam_id", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("proposal_id", sa.Integer(), nullable=False),
        sa.Column("content_hash", sa.String(), nullable=False),
        sa.Column("last_file_id", sa.Integer(), nullable=False),
        sa.Column("policy_version", sa.Date(), nullable=False),
        sa.Column("policy", sa.JSON(), nullable=False),
        sa.Column("inputs", sa.JSON(), nullable=False),
        sa.Column("students", sa.Integer(), nullable=False),
        sa.Column("figures_hash", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("path", sa.String(), nullable=False),
        sa.Column("maker_id", sa.Integer(), nullable=False),
        sa.Column("approver_id", sa.Integer(), nullable=False),
        sa.Column("released_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("approver_id <> maker_id", name=op.f("ck_exam_release_two_people")),
        sa.CheckConstraint("version > 0", name=op.f("ck_exam_release_version")),
        sa.ForeignKeyConstraint(["approver_id"], ["staff.id"], name=op.f("fk_exam_release_approver_id")),
        sa.ForeignKeyConstraint(
            ["exam_id", "last_file_id"], ["exam_file.exam_id", "exam_file.id"], name="fk_exam_release_file"
        ),
        sa.ForeignKeyConstraint(
            ["proposal_id", "exam_id", "version", "maker_id", "content_hash"],
            [f"exam_proposal.{name}" for name in ("id", "exam_id", "version", "maker_id", "content_hash")],
            name="fk_exam_release_proposal",
        ),
        sa.ForeignKeyConstraint(["exam_id"], ["exam.id"], name=op.f("fk_exam_release_exam_id")),
        sa.ForeignKeyConstraint(["maker_id"], ["staff.id"], name=op.f("fk_exam_release_maker_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_exam_release")),
        sa.UniqueConstraint("exam_id", "id", name=op.f("uq_exam_release_exam_id_id")),
        sa.UniqueConstraint("exam_id", "version", name=op.f("uq_exam_release_exam_id_version")),
        sa.UniqueConstraint("proposal_id", name=op.f("uq_exam_release_proposal_id")),
    )


def _students() -> None:
    op.create_table(
        "exam_release_student",
        sa.Column("release_id", sa.Integer(), nullable=False),
        sa.Column("student_id", sa.Integer(), nullable=False),
        sa.Column("exam_id", sa.Integer(), nullable=False),
        sa.Column("school", sa.String(), nullable=False),
        sa.Column("class_name", sa.String(), nullable=False),
        sa.Column("track", sa.String(), nullable=False),
        sa.CheckConstraint("track IN ('physics', 'history', 'none')", name=op.f("ck_exam_release_student_track")),
        sa.ForeignKeyConstraint(
            ["exam_id", "release_id"],
            ["exam_release.exam_id", "exam_release.id"],
            name="fk_exam_release_student_release",
        ),
        sa.ForeignKeyConstraint(
            ["exam_id", "student_id"], ["student.exam_id", "student.id"], name="fk_exam_release_student_student"
        ),
        sa.PrimaryKeyConstraint("release_id", "student_id", name=op.f("pk_exam_release_student")),
        sqlite_with_rowid=False,
    )
