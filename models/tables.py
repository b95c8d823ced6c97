"""Every module that defines tables, so that one import registers them all."""

from models import (
    account,
    allowance,
    answers,
    audit,
    cadre,
    calendar,
    consent,
    district,
    drafts,
    duty,
    elder,
    exam,
    exam_mark,
    exam_release,
    helper,
    intake,
    issue,
    jobs,
    messages,
    payment,
    providers,
    receipts,
    staff,
    visit,
)

__all__ = [
    "account", "allowance", "answers", "audit", "cadre", "calendar", "consent", "district", "drafts", "duty", "elder",
    "exam", "exam_mark", "exam_release", "helper", "intake", "issue", "jobs", "messages", "payment", "providers",
    "receipts", "staff", "visit",
]  # fmt: skip
