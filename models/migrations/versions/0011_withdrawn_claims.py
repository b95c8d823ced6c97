"""A claim that turned out wrong can be withdrawn, and a later one raised on the same payment."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.schema import SchemaItem

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """One standing claim a payment in place of one at all."""
    with op.batch_alter_table(
        "receivable", copy_from=_receivable(sa.UniqueConstraint("payment_id", name=op.f("uq_receivable_payment_id")))
    ) as batch:
        batch.drop_constraint(op.f("uq_receivable_payment_id"), type_="unique")
        batch.add_column(sa.Column("withdrawn_at", sa.DateTime(timezone=True), nullable=True))
        batch.add_column(sa.Column("withdrawn_by", sa.String(), nullable=True))
        batch.create_check_constraint(
            op.f("ck_receivable_withdrawn"), "(withdrawn_at IS NULL) = (withdrawn_by IS NULL)"
        )
        batch.create_check_constraint(op.f("ck_receivable_one_end"), "settled_at IS NULL OR withdrawn_at IS NULL")
    stands = sa.text("withdrawn_at IS NULL")
    op.create_index(
        "uq_receivable_standing",
        "receivable",
        ["payment_id"],
        unique=True,
        sqlite_where=stands,
        postgresql_where=stands,
    )
    op.create_index("ix_receivable_payment_id", "receivable", ["payment_id"])


def downgrade() -> None:
    """Withdrawn claims go: what they moved in the ledger was moved back."""
    op.execute("DELETE FROM receivable WHERE withdrawn_at IS NOT NULL")
    op.drop_index("ix_receivable_payment_id", "receivable")
    op.drop_index("uq_receivable_standing", "receivable")
    with op.batch_alter_table(
        "receivable",
        copy_from=_receivable(
            sa.Column("withdrawn_at", sa.DateTime(timezone=True), nullable=True),
            sa.Column("withdrawn_by", sa.String(), nullable=True),
            sa.CheckConstraint("(withdrawn_at IS NULL) = (withdrawn_by IS NULL)", name=op.f("ck_receivable_withdrawn")),
            sa.CheckConstraint("settled_at IS NULL OR withdrawn_at IS NULL", name=op.f("ck_receivable_one_end")),
        ),
    ) as batch:
        batch.drop_constraint(op.f("ck_receivable_withdrawn"), type_="check")
        batch.drop_constraint(op.f("ck_receivable_one_end"), type_="check")
        batch.drop_column("withdrawn_by")
        batch.drop_column("withdrawn_at")
        batch.create_unique_constraint(op.f("uq_receivable_payment_id"), ["payment_id"])


def _receivable(*more: SchemaItem) -> sa.Table:
    """The table as it stands; SQLAlchemy does not read CHECKs back."""
    return sa.Table(
        "receivable",
        sa.MetaData(),
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("payment_id", sa.Integer(), nullable=False),
        sa.Column("fen", sa.Integer(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("raised_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("settled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("settled_by", sa.String(), nullable=True),
        sa.CheckConstraint(
            "reason IN ('dead', 'moved_out', 'not_owed', 'paid_twice')", name=op.f("ck_receivable_reason")
        ),
        sa.CheckConstraint("fen > 0 AND fen = CAST(fen AS BIGINT)", name=op.f("ck_receivable_fen")),
        sa.ForeignKeyConstraint(["payment_id"], ["payment.id"], name=op.f("fk_receivable_payment_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_receivable")),
        *more,
    )
