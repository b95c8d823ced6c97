"""The log of an issue 诉求台账: events in any order -> the table of steps -> state, waits, rests and answers.

NEW -> ASSIGNED <-> WAITING -> RESOLVED -> VERIFIED -> CLOSED; dissatisfied -> REOPENED.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, NamedTuple, get_args

from rules.errors import TuoqiError, say

IssueKind = Literal["urgent", "consult", "help", "other"]
IssueState = Literal["NEW", "ASSIGNED", "WAITING", "RESOLVED", "VERIFIED", "REOPENED", "CLOSED"]
EventKind = Literal["open", "assign", "wait", "approve", "resume", "resolve", "verify", "reopen", "close"]

ISSUE_KINDS: tuple[IssueKind, ...] = get_args(IssueKind)
EVENT_KINDS: tuple[EventKind, ...] = get_args(EventKind)

STEPS: dict[tuple[IssueState | None, EventKind], IssueState] = {
    (None, "open"): "NEW",
    ("NEW", "assign"): "ASSIGNED",
    ("ASSIGNED", "assign"): "ASSIGNED",  # to somebody else; the clock goes on
    ("ASSIGNED", "wait"): "WAITING",
    ("ASSIGNED", "resolve"): "RESOLVED",
    ("WAITING", "wait"): "WAITING",  # a second reason to wait; overlapping time counts once
    ("WAITING", "approve"): "WAITING",
    ("WAITING", "assign"): "WAITING",
    ("WAITING", "resume"): "ASSIGNED",
    ("WAITING", "resolve"): "RESOLVED",
    ("RESOLVED", "verify"): "VERIFIED",  # satisfied, or not to be asked; if dissatisfied: REOPENED
    ("RESOLVED", "reopen"): "REOPENED",
    ("VERIFIED", "reopen"): "REOPENED",
    ("VERIFIED", "close"): "CLOSED",
    ("REOPENED", "reopen"): "REOPENED",  # written down besides the dissatisfied call-back
    ("REOPENED", "assign"): "ASSIGNED",
    ("REOPENED", "wait"): "WAITING",
    ("REOPENED", "resolve"): "RESOLVED",
}
"""Allowed pairs (state, event) and the state they lead to; any other is refused."""

STATE_NAMES: dict[IssueState | None, str] = {
    None: "未登记",
    "NEW": "新建",
    "ASSIGNED": "已派",
    "WAITING": "等待",
    "RESOLVED": "已解决",
    "VERIFIED": "已回访",
    "REOPENED": "重新打开",
    "CLOSED": "已办结",
}
EVENT_NAMES: dict[EventKind, str] = {
    "open": "登记",
    "assign": "派单",
    "wait": "申请等待",
    "approve": "批准等待",
    "resume": "恢复办理",
    "resolve": "解决",
    "verify": "回访",
    "reopen": "重新打开",
    "close": "办结",
}


class Event(NamedTuple):
    """One line of the log, at the district's wall-clock time; `satisfied` is the answer to the call-back."""

    kind: EventKind
    at: datetime
    actor: str = ""
    satisfied: bool | None = None


@dataclass(eq=False)
class StepRefused(TuoqiError):
    """An issue in `state` cannot take `event`."""

    state: IssueState | None
    event: EventKind

    def __str__(self) -> str:
        allowed = [event for event in EVENT_KINDS if (self.state, event) in STEPS]
        names = "、".join(EVENT_NAMES[event] for event in allowed)
        return say(
            f"诉求处于“{STATE_NAMES[self.state]}”，不能“{EVENT_NAMES[self.event]}”；"
            f"现在可以：{names or '无'}。请核对诉求编号和时间。",
            f"an issue that is {self.state or 'not open'} cannot take {self.event!r}; it can take: "
            f"{', '.join(allowed) or 'nothing'}. Check the issue number and the time.",
        )


class Log(NamedTuple):
    """What the events say: waits as (requested, approved, ended), rests as (resolved, reopened), answers in order."""

    state: IssueState
    opened_at: datetime
    waits: list[tuple[datetime, bool, datetime | None]]
    rests: list[tuple[datetime, datetime | None]]
    answers: list[tuple[datetime, bool]]


def read_log(events: Iterable[Event]) -> Log:
    """Replay the log by time; events of one instant are taken in an order in which they can follow each other.

    Raises:
        StepRefused: an event cannot follow those before it. A late one is checked by replaying the log with it.
    """
    waiting = sorted(events, key=lambda event: (event.at, EVENT_KINDS.index(event.kind), event.actor))
    state: IssueState | None = None
    log: Log | None = None
    while waiting:
        event = _next(state, waiting)
        waiting.remove(event)
        state = _step(state, event)
        log = Log(state, event.at, [], [], []) if log is None else _entered(log._replace(state=state), event)
    if log is None:
        raise StepRefused(None, "assign")
    return log


def _next(state: IssueState | None, waiting: list[Event]) -> Event:
    """Return the first of the earliest events that the state allows, else the first."""
    now = [event for event in waiting if event.at == waiting[0].at]
    return next((event for event in now if (state, event.kind) in STEPS), now[0])


def _step(state: IssueState | None, event: Event) -> IssueState:
    try:
        after = STEPS[state, event.kind]
    except KeyError:
        raise StepRefused(state, event.kind) from None
    return "REOPENED" if event.kind == "verify" and event.satisfied is False else after


def _entered(log: Log, event: Event) -> Log:
    """Return the log with the times of one more event."""
    waits, rests, at = log.waits, log.rests, event.at
    if event.kind == "wait":
        waits = [*waits, (at, False, None)]
    elif event.kind == "approve":
        waits = [(asked, approved or ended is None, ended) for asked, approved, ended in waits]
    elif event.kind in {"resume", "resolve"}:
        waits = [(asked, approved, ended or at) for asked, approved, ended in waits]
    if event.kind == "resolve":
        rests = [*rests, (at, None)]
    elif log.state == "REOPENED" and rests and rests[-1][1] is None:
        rests = [*rests[:-1], (rests[-1][0], at)]
    answers = log.answers if event.satisfied is None else [*log.answers, (at, event.satisfied)]
    return log._replace(waits=waits, rests=rests, answers=answers)
