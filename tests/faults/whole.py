"""A whole district for the faults: duty, visits, money, an exam and their messages live one October in one database.

Its life is a row of steps at moments of the month, each of which a clerk or a schedule may do again. What stands in
the end is compared with a copy of the district that lived the same month undisturbed.
"""

import os
import time
from collections import Counter
from collections.abc import Callable, Collection
from dataclasses import dataclass, fields, replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import select
from sqlmodel import col

from flows.duty_day import duty_morning
from flows.duty_watch import watch as duty_watch
from flows.exam_telling import report_exam
from flows.failures import DatabaseGone, PublicError, _sort_of
from flows.jobs import Result
from flows.message_desk import settle_message
from flows.outlets import round_of
from flows.visit_desk import record
from flows.visits_day import visits_morning
from flows.visits_watch import watch as visits_watch
from models import audit
from models.awaited import ABSENT
from models.db import Database
from models.elder import Elder
from models.helper import Helper
from models.messages import Message
from models.visit import VisitListRow, VisitTask
from notifications.channels.contract import Channel
from notifications.drain import drain
from notifications.reconcile import reconcile
from tests.faults.ledger import Book
from tests.flows import test_exam_report as exam
from tests.flows.allowance_life import Life
from tests.flows.exams import exam_office, give, give_marks, mark, student
from tests.flows.test_duty import Office

KINDS = ("email", "sms", "robot")
MONTH = "2026-10"
_PATIENCE_S = 200
_ASKED = 12
_TEN = timedelta(minutes=10)
NOVEMBER = (date(2026, 11, 1), date(2026, 11, 30))
DISTRICT = "530112"
Step = Callable[[], Any]
_WALK = (
    "2026-10-10T09:05", "2026-10-10T10:05", "2026-10-20T07:05", "2026-10-20T09:10", "2026-10-20T10:05",
    "2026-10-21T15:05", "2026-10-22T09:05", "2026-10-22T10:05", "2026-10-23T09:05", "2026-10-23T10:10",
    "2026-10-23T11:05", "2026-10-24T15:05",
)  # fmt: skip
_VISITS = ("2026-10-19T08:00", "2026-10-19T18:05", "2026-10-20T08:00", "2026-10-21T08:00", "2026-10-21T18:05",
           "2026-10-22T08:00")  # fmt: skip
_DUTY = ("2026-10-20T08:05", "2026-10-25T08:05", "2026-11-02T12:00", "2026-11-02T17:05", "2026-11-03T08:05",
         "2026-11-04T08:05", "2026-11-05T08:05", "2026-11-05T08:50")  # fmt: skip
"""When the outbox is drained after each step; quiet hours are over by then."""


@dataclass(frozen=True, slots=True)
class Standing:
    """What a district has in the end, without the numbers that a database and chance hand out."""

    duty: Any
    visits: Any
    lists: Any
    money: Any
    told: Any
    fates: Any
    audited: Any


