"""Joint exams: schools, exams, students, papers and items; files of marks, marks, rows held out, releases."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_TABLES = ("school", "exam", "student", "paper", "paper_item", "exam_file", "mark", "mark_held", "exam_release")
_FROZEN = {
    "exam_file": "id = NEW.id",
    "mark": "paper_id = NEW.paper_id AND student_id = NEW.student_id AND n = NEW.n",
    "mark_held": "id = NEW.id OR (file_id = NEW.file_id AND row = NEW.row)",
    "exam_release": "id = NEW.id OR (exam_id = NEW.exam_id AND version = NEW.version)",
}
"""Tables whose rows stay as they were written, and by what SQLite knows a row again."""


def upgrade() -> None:
    """Create what exams need."""
    _entered()
    _marks()
    for table, known in _FROZEN.items():
        _freeze(table, known)


def downgrade() -> None:
    """Drop it again."""
    for table in reversed(_TABLES):
        op.drop_table(table)
    if op.get_context().dialect.name == "postgresql":
        for table in _FROZEN:
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


def _entered() -> None:
    op.create_table(
        "school",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("district_id", sa.Integer(), nullable=False),
        sa.Column("ref", sa.String(), nullable=False),
        sa.Column("code", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("contact_name", sa.LargeBinary(), nullable=True),
        sa.Column("contact_email", sa.LargeBinary(), nullable=True),
        sa.ForeignKeyConstraint(["district_id"], ["district.id"], name=op.f("fk_school_district_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_school")),
        sa.UniqueConstraint("district_id", "code", name=op.f("uq_school_district_id_code")),
        sa.UniqueConstraint("ref", name=op.f("uq_school_ref")),
    )
    op.create_table(
        "exam",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("district_id", sa.Integer(), nullable=False),
        sa.Column("code", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("held_on", sa.Date(), nullable=False),
        sa.Column("school_group", sa.String(), nullable=False),
        sa.Column("compare_with_id", sa.Integer(), nullable=True),
        sa.CheckConstraint("school_group IN ('central', 'senior')", name=op.f("ck_exam_school_group")),
        sa.CheckConstraint("compare_with_id <> id", name=op.f("ck_exam_compare_with")),
        sa.ForeignKeyConstraint(["compare_with_id"], ["exam.id"], name=op.f("fk_exam_compare_with_id")),
        sa.ForeignKeyConstraint(["district_id"], ["district.id"], name=op.f("fk_exam_district_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_exam")),
        sa.UniqueConstraint("district_id", "code", name=op.f("uq_exam_district_id_code")),
    )
    op.create_table(
        "student",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("exam_id", sa.Integer(), nullable=False),
        sa.Column("number", sa.String(), nullable=False),
        sa.Column("ref", sa.String(), nullable=False),
        sa.Column("name", sa.LargeBinary(), nullable=False),
        sa.Column("school_id", sa.Integer(), nullable=False),
        sa.Column("class_name", sa.String(), nullable=False),
        sa.Column("track", sa.String(), nullable=False),
        sa.Column("contact_email", sa.LargeBinary(), nullable=True),
        sa.Column("contact_verified", sa.Boolean(), nullable=False),
        sa.CheckConstraint("track IN ('physics', 'history', 'none')", name=op.f("ck_student_track")),
        sa.CheckConstraint(
            "NOT contact_verified OR contact_email IS NOT NULL", name=op.f("ck_student_contact_verified")
        ),
        sa.ForeignKeyConstraint(["exam_id"], ["exam.id"], name=op.f("fk_student_exam_id")),
        sa.ForeignKeyConstraint(["school_id"], ["school.id"], name=op.f("fk_student_school_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_student")),
        sa.UniqueConstraint("exam_id", "id", name=op.f("uq_student_exam_id_id")),
        sa.UniqueConstraint("exam_id", "number", name=op.f("uq_student_exam_id_number")),
        sa.UniqueConstraint("ref", name=op.f("uq_student_ref")),
    )
    op.create_index("ix_student_school_id", "student", ["school_id"], unique=False)
    op.create_table(
        "paper",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("exam_id", sa.Integer(), nullable=False),
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("full_marks", sa.Integer(), nullable=False),
        sa.Column("scaled", sa.Boolean(), nullable=False),
        sa.Column("scale", sa.Integer(), nullable=False),
        sa.CheckConstraint("full_marks > 0", name=op.f("ck_paper_full_marks")),
        sa.CheckConstraint("scale IN (2, 10)", name=op.f("ck_paper_scale")),
        sa.ForeignKeyConstraint(["exam_id"], ["exam.id"], name=op.f("fk_paper_exam_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_paper")),
        sa.UniqueConstraint("exam_id", "id", name=op.f("uq_paper_exam_id_id")),
        sa.UniqueConstraint("exam_id", "subject", name=op.f("uq_paper_exam_id_subject")),
    )
    op.create_table(
        "paper_item",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("paper_id", sa.Integer(), nullable=False),
        sa.Column("code", sa.String(), nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.Column("full_marks", sa.Integer(), nullable=False),
        sa.Column("point", sa.String(), nullable=False),
        sa.CheckConstraint("full_marks > 0 AND full_marks <= 30000", name=op.f("ck_paper_item_full_marks")),
        sa.CheckConstraint("place > 0", name=op.f("ck_paper_item_place")),
        sa.ForeignKeyConstraint(["paper_id"], ["paper.id"], name=op.f("fk_paper_item_paper_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_paper_item")),
        sa.UniqueConstraint("paper_id", "code", name=op.f("uq_paper_item_paper_id_code")),
        sa.UniqueConstraint("paper_id", "place", name=op.f("uq_paper_item_paper_id_place")),
    )


def _marks() -> None:
    op.create_table(
        "exam_file",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("exam_id", sa.Integer(), nullable=False),
        sa.Column("school_id", sa.Integer(), nullable=True),
        sa.Column("sha256", sa.String(), nullable=False),
        sa.Column("kept", sa.Integer(), nullable=False),
        sa.Column("unchanged", sa.Integer(), nullable=False),
        sa.Column("refused", sa.Integer(), nullable=False),
        sa.Column("held", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor", sa.String(), nullable=False),
        sa.CheckConstraint(
            "kept >= 0 AND unchanged >= 0 AND refused >= 0 AND held >= 0", name=op.f("ck_exam_file_counts")
        ),
        sa.ForeignKeyConstraint(["exam_id"], ["exam.id"], name=op.f("fk_exam_file_exam_id")),
        sa.ForeignKeyConstraint(["school_id"], ["school.id"], name=op.f("fk_exam_file_school_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_exam_file")),
        sa.UniqueConstraint("exam_id", "id", name=op.f("uq_exam_file_exam_id_id")),
    )
    op.create_index("ix_exam_file_exam_id_school_id", "exam_file", ["exam_id", "school_id"], unique=False)
    op.create_table(
        "mark",
        sa.Column("paper_id", sa.Integer(), nullable=False),
        sa.Column("student_id", sa.Integer(), nullable=False),
        sa.Column("n", sa.Integer(), nullable=False),
        sa.Column("exam_id", sa.Integer(), nullable=False),
        sa.Column("file_id", sa.Integer(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("mark", sa.Integer(), nullable=True),
        sa.Column("items", sa.LargeBinary(), nullable=True),
        sa.Column("options", sa.String(), nullable=True),
        sa.CheckConstraint("(status = 'valid') = (mark IS NOT NULL)", name=op.f("ck_mark_valid")),
        sa.CheckConstraint("status = 'valid' OR (items IS NULL AND options IS NULL)", name=op.f("ck_mark_items")),
        sa.CheckConstraint("status IN ('valid', 'absent', 'violation', 'exempt')", name=op.f("ck_mark_status")),
        sa.CheckConstraint("mark >= 0", name=op.f("ck_mark_mark")),
        sa.CheckConstraint("n > 0", name=op.f("ck_mark_n")),
        sa.ForeignKeyConstraint(["exam_id", "file_id"], ["exam_file.exam_id", "exam_file.id"], name="fk_mark_file"),
        sa.ForeignKeyConstraint(["exam_id", "paper_id"], ["paper.exam_id", "paper.id"], name="fk_mark_paper"),
        sa.ForeignKeyConstraint(["exam_id", "student_id"], ["student.exam_id", "student.id"], name="fk_mark_student"),
        sa.PrimaryKeyConstraint("paper_id", "student_id", "n", name=op.f("pk_mark")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "mark_held",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("exam_id", sa.Integer(), nullable=False),
        sa.Column("file_id", sa.Integer(), nullable=False),
        sa.Column("row", sa.Integer(), nullable=False),
        sa.Column("paper_id", sa.Integer(), nullable=False),
        sa.Column("number", sa.String(), nullable=False),
        sa.Column("student_id", sa.Integer(), nullable=True),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("mark", sa.Integer(), nullable=True),
        sa.Column("items", sa.LargeBinary(), nullable=True),
        sa.Column("options", sa.String(), nullable=True),
        sa.Column("reason", sa.String(), nullable=False),
        sa.CheckConstraint("(reason = 'off_roster') = (student_id IS NULL)", name=op.f("ck_mark_held_student")),
        sa.CheckConstraint("reason IN ('off_roster', 'wrong_school', 'conflict')", name=op.f("ck_mark_held_reason")),
        sa.CheckConstraint("status IN ('valid', 'absent', 'violation', 'exempt')", name=op.f("ck_mark_held_status")),
        sa.ForeignKeyConstraint(
            ["exam_id", "file_id"], ["exam_file.exam_id", "exam_file.id"], name="fk_mark_held_file"
        ),
        sa.ForeignKeyConstraint(["exam_id", "paper_id"], ["paper.exam_id", "paper.id"], name="fk_mark_held_paper"),
        sa.ForeignKeyConstraint(
            ["exam_id", "student_id"], ["student.exam_id", "student.id"], name="fk_mark_held_student"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_mark_held")),
        sa.UniqueConstraint("file_id", "row", name=op.f("uq_mark_held_file_id_row")),
    )
    op.create_index("ix_mark_held_paper_id_student_id", "mark_held", ["paper_id", "student_id"], unique=False)
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
