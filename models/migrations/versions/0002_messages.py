"""Messages that people can rely on: classes, routes, calls, receipts, providers, what people want."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_CHANNELS = "channel IN ('email', 'sms', 'robot', 'call')"
_CHANNELS_BEFORE = "channel IN ('email', 'sms', 'call')"
_NEW = {
    "channel": _CHANNELS,
    "kind": "kind IN ('notice', 'urgent', 'payment', 'promotional')",
    "audience": "audience IN ('staff', 'public')",
    "call": "channel <> 'call' OR state NOT IN ('claimed', 'sending', 'unknown')",
}
_OUTCOMES = "outcome IN ('accepted', 'rejected', 'defer', 'stop', 'unknown', 'absent', 'delivered', 'undeliverable')"
_OUTCOMES_BEFORE = "outcome IN ('accepted', 'rejected', 'defer', 'stop', 'unknown')"
_AWAITED = "state IN ('accepted', 'unknown') AND channel = 'sms'"
_UNREDACTED = "redacted_at IS NULL AND finished_at IS NOT NULL"


def _columns() -> tuple[sa.Column[Any], ...]:
    return (
        sa.Column("kind", sa.String(), nullable=False, server_default="notice"),
        sa.Column("audience", sa.String(), nullable=False, server_default="staff"),
        sa.Column("routes", sa.LargeBinary(), nullable=True),
        sa.Column("follows", sa.Integer(), nullable=True),
        sa.Column("enclosures", sa.LargeBinary(), nullable=True),
        sa.Column("call_id", sa.String(), nullable=True),
        sa.Column("flown_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("redacted_at", sa.DateTime(timezone=True), nullable=True),
    )


def upgrade() -> None:
    """Widen messages and add what stands beside them."""
    op.drop_index(op.f("ix_message_address_index"), table_name="message")
    with op.batch_alter_table("message") as batch:
        for column in _columns():
            batch.add_column(column)
        batch.create_foreign_key(op.f("fk_message_follows"), "message", ["follows"], ["id"])
        batch.drop_constraint(op.f("ck_message_channel"), type_="check")
        for name, condition in _NEW.items():
            batch.create_check_constraint(op.f(f"ck_message_{name}"), condition)
    with op.batch_alter_table("message") as batch:
        batch.alter_column("kind", server_default=None)
        batch.alter_column("audience", server_default=None)
    _message_indexes()
    _swap_check("attempt", "outcome", _OUTCOMES)
    _opt_out()
    _tables()


def _opt_out() -> None:
    """Whoever opted out stays so; one who ends it and opts out again has two rows."""
    with op.batch_alter_table("opt_out") as batch:
        batch.add_column(sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True))
        batch.drop_constraint(op.f("uq_opt_out_channel_address_index"), type_="unique")
    _swap_check("opt_out", "channel", _CHANNELS)
    stands = sa.text("ended_at IS NULL")
    _index("uq_opt_out_standing", "opt_out", ["channel", "address_index"], stands, unique=True)


def _tables() -> None:
    op.create_table(
        "channel_preference",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("recipient", sa.String(), nullable=False),
        sa.Column("channels", sa.String(), nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_channel_preference")),
        sa.UniqueConstraint("recipient", name=op.f("uq_channel_preference_recipient")),
    )
    op.create_table(
        "enclosed_file",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_enclosed_file")),
        sa.UniqueConstraint("digest", name=op.f("uq_enclosed_file_digest")),
    )
    op.create_table(
        "provider_state",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("provider", sa.String(), nullable=False),
        sa.Column("template", sa.String(), nullable=False),
        sa.Column("full_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=True),
        sa.Column("resume_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("code", sa.String(), nullable=True),
        sa.CheckConstraint("failures >= 0", name=op.f("ck_provider_state_failures")),
        sa.CheckConstraint("(failures = 0) = (since IS NULL)", name=op.f("ck_provider_state_since")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_provider_state")),
        sa.UniqueConstraint("provider", "template", name=op.f("uq_provider_state_provider_template")),
    )
    op.create_table(
        "sending_day",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("channel", sa.String(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("messages", sa.Integer(), nullable=False),
        sa.CheckConstraint(_CHANNELS, name=op.f("ck_sending_day_channel")),
        sa.CheckConstraint("messages >= 0", name=op.f("ck_sending_day_messages")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sending_day")),
        sa.UniqueConstraint("channel", "day", name=op.f("uq_sending_day_channel_day")),
    )
    op.create_table(
        "receipt",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("provider", sa.String(), nullable=False),
        sa.Column("provider_ref", sa.String(), nullable=False),
        sa.Column("address_index", sa.LargeBinary(), nullable=False),
        sa.Column("call_id", sa.String(), nullable=True),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("code", sa.String(), nullable=True),
        sa.Column("blocked", sa.Boolean(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("told_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("settled_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("state IN ('delivered', 'undeliverable')", name=op.f("ck_receipt_state")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_receipt")),
        sa.UniqueConstraint(
            "provider", "provider_ref", "address_index", name=op.f("uq_receipt_provider_provider_ref_address_index")
        ),
    )
    _index("ix_receipt_unsettled", "receipt", ["provider"], sa.text("settled_at IS NULL"))


def _message_indexes() -> None:
    op.create_index(op.f("ix_message_follows"), "message", ["follows"])
    op.create_index("ix_message_provider_provider_ref", "message", ["provider", "provider_ref"])
    op.create_index("ix_message_address_index_flown_at", "message", ["address_index", "flown_at"])
    _index("ix_message_awaited", "message", ["provider", "flown_at", "id"], sa.text(_AWAITED))
    _index("ix_message_unredacted", "message", ["finished_at"], sa.text(_UNREDACTED))


def _index(name: str, table: str, columns: list[str], where: sa.TextClause, *, unique: bool = False) -> None:
    op.create_index(name, table, columns, unique=unique, sqlite_where=where, postgresql_where=where)


def _swap_check(table: str, name: str, condition: str) -> None:
    with op.batch_alter_table(table) as batch:
        batch.drop_constraint(op.f(f"ck_{table}_{name}"), type_="check")
        batch.create_check_constraint(op.f(f"ck_{table}_{name}"), condition)


def downgrade() -> None:
    """Go back to the first schema; robots' messages, receipts and what people want are lost."""
    for table in ("receipt", "sending_day", "provider_state", "enclosed_file", "channel_preference", "opt_out"):
        op.drop_table(table)
    op.create_table(
        "opt_out",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("channel", sa.String(), nullable=False),
        sa.Column("address_index", sa.LargeBinary(), nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(_CHANNELS_BEFORE, name=op.f("ck_opt_out_channel")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_opt_out")),
        sa.UniqueConstraint("channel", "address_index", name=op.f("uq_opt_out_channel_address_index")),
    )
    op.execute("DELETE FROM attempt WHERE outcome IN ('absent', 'delivered', 'undeliverable')")
    _swap_check("attempt", "outcome", _OUTCOMES_BEFORE)
    op.execute("DELETE FROM attempt WHERE message_id IN (SELECT id FROM message WHERE channel = 'robot')")
    op.execute("UPDATE message SET follows = NULL")
    op.execute("DELETE FROM message WHERE channel = 'robot'")
    for name in ("unredacted", "awaited", "address_index_flown_at", "provider_provider_ref", "follows"):
        op.drop_index(f"ix_message_{name}", table_name="message")
    with op.batch_alter_table("message") as batch:
        for name in _NEW:
            batch.drop_constraint(op.f(f"ck_message_{name}"), type_="check")
        batch.create_check_constraint(op.f("ck_message_channel"), _CHANNELS_BEFORE)
        batch.drop_constraint(op.f("fk_message_follows"), type_="foreignkey")
        for column in _columns():
            batch.drop_column(column.name)
    op.create_index(op.f("ix_message_address_index"), "message", ["address_index"])
