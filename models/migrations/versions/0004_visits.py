"""Follow-up visits: elders, helpers, contacts, issues, and what jobs derive from them."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_TABLES = (
    "visit_month",
    "elder",
    "helper",
    "elder_category",
    "elder_status",
    "elder_tier",
    "helper_leave",
    "pairing",
    "visit_contact",
    "visit_task",
    "issue",
    "visit_list",
    "visit_step",
    "issue_escalation",
    "issue_event",
)


def upgrade() -> None:
    """Create what visits need."""
    _elders()
    _helpers()
    _visits()
    _issues()


def _elders() -> None:
    op.create_table(
        "elder",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("district_id", sa.Integer(), nullable=False),
        sa.Column("ref", sa.String(), nullable=False),
        sa.Column("id_number", sa.LargeBinary(), nullable=False),
        sa.Column("id_index", sa.LargeBinary(), nullable=False),
        sa.Column("name", sa.LargeBinary(), nullable=False),
        sa.Column("phone", sa.LargeBinary(), nullable=True),
        sa.Column("address", sa.LargeBinary(), nullable=True),
        sa.Column("emergency_name", sa.LargeBinary(), nullable=True),
        sa.Column("emergency_phone", sa.LargeBinary(), nullable=True),
        sa.Column("sex", sa.String(), nullable=False),
        sa.Column("birth_date", sa.Date(), nullable=False),
        sa.Column("community_id", sa.Integer(), nullable=False),
        sa.Column("building", sa.String(), nullable=False),
        sa.Column("hukou", sa.String(), nullable=True),
        sa.Column("registered_on", sa.Date(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("hukou IN ('district', 'other')", name=op.f("ck_elder_hukou")),
        sa.CheckConstraint("sex IN ('male', 'female')", name=op.f("ck_elder_sex")),
        sa.CheckConstraint("registered_on >= birth_date", name=op.f("ck_elder_registered")),
        sa.ForeignKeyConstraint(["community_id"], ["community.id"], name=op.f("fk_elder_community_id")),
        sa.ForeignKeyConstraint(["district_id"], ["district.id"], name=op.f("fk_elder_district_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_elder")),
        sa.UniqueConstraint("district_id", "id_index", name=op.f("uq_elder_district_id_id_index")),
        sa.UniqueConstraint("ref", name=op.f("uq_elder_ref")),
    )
    op.create_index("ix_elder_community_id_building", "elder", ["community_id", "building"], unique=False)
    op.create_index("ix_elder_district_id", "elder", ["district_id"], unique=False)
    op.create_table(
        "elder_category",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("elder_id", sa.Integer(), nullable=False),
        sa.Column("category", sa.String(), nullable=False),
        sa.Column("since", sa.Date(), nullable=False),
        sa.Column("ended_on", sa.Date(), nullable=True),
        sa.CheckConstraint(
            "category IN ('alone', 'empty_nest', 'left_behind', 'disabled', 'severely_handicapped', 'bereaved_family')",
            name=op.f("ck_elder_category_category"),
        ),
        sa.CheckConstraint("ended_on IS NULL OR ended_on >= since", name=op.f("ck_elder_category_dates")),
        sa.ForeignKeyConstraint(["elder_id"], ["elder.id"], name=op.f("fk_elder_category_elder_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_elder_category")),
    )
    op.create_index(
        "uq_elder_category_standing",
        "elder_category",
        ["elder_id", "category"],
        unique=True,
        sqlite_where=sa.text("ended_on IS NULL"),
        postgresql_where=sa.text("ended_on IS NULL"),
    )
    op.create_table(
        "elder_status",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("elder_id", sa.Integer(), nullable=False),
        sa.Column("since", sa.Date(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("community_id", sa.Integer(), nullable=True),
        sa.Column("reoffer_on", sa.Date(), nullable=True),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("actor", sa.String(), nullable=False),
        sa.CheckConstraint("community_id IS NULL OR status = 'MOVED'", name=op.f("ck_elder_status_community")),
        sa.CheckConstraint(
            "reoffer_on IS NULL OR (status = 'REFUSED' AND reoffer_on > since)", name=op.f("ck_elder_status_reoffer")
        ),
        sa.CheckConstraint("source IN ('status', 'elder')", name=op.f("ck_elder_status_source")),
        sa.CheckConstraint(
            "status IN ('DEAD', 'MOVED', 'INSTITUTION', 'REFUSED', 'HOSPITAL', 'AWAY', 'ACTIVE')",
            name=op.f("ck_elder_status_status"),
        ),
        sa.ForeignKeyConstraint(["community_id"], ["community.id"], name=op.f("fk_elder_status_community_id")),
        sa.ForeignKeyConstraint(["elder_id"], ["elder.id"], name=op.f("fk_elder_status_elder_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_elder_status")),
        sa.UniqueConstraint(
            "elder_id", "since", "status", "recorded_at", name=op.f("uq_elder_status_elder_id_since_status_recorded_at")
        ),
    )
    op.create_table(
        "elder_tier",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("elder_id", sa.Integer(), nullable=False),
        sa.Column("since", sa.Date(), nullable=False),
        sa.Column("tier", sa.String(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor", sa.String(), nullable=False),
        sa.CheckConstraint("tier IN ('red', 'yellow', 'green')", name=op.f("ck_elder_tier_tier")),
        sa.ForeignKeyConstraint(["elder_id"], ["elder.id"], name=op.f("fk_elder_tier_elder_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_elder_tier")),
        sa.UniqueConstraint("elder_id", "since", "recorded_at", name=op.f("uq_elder_tier_elder_id_since_recorded_at")),
    )


def _helpers() -> None:
    op.create_table(
        "helper",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("district_id", sa.Integer(), nullable=False),
        sa.Column("number", sa.String(), nullable=False),
        sa.Column("ref", sa.String(), nullable=False),
        sa.Column("name", sa.LargeBinary(), nullable=False),
        sa.Column("phone", sa.LargeBinary(), nullable=True),
        sa.Column("phone_index", sa.LargeBinary(), nullable=True),
        sa.Column("email", sa.LargeBinary(), nullable=True),
        sa.Column("community_id", sa.Integer(), nullable=True),
        sa.Column("role", sa.String(), nullable=False),
        sa.Column("team", sa.String(), nullable=False),
        sa.Column("capacity", sa.Integer(), nullable=False),
        sa.CheckConstraint("role IN ('party', 'building', 'women', 'police', 'gate')", name=op.f("ck_helper_role")),
        sa.CheckConstraint("capacity >= 0", name=op.f("ck_helper_capacity")),
        sa.ForeignKeyConstraint(["community_id"], ["community.id"], name=op.f("fk_helper_community_id")),
        sa.ForeignKeyConstraint(["district_id"], ["district.id"], name=op.f("fk_helper_district_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_helper")),
        sa.UniqueConstraint("district_id", "number", name=op.f("uq_helper_district_id_number")),
        sa.UniqueConstraint("ref", name=op.f("uq_helper_ref")),
    )
    op.create_index(op.f("ix_helper_community_id"), "helper", ["community_id"], unique=False)
    op.create_index(op.f("ix_helper_phone_index"), "helper", ["phone_index"], unique=False)
    op.create_table(
        "helper_leave",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("helper_id", sa.Integer(), nullable=False),
        sa.Column("since", sa.Date(), nullable=False),
        sa.Column("until", sa.Date(), nullable=True),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("cancelled", sa.Boolean(), nullable=False),
        sa.CheckConstraint(
            "kind IN ('annual', 'sick', 'personal', 'official', 'maternity')", name=op.f("ck_helper_leave_kind")
        ),
        sa.CheckConstraint("until IS NULL OR until >= since", name=op.f("ck_helper_leave_dates")),
        sa.ForeignKeyConstraint(["helper_id"], ["helper.id"], name=op.f("fk_helper_leave_helper_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_helper_leave")),
        sa.UniqueConstraint("helper_id", "since", name=op.f("uq_helper_leave_helper_id_since")),
    )
    op.create_table(
        "pairing",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("elder_id", sa.Integer(), nullable=False),
        sa.Column("helper_id", sa.Integer(), nullable=False),
        sa.Column("role", sa.String(), nullable=False),
        sa.Column("is_primary", sa.Boolean(), nullable=False),
        sa.Column("since", sa.Date(), nullable=False),
        sa.Column("until", sa.Date(), nullable=True),
        sa.CheckConstraint("role IN ('party', 'building', 'women', 'police', 'gate')", name=op.f("ck_pairing_role")),
        sa.CheckConstraint("until IS NULL OR until >= since", name=op.f("ck_pairing_dates")),
        sa.ForeignKeyConstraint(["elder_id"], ["elder.id"], name=op.f("fk_pairing_elder_id")),
        sa.ForeignKeyConstraint(["helper_id"], ["helper.id"], name=op.f("fk_pairing_helper_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_pairing")),
        sa.UniqueConstraint(
            "elder_id", "helper_id", "role", "since", name=op.f("uq_pairing_elder_id_helper_id_role_since")
        ),
    )
    op.create_index("ix_pairing_helper_id", "pairing", ["helper_id"], unique=False)
    op.create_index(
        "uq_pairing_primary",
        "pairing",
        ["elder_id"],
        unique=True,
        sqlite_where=sa.text("is_primary AND until IS NULL"),
        postgresql_where=sa.text("is_primary AND until IS NULL"),
    )


def _visits() -> None:
    op.create_table(
        "visit_month",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("district_id", sa.Integer(), nullable=False),
        sa.Column("month", sa.String(), nullable=False),
        sa.Column("scope", sa.String(), nullable=False),
        sa.Column("code", sa.String(), nullable=False),
        sa.Column("as_known", sa.Date(), nullable=False),
        sa.Column("denominator", sa.Integer(), nullable=False),
        sa.Column("numerator", sa.Integer(), nullable=False),
        sa.Column("due", sa.Integer(), nullable=False),
        sa.Column("on_time", sa.Integer(), nullable=False),
        sa.Column("refused", sa.Integer(), nullable=False),
        sa.Column("overdue", sa.Integer(), nullable=False),
        sa.Column("median_resolution", sa.Float(), nullable=True),
        sa.Column("detail", sa.JSON(), nullable=False),
        sa.Column("version", sa.Date(), nullable=False),
        sa.CheckConstraint("scope IN ('community', 'subdistrict', 'district')", name=op.f("ck_visit_month_scope")),
        sa.CheckConstraint("length(month) = 7", name=op.f("ck_visit_month_month")),
        sa.CheckConstraint("numerator BETWEEN 0 AND denominator", name=op.f("ck_visit_month_rate")),
        sa.CheckConstraint("on_time BETWEEN 0 AND due", name=op.f("ck_visit_month_on_time")),
        sa.ForeignKeyConstraint(["district_id"], ["district.id"], name=op.f("fk_visit_month_district_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_visit_month")),
        sa.UniqueConstraint(
            "district_id",
            "month",
            "scope",
            "code",
            "as_known",
            name=op.f("uq_visit_month_district_id_month_scope_code_as_known"),
        ),
    )
    op.create_table(
        "visit_contact",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("elder_id", sa.Integer(), nullable=False),
        sa.Column("helper_id", sa.Integer(), nullable=False),
        sa.Column("channel", sa.String(), nullable=False),
        sa.Column("occurred_on", sa.Date(), nullable=False),
        sa.Column("occurred_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("outcome", sa.String(), nullable=False),
        sa.Column("note", sa.LargeBinary(), nullable=True),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recorded_by", sa.String(), nullable=False),
        sa.Column("voided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("voided_by", sa.String(), nullable=True),
        sa.Column("void_reason", sa.String(), nullable=True),
        sa.CheckConstraint(
            "(outcome <> 'MET' OR channel = 'home') AND (outcome <> 'PHONE' OR channel = 'phone') AND (outcome <> 'VIDEO' OR channel = 'video')",
            name=op.f("ck_visit_contact_effective"),
        ),
        sa.CheckConstraint("channel IN ('home', 'phone', 'video')", name=op.f("ck_visit_contact_channel")),
        sa.CheckConstraint(
            "outcome IN ('MET', 'PHONE', 'VIDEO', 'NO_ANSWER', 'REFUSED', 'AWAY')",
            name=op.f("ck_visit_contact_outcome"),
        ),
        sa.CheckConstraint(
            "void_reason IN ('duplicate', 'amended', 'mistaken')", name=op.f("ck_visit_contact_void_reason")
        ),
        sa.CheckConstraint("(voided_at IS NULL) = (void_reason IS NULL)", name=op.f("ck_visit_contact_void")),
        sa.CheckConstraint("(voided_at IS NULL) = (voided_by IS NULL)", name=op.f("ck_visit_contact_voided_by")),
        sa.CheckConstraint("occurred_at IS NULL OR occurred_at <= recorded_at", name=op.f("ck_visit_contact_future")),
        sa.ForeignKeyConstraint(["elder_id"], ["elder.id"], name=op.f("fk_visit_contact_elder_id")),
        sa.ForeignKeyConstraint(["helper_id"], ["helper.id"], name=op.f("fk_visit_contact_helper_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_visit_contact")),
    )
    op.create_index(
        "ix_visit_contact_facts", "visit_contact", ["elder_id", "occurred_on", "outcome", "voided_at"], unique=False
    )
    op.create_index(
        "ix_visit_contact_helper_id_occurred_on", "visit_contact", ["helper_id", "occurred_on"], unique=False
    )
    op.create_index("ix_visit_contact_recorded_at", "visit_contact", ["recorded_at"], unique=False)
    op.create_index(
        "uq_visit_contact_standing",
        "visit_contact",
        ["elder_id", "occurred_on", "channel", "helper_id"],
        unique=True,
        sqlite_where=sa.text("voided_at IS NULL"),
        postgresql_where=sa.text("voided_at IS NULL"),
    )
    op.create_table(
        "visit_task",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("elder_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("cycle", sa.String(), nullable=False),
        sa.Column("opened_on", sa.Date(), nullable=False),
        sa.Column("tier", sa.String(), nullable=False),
        sa.Column("plan_on", sa.Date(), nullable=False),
        sa.Column("deadline", sa.Date(), nullable=False),
        sa.Column("through", sa.Date(), nullable=False),
        sa.Column("version", sa.Date(), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("raised_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("helper_id", sa.Integer(), nullable=True),
        sa.Column("cadre_id", sa.Integer(), nullable=True),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=True),
        sa.Column("ended_on", sa.Date(), nullable=True),
        sa.Column("on_time", sa.Boolean(), nullable=True),
        sa.CheckConstraint("(state IN ('DONE', 'MISSED')) = (on_time IS NOT NULL)", name=op.f("ck_visit_task_on_time")),
        sa.CheckConstraint("(state IN ('PLANNED', 'ASSIGNED')) = (ended_on IS NULL)", name=op.f("ck_visit_task_ended")),
        sa.CheckConstraint("kind <> 'WELLNESS_CHECK' OR due_at IS NOT NULL", name=op.f("ck_visit_task_check")),
        sa.CheckConstraint(
            "kind IN ('FIRST', 'RETURN', 'ROLLING', 'MONTHLY', 'REOFFER', 'WELLNESS_CHECK')",
            name=op.f("ck_visit_task_kind"),
        ),
        sa.CheckConstraint(
            "reason IN ('paused', 'dead', 'moved', 'institution', 'refused', 'regraded', 'accepted', 'superseded')",
            name=op.f("ck_visit_task_reason"),
        ),
        sa.CheckConstraint(
            "state <> 'ASSIGNED' OR helper_id IS NOT NULL OR cadre_id IS NOT NULL", name=op.f("ck_visit_task_assigned")
        ),
        sa.CheckConstraint("state <> 'CANCELLED' OR reason IS NOT NULL", name=op.f("ck_visit_task_cancelled")),
        sa.CheckConstraint(
            "state IN ('PLANNED', 'ASSIGNED', 'DONE', 'MISSED', 'CANCELLED')", name=op.f("ck_visit_task_state")
        ),
        sa.CheckConstraint("tier IN ('red', 'yellow', 'green')", name=op.f("ck_visit_task_tier")),
        sa.CheckConstraint("deadline <= through", name=op.f("ck_visit_task_through")),
        sa.CheckConstraint("helper_id IS NULL OR cadre_id IS NULL", name=op.f("ck_visit_task_one")),
        sa.ForeignKeyConstraint(["cadre_id"], ["cadre.id"], name=op.f("fk_visit_task_cadre_id")),
        sa.ForeignKeyConstraint(["elder_id"], ["elder.id"], name=op.f("fk_visit_task_elder_id")),
        sa.ForeignKeyConstraint(["helper_id"], ["helper.id"], name=op.f("fk_visit_task_helper_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_visit_task")),
        sa.UniqueConstraint("elder_id", "kind", "cycle", name=op.f("uq_visit_task_elder_id_kind_cycle")),
    )
    op.create_index(
        "ix_visit_task_helper_open",
        "visit_task",
        ["helper_id"],
        unique=False,
        sqlite_where=sa.text("state IN ('PLANNED', 'ASSIGNED')"),
        postgresql_where=sa.text("state IN ('PLANNED', 'ASSIGNED')"),
    )
    op.create_index(
        "ix_visit_task_open",
        "visit_task",
        ["deadline"],
        unique=False,
        sqlite_where=sa.text("state IN ('PLANNED', 'ASSIGNED')"),
        postgresql_where=sa.text("state IN ('PLANNED', 'ASSIGNED')"),
    )
    op.create_index("ix_visit_task_through", "visit_task", ["through"], unique=False)
    op.create_table(
        "visit_list",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("task_id", sa.Integer(), nullable=False),
        sa.Column("community_id", sa.Integer(), nullable=False),
        sa.Column("helper_id", sa.Integer(), nullable=True),
        sa.Column("cadre_id", sa.Integer(), nullable=True),
        sa.Column("urgency", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("why", sa.String(), nullable=False),
        sa.CheckConstraint("helper_id IS NULL OR cadre_id IS NULL", name=op.f("ck_visit_list_one")),
        sa.CheckConstraint("position >= 1", name=op.f("ck_visit_list_position")),
        sa.CheckConstraint("urgency BETWEEN 0 AND 3", name=op.f("ck_visit_list_urgency")),
        sa.ForeignKeyConstraint(["cadre_id"], ["cadre.id"], name=op.f("fk_visit_list_cadre_id")),
        sa.ForeignKeyConstraint(["community_id"], ["community.id"], name=op.f("fk_visit_list_community_id")),
        sa.ForeignKeyConstraint(["helper_id"], ["helper.id"], name=op.f("fk_visit_list_helper_id")),
        sa.ForeignKeyConstraint(["task_id"], ["visit_task.id"], name=op.f("fk_visit_list_task_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_visit_list")),
        sa.UniqueConstraint("day", "task_id", name=op.f("uq_visit_list_day_task_id")),
    )
    op.create_index("ix_visit_list_helper_id_day", "visit_list", ["helper_id", "day"], unique=False)
    op.create_table(
        "visit_step",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("task_id", sa.Integer(), nullable=False),
        sa.Column("before", sa.String(), nullable=False),
        sa.Column("after", sa.String(), nullable=False),
        sa.Column("helper_before_id", sa.Integer(), nullable=True),
        sa.Column("helper_after_id", sa.Integer(), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=True),
        sa.CheckConstraint(
            "before = after OR before || '>' || after IN ('ASSIGNED>CANCELLED', 'ASSIGNED>DONE', 'ASSIGNED>MISSED', 'ASSIGNED>PLANNED', 'CANCELLED>DONE', 'CANCELLED>MISSED', 'CANCELLED>PLANNED', 'DONE>CANCELLED', 'DONE>MISSED', 'DONE>PLANNED', 'MISSED>CANCELLED', 'MISSED>DONE', 'MISSED>PLANNED', 'PLANNED>ASSIGNED', 'PLANNED>CANCELLED', 'PLANNED>DONE', 'PLANNED>MISSED')",
            name=op.f("ck_visit_step_allowed"),
        ),
        sa.ForeignKeyConstraint(["helper_after_id"], ["helper.id"], name=op.f("fk_visit_step_helper_after_id")),
        sa.ForeignKeyConstraint(["helper_before_id"], ["helper.id"], name=op.f("fk_visit_step_helper_before_id")),
        sa.ForeignKeyConstraint(["task_id"], ["visit_task.id"], name=op.f("fk_visit_step_task_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_visit_step")),
    )
    op.create_index(op.f("ix_visit_step_task_id"), "visit_step", ["task_id"], unique=False)


def _issues() -> None:
    op.create_table(
        "issue",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("district_id", sa.Integer(), nullable=False),
        sa.Column("number", sa.String(), nullable=False),
        sa.Column("elder_id", sa.Integer(), nullable=True),
        sa.Column("centre_id", sa.Integer(), nullable=True),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("slot_id", sa.Integer(), nullable=True),
        sa.Column("item", sa.String(), nullable=True),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("item IN ('rooms', 'meals', 'cleaning', 'facilities')", name=op.f("ck_issue_item")),
        sa.CheckConstraint("kind IN ('urgent', 'consult', 'help', 'other')", name=op.f("ck_issue_kind")),
        sa.CheckConstraint("(elder_id IS NULL) <> (centre_id IS NULL)", name=op.f("ck_issue_subject")),
        sa.CheckConstraint("(slot_id IS NULL) = (item IS NULL)", name=op.f("ck_issue_ticket")),
        sa.ForeignKeyConstraint(["centre_id"], ["centre.id"], name=op.f("fk_issue_centre_id")),
        sa.ForeignKeyConstraint(["district_id"], ["district.id"], name=op.f("fk_issue_district_id")),
        sa.ForeignKeyConstraint(["elder_id"], ["elder.id"], name=op.f("fk_issue_elder_id")),
        sa.ForeignKeyConstraint(["slot_id"], ["duty_slot.id"], name=op.f("fk_issue_slot_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_issue")),
        sa.UniqueConstraint("district_id", "number", name=op.f("uq_issue_district_id_number")),
    )
    op.create_index("ix_issue_centre_id", "issue", ["centre_id"], unique=False)
    op.create_index("ix_issue_elder_id", "issue", ["elder_id"], unique=False)
    op.create_index(
        "uq_issue_slot_id_item",
        "issue",
        ["slot_id", "item"],
        unique=True,
        sqlite_where=sa.text("slot_id IS NOT NULL"),
        postgresql_where=sa.text("slot_id IS NOT NULL"),
    )
    op.create_table(
        "issue_escalation",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("issue_id", sa.Integer(), nullable=False),
        sa.Column("level", sa.String(), nullable=False),
        sa.Column("recipient", sa.String(), nullable=False),
        sa.Column("reached_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("told_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "level IN ('owner', 'lead', 'subdistrict', 'district')", name=op.f("ck_issue_escalation_level")
        ),
        sa.ForeignKeyConstraint(["issue_id"], ["issue.id"], name=op.f("fk_issue_escalation_issue_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_issue_escalation")),
        sa.UniqueConstraint(
            "issue_id", "level", "recipient", name=op.f("uq_issue_escalation_issue_id_level_recipient")
        ),
    )
    op.create_table(
        "issue_event",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("issue_id", sa.Integer(), nullable=False),
        sa.Column("event", sa.String(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor", sa.String(), nullable=False),
        sa.Column("satisfied", sa.Boolean(), nullable=True),
        sa.Column("note", sa.LargeBinary(), nullable=True),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recorded_by", sa.String(), nullable=False),
        sa.CheckConstraint(
            "event IN ('open', 'assign', 'wait', 'approve', 'resume', 'resolve', 'verify', 'reopen', 'close')",
            name=op.f("ck_issue_event_event"),
        ),
        sa.CheckConstraint("satisfied IS NULL OR event = 'verify'", name=op.f("ck_issue_event_satisfied")),
        sa.ForeignKeyConstraint(["issue_id"], ["issue.id"], name=op.f("fk_issue_event_issue_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_issue_event")),
        sa.UniqueConstraint("issue_id", "event", "at", "actor", name=op.f("uq_issue_event_issue_id_event_at_actor")),
    )


def downgrade() -> None:
    """Go back to a district without visits; all that was recorded of elders is lost."""
    for table in reversed(_TABLES):
        op.drop_table(table)
