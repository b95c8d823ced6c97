"""Issues in the tests: a log as short lines, times of 2026."""

from datetime import datetime

from rules.issues_log import Event


def when(text: str) -> datetime:
    return datetime.fromisoformat(f"2026-{text}")


def log(*lines: str) -> list[Event]:
    """Read lines such as `verify 03-05T10:00 no`; times are of 2026."""
    found = []
    for line in lines:
        kind, at, *answer = line.split()
        satisfied = {"yes": True, "no": False}.get(answer[0]) if answer else None
        found.append(Event(kind, when(at), satisfied=satisfied))  # type: ignore[arg-type]
    return found
