"""The doctor looks at the audit log: whether it is what it was, and how old its last anchor is."""

from collections.abc import Iterator

from sqlmodel import Session

from flows.audit_anchor import STALE, WHATS, anchor_file, anchors, broken
from flows.finding import Finding, bad, ok, warn
from flows.settings import Settings
from models import audit
from rules.errors import say


def examine(session: Session, settings: Settings) -> Iterator[Finding]:
    """Compare the log with itself and its anchors; a log younger than two days needs none yet."""
    lines = anchors(settings)
    if found := broken(session, settings, lines):
        told = say("审计链在第 {} 条断裂（{}）。", "the audit chain breaks at entry {} ({}).")
        remedy = say(
            "请保全现场并与备份比对，查清何人改动了数据库。",
            "Keep everything as it is, compare with backups, find out who did it.",
        )
        yield bad("audit", told.format(found.seq, say(*WHATS[found.what])), remedy)
        return
    yield ok("audit", say("审计链完整", "the audit chain holds"))
    began = audit.first_at(session, settings.district)
    since = lines[-1].on if lines else began and settings.local(began).date()
    if since is not None and settings.today() - since > STALE:
        told = say("审计日志自 {} 起没有新的外部锚。", "the audit log has had no anchor since {}.")
        remedy = say(
            "请每天执行 tuoqi audit anchor，并把 {} 复制到另一台机器。",
            "Run `tuoqi audit anchor` daily, and copy {} to another machine.",
        )
        yield warn("anchor", told.format(since), remedy.format(anchor_file(settings)))
    elif lines:
        yield ok("anchor", say("最近的审计锚：{}", "the last anchor of the audit log is of {}").format(lines[-1].on))
