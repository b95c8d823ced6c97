"""The doctor's look into the outbox: what waits, what is in doubt, who is left alone -> findings with remedies."""

from collections import defaultdict
from collections.abc import Iterator
from datetime import timedelta

from sqlmodel import Session

from flows.finding import Finding, ok, warn
from flows.message_figures import state_name
from flows.settings import Settings
from models.message_views import counts, oldest_pending
from models.providers import health
from rules.errors import say

_LATE: defaultdict[str, timedelta] = defaultdict(lambda: timedelta(minutes=15), call=timedelta(days=1))
_RECENT = timedelta(days=7)
_DOUBTFUL = {
    "unknown": (
        "用 tuoqi message unknown 列出，查实后用 tuoqi message settle 登记。",
        "List them with `tuoqi message unknown`, find out, then `tuoqi message settle`.",
    ),
    "dead": (
        "用 tuoqi message failed 查看原因，排除后用 tuoqi message resend 重发，必要时电话联系。",
        "See why with `tuoqi message failed`, mend it, then `tuoqi message resend`; call if need be.",
    ),
}


def outbox(session: Session, settings: Settings) -> Iterator[Finding]:
    """See what waits too long, and what came to an end that somebody must look into."""
    now = settings.now()
    waiting = oldest_pending(session, now, settings.district)
    late = {channel: since for channel, since in waiting.items() if now - since > _LATE[channel]}
    for channel, since in late.items():
        told = say("{} 最早的待发消息已等待 {}。", "the oldest {} message has waited {}.").format(
            channel, _span(now - since)
        )
        if channel == "call":
            remedy = say(
                "请拨打名单上的电话：tuoqi export call-list --reveal --to 电话名单.xlsx。",
                "Make the calls of `tuoqi export call-list --reveal --to calls.xlsx`.",
            )
        else:
            remedy = say(
                "请确认服务在运行（tuoqi up）且通道正常。",
                "See that the service runs (`tuoqi up`) and the channel works.",
            )
        yield warn("outbox", told, remedy)
    states: dict[str, int] = {}
    for (_, _, state), number in counts(session, now - _RECENT, district=settings.district).items():
        states[state] = states.get(state, 0) + number
    for state, remedies in _DOUBTFUL.items():
        if states.get(state):
            told = say("7 天内 {} 条消息{}。", "{} messages of the last 7 days: {}.").format(
                states[state], state_name(state)
            )
            yield warn("outbox", told, say(*remedies))
    if not late and not states.get("unknown") and not states.get("dead"):
        total = sum(states.values())
        yield ok("outbox", say("7 天内 {} 条消息，无积压", "{} messages in 7 days, none is stuck").format(total))


def circuits(session: Session, settings: Settings) -> Iterator[Finding]:
    """Providers that drains leave alone for now: the settings may look right and the provider say no."""
    told = say(
        "通道 {} 连续失败 {} 次（{}），{} 前不再尝试。", "{} failed {} times in a row ({}); left alone until {}."
    )
    remedy = say(
        "请核对余额、签名、模板、密钥与网络；到时自动再试，消息保留待发。",
        "Check balance, sign, templates, keys and network; it is tried again by itself, messages stay pending.",
    )
    for state in health(session):
        if state.failures and state.resume_at:
            name = f"{state.provider}:{state.template}".rstrip(":")
            until = f"{settings.local(state.resume_at):%m-%d %H:%M}"
            yield warn("channel", told.format(name, state.failures, state.code, until), remedy)


def _span(waited: timedelta) -> str:
    minutes = int(waited.total_seconds()) // 60
    return say("{} 小时 {} 分", "{} h {} min").format(*divmod(minutes, 60))
