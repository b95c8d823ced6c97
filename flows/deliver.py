"""Delivering, when the bell rings and every ten minutes: open the outbox -> drain each channel -> a table of counts.

It claims no job_run: leases in the rows keep two runs apart, and a killed one is made good by the next.
"""

from typing import Any

from prefect import flow

from flows import artifacts, fields
from flows.failures import safely
from flows.message_figures import channel_name, message_name, state_name
from flows.outlets import channels, round_of
from flows.settings import settings
from flows.store import opened
from notifications.drain import Tally, drain
from rules.errors import say


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
    with opened(chosen) as database:
        tally = drain(round_of(database, chosen, chosen.now), channels(chosen))
    if tally:
        artifacts.markdown("deliver", report(tally), say("消息发送", "messages sent"))
    told = {"stopped": tally.stopped, "uncarried": sorted(name for _, name in tally.uncarried)}
    return {**tally.states, **{name: value for name, value in told.items() if value}}


def report(tally: Tally) -> str:
    """Return the table a clerk looks at: counts by template, channel and state, and what is in trouble."""
    head = say("| 消息 | 通道 | 结果 | 条数 |", "| message | channel | result | number |")
    lines = [say("## 消息发送", "## Messages"), "", head, "|---|---|---|---:|"]
    for (channel, name, state), number in sorted(tally.moves.items()):
        lines.append(f"| {message_name(name)} | {channel_name(channel)} | {state_name(state)} | {number} |")
    trouble = say(
        "- **通道 {} 暂停**（代码 {}），消息保留待发；请检查该通道的设置、余额与网络。",
        "- **{} is left alone** ({}); messages stay pending. Check its settings, balance and network.",
    )
    missing = say(
        "- **{}（{}）没有已审核的模板**，消息保留待发；请在 TUOQI_SMS_TEMPLATES 中填写模板编号。",
        "- **{} ({}) has no approved template**; messages stay pending. Enter its id in TUOQI_SMS_TEMPLATES.",
    )
    lines += ["", *(trouble.format(name, code) for name, code in sorted(tally.stopped.items()))]
    lines += [missing.format(message_name(name), channel_name(kind)) for kind, name in sorted(tally.uncarried)]
    return "\n".join(lines)
