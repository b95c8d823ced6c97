"""Issues and their events from the register: with what is new, the whole log must still be a possible one.

Events may come late and out of order; rules.issues_log.read_log replays the log with them and says whether it holds.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, cast

from sqlalchemy import insert
from sqlmodel import Session

from models.db import keys_of
from models.district import centre_ids
from models.elder import elder_ids
from models.intake import Refused, Scope, Taken
from models.intake_cadres import IN_ONE
from models.issue import Issue, IssueEvent, issue_ids, local, logs
from rules.issues_log import EVENT_KINDS, Event, EventKind, StepRefused, read_log
from rules.registers import Row

_TYPED = ("event", "at", "actor", "satisfied")


def store_issues(session: Session, scope: Scope, rows: Sequence[Row]) -> Taken:
    """Store new issues and new events of known ones; the same event again changes nothing."""
    taken = Taken()
    known = issue_ids(session, scope.district, {_number(row) for row in rows})
    subjects = _Subjects(session, scope, rows)
    by_issue: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        by_issue[_number(row)].append(row)
    before = logs(session, [issue.id for issue in known.values() if issue.id is not None])
    fresh, events = [], []
    for number, some in by_issue.items():
        issue = known.get(number)
        try:
            news = _news(scope, some, before.get(issue.id or 0, []) if issue else [], taken)
            if issue is None:
                fresh.append(subjects.new_issue(number, some))
            else:
                subjects.check_same(issue, some)
        except Refused as refusal:
            taken.errors.append(refusal.error)
            continue
        events += [(number, row, event) for row, event in news]
    taken.errors.sort(key=lambda error: error.row)
    if not taken.errors:
        _write(session, scope, fresh, events)
    return taken


def _number(row: Row) -> str:
    return str(row.values["number"])


def _news(scope: Scope, rows: Iterable[Row], before: Sequence[Event], taken: Taken) -> list[tuple[Row, Event]]:
    """Return the events that are new, each with its row, once the whole log with them holds."""
    news: list[tuple[Row, Event]] = []
    seen = set(before)
    for row in rows:
        event = _event(scope, row, seen)
        if event in seen:
            taken.unchanged += 1
            continue
        seen.add(event)
        news.append((row, event))
        taken.add()
    try:
        read_log([*before, *(event for _, event in news)])
    except StepRefused as refused:
        told = str(refused)
        problem, _, remedy = told.rstrip("。.").partition("；" if "；" in told else ";")
        row = _culprit(before, news)
        raise Refused(scope.wrong(row, "event", (problem,) * 2, (remedy.strip(),) * 2)) from None
    return news


def _culprit(before: Sequence[Event], news: Sequence[tuple[Row, Event]]) -> Row:
    """Return the row of the first event, by time, with which the log no longer holds."""
    ordered = sorted(news, key=lambda each: (each[1].at, EVENT_KINDS.index(each[1].kind)))
    for count, (row, _) in enumerate(ordered, start=1):
        try:
            read_log([*before, *(event for _, event in ordered[:count])])
        except StepRefused:
            return row
    return ordered[-1][0]


def _event(scope: Scope, row: Row, seen: Iterable[Event]) -> Event:
    """Understand one row; without a time it is the same event of the same person in the log, else it is now."""
    kind, at, actor, satisfied = (row.values.get(name) for name in _TYPED)
    if satisfied is not None and kind != "verify":
        problem = ("只在回访时填", "is only for verify")
        raise Refused(scope.wrong(row, "satisfied", problem, ("请留空", "leave it blank")))
    moment = at or scope.now
    assert isinstance(moment, datetime)
    if moment > scope.now:
        problem = ("时间在将来", "the time is in the future")
        raise Refused(scope.wrong(row, "at", problem, ("请填实际时间", "give the real time")))
    wall = local(moment.replace(microsecond=0))  # what a file can carry, so that an export comes back
    told = Event(cast(EventKind, kind), wall, str(actor or ""), cast(bool | None, satisfied))
    alike = (event for event in seen if at is None and event._replace(at=wall) == told)
    return next(alike, told)


class _Subjects:
    """Whose issue it is: an elder or a centre that is registered."""

    def __init__(self, session: Session, scope: Scope, rows: Sequence[Row]) -> None:
        self._scope = scope
        self._elders = elder_ids(session, scope.district, {str(e) for row in rows if (e := row.values.get("elder"))})
        self._centres = centre_ids(session, scope.district)

    def new_issue(self, number: str, rows: Sequence[Row]) -> dict[str, Any]:
        """Return the row of a new issue, from the row that opens it."""
        row = next((row for row in rows if row.values["event"] == "open"), rows[0])
        if row.values.get("kind") is None:
            problem = ("登记诉求时必填", "an issue needs it at opening")
            raise Refused(self._scope.wrong(row, "kind", problem, ("请选择类别", "choose one")))
        subject = self._subject(row)
        if sum(each is not None for each in subject.values()) != 1:
            problem = ("老人和中心只填一项", "an issue is an elder's or a centre's")
            raise Refused(self._scope.wrong(row, "elder", problem, ("请填其中一项", "fill in one of the two")))
        kind = row.values["kind"]
        return {"district_id": self._scope.district, "number": number, "kind": kind, **subject}

    def check_same(self, issue: Issue, rows: Iterable[Row]) -> None:
        """Refuse rows that give a known issue another subject or kind."""
        for row in rows:
            said = {**self._subject(row), "kind": row.values.get("kind")}
            for name, value in said.items():
                if value is not None and value != getattr(issue, name):
                    column = name.removesuffix("_id")
                    problem = ("与登记时不同", "differs from what was said at opening")
                    raise Refused(self._scope.wrong(row, column, problem, ("请核对诉求编号", "check the number")))

    def _subject(self, row: Row) -> dict[str, int | None]:
        elder, centre = row.values.get("elder"), row.values.get("centre")
        if elder is not None and str(elder) not in self._elders:
            raise Refused(self._scope.unknown(row, "elder"))
        if centre is not None and str(centre) not in self._centres:
            raise Refused(self._scope.unknown(row, "centre"))
        return {
            "elder_id": self._elders[str(elder)][0] if elder is not None else None,
            "centre_id": self._centres[str(centre)] if centre is not None else None,
        }


def _write(
    session: Session, scope: Scope, issues: Sequence[Mapping[str, Any]], events: Sequence[tuple[str, Row, Event]]
) -> None:
    if issues:
        session.execute(
            insert(Issue), [{**issue, "recorded_at": scope.now} for issue in issues], execution_options=IN_ONE
        )
    ids = {number: issue.id for number, issue in issue_ids(session, scope.district, {e[0] for e in events}).items()}
    seal = keys_of(session).seal
    lines = [
        {
            "issue_id": ids[number],
            "event": event.kind,
            "at": event.at.replace(tzinfo=scope.zone).astimezone(UTC),
            "actor": event.actor,
            "satisfied": event.satisfied,
            "note": seal("issue_event.note", number, str(row.values.get("note") or "")),
            "recorded_at": scope.now,
            "recorded_by": scope.actor,
        }
        for number, row, event in events
    ]
    if lines:
        session.execute(insert(IssueEvent), lines, execution_options=IN_ONE)
