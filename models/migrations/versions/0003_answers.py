"""Answers: what links have done, SMS replies, swaps that were refused."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

UNREAD = "meaning = 'other' AND read_at IS NULL"


def upgrade() -> None:
    op.create_table(
        "link_use",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("code_hash", sa.LargeBinary(), nullable=False),
        sa.Column("step", sa.String(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_link_use")),
        sa.UniqueConstraint("code_hash", "step", name=op.f("uq_link_use_code_hash_step")),
    )
    op.create_table(
        "reply",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("provider", sa.String(), nullable=False),
        sa.Column("reply_id", sa.String(), nullable=False),
        sa.Column("address_index", sa.LargeBinary(), nullable=False),
        sa.Column("recipient", sa.String(), nullable=True),
        sa.Column("text", sa.LargeBinary(), nullable=True),
        sa.Column("meaning", sa.String(), nullable=False),
        sa.Column("outcome", sa.String(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("read_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("meaning IN ('ack', 'optout', 'other')", name=op.f("ck_reply_meaning")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reply")),
        sa.UniqueConstraint("provider", "reply_id", name=op.f("uq_reply_provider_reply_id")),
    )
    op.create_index("ix_reply_unread", "reply", ["id"], sqlite_where=sa.text(UNREAD), postgresql_where=sa.text(UNREAD))
    _swap_states("'asked', 'done'", "'asked', 'done', 'refused'")


def downgrade() -> None:
    op.execute("UPDATE duty_swap SET state = 'asked' WHERE state = 'refused'")
    _swap_states("'asked', 'done', 'refused'", "'asked', 'done'")
    op.drop_index("ix_reply_unread", table_name="reply", sqlite_where=sa.text(UNREAD), postgresql_where=sa.text(UNREAD))
    op.drop_table("reply")
    op.drop_table("link_use")


def _swap_states(before: str, after: str) -> None:
    """SQLite rebuilds the table, and SQLAlchemy does not read CHECKs back: the table as it stands is told."""
    with op.batch_alter_table("duty_swap", copy_from=_swap(before)) as batch:
        batch.drop_constraint(op.f("ck_duty_swap_state"), type_="check")
        batch.create_check_constraint(op.f("ck_duty_swap_state"), f"state IN ({after})")


def _swap(states: str) -> sa.Table:
    cadres = ("cadre_a_id", "cadre_b_id", "confirmed_a_id", "confirmed_b_id")
    key = ("centre_id", "date_a", "cadre_a_id", "date_b", "cadre_b_id")
    return sa.Table(
        "duty_swap",
        sa.MetaData(),
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("centre_id", sa.Integer(), nullable=False),
        sa.Column("date_a", sa.Date(), nullable=False),
        sa.Column("cadre_a_id", sa.Integer(), nullable=False),
        sa.Column("date_b", sa.Date(), nullable=False),
        sa.Column("cadre_b_id", sa.Integer(), nullable=False),
        sa.Column("confirmed_a_id", sa.Integer(), nullable=True),
        sa.Column("confirmed_b_id", sa.Integer(), nullable=True),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("done_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "state <> 'done' OR (confirmed_a_id IS NOT NULL AND confirmed_b_id IS NOT NULL)",
            name=op.f("ck_duty_swap_consent"),
        ),
        sa.CheckConstraint(f"state IN ({states})", name=op.f("ck_duty_swap_state")),
        sa.CheckConstraint("date_a <> date_b AND cadre_a_id <> cadre_b_id", name=op.f("ck_duty_swap_two")),
        sa.ForeignKeyConstraint(["centre_id"], ["centre.id"], name=op.f("fk_duty_swap_centre_id")),
        *(sa.ForeignKeyConstraint([each], ["cadre.id"], name=op.f(f"fk_duty_swap_{each}")) for each in cadres),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_duty_swap")),
        sa.UniqueConstraint(*key, name=op.f("uq_duty_swap_centre_id_date_a_cadre_a_id_date_b_cadre_b_id")),
    )