class Whole(Life):
    """A district that pays, visits, plans duty and reports an exam, and takes its work up again wherever it broke."""

    def __init__(self, database: Database, folder: Path) -> None:
        super().__init__(database, folder)
        self.rounds = 0
        centres = {n: "C1" if n < 5 else "C2" for n in range(1, 9)}
        cadres = [
            {"number": f"K{n}", "name": f"干部{n}", "email": f"k{n}@example.com", "centre": c, "from": "2020-01-01"}
            for n, c in centres.items()
        ]
        self.office.send("cadre", [{**row, "head": row["number"] in {"K1", "K5"}} for row in cadres])
        helpers = [{"number": n, "name": "李四", "community": "翠湖社区", "role": "building"} for n in ("H1", "H2")]
        self.office.send("helper", [{**row, "capacity": 6, "email": f"{row['number']}@x.example"} for row in helpers])
        away = [("K1", "2026-11-04"), ("K6", "2026-11-05")]
        self.leaves = [{"person": who, "from": day, "until": day, "type": "sick"} for who, day in away]
        self._exam(folder)

    def _exam(self, folder: Path) -> None:
        office = exam_office(self.database, folder)
        people = {"101": "甲", "102": "乙", "103": "丙", "104": "丁", "201": "戊", "202": "己"}
        more = {"contact_verified": "yes"}
        rows = [student(n, f"S{n[0]}", w, contact_email=f"p{n}@example.cn", **more) for n, w in people.items()]
        give(office, "student", rows, exam.AT)
        for school in "12":
            marks = [mark(n, 80 + at) for at, n in enumerate(people) if n[0] == school]
            give_marks(office, marks, exam.AT)
        exam.release(self.office, 1)

    def through(self, url: str) -> None:
        """Reach the database by another address, or with connections of one's own."""
        base = self.office.base.model_copy(update={"database_url": url})
        self.database = Database(base.url, base.keys())
        self.office = Office(self.database, base, self.folder)

    def alone(self) -> None:
        """Take connections of one's own, in a child."""
        self.through(self.office.base.url)

    def duty_steps(self) -> list[Step]:
        """A draft, a published month, two mornings on which somebody fell ill, the marks of a day."""
        return [
            lambda: self.office.plan("2026-11", moment="2026-10-20T08:00"),
            lambda: self.office.plan("2026-11", publish=True, moment="2026-10-25T08:00"),
            lambda: self.office.send("leave", self.leaves, "2026-11-02T11:00"),
            lambda: self.duty_watch("2026-11-02T17:00"),
            *(lambda day=day: self.duty_day(f"2026-11-0{day}") for day in (3, 4, 5)),
            lambda: self.duty_watch("2026-11-05T08:45"),
        ]

    def visit_steps(self) -> list[Step]:
        """Four mornings, with somebody met and somebody who does not answer in between."""

        def went() -> None:
            for who, day, said in ((0, 19, "MET"), (1, 19, "NO_ANSWER"), (1, 20, "NO_ANSWER")):
                self.visited(self.refs[who], f"2026-10-{day} 10:00", said)

        return [
            lambda: self.visits_day("2026-10-19"),
            went,
            *(lambda day=day: self.visits_day(f"2026-10-{day}") for day in (20, 21)),
            lambda: visits_watch(self.database, self.at("2026-10-21T18:00")),
            lambda: self.visits_day("2026-10-22"),
        ]

    def exam_steps(self) -> list[Step]:
        return [lambda: report_exam(self.database, self.at(exam.AT), "E1", None, "all")]

    def everything(self) -> list[tuple[str, Step]]:
        """Every step with the moment after which the outbox is drained, in the order of the calendar."""
        alone = [("2026-04-27T10:00", step) for step in self.exam_steps()]
        alone += zip(_WALK, self.walk(MONTH), strict=True)
        alone += zip(_VISITS, self.visit_steps(), strict=True)
        alone += zip(_DUTY, self.duty_steps(), strict=True)
        return sorted(alone, key=lambda each: each[0])

    def duty_day(self, day: str) -> Result:
        return duty_morning(self.database, self.at(f"{day}T06:00"), date.fromisoformat(day))

    def duty_watch(self, moment: str) -> Result:
        return duty_watch(self.database, self.at(moment))

    def visits_day(self, day: str) -> Result:
        return visits_morning(self.database, self.at(f"{day}T06:00"), date.fromisoformat(day))

    def visited(self, elder: str, on: str, outcome: str) -> None:
        chosen = self.at(f"{on[:10]}T18:00")
        values = {"elder": elder, "helper": "H1", "channel": "home", "outcome": outcome, "occurred_at": on}
        record(self.database, chosen, "contact", "office", values)

    @property
    def books(self) -> dict[str, Book]:
        return {kind: Book(self.folder, kind) for kind in KINDS}

    def _round(self, now: datetime) -> Any:
        """A round of a process of its own: when it broke off, the next one finds it dead."""
        self.rounds += 1
        one, here = round_of(self.database, self.office.base, lambda: now), f"round:{os.getpid()}:{self.rounds}"
        mine: dict[str, Any] = {"owner": here, "dead": lambda owner: owner != here, "chunk": 5, "real_now": lambda: now}
        return replace(one, **mine, still_true={}, pause=None)

    def drain(self, moment: str) -> None:
        """Drain every ten minutes until no channel rests for a fault of ours, then ask until nothing is in doubt.

        Nobody can be asked about mails, nor about what a provider does not know after the settling time: staff look
        into its book and decide.
        """
        channels: dict[str, list[Channel]] = {kind: [book] for kind, book in self.books.items()}
        now = self.at(moment).now()
        while drain(self._round(now), channels).stopped:
            now += _TEN
        now += _TEN
        drain(self._round(now), channels)  # it finds what a round that broke off has left
        for _ in range(_ASKED):
            now += _TEN
            reconcile(self._round(now), list(self.books.values()), lambda *_: None, limit=10**6)
            doubtful = self._doubtful()
            if not doubtful:
                return
            for key, out, channel, code in doubtful:
                if channel != "sms" or code == ABSENT:
                    verdict = "delivered" if out in self.books[channel].times() else "not-sent"
                    settle_message(self.database, self.at(now.isoformat()), key, verdict)
            drain(self._round(now), channels)
        raise AssertionError(f"still in doubt: {doubtful}")

    def _doubtful(self) -> list[tuple[Any, ...]]:
        columns = (Message.dedupe_key, Message.out_id, Message.channel, Message.error_code)
        return self._query(select(*map(col, columns)).where(col(Message.state) == "unknown"))

    def settle_messages(self) -> None:
        """What did not leave leaves."""
        for hour in (9, 10):
            self.drain(f"2026-11-05T{hour:02}:10")

    def standing(self) -> Standing:
        slots = self.office.slots(*NOVEMBER)
        return Standing(
            [(slot.centre, slot.day, slot.ref, slot.state, slot.published, slot.revision) for slot in slots],
            self._tasks(),
            self._lists(),
            (self.payments(), self.received(), Counter(self.batches().values()), self.balances(), self.excluded()),
            Counter(row[:3] for row in self._messages()),
            Counter(self._messages()),
            self._audited(),
        )

    def holds(self) -> None:
        """What is true at any moment, whatever happened: books agree, chains hold, nobody was told twice."""
        self.balances()
        assert self.bank.totals().paid_twice == {}
        for book in self.books.values():
            assert {out: n for out, n in book.times().items() if n > 1} == {}
        with self.database.read() as session:
            assert audit.verify(session, DISTRICT) is None

    def _query(self, query: Any) -> list[tuple[Any, ...]]:
        with self.database.read() as session:
            return [tuple(row) for row in session.execute(query)]

    def _tasks(self) -> list[tuple[Any, ...]]:
        columns = (VisitTask.kind, VisitTask.cycle, VisitTask.state, VisitTask.reason, VisitTask.deadline)
        query = (
            select(col(Elder.ref), *map(col, columns), col(Helper.number))
            .join(Elder, col(Elder.id) == col(VisitTask.elder_id))
            .outerjoin(Helper, col(Helper.id) == col(VisitTask.helper_id))
        )
        return sorted(self._query(query), key=repr)

    def _lists(self) -> list[tuple[Any, ...]]:
        query = (
            select(col(VisitListRow.day), col(Elder.ref), col(Helper.number), col(VisitListRow.position))
            .join(VisitTask, col(VisitTask.id) == col(VisitListRow.task_id))
            .join(Elder, col(Elder.id) == col(VisitTask.elder_id))
            .outerjoin(Helper, col(Helper.id) == col(VisitListRow.helper_id))
        )
        return sorted(self._query(query), key=repr)

    def _messages(self) -> list[tuple[Any, ...]]:
        columns = (Message.template, Message.channel, Message.recipient, Message.state)
        return self._query(select(*map(col, columns)))

    def _audited(self) -> Counter[tuple[Any, ...]]:
        columns = (audit.AuditEntry.actor, audit.AuditEntry.action)
        return Counter(self._query(select(*map(col, columns))))


