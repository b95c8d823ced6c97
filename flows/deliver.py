"""Delivering, every minute: open the outbox -> drain each channel -> leave a table of counts.

It claims no job_run: leases in the rows keep two runs apart, and a killed one is made good by the next.
"""

import time
from collections.abc import Callable
from datetime import datetime
from typing import Any

from prefect import flow
from prefect.artifacts import create_markdown_artifact
from prefect.context import FlowRunContext

from flows import fields
from flows.failures import safely
from flows.jobs import is_dead, owner, real_now
from flows.settings import Settings, settings
from flows.store import open_database
from models.db import Database
from notifications.catalogue import catalogue
from notifications.channels.contract import Channel
from notifications.channels.email import Smtp
from notifications.channels.file import MailFiles, SmsFile
from notifications.drain import Tally, drain
from notifications.duty_truth import STILL_TRUE
from notifications.round import Round
from policies.messages import messages
from rules.errors import say

_CHANNELS = {"email": ("邮件", "e-mail"), "sms": ("短信", "SMS"), "call": ("电话", "call")}
_STATES = {
    "accepted": ("已发出", "sent"),
    "pending": ("待重发", "to be tried again"),
    "unknown": ("结果不明，请核对", "unknown, please check"),
    "dead": ("无法送达", "cannot be delivered"),
    "suppressed": ("对方已退订", "opted out"),
    "expired": ("已过期未发", "expired"),
    "cancelled": ("情况已变，未发", "no longer true"),
}


@flow(name="deliver")
@safely
def deliver(at: fields.At = None) -> dict[str, Any]:
    """Send what is due in the outbox.

    Args:
        at: the business instant instead of now; a naive one is the district's wall clock.

    Returns:
        Counts by new state, and the channels that are in trouble.
    """
    chosen = settings().moved_to(at)
    clock = chosen.now
    database = open_database(chosen)
    try:
        tally = drain_all(database, chosen, clock)
    finally:
        database.close()
    if tally and FlowRunContext.get():
        create_markdown_artifact(key="deliver", markdown=report(tally), description=say("消息发送", "messages sent"))
    return {**tally.states, **({"stopped": tally.stopped} if tally.stopped else {})}


def drain_all(database: Database, chosen: Settings, clock: Callable[[], datetime]) -> Tally:
    """Drain every channel of these settings in this process."""
    one = Round(
        database,
        messages(chosen.today(), chosen.policy),
        chosen.tz,
        now=clock,
        real_now=real_now,
        owner=owner(),
        dead=is_dead,
        still_true=STILL_TRUE,
        pause=lambda wait: time.sleep(wait.total_seconds()),
    )
    return drain(one, channels(chosen))


def channels(chosen: Settings) -> dict[str, list[Channel]]:
    """Return the ways out of the house that the settings name."""
    folder = chosen.folder("outbox")
    return {"sms": [SmsFile(folder)], "email": [_email(chosen)]}


def _email(chosen: Settings) -> Channel:
    if chosen.email == "file":
        return MailFiles(chosen.folder("outbox"), chosen.mail_from)
    return Smtp(
        chosen.smtp_host,
        chosen.smtp_port,
        chosen.smtp_security,
        chosen.mail_from,
        user=chosen.smtp_user,
        password=chosen.smtp_password.get_secret_value(),
        timeout_s=chosen.smtp_timeout_s,
    )


def report(tally: Tally) -> str:
    """Return the table a clerk looks at: counts by template, channel and state, and what is in trouble."""
    head = say("| 消息 | 通道 | 结果 | 条数 |", "| message | channel | result | number |")
    lines = [say("## 消息发送", "## Messages"), "", head, "|---|---|---|---:|"]
    known = catalogue()
    for (channel, name, state), number in sorted(tally.moves.items()):
        title = known[name].title if name in known else name
        told = say(*_STATES.get(state, (state, state)))
        lines.append(f"| {say(title, name)} | {say(*_CHANNELS[channel])} | {told} | {number} |")
    trouble = say(
        "- **{}通道暂停**（代码 {}），消息保留待发；请检查该通道的设置与网络。",
        "- **The {} channel is down** ({}); messages stay pending. Check its settings and the network.",
    )
    lines += ["", *(trouble.format(say(*_CHANNELS[kind]), code) for kind, code in sorted(tally.stopped.items()))]
    return "\n".join(lines)
