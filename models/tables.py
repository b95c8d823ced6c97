"""Every module that defines tables, so that one import registers them all."""

from models import (
    answers,
    audit,
    cadre,
    calendar,
    consent,
    district,
    drafts,
    duty,
    elder,
    helper,
    intake,
    issue,
    jobs,
    messages,
    providers,
    receipts,
    visit,
)

__all__ = [
    "answers", "audit", "cadre", "calendar", "consent", "district", "drafts", "duty", "elder", "helper", "intake",
    "issue", "jobs", "messages", "providers", "receipts", "visit",
]  # fmt: skip
