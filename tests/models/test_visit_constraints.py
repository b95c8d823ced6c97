"""The database itself refuses what the registers of follow-up visits never do, whoever writes to it."""

from datetime import UTC, date, datetime
from typing import Any

import pytest
from sqlalchemy import insert
from sqlalchemy.exc import IntegrityError

from models.db import Database
from models.district import Centre, Community, Subdistrict
from models.elder import Elder, ElderCategory, ElderStatus, ElderTier
from models.helper import Helper, HelperLeave, Pairing
from models.issue import Issue, IssueEscalation, IssueEvent
from models.visit import VisitContact, VisitListRow, VisitMonth, VisitStep, VisitTask

DAY, AT = date(2026, 3, 1), datetime(2026, 3, 1, 12, tzinfo=UTC)
LATER = date(2026, 3, 8)
BASE: dict[Any, dict[str, Any]] = {
    Elder: {
        "district_id": 1, "ref": "E-2", "id_number": b"x", "id_index": b"2", "name": b"x", "sex": "female",
        "birth_date": date(1940, 2, 29), "community_id": 1, "building": "", "registered_on": DAY, "recorded_at": AT,
    },
    ElderCategory: {"elder_id": 1, "category": "alone", "since": DAY},
    ElderTier: {"elder_id": 1, "since": LATER, "tier": "red", "recorded_at": AT, "actor": "t"},
    ElderStatus: {
        "elder_id": 1, "since": DAY, "status": "MOVED", "recorded_at": AT, "source": "status", "actor": "t",
    },
    Helper: {
        "district_id": 1, "number": "H2", "ref": "H-2", "name": b"x", "role": "gate", "team": "", "capacity": 0,
    },
    HelperLeave: {"helper_id": 1, "since": DAY, "kind": "sick", "cancelled": False},
    Pairing: {"elder_id": 1, "helper_id": 1, "role": "gate", "is_primary": True, "since": DAY},
    Issue: {"district_id": 1, "number": "S1", "elder_id": 1, "kind": "help", "recorded_at": AT},
    VisitContact: {
        "elder_id": 1, "helper_id": 1, "channel": "home", "occurred_on": DAY, "outcome": "MET", "recorded_at": AT,
        "recorded_by": "t",
    },
    VisitTask: {
        "elder_id": 1, "kind": "ROLLING", "cycle": "2026-03-01", "opened_on": DAY, "tier": "red", "plan_on": LATER,
        "deadline": LATER, "through": LATER, "version": DAY, "state": "PLANNED",
    },
    VisitMonth: {
        "district_id": 1, "month": "2026-03", "scope": "district", "code": "530112", "as_known": LATER,
        "denominator": 5, "numerator": 4, "due": 9, "on_time": 8, "refused": 0, "overdue": 1, "detail": {},
        "version": DAY,
    },
}  # fmt: skip
VOID = {"voided_at": AT, "voided_by": "t", "void_reason": "duplicate"}


@pytest.fixture
def filled(database: Database) -> Database:
    with database.write() as session:
        session.execute(insert(Subdistrict).values(district_id=1, ref="S-1", name="马街"))
        session.execute(insert(Community).values(subdistrict_id=1, name="一社区"))
        session.execute(insert(Centre).values(district_id=1, community_id=1, code="C1", name="中心"))
        session.execute(insert(Elder).values({**BASE[Elder], "ref": "E-1", "id_index": b"1"}))
        session.execute(insert(Helper).values({**BASE[Helper], "ref": "H-1", "number": "H1"}))
        session.execute(insert(ElderTier).values({**BASE[ElderTier], "since": DAY}))
    return database


def put(database: Database, table: Any, *rows: dict[str, Any]) -> None:
    with database.write() as session:
        for row in rows:
            session.execute(insert(table).values({**BASE.get(table, {}), **row}))


