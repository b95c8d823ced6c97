"""Festival allowances: staff, accounts, cycles, entitlements, payments, the ledger, and what keeps its history."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_TABLES = (
    "staff",
    "payee_account",
    "certification",
    "allowance_cycle",
    "allowance_budget",
    "allowance_batch",
    "allowance_report",
    "entitlement",
    "entitlement_change",
    "exclusion",
    "objection",
    "approval",
    "bank_file",
    "payment",
    "payment_change",
    "bank_line",
    "payment_verdict",
    "receivable",
    "ledger_transfer",
)

_FROZEN = {
    "bank_file": " OF ref, batch_id, part, content, sha256, count, fen, frozen_at",
    "ledger_transfer": "",
    "payment_change": "",
}
"""Tables whose rows, or some of whose columns, stay as they were written."""
_KNOWN_BY = {
    "bank_file": "id = NEW.id OR ref = NEW.ref OR (batch_id = NEW.batch_id AND part = NEW.part)",
    "ledger_transfer": "id = NEW.id OR (document = NEW.document AND cycle_id = NEW.cycle_id AND kind = NEW.kind)",
    "payment_change": "id = NEW.id",
}


_SIX = "category IN ('alone', 'empty_nest', 'left_behind', 'disabled', 'severely_handicapped', 'bereaved_family')"
_SEVEN = _SIX.replace(")", ", 'destitute')")


def upgrade() -> None:
    """Create what allowances need."""
    _categories(_SEVEN)
    _people()
    _cycles()
    _entitled()
    _payments()
    for table, columns in _FROZEN.items():
        _freeze(table, columns)


def downgrade() -> None:
    """Drop it again; elders keep no category that the register did not know."""
    op.execute("DELETE FROM elder_category WHERE category = 'destitute'")
    _categories(_SIX)
    for table in reversed(_TABLES):
        op.drop_table(table)
    if op.get_context().dialect.name == "postgresql":
        for table in _FROZEN:
            op.execute(f"DROP FUNCTION {table}_frozen()")


def _categories(allowed: str) -> None:
    with op.batch_alter_table("elder_category") as batch:
        batch.drop_constraint(op.f("ck_elder_category_category"), type_="check")
        batch.create_check_constraint(op.f("ck_elder_category_category"), allowed)


def _freeze(table: str, columns: str) -> None:
    """Refuse every later writing, in the words of models/payment.py."""
    if op.get_context().dialect.name == "sqlite":
        for name, what in (("update", f"UPDATE{columns}"), ("delete", "DELETE")):
            op.execute(
                f"CREATE TRIGGER {table}_no_{name} BEFORE {what} ON {table} "
                f"BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
            )
        op.execute(
            f"CREATE TRIGGER {table}_no_replace BEFORE INSERT ON {table} "  # noqa: S608 - our own words
            f"WHEN EXISTS (SELECT 1 FROM {table} WHERE {_KNOWN_BY[table]}) "
            f"BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
        )
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


def _people() -> None:
    op.create_table(
        "staff",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("district_id", sa.Integer(), nullable=False),
        sa.Column("number", sa.String(), nullable=False),
        sa.Column("ref", sa.String(), nullable=False),
        sa.Column("name", sa.LargeBinary(), nullable=False),
        sa.Column("phone", sa.LargeBinary(), nullable=True),
        sa.Column("email", sa.LargeBinary(), nullable=True),
        sa.Column("role", sa.String(), nullable=False),
        sa.Column("until", sa.Date(), nullable=True),
        sa.Column("totp_secret", sa.LargeBinary(), nullable=True),
        sa.Column("enrolled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("totp_counter", sa.Integer(), nullable=False),
        sa.Column("form_failures", sa.Integer(), nullable=False),
        sa.Column("form_locked_until", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("role IN ('maker', 'approver', 'both')", name=op.f("ck_staff_role")),
        sa.CheckConstraint("(totp_secret IS NULL) = (enrolled_at IS NULL)", name=op.f("ck_staff_enrolled")),
        sa.CheckConstraint("form_failures >= 0", name=op.f("ck_staff_failures")),
        sa.ForeignKeyConstraint(["district_id"], ["district.id"], name=op.f("fk_staff_district_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_staff")),
        sa.UniqueConstraint("district_id", "number", name=op.f("uq_staff_district_id_number")),
        sa.UniqueConstraint("ref", name=op.f("uq_staff_ref")),
    )
    op.create_table(
        "payee_account",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("elder_id", sa.Integer(), nullable=False),
        sa.Column("since", sa.Date(), nullable=False),
        sa.Column("bank", sa.String(), nullable=False),
        sa.Column("account", sa.LargeBinary(), nullable=False),
        sa.Column("holder", sa.LargeBinary(), nullable=False),
        sa.Column("tail", sa.String(), nullable=False),
        sa.Column("account_index", sa.LargeBinary(), nullable=False),
        sa.Column("card_index", sa.LargeBinary(), nullable=False),
        sa.Column("proxy_name", sa.LargeBinary(), nullable=True),
        sa.Column("proxy_reason", sa.String(), nullable=True),
        sa.Column("proxy_document", sa.LargeBinary(), nullable=True),
        sa.Column("proxy_until", sa.Date(), nullable=True),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor", sa.String(), nullable=False),
        sa.CheckConstraint(
            "(proxy_name IS NULL) = (proxy_document IS NULL)", name=op.f("ck_payee_account_proxy_document")
        ),
        sa.CheckConstraint("(proxy_name IS NULL) = (proxy_reason IS NULL)", name=op.f("ck_payee_account_proxy_reason")),
        sa.CheckConstraint("(proxy_name IS NULL) = (proxy_until IS NULL)", name=op.f("ck_payee_account_proxy_until")),
        sa.ForeignKeyConstraint(["elder_id"], ["elder.id"], name=op.f("fk_payee_account_elder_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_payee_account")),
        sa.UniqueConstraint(
            "elder_id", "since", "recorded_at", name=op.f("uq_payee_account_elder_id_since_recorded_at")
        ),
    )
    op.create_index("ix_payee_account_card_index", "payee_account", ["card_index"], unique=False)
    op.create_table(
        "certification",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("elder_id", sa.Integer(), nullable=False),
        sa.Column("certified_on", sa.Date(), nullable=False),
        sa.Column("method", sa.String(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["elder_id"], ["elder.id"], name=op.f("fk_certification_elder_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_certification")),
        sa.UniqueConstraint("elder_id", "certified_on", name=op.f("uq_certification_elder_id_certified_on")),
    )


def _cycles() -> None:
    op.create_table(
        "allowance_cycle",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("district_id", sa.Integer(), nullable=False),
        sa.Column("programme", sa.String(), nullable=False),
        sa.Column("period", sa.String(), nullable=False),
        sa.Column("as_of", sa.Date(), nullable=False),
        sa.Column("version", sa.Date(), nullable=False),
        sa.Column("notice", sa.String(), nullable=False),
        sa.Column("registered", sa.Integer(), nullable=False),
        sa.Column("entitled", sa.Integer(), nullable=False),
        sa.Column("excluded", sa.Integer(), nullable=False),
        sa.Column("not_of_age", sa.Integer(), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("opened_by", sa.String(), nullable=False),
        sa.CheckConstraint("registered = entitled + excluded + not_of_age", name=op.f("ck_allowance_cycle_complete")),
        sa.ForeignKeyConstraint(["district_id"], ["district.id"], name=op.f("fk_allowance_cycle_district_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_allowance_cycle")),
        sa.UniqueConstraint(
            "district_id", "programme", "period", name=op.f("uq_allowance_cycle_district_id_programme_period")
        ),
    )
    op.create_table(
        "allowance_budget",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("district_id", sa.Integer(), nullable=False),
        sa.Column("programme", sa.String(), nullable=False),
        sa.Column("period", sa.String(), nullable=False),
        sa.Column("fen", sa.BigInteger(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor", sa.String(), nullable=False),
        sa.CheckConstraint("fen >= 0 AND fen = CAST(fen AS BIGINT)", name=op.f("ck_allowance_budget_fen")),
        sa.ForeignKeyConstraint(["district_id"], ["district.id"], name=op.f("fk_allowance_budget_district_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_allowance_budget")),
        sa.UniqueConstraint(
            "district_id", "programme", "period", name=op.f("uq_allowance_budget_district_id_programme_period")
        ),
    )
    op.create_table(
        "allowance_batch",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("ref", sa.String(), nullable=False),
        sa.Column("district_id", sa.Integer(), nullable=False),
        sa.Column("programme", sa.String(), nullable=False),
        sa.Column("period", sa.String(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_by", sa.String(), nullable=False),
        sa.Column("maker_id", sa.Integer(), nullable=True),
        sa.Column("notice_from", sa.Date(), nullable=True),
        sa.Column("notice_until", sa.Date(), nullable=True),
        sa.Column("content_hash", sa.String(), nullable=True),
        sa.Column("released_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "(state = 'released') = (released_at IS NOT NULL)", name=op.f("ck_allowance_batch_released")
        ),
        sa.CheckConstraint("kind IN ('plan', 'supplement', 'reissue')", name=op.f("ck_allowance_batch_kind")),
        sa.CheckConstraint(
            "state IN ('planned', 'notice', 'approved', 'released', 'dropped')", name=op.f("ck_allowance_batch_state")
        ),
        sa.CheckConstraint(
            "state NOT IN ('approved', 'released') OR content_hash IS NOT NULL", name=op.f("ck_allowance_batch_hashed")
        ),
        sa.CheckConstraint(
            "state NOT IN ('notice', 'approved', 'released') OR maker_id IS NOT NULL",
            name=op.f("ck_allowance_batch_made"),
        ),
        sa.CheckConstraint("(notice_from IS NULL) = (notice_until IS NULL)", name=op.f("ck_allowance_batch_notice")),
        sa.CheckConstraint("notice_until >= notice_from", name=op.f("ck_allowance_batch_notice_order")),
        sa.ForeignKeyConstraint(["district_id"], ["district.id"], name=op.f("fk_allowance_batch_district_id")),
        sa.ForeignKeyConstraint(["maker_id"], ["staff.id"], name=op.f("fk_allowance_batch_maker_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_allowance_batch")),
        sa.UniqueConstraint(
            "district_id",
            "programme",
            "period",
            "number",
            name=op.f("uq_allowance_batch_district_id_programme_period_number"),
        ),
        sa.UniqueConstraint("id", "maker_id", name=op.f("uq_allowance_batch_id_maker_id")),
        sa.UniqueConstraint("ref", name=op.f("uq_allowance_batch_ref")),
    )
    op.create_table(
        "allowance_report",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("cycle_id", sa.Integer(), nullable=False),
        sa.Column("sha256", sa.String(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("figures", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(["cycle_id"], ["allowance_cycle.id"], name=op.f("fk_allowance_report_cycle_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_allowance_report")),
        sa.UniqueConstraint("cycle_id", "sha256", name=op.f("uq_allowance_report_cycle_id_sha256")),
    )


def _entitled() -> None:
    op.create_table(
        "entitlement",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("cycle_id", sa.Integer(), nullable=False),
        sa.Column("batch_id", sa.Integer(), nullable=False),
        sa.Column("programme", sa.String(), nullable=False),
        sa.Column("period", sa.String(), nullable=False),
        sa.Column("person", sa.LargeBinary(), nullable=False),
        sa.Column("elder_id", sa.Integer(), nullable=False),
        sa.Column("community_id", sa.Integer(), nullable=False),
        sa.Column("band", sa.String(), nullable=False),
        sa.Column("fen", sa.Integer(), nullable=False),
        sa.Column("version", sa.Date(), nullable=False),
        sa.Column("notice", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("cancel_reason", sa.String(), nullable=True),
        sa.CheckConstraint(
            "(state = 'cancelled') = (cancel_reason IS NOT NULL)", name=op.f("ck_entitlement_cancelled")
        ),
        sa.CheckConstraint(
            "cancel_reason IN ('dead', 'moved_out', 'objection', 'proxy_expired', 'no_account', 'mistaken')",
            name=op.f("ck_entitlement_cancel_reason"),
        ),
        sa.CheckConstraint("state IN ('live', 'cancelled')", name=op.f("ck_entitlement_state")),
        sa.CheckConstraint("fen > 0 AND fen = CAST(fen AS BIGINT)", name=op.f("ck_entitlement_fen")),
        sa.ForeignKeyConstraint(["batch_id"], ["allowance_batch.id"], name=op.f("fk_entitlement_batch_id")),
        sa.ForeignKeyConstraint(["community_id"], ["community.id"], name=op.f("fk_entitlement_community_id")),
        sa.ForeignKeyConstraint(["cycle_id"], ["allowance_cycle.id"], name=op.f("fk_entitlement_cycle_id")),
        sa.ForeignKeyConstraint(["elder_id"], ["elder.id"], name=op.f("fk_entitlement_elder_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_entitlement")),
        sa.UniqueConstraint("id", "fen", name=op.f("uq_entitlement_id_fen")),
        sa.UniqueConstraint("programme", "period", "person", name=op.f("uq_entitlement_programme_period_person")),
    )
    op.create_index("ix_entitlement_batch_id", "entitlement", ["batch_id"], unique=False)
    op.create_index("ix_entitlement_cycle_id", "entitlement", ["cycle_id"], unique=False)
    op.create_index("ix_entitlement_elder_id", "entitlement", ["elder_id"], unique=False)
    op.create_table(
        "entitlement_change",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("entitlement_id", sa.Integer(), nullable=False),
        sa.Column("what", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor", sa.String(), nullable=False),
        sa.CheckConstraint(
            "what IN ('cancelled', 'restored', 'moved', 'adjusted')", name=op.f("ck_entitlement_change_what")
        ),
        sa.ForeignKeyConstraint(
            ["entitlement_id"], ["entitlement.id"], name=op.f("fk_entitlement_change_entitlement_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_entitlement_change")),
    )
    op.create_index("ix_entitlement_change_entitlement_id", "entitlement_change", ["entitlement_id"], unique=False)
    op.create_table(
        "exclusion",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("cycle_id", sa.Integer(), nullable=False),
        sa.Column("elder_id", sa.Integer(), nullable=False),
        sa.Column("community_id", sa.Integer(), nullable=False),
        sa.Column("band", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("lifted_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "reason IN ('dead', 'moved_out', 'hukou_other', 'hukou_unknown', 'not_applied', 'not_certified', 'no_account', 'proxy_expired', 'other_programme', 'duplicate')",
            name=op.f("ck_exclusion_reason"),
        ),
        sa.ForeignKeyConstraint(["community_id"], ["community.id"], name=op.f("fk_exclusion_community_id")),
        sa.ForeignKeyConstraint(["cycle_id"], ["allowance_cycle.id"], name=op.f("fk_exclusion_cycle_id")),
        sa.ForeignKeyConstraint(["elder_id"], ["elder.id"], name=op.f("fk_exclusion_elder_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_exclusion")),
    )
    op.create_index("ix_exclusion_elder_id", "exclusion", ["elder_id"], unique=False)
    op.create_index(
        "uq_exclusion_standing",
        "exclusion",
        ["cycle_id", "elder_id"],
        unique=True,
        sqlite_where=sa.text("lifted_at IS NULL"),
        postgresql_where=sa.text("lifted_at IS NULL"),
    )
    op.create_table(
        "objection",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("cycle_id", sa.Integer(), nullable=False),
        sa.Column("elder_id", sa.Integer(), nullable=False),
        sa.Column("raised_on", sa.Date(), nullable=False),
        sa.Column("text", sa.LargeBinary(), nullable=False),
        sa.Column("upheld", sa.Boolean(), nullable=True),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("actor", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["cycle_id"], ["allowance_cycle.id"], name=op.f("fk_objection_cycle_id")),
        sa.ForeignKeyConstraint(["elder_id"], ["elder.id"], name=op.f("fk_objection_elder_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_objection")),
        sa.UniqueConstraint("cycle_id", "elder_id", "raised_on", name=op.f("uq_objection_cycle_id_elder_id_raised_on")),
    )
    op.create_table(
        "approval",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("batch_id", sa.Integer(), nullable=False),
        sa.Column("maker_id", sa.Integer(), nullable=False),
        sa.Column("approver_id", sa.Integer(), nullable=False),
        sa.Column("content_hash", sa.String(), nullable=False),
        sa.Column("people", sa.Integer(), nullable=False),
        sa.Column("fen", sa.BigInteger(), nullable=False),
        sa.Column("path", sa.String(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("withdrawn_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("path IN ('form', 'cli')", name=op.f("ck_approval_path")),
        sa.CheckConstraint("approver_id <> maker_id", name=op.f("ck_approval_two_persons")),
        sa.ForeignKeyConstraint(["approver_id"], ["staff.id"], name=op.f("fk_approval_approver_id")),
        sa.ForeignKeyConstraint(
            ["batch_id", "maker_id"], ["allowance_batch.id", "allowance_batch.maker_id"], name="fk_approval_maker"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_approval")),
    )
    op.create_index(
        "uq_approval_standing",
        "approval",
        ["batch_id", "approver_id"],
        unique=True,
        sqlite_where=sa.text("withdrawn_at IS NULL"),
        postgresql_where=sa.text("withdrawn_at IS NULL"),
    )


def _payments() -> None:
    op.create_table(
        "bank_file",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("ref", sa.String(), nullable=False),
        sa.Column("batch_id", sa.Integer(), nullable=False),
        sa.Column("part", sa.Integer(), nullable=False),
        sa.Column("form", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("sha256", sa.String(), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("fen", sa.BigInteger(), nullable=False),
        sa.Column("frozen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("count > 0 AND fen > 0 AND fen = CAST(fen AS BIGINT)", name=op.f("ck_bank_file_totals")),
        sa.ForeignKeyConstraint(["batch_id"], ["allowance_batch.id"], name=op.f("fk_bank_file_batch_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_bank_file")),
        sa.UniqueConstraint("batch_id", "part", name=op.f("uq_bank_file_batch_id_part")),
        sa.UniqueConstraint("ref", name=op.f("uq_bank_file_ref")),
    )
    op.create_table(
        "payment",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("entitlement_id", sa.Integer(), nullable=False),
        sa.Column("n", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("file_id", sa.Integer(), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("fen", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=True),
        sa.Column("booked_on", sa.Date(), nullable=True),
        sa.CheckConstraint("(state = 'returned') = (reason IS NOT NULL)", name=op.f("ck_payment_reason")),
        sa.CheckConstraint("(state IN ('paid', 'returned')) = (booked_on IS NOT NULL)", name=op.f("ck_payment_booked")),
        sa.CheckConstraint("state IN ('frozen', 'sent', 'paid', 'returned', 'unknown')", name=op.f("ck_payment_state")),
        sa.CheckConstraint("n > 0 AND fen > 0", name=op.f("ck_payment_positive")),
        sa.ForeignKeyConstraint(["account_id"], ["payee_account.id"], name=op.f("fk_payment_account_id")),
        sa.ForeignKeyConstraint(
            ["entitlement_id", "fen"], ["entitlement.id", "entitlement.fen"], name="fk_payment_entitlement"
        ),
        sa.ForeignKeyConstraint(["file_id"], ["bank_file.id"], name=op.f("fk_payment_file_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_payment")),
        sa.UniqueConstraint("entitlement_id", "n", name=op.f("uq_payment_entitlement_id_n")),
        sa.UniqueConstraint("key", name=op.f("uq_payment_key")),
    )
    op.create_index("ix_payment_file_id", "payment", ["file_id"], unique=False)
    op.create_index(
        "uq_payment_live",
        "payment",
        ["entitlement_id"],
        unique=True,
        sqlite_where=sa.text("state <> 'returned'"),
        postgresql_where=sa.text("state <> 'returned'"),
    )
    op.create_table(
        "payment_change",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("payment_id", sa.Integer(), nullable=False),
        sa.Column("before", sa.String(), nullable=False),
        sa.Column("after", sa.String(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["payment_id"], ["payment.id"], name=op.f("fk_payment_change_payment_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_payment_change")),
    )
    op.create_index("ix_payment_change_payment_id", "payment_change", ["payment_id"], unique=False)
    op.create_table(
        "bank_line",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("district_id", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("fen", sa.BigInteger(), nullable=False),
        sa.Column("result", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("booked_on", sa.Date(), nullable=False),
        sa.Column("repeat", sa.Integer(), nullable=False),
        sa.Column("payment_id", sa.Integer(), nullable=True),
        sa.Column("finding", sa.String(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor", sa.String(), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("closed_by", sa.String(), nullable=True),
        sa.Column("closing", sa.String(), nullable=True),
        sa.CheckConstraint(
            "finding IN ('matched', 'unknown_key', 'amount', 'double', 'contradiction', 'paid_after_reissue')",
            name=op.f("ck_bank_line_finding"),
        ),
        sa.CheckConstraint("result IN ('paid', 'returned')", name=op.f("ck_bank_line_result")),
        sa.CheckConstraint("(closed_at IS NULL) = (closed_by IS NULL)", name=op.f("ck_bank_line_closed")),
        sa.ForeignKeyConstraint(["district_id"], ["district.id"], name=op.f("fk_bank_line_district_id")),
        sa.ForeignKeyConstraint(["payment_id"], ["payment.id"], name=op.f("fk_bank_line_payment_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_bank_line")),
        sa.UniqueConstraint(
            "district_id",
            "key",
            "fen",
            "result",
            "booked_on",
            "repeat",
            name=op.f("uq_bank_line_district_id_key_fen_result_booked_on_repeat"),
        ),
    )
    op.create_index(
        "ix_bank_line_open",
        "bank_line",
        ["district_id"],
        unique=False,
        sqlite_where=sa.text("finding <> 'matched' AND closed_at IS NULL"),
        postgresql_where=sa.text("finding <> 'matched' AND closed_at IS NULL"),
    )
    op.create_table(
        "payment_verdict",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("payment_id", sa.Integer(), nullable=False),
        sa.Column("staff_id", sa.Integer(), nullable=False),
        sa.Column("result", sa.String(), nullable=False),
        sa.Column("booked_on", sa.Date(), nullable=False),
        sa.Column("evidence", sa.String(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("result IN ('paid', 'returned')", name=op.f("ck_payment_verdict_result")),
        sa.ForeignKeyConstraint(["payment_id"], ["payment.id"], name=op.f("fk_payment_verdict_payment_id")),
        sa.ForeignKeyConstraint(["staff_id"], ["staff.id"], name=op.f("fk_payment_verdict_staff_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_payment_verdict")),
        sa.UniqueConstraint("payment_id", "staff_id", name=op.f("uq_payment_verdict_payment_id_staff_id")),
    )
    op.create_table(
        "receivable",
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
        sa.UniqueConstraint("payment_id", name=op.f("uq_receivable_payment_id")),
    )
    # ### end Alembic commands ###
    op.create_table(
        "ledger_transfer",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("cycle_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("debit", sa.String(), nullable=False),
        sa.Column("credit", sa.String(), nullable=False),
        sa.Column("fen", sa.BigInteger(), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("document", sa.String(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor", sa.String(), nullable=False),
        sa.CheckConstraint(
            "credit IN ('treasury', 'budget', 'committed', 'in_transit', 'paid', 'returned', 'receivable')",
            name=op.f("ck_ledger_transfer_credit"),
        ),
        sa.CheckConstraint(
            "debit IN ('treasury', 'budget', 'committed', 'in_transit', 'paid', 'returned', 'receivable')",
            name=op.f("ck_ledger_transfer_debit"),
        ),
        sa.CheckConstraint(
            "kind IN ('budget', 'commit', 'withdraw', 'release', 'paid', 'returned', 'reissue', 'given_up', 'claim', 'double', 'recovered')",
            name=op.f("ck_ledger_transfer_kind"),
        ),
        sa.CheckConstraint("debit <> credit", name=op.f("ck_ledger_transfer_two_accounts")),
        sa.CheckConstraint("fen > 0 AND fen = CAST(fen AS BIGINT)", name=op.f("ck_ledger_transfer_fen")),
        sa.ForeignKeyConstraint(["cycle_id"], ["allowance_cycle.id"], name=op.f("fk_ledger_transfer_cycle_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ledger_transfer")),
        sa.UniqueConstraint("document", "cycle_id", "kind", name=op.f("uq_ledger_transfer_document_cycle_id_kind")),
    )
    op.create_index("ix_ledger_transfer_cycle_id", "ledger_transfer", ["cycle_id"], unique=False)