def again(step: Step, fault: type[PublicError] = DatabaseGone) -> int:
    """Do a step as Prefect would: when the fault hits it, once more; return how often it was hit.

    Nothing else may come of the fault: no other error, and no run that thinks that another one is at work.
    """
    until, hits = time.monotonic() + _PATIENCE_S, 0
    while time.monotonic() < until:
        try:
            told = step()
        except Exception as error:
            if _sort_of(error) is not fault:
                raise
            hits += 1
            time.sleep(0.02)
        else:
            assert not (isinstance(told, dict) and told.get("busy")), told
            return hits
    raise AssertionError(f"{step} never gets through")


def live(whole: Whole, do: Callable[[Step], Any] = lambda step: step()) -> None:
    """Live the whole month, each step by `do`."""
    for moment, step in whole.everything():
        do(step)
        do(lambda moment=moment: whole.drain(moment))  # type: ignore[misc]
    do(whole.settle_messages)


def ended(whole: Whole) -> Standing:
    """What must be true in the end, and what stands then."""
    whole.holds()
    whole.paid_once(MONTH)
    return whole.standing()


def same(found: Standing, undisturbed: Standing, *, but: Collection[str] = ()) -> None:
    """Compare part by part, so that a difference is one of that part."""
    for part in fields(Standing):
        if part.name not in but:
            assert getattr(found, part.name) == getattr(undisturbed, part.name), part.name


def same_but_late(found: Standing, undisturbed: Standing) -> None:
    """The same, but that messages may have come too late, and what was done again is audited again.

    Nobody is in doubt about a message, and nothing is audited that would not have been, but for what staff decided.
    """
    same(found, undisturbed, but={"fates", "audited"})
    for decision in [each for each in found.audited if each[1] == "message.settle"]:
        del found.audited[decision]
    lacking, more = undisturbed.audited - found.audited, found.audited.keys() - undisturbed.audited.keys()
    assert (lacking, more) == (Counter(), set()), (lacking, more)
    late = [fate for fate in found.fates - undisturbed.fates if fate[-1] not in {"accepted", "delivered", "expired"}]
    assert late == [], late
