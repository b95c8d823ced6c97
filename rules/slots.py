"""The life of a slot 值班班次: draft -> published -> acknowledged -> on_duty -> handed_over; or gap; or missed.

The same pairs are a CHECK in the database; every transition is a row there with time, actor and reason.
"""

from dataclasses import dataclass
from typing import Literal, get_args

from rules.errors import TuoqiError, say

State = Literal["draft", "published", "acknowledged", "on_duty", "handed_over", "gap", "missed"]
STATES: tuple[State, ...] = get_args(State)

NAMES: dict[str, str] = {
    "draft": "草稿",
    "published": "已发布",
    "acknowledged": "已确认",
    "on_duty": "在岗",
    "handed_over": "已交接",
    "gap": "空缺",
    "missed": "缺岗",
}

TRANSITIONS: frozenset[tuple[State, State]] = frozenset(
    {
        ("draft", "published"),
        ("draft", "gap"),  # planned anew, nobody left
        ("gap", "draft"),  # planned anew before publishing
        ("gap", "published"),  # filled by a repair
        ("published", "acknowledged"),
        ("published", "on_duty"),  # came without acknowledging
        ("published", "gap"),  # nobody left
        ("published", "missed"),
        ("acknowledged", "published"),  # re-assigned: the new cadre has not acknowledged
        ("acknowledged", "on_duty"),
        ("acknowledged", "gap"),
        ("acknowledged", "missed"),
        ("on_duty", "handed_over"),
        ("missed", "on_duty"),  # a check-in proved late
    }
)
"""Allowed pairs (from, to). Staying in a state, as when published -> published changes the cadre, is no transition."""


@dataclass(eq=False)
class TransitionRefused(TuoqiError):
    """A slot cannot go from `before` to `after`."""

    before: str
    after: str

    def __str__(self) -> str:
        zh = [NAMES[state] for state in STATES if (self.before, state) in TRANSITIONS]
        en = [state for state in STATES if (self.before, state) in TRANSITIONS]
        before, after = (NAMES.get(state, state) for state in (self.before, self.after))
        return say(
            f"值班状态不能从“{before}”变为“{after}”；可变为：{'、'.join(zh) or '无'}。请刷新后重试。",
            f"a slot cannot go from {self.before} to {self.after}; it may become: {', '.join(en) or 'nothing'}. "
            "Reload and try again.",
        )


def check_transition(before: str, after: str) -> None:
    """Raise TransitionRefused unless the table allows the step."""
    if (before, after) not in TRANSITIONS:
        raise TransitionRefused(before, after)
