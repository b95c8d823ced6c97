"""Why an elder stands in today's list: the kind of the task and how late it is -> a code, and its words."""

from datetime import date
from typing import Literal

from rules.errors import say
from rules.visits_clock import Kind
from rules.visits_facts import Tier

Why = Literal["wellness", "overdue", "first", "return", "reoffer", "month", "red", "interval"]

WORDS: dict[str, tuple[str, str]] = {
    "wellness": ("多次联系不上，请上门核实", "cannot be reached: go and see"),
    "overdue": ("已逾期", "overdue"),
    "first": ("新登记，首次探访", "newly registered, first visit"),
    "return": ("住院或外出归来", "back from hospital or away"),
    "reoffer": ("曾谢绝，再次征询", "declined before, ask again"),
    "month": ("本月还未探访", "not visited this month"),
    "red": ("高风险，按期探访", "high risk, regular visit"),
    "interval": ("按期探访", "regular visit"),
}
_KINDS: dict[Kind, Why] = {"FIRST": "first", "RETURN": "return", "REOFFER": "reoffer", "MONTHLY": "month"}


def why_of(kind: Kind, tier: Tier, through: date, day: date) -> Why:
    """Return why a task is on the list of a day."""
    if kind == "WELLNESS_CHECK":
        return "wellness"
    if through < day:
        return "overdue"
    return _KINDS.get(kind, "red" if tier == "red" else "interval")


def why_words(why: str, through: date, day: date) -> str:
    """Say it; of overdue work by how many days."""
    if why == "overdue":
        late = (day - through).days
        return say(f"逾期{late}天", f"{late} days late" if late > 1 else "1 day late")
    return say(*WORDS[why])
