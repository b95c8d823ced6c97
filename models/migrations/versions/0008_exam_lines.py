"""Lines of joint exams 上线."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the register of lines."""
    op.create_table(
        "exam_line",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("exam_id", sa.Integer(), nullable=False),
        sa.Column("track", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("tenths", sa.Integer(), nullable=True),
        sa.Column("places", sa.Integer(), nullable=True),
        sa.CheckConstraint("(tenths IS NULL) <> (places IS NULL)", name=op.f("ck_exam_line_one_of_two")),
        sa.CheckConstraint("places > 0", name=op.f("ck_exam_line_places")),
        sa.CheckConstraint("tenths > 0", name=op.f("ck_exam_line_tenths")),
        sa.CheckConstraint("track IN ('physics', 'history', 'none')", name=op.f("ck_exam_line_track")),
        sa.ForeignKeyConstraint(["exam_id"], ["exam.id"], name=op.f("fk_exam_line_exam_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_exam_line")),
        sa.UniqueConstraint("exam_id", "track", "name", name=op.f("uq_exam_line_exam_id_track_name")),
    )


def downgrade() -> None:
    """Drop it again."""
    op.drop_table("exam_line")
