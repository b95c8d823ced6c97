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
    intake,
    jobs,
    messages,
    providers,
    receipts,
)

__all__ = [
    "answers", "audit", "cadre", "calendar", "consent", "district", "drafts", "duty", "intake", "jobs", "messages",
    "providers", "receipts",
]  # fmt: skip