@pytest.mark.parametrize(
    ("table", "rows"),
    [
        pytest.param(Elder, [{"id_index": b"1"}], id="one ID number, two elders"),
        pytest.param(Elder, [{"ref": "E-1"}], id="one reference, two elders"),
        pytest.param(Elder, [{"sex": "x"}], id="unknown sex"),
        pytest.param(Elder, [{"hukou": "x"}], id="unknown hukou"),
        pytest.param(Elder, [{"registered_on": date(1940, 2, 28)}], id="registered before birth"),
        pytest.param(Elder, [{"community_id": 9}], id="unknown community"),
        pytest.param(ElderCategory, [{}, {}], id="one category twice"),
        pytest.param(ElderCategory, [{"category": "rich"}], id="unknown category"),
        pytest.param(ElderCategory, [{"ended_on": date(2026, 2, 1)}], id="category that ends before it begins"),
        pytest.param(ElderTier, [{"tier": "blue"}], id="unknown tier"),
        pytest.param(ElderTier, [{"since": DAY, "tier": "green"}], id="two tiers of one date and moment"),
        pytest.param(ElderStatus, [{"status": "LOST"}], id="unknown status"),
        pytest.param(ElderStatus, [{"status": "DEAD", "community_id": 1}], id="death with a community"),
        pytest.param(ElderStatus, [{"reoffer_on": LATER}], id="date of an offer to who has moved"),
        pytest.param(ElderStatus, [{"status": "REFUSED", "reoffer_on": DAY}], id="offer on the day of the refusal"),
        pytest.param(ElderStatus, [{"source": "rumour"}], id="unknown source"),
        pytest.param(Helper, [{"number": "H1"}], id="one number, two helpers"),
        pytest.param(Helper, [{"capacity": -1}], id="negative capacity"),
        pytest.param(Helper, [{"role": "cook"}], id="unknown role"),
        pytest.param(HelperLeave, [{"until": date(2026, 2, 1)}], id="leave that ends before it begins"),
        pytest.param(Pairing, [{}, {"role": "party"}], id="two primary helpers"),
        pytest.param(Pairing, [{"until": date(2026, 2, 1)}], id="pairing that ends before it begins"),
        pytest.param(Pairing, [{}, {"is_primary": False}], id="one pairing twice"),
        pytest.param(VisitContact, [{}, {"outcome": "NO_ANSWER"}], id="two contacts of one date, channel and helper"),
        pytest.param(VisitContact, [{"outcome": "PHONE"}], id="telephone at home"),
        pytest.param(VisitContact, [{"channel": "phone"}], id="met by phone"),
        pytest.param(VisitContact, [{**VOID, "void_reason": None}], id="void without a reason"),
        pytest.param(VisitContact, [{**VOID, "voided_by": None}], id="void by nobody"),
        pytest.param(VisitContact, [{**VOID, "void_reason": "x"}], id="unknown reason"),
        pytest.param(VisitContact, [{"occurred_at": datetime(2026, 3, 1, 13, tzinfo=UTC)}], id="recorded before"),
        pytest.param(VisitContact, [{"elder_id": 9}], id="contact of nobody"),
        pytest.param(VisitTask, [{}, {}], id="one cycle twice"),
        pytest.param(VisitTask, [{"state": "ASSIGNED"}], id="assigned to nobody"),
        pytest.param(VisitTask, [{"state": "DONE", "ended_on": LATER}], id="done, but whether on time?"),
        pytest.param(VisitTask, [{"state": "DONE", "on_time": True}], id="done on no day"),
        pytest.param(VisitTask, [{"ended_on": LATER}], id="planned and ended"),
        pytest.param(VisitTask, [{"state": "CANCELLED", "ended_on": LATER}], id="cancelled without a reason"),
        pytest.param(VisitTask, [{"through": DAY}], id="on time before the deadline"),
        pytest.param(VisitTask, [{"kind": "WELLNESS_CHECK"}], id="check without its hour"),
        pytest.param(VisitMonth, [{"numerator": 6}], id="a rate above 100 %"),
        pytest.param(VisitMonth, [{"on_time": 10}], id="more on time than due"),
        pytest.param(VisitMonth, [{}, {}], id="one snapshot twice"),
        pytest.param(Issue, [{"centre_id": 1}], id="two subjects"),
        pytest.param(Issue, [{"elder_id": None}], id="nobody's"),
        pytest.param(Issue, [{}, {"kind": "other"}], id="one number twice"),
        pytest.param(Issue, [{"item": "rooms"}], id="ticket of no hand-over"),
    ],
)
def test_the_database_refuses(filled: Database, table: Any, rows: list[dict[str, Any]]) -> None:
    with pytest.raises(IntegrityError):
        put(filled, table, *rows)


@pytest.mark.parametrize(
    ("table", "rows"),
    [
        pytest.param(Elder, [{}], id="another elder"),
        pytest.param(ElderCategory, [{"ended_on": DAY}, {}], id="a category that came back"),
        pytest.param(ElderStatus, [{"community_id": 1}, {"status": "DEAD"}], id="a move and a death on one date"),
        pytest.param(Pairing, [{"until": DAY}, {"since": LATER}], id="a primary after another"),
        pytest.param(VisitContact, [VOID, {**VOID, "void_reason": "mistaken"}, {}], id="one beside two void ones"),
        pytest.param(VisitContact, [{}, {"outcome": "PHONE", "channel": "phone"}], id="two channels on a date"),
        pytest.param(
            VisitTask, [{"state": "CANCELLED", "ended_on": LATER, "reason": "dead"}], id="cancelled by a death"
        ),
        pytest.param(VisitTask, [{"reason": "paused"}], id="suspended"),
        pytest.param(Issue, [{"elder_id": None, "centre_id": 1}], id="a centre's issue"),
    ],
)
def test_and_takes_what_is_right(filled: Database, table: Any, rows: list[dict[str, Any]]) -> None:
    put(filled, table, *rows)


@pytest.mark.parametrize(
    ("table", "row"),
    [
        pytest.param(VisitStep, {"before": "DONE", "after": "ASSIGNED"}, id="done to assigned"),
        pytest.param(VisitStep, {"before": "CANCELLED", "after": "ASSIGNED"}, id="cancelled to assigned"),
        pytest.param(VisitListRow, {"position": 0}, id="position 0"),
        pytest.param(VisitListRow, {"urgency": 4}, id="unknown urgency"),
    ],
)
def test_a_task_does_not_take_an_impossible_step(filled: Database, table: Any, row: dict[str, Any]) -> None:
    put(filled, VisitTask, {})
    step = {"task_id": 1, "at": AT, "actor": "t"}
    line = {"day": DAY, "task_id": 1, "community_id": 1, "urgency": 1, "position": 1, "why": "overdue"}
    put(filled, VisitStep, {**step, "before": "PLANNED", "after": "DONE"})
    put(filled, VisitListRow, line)
    with pytest.raises(IntegrityError):
        put(filled, table, {**(step if table is VisitStep else {**line, "day": LATER}), **row})


def test_an_event_or_a_step_of_the_ladder_is_there_once(filled: Database) -> None:
    put(filled, Issue, {})
    said = {"issue_id": 1, "event": "open", "at": AT, "actor": "K1", "recorded_at": AT, "recorded_by": "t"}
    told = {"issue_id": 1, "level": "lead", "recipient": "C-1", "reached_at": AT, "told_at": AT}
    for table, row in ((IssueEvent, said), (IssueEscalation, told)):
        put(filled, table, row)
        with pytest.raises(IntegrityError):
            put(filled, table, row)
    with pytest.raises(IntegrityError):
        put(filled, IssueEvent, {**said, "event": "assign", "satisfied": True})
