"""The messages of issues: a step of the ladder -> whoever must hear of it; call-backs due -> who calls back."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from sqlmodel import Session

from models.district import Contact
from models.issue import logs
from models.issue_standing import Standing
from models.post_death import tag
from models.successors import base_of
from notifications.duty import Telling
from notifications.outbox import Draft
from notifications.parcels import Parcel
from notifications.round import StillTrue
from notifications.visits import enqueue_new
from rules.errors import say
from rules.issues import Level
from rules.issues_log import read_log
from rules.registers.contacts import ISSUE_KIND_NAMES

LEVELS: Mapping[Level, tuple[str, str]] = {
    "owner": ("经办人", "owner"),
    "lead": ("社区", "community"),
    "subdistrict": ("街道", "sub-district"),
    "district": ("区", "district"),
}


class Step(NamedTuple):
    """A step of the ladder for one recipient; `due_at` is wall-clock time of the district."""

    issue: Standing
    level: Level
    reached_at: datetime
    due_at: datetime
    contact: Contact


def tell_steps(session: Session, telling: Telling, steps: Iterable[Step], places: Mapping[int, str]) -> int:
    """Tell each recipient of a step once: nearly due at 80 % of the time, overdue from then on."""
    drafts: list[Draft] = []
    for step in steps:
        issue, contact = step.issue, step.contact
        told = {
            "name": contact.name,
            "issue": issue.number,
            "kind": kind_of(issue),
            "place": issue.centre or places[issue.community],
            "until": wall(step.due_at, telling.now.astimezone(telling.zone).year),
        }
        name, key = "issue-due", f"issue-due:{issue.id}:{contact.ref}"
        if step.level != "owner":
            name, key = "issue-overdue", f"issue-overdue:{issue.id}:{step.level}:{contact.ref}"
            told |= {"owner": issue.owner or say("尚未派人", "nobody yet"), "level": say(*LEVELS[step.level])}
        drafts.append(telling.draft(name, name, key, contact, told, priority=3))
    return enqueue_new(session, drafts, telling.now)


def kind_name(kind: str) -> str:
    """Name the kind of issue."""
    return say(ISSUE_KIND_NAMES[kind], kind)


def kind_of(issue: Standing) -> str:
    """Name the kind of an issue; of an elder who died with the tag."""
    told, mark = kind_name(issue.kind), tag(post_death=issue.post_death)
    return say(f"{told}（{mark}）", f"{told} ({mark})") if mark else told


def wall(at: datetime, year: int) -> str:
    """Say a wall-clock time: 7月16日17:00, with the year if it is not this one; the end of a day is its 24:00."""
    end = (at.hour, at.minute) == (0, 0)
    day, clock = (at - timedelta(days=1), "24:00") if end else (at, f"{at:%H:%M}")
    zh, en = ("", "") if day.year == year else (f"{day.year}年", f" {day.year}")
    return say(f"{zh}{day.month}月{day.day}日{clock}", f"{clock} on {day.day} {day:%b}{en}")


def _unresolved(session: Session, parcels: Sequence[Parcel]) -> set[str]:
    issues = {parcel.key: int(base_of(parcel.key).split(":")[1]) for parcel in parcels}
    known = logs(session, set(issues.values()))
    waiting = {issue for issue, log in known.items() if log and read_log(log).state in _WAITING}
    return {key for key, issue in issues.items() if issue in waiting}


_WAITING = {"NEW", "ASSIGNED", "WAITING", "REOPENED"}

STILL_OPEN: Mapping[str, StillTrue] = dict.fromkeys(("issue-due", "issue-overdue"), _unresolved)
"""Still true? An issue that was resolved while its message waited is nobody's worry."""
