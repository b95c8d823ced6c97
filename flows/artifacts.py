"""What a run leaves for a clerk to look at: rows or words -> a Markdown page beside the run; outside a run, nothing.

Prefect's own table shows ten rows a page on one line each, so it is kept for lists that are too long to read anyway.
"""

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, date
from typing import Any

from prefect.artifacts import create_markdown_artifact, create_table_artifact
from prefect.context import FlowRunContext

from flows.settings import NotYet, Settings, working_for
from rules import slots
from rules.errors import say

PAGE_ROWS = 100
"""Up to so many rows are one Markdown page; more become a table with a search field."""

_YUAN = re.compile(r"-?[0-9,]+\.[0-9]{2}|—")
_ESCAPED = str.maketrans({"<": "&lt;", "\n": " ", **{mark: "\\" + mark for mark in "\\`*_[]|~#"}})
_MARKS = {
    "notice": ("通知值班人", "notice"),
    "reminder": ("提醒确认", "reminder"),
    "head": ("报中心负责人", "centre head"),
    "office": ("报街道办", "sub-district office"),
    "missed": ("记缺岗", "missed"),
}


def table(key: str, title: str, rows: Sequence[Mapping[str, Any]], note: str = "") -> None:
    """Leave rows under the run; the columns are the keys of the first row, cells are plain text.

    Args:
        key: a slug, [a-z0-9-]; the same key in the next run is the next version of the same page.
        title: one line, plain text.
        rows: references, dates and counts, never personal data.
        note: Markdown under the title.
    """
    if FlowRunContext.get() is None:
        return
    if len(rows) <= PAGE_ROWS:
        markdown(key, f"## {_plain(title)}\n\n{note}\n\n{_rows(rows)}", title)
        return
    listed = [{name: str(value) for name, value in row.items()} for row in rows]
    create_table_artifact(listed, key=_own(key), description=f"**{_plain(title)}**\n\n{note}")


def markdown(key: str, text: str, title: str = "") -> None:
    """Leave a page of Markdown under the run; `key` as in `table`."""
    if FlowRunContext.get() is None:
        return
    create_markdown_artifact(text, key=_own(key), description=_plain(title) or None)


def _own(key: str) -> str:
    """Each district of a city has its own pages."""
    return f"{key}-{working_for()}" if working_for() else key


def present_day(given: date | None, settings: Settings) -> date:
    """Return the day a job works for that a late run does for the present: the one given, else today.

    Raises:
        NotYet: it lies in the future.
    """
    day = given or max(as_of(None, settings), settings.today())
    if day > settings.today():
        raise NotYet(day)
    return day


def as_of(given: date | None, settings: Settings) -> date:
    """Return the business date: the one given, the local date for which the run was scheduled, or today.

    A replaced clock (`--at`) goes before the schedule, whose time is real.
    """
    run = FlowRunContext.get()
    scheduled = run.flow_run.expected_start_time if run and run.flow_run else None
    if given or settings.at or scheduled is None:
        return given or settings.today()
    return settings.local(scheduled.astimezone(UTC)).date()


def state_name(state: str) -> str:
    """The name of a slot's state in the language of this run."""
    return say(slots.NAMES.get(state, "—"), state.replace("_", " "))


def mark_name(mark: str) -> str:
    """The name of a mark in the language of this run."""
    return say(*_MARKS.get(mark, (mark, mark)))


def _rows(rows: Sequence[Mapping[str, Any]]) -> str:
    if not rows:
        return say("（没有记录）", "(none)")
    columns = list(rows[0])
    lines = [[_plain(name) for name in columns], ["---:" if _numeric(rows, name) else "---" for name in columns]]
    lines += [[_plain(row.get(name)) for name in columns] for row in rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _numeric(rows: Sequence[Mapping[str, Any]], name: str) -> bool:
    """Numbers and yuan stand at the right; a dash among them is no text."""
    cells = [row.get(name) for row in rows]
    return set(cells) != {"—"} and all(isinstance(cell, int | float) or _YUAN.fullmatch(str(cell)) for cell in cells)


def _plain(value: Any) -> str:
    return "" if value is None else str(value).translate(_ESCAPED)
