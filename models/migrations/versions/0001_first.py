"""The first schema: districts, cadres, duty, jobs, messages, audit."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create everything."""
    op.create_table(
        "audit_entry",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("district", sa.String(), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor", sa.String(), nullable=False),
        sa.Column("action", sa.String(), nullable=False),
        sa.Column("detail", sa.JSON(), nullable=False),
        sa.Column("previous", sa.String(), nullable=False),
        sa.Column("mac", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_entry")),
        sa.UniqueConstraint("district", "seq", name=op.f("uq_audit_entry_district_seq")),
    )
    op.create_table(
        "audit_head",
        sa.Column("district", sa.String(), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("mac", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("district", name=op.f("pk_audit_head")),
    )
    op.create_table(
        "district",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("code", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_district")),
        sa.UniqueConstraint("code", name=op.f("uq_district_code")),
    )
    op.create_table(
        "job_run",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("job", sa.String(), nullable=False),
        sa.Column("run_key", sa.String(), nullable=False),
        sa.Column("partition", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("token", sa.Integer(), nullable=False),
        sa.Column("owner", sa.String(), nullable=False),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("result", sa.JSON(), nullable=True),
        sa.CheckConstraint("state IN ('running', 'done', 'failed')", name=op.f("ck_job_run_state")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_job_run")),
        sa.UniqueConstraint("job", "run_key", "partition", name=op.f("uq_job_run_job_run_key_partition")),
    )
    op.create_table(
        "message",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("dedupe_key", sa.String(), nullable=False),
        sa.Column("channel", sa.String(), nullable=False),
        sa.Column("template", sa.String(), nullable=False),
        sa.Column("template_version", sa.Integer(), nullable=False),
        sa.Column("language", sa.String(), nullable=False),
        sa.Column("district", sa.String(), nullable=False),
        sa.Column("recipient", sa.String(), nullable=False),
        sa.Column("address", sa.LargeBinary(), nullable=True),
        sa.Column("address_index", sa.LargeBinary(), nullable=True),
        sa.Column("variables", sa.LargeBinary(), nullable=True),
        sa.Column("variables_hash", sa.LargeBinary(), nullable=False),
        sa.Column("priority", sa.Integer(), nullable=False),
        sa.Column("not_before", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("lease_owner", sa.String(), nullable=True),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("request", sa.LargeBinary(), nullable=True),
        sa.Column("request_hash", sa.LargeBinary(), nullable=True),
        sa.Column("out_id", sa.String(), nullable=False),
        sa.Column("provider", sa.String(), nullable=True),
        sa.Column("provider_ref", sa.String(), nullable=True),
        sa.Column("parts", sa.Integer(), nullable=True),
        sa.Column("error_class", sa.String(), nullable=True),
        sa.Column("error_code", sa.String(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "(state IN ('pending', 'claimed', 'sending')) = (finished_at IS NULL)", name=op.f("ck_message_finished")
        ),
        sa.CheckConstraint("channel IN ('email', 'sms', 'call')", name=op.f("ck_message_channel")),
        sa.CheckConstraint(
            "error_class IN ('defer', 'permanent', 'stop', 'unknown')", name=op.f("ck_message_error_class")
        ),
        sa.CheckConstraint("language IN ('zh-CN', 'en')", name=op.f("ck_message_language")),
        sa.CheckConstraint(
            "state IN ('pending', 'claimed', 'sending', 'accepted', 'delivered', 'undeliverable', 'unknown', 'dead', 'suppressed', 'expired', 'cancelled')",
            name=op.f("ck_message_state"),
        ),
        sa.CheckConstraint(
            "state NOT IN ('claimed', 'sending') OR (lease_owner IS NOT NULL AND lease_until IS NOT NULL)",
            name=op.f("ck_message_lease"),
        ),
        sa.CheckConstraint(
            "state NOT IN ('sending', 'accepted', 'unknown') OR request_hash IS NOT NULL",
            name=op.f("ck_message_frozen"),
        ),
        sa.CheckConstraint("attempts >= 0", name=op.f("ck_message_attempts")),
        sa.CheckConstraint("parts >= 1", name=op.f("ck_message_parts")),
        sa.CheckConstraint("priority BETWEEN 0 AND 9", name=op.f("ck_message_priority")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_message")),
        sa.UniqueConstraint("dedupe_key", name=op.f("uq_message_dedupe_key")),
        sa.UniqueConstraint("out_id", name=op.f("uq_message_out_id")),
    )
    op.create_index(op.f("ix_message_address_index"), "message", ["address_index"], unique=False)
    op.create_index("ix_message_district_created_at", "message", ["district", "created_at"], unique=False)
    op.create_index(
        "ix_message_open",
        "message",
        ["channel", "priority", "not_before", "id"],
        unique=False,
        sqlite_where=sa.text("state IN ('pending', 'claimed', 'sending')"),
        postgresql_where=sa.text("state IN ('pending', 'claimed', 'sending')"),
    )
    op.create_table(
        "opt_out",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("channel", sa.String(), nullable=False),
        sa.Column("address_index", sa.LargeBinary(), nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("channel IN ('email', 'sms', 'call')", name=op.f("ck_opt_out_channel")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_opt_out")),
        sa.UniqueConstraint("channel", "address_index", name=op.f("uq_opt_out_channel_address_index")),
    )
    op.create_table(
        "work_calendar",
        sa.Column("date", sa.Date(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("confirmed", sa.Boolean(), nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.CheckConstraint("kind IN ('work', 'rest', 'statutory')", name=op.f("ck_work_calendar_kind")),
        sa.CheckConstraint("source IN ('rule', 'library', 'import')", name=op.f("ck_work_calendar_source")),
        sa.PrimaryKeyConstraint("date", name=op.f("pk_work_calendar")),
    )
    op.create_table(
        "attempt",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("message_id", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("owner", sa.String(), nullable=False),
        sa.Column("provider", sa.String(), nullable=True),
        sa.Column("outcome", sa.String(), nullable=False),
        sa.Column("provider_ref", sa.String(), nullable=True),
        sa.Column("error_code", sa.String(), nullable=True),
        sa.Column("request_hash", sa.LargeBinary(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "outcome IN ('accepted', 'rejected', 'defer', 'stop', 'unknown')", name=op.f("ck_attempt_outcome")
        ),
        sa.ForeignKeyConstraint(["message_id"], ["message.id"], name=op.f("fk_attempt_message_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_attempt")),
        sa.UniqueConstraint("message_id", "number", "outcome", name=op.f("uq_attempt_message_id_number_outcome")),
    )
    op.create_table(
        "cadre",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("district_id", sa.Integer(), nullable=False),
        sa.Column("number", sa.String(), nullable=False),
        sa.Column("ref", sa.String(), nullable=False),
        sa.Column("name", sa.LargeBinary(), nullable=True),
        sa.Column("phone", sa.LargeBinary(), nullable=True),
        sa.Column("phone_index", sa.LargeBinary(), nullable=True),
        sa.Column("email", sa.LargeBinary(), nullable=True),
        sa.ForeignKeyConstraint(["district_id"], ["district.id"], name=op.f("fk_cadre_district_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_cadre")),
        sa.UniqueConstraint("district_id", "number", name=op.f("uq_cadre_district_id_number")),
        sa.UniqueConstraint("ref", name=op.f("uq_cadre_ref")),
    )
    op.create_index(op.f("ix_cadre_phone_index"), "cadre", ["phone_index"], unique=False)
    op.create_table(
        "import_log",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("district_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("sha256", sa.String(), nullable=False),
        sa.Column("rows", sa.Integer(), nullable=False),
        sa.Column("added", sa.Integer(), nullable=False),
        sa.Column("changed", sa.Integer(), nullable=False),
        sa.Column("unchanged", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["district_id"], ["district.id"], name=op.f("fk_import_log_district_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_import_log")),
    )
    op.create_table(
        "subdistrict",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("district_id", sa.Integer(), nullable=False),
        sa.Column("ref", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("phone", sa.LargeBinary(), nullable=True),
        sa.Column("email", sa.LargeBinary(), nullable=True),
        sa.ForeignKeyConstraint(["district_id"], ["district.id"], name=op.f("fk_subdistrict_district_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_subdistrict")),
        sa.UniqueConstraint("district_id", "name", name=op.f("uq_subdistrict_district_id_name")),
        sa.UniqueConstraint("ref", name=op.f("uq_subdistrict_ref")),
    )
    op.create_table(
        "community",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("subdistrict_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["subdistrict_id"], ["subdistrict.id"], name=op.f("fk_community_subdistrict_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_community")),
        sa.UniqueConstraint("subdistrict_id", "name", name=op.f("uq_community_subdistrict_id_name")),
    )
    op.create_table(
        "leave",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("cadre_id", sa.Integer(), nullable=False),
        sa.Column("since", sa.Date(), nullable=False),
        sa.Column("until", sa.Date(), nullable=True),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("cancelled", sa.Boolean(), nullable=False),
        sa.CheckConstraint(
            "kind IN ('annual', 'sick', 'personal', 'official', 'maternity')", name=op.f("ck_leave_kind")
        ),
        sa.CheckConstraint("until IS NULL OR until >= since", name=op.f("ck_leave_dates")),
        sa.ForeignKeyConstraint(["cadre_id"], ["cadre.id"], name=op.f("fk_leave_cadre_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_leave")),
        sa.UniqueConstraint("cadre_id", "since", name=op.f("uq_leave_cadre_id_since")),
    )
    op.create_table(
        "centre",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("district_id", sa.Integer(), nullable=False),
        sa.Column("community_id", sa.Integer(), nullable=False),
        sa.Column("code", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("address", sa.String(), nullable=False),
        sa.Column("phone", sa.String(), nullable=False),
        sa.Column("opens_on_rest_days", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["community_id"], ["community.id"], name=op.f("fk_centre_community_id")),
        sa.ForeignKeyConstraint(["district_id"], ["district.id"], name=op.f("fk_centre_district_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_centre")),
        sa.UniqueConstraint("district_id", "code", name=op.f("uq_centre_district_id_code")),
    )
    op.create_index(op.f("ix_centre_district_id"), "centre", ["district_id"], unique=False)
    op.create_table(
        "duty_slot",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("centre_id", sa.Integer(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("cadre_id", sa.Integer(), nullable=True),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("pinned", sa.Boolean(), nullable=False),
        sa.Column("rest_relaxed", sa.Boolean(), nullable=False),
        sa.Column("why", sa.JSON(), nullable=True),
        sa.Column("leader", sa.LargeBinary(), nullable=True),
        sa.Column("published_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("checkin_cadre_id", sa.Integer(), nullable=True),
        sa.Column("checkin_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("(state = 'gap') = (cadre_id IS NULL)", name=op.f("ck_duty_slot_gap")),
        sa.CheckConstraint("state <> 'missed' OR checkin_at IS NULL", name=op.f("ck_duty_slot_missed")),
        sa.CheckConstraint(
            "state IN ('draft', 'gap') OR published_at IS NOT NULL", name=op.f("ck_duty_slot_published")
        ),
        sa.CheckConstraint(
            "state IN ('draft', 'published', 'acknowledged', 'on_duty', 'handed_over', 'gap', 'missed')",
            name=op.f("ck_duty_slot_state"),
        ),
        sa.CheckConstraint("state NOT IN ('draft') OR published_at IS NULL", name=op.f("ck_duty_slot_draft")),
        sa.CheckConstraint("(checkin_cadre_id IS NULL) = (checkin_at IS NULL)", name=op.f("ck_duty_slot_checkin")),
        sa.ForeignKeyConstraint(["cadre_id"], ["cadre.id"], name=op.f("fk_duty_slot_cadre_id")),
        sa.ForeignKeyConstraint(["centre_id"], ["centre.id"], name=op.f("fk_duty_slot_centre_id")),
        sa.ForeignKeyConstraint(["checkin_cadre_id"], ["cadre.id"], name=op.f("fk_duty_slot_checkin_cadre_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_duty_slot")),
        sa.UniqueConstraint("centre_id", "day", name=op.f("uq_duty_slot_centre_id_day")),
    )
    op.create_index("ix_duty_slot_day", "duty_slot", ["day"], unique=False)
    op.create_index("uq_duty_slot_cadre_day", "duty_slot", ["cadre_id", "day"], unique=True)
    op.create_index(
        "uq_duty_slot_checkin_cadre_day",
        "duty_slot",
        ["checkin_cadre_id", "day"],
        unique=True,
        sqlite_where=sa.text("checkin_cadre_id IS NOT NULL"),
        postgresql_where=sa.text("checkin_cadre_id IS NOT NULL"),
    )
    op.create_table(
        "duty_swap",
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
        sa.CheckConstraint("state IN ('asked', 'done')", name=op.f("ck_duty_swap_state")),
        sa.CheckConstraint("date_a <> date_b AND cadre_a_id <> cadre_b_id", name=op.f("ck_duty_swap_two")),
        sa.ForeignKeyConstraint(["cadre_a_id"], ["cadre.id"], name=op.f("fk_duty_swap_cadre_a_id")),
        sa.ForeignKeyConstraint(["cadre_b_id"], ["cadre.id"], name=op.f("fk_duty_swap_cadre_b_id")),
        sa.ForeignKeyConstraint(["centre_id"], ["centre.id"], name=op.f("fk_duty_swap_centre_id")),
        sa.ForeignKeyConstraint(["confirmed_a_id"], ["cadre.id"], name=op.f("fk_duty_swap_confirmed_a_id")),
        sa.ForeignKeyConstraint(["confirmed_b_id"], ["cadre.id"], name=op.f("fk_duty_swap_confirmed_b_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_duty_swap")),
        sa.UniqueConstraint(
            "centre_id",
            "date_a",
            "cadre_a_id",
            "date_b",
            "cadre_b_id",
            name=op.f("uq_duty_swap_centre_id_date_a_cadre_a_id_date_b_cadre_b_id"),
        ),
    )
    op.create_table(
        "roster",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("cadre_id", sa.Integer(), nullable=False),
        sa.Column("centre_id", sa.Integer(), nullable=False),
        sa.Column("since", sa.Date(), nullable=False),
        sa.Column("until", sa.Date(), nullable=True),
        sa.Column("head", sa.Boolean(), nullable=False),
        sa.Column("rest_day_exempt", sa.Boolean(), nullable=False),
        sa.CheckConstraint("until IS NULL OR until >= since", name=op.f("ck_roster_dates")),
        sa.ForeignKeyConstraint(["cadre_id"], ["cadre.id"], name=op.f("fk_roster_cadre_id")),
        sa.ForeignKeyConstraint(["centre_id"], ["centre.id"], name=op.f("fk_roster_centre_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_roster")),
        sa.UniqueConstraint("cadre_id", "centre_id", "since", name=op.f("uq_roster_cadre_id_centre_id_since")),
    )
    op.create_index(op.f("ix_roster_centre_id"), "roster", ["centre_id"], unique=False)
    op.create_table(
        "duty_handover",
        sa.Column("slot_id", sa.Integer(), nullable=False),
        sa.Column("cadre_id", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("rooms", sa.String(), nullable=False),
        sa.Column("meals", sa.String(), nullable=False),
        sa.Column("cleaning", sa.String(), nullable=False),
        sa.Column("facilities", sa.String(), nullable=False),
        sa.Column("note", sa.LargeBinary(), nullable=True),
        sa.Column("reporter", sa.String(), nullable=False),
        sa.CheckConstraint(
            "NOT ('problem' IN (rooms, meals, cleaning, facilities) AND note IS NULL)",
            name=op.f("ck_duty_handover_note"),
        ),
        sa.CheckConstraint("cleaning IN ('ok', 'problem')", name=op.f("ck_duty_handover_cleaning")),
        sa.CheckConstraint("facilities IN ('ok', 'problem')", name=op.f("ck_duty_handover_facilities")),
        sa.CheckConstraint("meals IN ('ok', 'problem')", name=op.f("ck_duty_handover_meals")),
        sa.CheckConstraint("rooms IN ('ok', 'problem')", name=op.f("ck_duty_handover_rooms")),
        sa.ForeignKeyConstraint(["cadre_id"], ["cadre.id"], name=op.f("fk_duty_handover_cadre_id")),
        sa.ForeignKeyConstraint(["slot_id"], ["duty_slot.id"], name=op.f("fk_duty_handover_slot_id")),
        sa.PrimaryKeyConstraint("slot_id", name=op.f("pk_duty_handover")),
    )
    op.create_table(
        "duty_mark",
        sa.Column("slot_id", sa.Integer(), nullable=False),
        sa.Column("mark", sa.String(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("fired_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["slot_id"], ["duty_slot.id"], name=op.f("fk_duty_mark_slot_id")),
        sa.PrimaryKeyConstraint("slot_id", "mark", "revision", name=op.f("pk_duty_mark")),
    )
    op.create_table(
        "slot_transition",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("slot_id", sa.Integer(), nullable=False),
        sa.Column("before", sa.String(), nullable=False),
        sa.Column("after", sa.String(), nullable=False),
        sa.Column("cadre_before_id", sa.Integer(), nullable=True),
        sa.Column("cadre_after_id", sa.Integer(), nullable=True),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.CheckConstraint(
            "before = after OR before || '>' || after IN ('acknowledged>gap', 'acknowledged>missed', 'acknowledged>on_duty', 'acknowledged>published', 'draft>gap', 'draft>published', 'gap>draft', 'gap>published', 'missed>on_duty', 'on_duty>handed_over', 'published>acknowledged', 'published>gap', 'published>missed', 'published>on_duty')",
            name=op.f("ck_slot_transition_allowed"),
        ),
        sa.ForeignKeyConstraint(["cadre_after_id"], ["cadre.id"], name=op.f("fk_slot_transition_cadre_after_id")),
        sa.ForeignKeyConstraint(["cadre_before_id"], ["cadre.id"], name=op.f("fk_slot_transition_cadre_before_id")),
        sa.ForeignKeyConstraint(["slot_id"], ["duty_slot.id"], name=op.f("fk_slot_transition_slot_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_slot_transition")),
    )
    op.create_index(op.f("ix_slot_transition_slot_id"), "slot_transition", ["slot_id"], unique=False)


def downgrade() -> None:
    """Drop everything."""
    op.drop_index(op.f("ix_slot_transition_slot_id"), table_name="slot_transition")
    op.drop_table("slot_transition")
    op.drop_table("duty_mark")
    op.drop_table("duty_handover")
    op.drop_index(op.f("ix_roster_centre_id"), table_name="roster")
    op.drop_table("roster")
    op.drop_table("duty_swap")
    op.drop_index(
        "uq_duty_slot_checkin_cadre_day",
        table_name="duty_slot",
        sqlite_where=sa.text("checkin_cadre_id IS NOT NULL"),
        postgresql_where=sa.text("checkin_cadre_id IS NOT NULL"),
    )
    op.drop_index("uq_duty_slot_cadre_day", table_name="duty_slot")
    op.drop_index("ix_duty_slot_day", table_name="duty_slot")
    op.drop_table("duty_slot")
    op.drop_index(op.f("ix_centre_district_id"), table_name="centre")
    op.drop_table("centre")
    op.drop_table("leave")
    op.drop_table("community")
    op.drop_table("subdistrict")
    op.drop_table("import_log")
    op.drop_index(op.f("ix_cadre_phone_index"), table_name="cadre")
    op.drop_table("cadre")
    op.drop_table("attempt")
    op.drop_table("work_calendar")
    op.drop_table("opt_out")
    op.drop_index(
        "ix_message_open",
        table_name="message",
        sqlite_where=sa.text("state IN ('pending', 'claimed', 'sending')"),
        postgresql_where=sa.text("state IN ('pending', 'claimed', 'sending')"),
    )
    op.drop_index("ix_message_district_created_at", table_name="message")
    op.drop_index(op.f("ix_message_address_index"), table_name="message")
    op.drop_table("message")
    op.drop_table("job_run")
    op.drop_table("district")
    op.drop_table("audit_head")
    op.drop_table("audit_entry")
