"""The message jobs as Prefect runs them: asking providers, reporting, redacting; each leaves a page for a clerk."""

from collections import Counter
from datetime import datetime, time, timedelta
from typing import Any

from prefect import flow

from flows import artifacts, fields
from flows.alarms import raise_alarms
from flows.districts import by_district
from flows.failures import safely
from flows.jobs import Result, at_work
from flows.message_figures import Report, channel_name, message_name, provider_name, state_name
from flows.message_preview import gallery_markdown
from flows.message_report import message_report as report_days
from flows.message_watch import find_troubles
from flows.outlets import enquiries, round_of, site_of
from flows.replies import hear_reply
from flows.settings import settings
from flows.store import opened
from models.answers import redact_replies
from models.jobs import Claim
from models.redaction import redact_files, redact_messages, redact_receipts
from notifications.catalogue import catalogue
from notifications.reconcile import Findings, reconcile
from policies.messages import messages
from rules.calendar import month_dates
from rules.errors import say

_ONE_BATCH = 5000


@flow(name="reconcile-messages", retries=0, persist_result=False)
@safely
def reconcile_messages(at: fields.At = None) -> dict[str, Any]:
    """Ask providers for receipts, answers and unknown messages, and tell operators of trouble.

    Args:
        at: the business instant instead of now.
    """
    chosen = settings().moved_to(at)
    with opened(chosen) as database:
        one = round_of(database, chosen, chosen.now)
        try:
            found = reconcile(one, enquiries(chosen), lambda name, reply: hear_reply(database, chosen, name, reply))
        finally:  # whatever went wrong with asking, operators hear of what waits
            alarms = raise_alarms(database, chosen, one, find_troubles(database, chosen, one))
    if found or alarms:
        artifacts.markdown("reconcile-messages", _told(found, alarms), say("消息核对", "messages reconciled"))
    moved: Counter[str] = Counter()
    for (_, _, state), number in found.moves.items():
        moved[state] += number
    return {**moved, "receipts": found.receipts, "replies": found.replies, "asked": found.asked, "alarms": alarms}


def _told(found: Findings, alarms: int) -> str:
    head = say("| 消息 | 通道 | 核对结果 | 条数 |", "| message | channel | result | number |")
    lines = [say("## 消息核对", "## Messages reconciled"), "", head, "|---|---|---|---:|"]
    for (channel, name, state), number in sorted(found.moves.items()):
        told = say("未送达，重新发送", "not sent; goes again") if state == "pending" else state_name(state)
        lines.append(f"| {message_name(name)} | {channel_name(channel)} | {told} | {number} |")
    summary = say("收到回执 {} 条，群众和干部回复 {} 条。", "{} receipts and {} replies came in.")
    down = say("- **服务商 {} 没有应答**（{}），下次再问。", "- **{} did not answer** ({}); asked again next time.")
    told = say("已向值守人员发出 {} 条告警。", "{} alarms went to the operators.")
    lines += ["", summary.format(found.receipts, found.replies), *([told.format(alarms)] if alarms else [])]
    lines += [down.format(name, code) for name, code in sorted(found.down.items())]
    return "\n".join(lines)


@flow(name="message-report", retries=2, retry_delay_seconds=30, persist_result=False)
@by_district
@safely
def message_report(month: fields.Month = None, as_of: fields.AsOf = None) -> dict[str, Any]:
    """Report what became of messages, what they cost, and what is in doubt.

    Args:
        month: such as 2026-03; the day before `as_of` when left open.
        as_of: the day on which this is done; the scheduled day when left open.
    """
    chosen = settings()
    day = artifacts.as_of(as_of, chosen)
    yesterday = day - timedelta(days=1)

    def work(held: Claim | None = None) -> Result:
        del held
        first, last = month_dates(month) if month else (yesterday, yesterday)
        report, result = report_days(database, chosen, first, last)
        _show(report, result)
        return result

    with opened(chosen) as database:
        return work() if month else at_work(database, "message-report", str(day), chosen.district, work)


def _show(report: Report, result: dict[str, Any]) -> None:
    when = str(report.first) if report.first == report.last else f"{report.first} — {report.last}"
    title = say(
        f"{when} 消息 {result['messages']} 条 · 已送达 {result['delivered']} · 未送达 {result['failed']}"
        f" · 结果不明 {result['unknown']} · 待打电话 {result['calls']} · 短信计费 {result['sms_parts']} 条"
        f" · 工作簿 {result['file']}",
        f"{when}: {result['messages']} messages, {result['delivered']} delivered, {result['failed']} failed, "
        f"{result['unknown']} in doubt, {result['calls']} to call, {result['sms_parts']} SMS parts"
        f" · workbook {result['file']}",
    )
    rows = [
        {
            say("消息", "message"): message_name(each.template),
            say("通道", "channel"): channel_name(each.channel),
            say("服务商", "provider"): provider_name(each.provider),
            say("结果", "result"): state_name(each.state),
            say("条数", "number"): each.messages,
            say("计费条数", "parts"): each.parts,
        }
        for each in report.volumes
    ]
    artifacts.table("message-report", title, rows, _waiting(report))


def _waiting(report: Report) -> str:
    since = say("{}：最久的一条自 {} 起待发。", "{}: the oldest has been waiting since {}.")
    resting = say("通道 {} 暂停中（{}）。", "{} is left alone ({}).")
    lines = [
        since.format(channel_name(kind), f"{at.astimezone(report.at.tzinfo):%m-%d %H:%M}")
        for kind, at in sorted(report.oldest.items())
    ]
    return "  \n".join([*lines, *(resting.format(each.provider, each.code) for each in report.troubles)])


@flow(name="message-gallery", retries=0, persist_result=False)
@safely
def message_gallery() -> dict[str, Any]:
    """Show every message as it would read, with made-up samples, so that an office can check the wording."""
    page = gallery_markdown(site_of(settings()))
    artifacts.markdown("message-gallery", page, say("消息一览", "all messages"))
    return {"messages": len(catalogue())}


@flow(name="redact-messages", retries=2, retry_delay_seconds=30, persist_result=False)
@safely
def redact(as_of: fields.AsOf = None) -> dict[str, Any]:
    """Remove personal data of messages that came to their end long ago.

    Args:
        as_of: the day on which this is done; the scheduled day when left open.
    """
    chosen = settings()
    day = artifacts.as_of(as_of, chosen)
    now = min(chosen.now(), datetime.combine(day + timedelta(days=1), time(), chosen.tz))
    before = now - messages(day, chosen.policy).redact
    redacted = 0
    with opened(chosen) as database:
        while True:
            with database.write() as session:
                gone = redact_messages(session, before, now, _ONE_BATCH)
            redacted += gone
            if gone < _ONE_BATCH:
                break
        with database.write() as session:
            files = redact_files(session, before)
            replies = redact_replies(session, before)
            receipts = redact_receipts(session, before)
    title = say(
        "{} 条消息、{} 条回复、{} 条回执和 {} 个附件已脱敏。",
        "{} messages, {} replies, {} receipts and {} files were redacted.",
    )
    told = title.format(redacted, replies, receipts, files)
    artifacts.markdown("redact-messages", told, say("消息脱敏", "messages redacted"))
    return {"messages": redacted, "replies": replies, "receipts": receipts, "files": files}
