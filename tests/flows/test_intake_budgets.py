"""Budgets and objections from files: a figure that changes moves the ledger with it; an objection is decided once."""

from datetime import date
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert, select, update
from sqlmodel import col

from flows.exports import Wish, export_file
from flows.intake import FileHasErrors
from models import ledger
from models.allowance import AllowanceBatch, AllowanceBudget, AllowanceCycle, Entitlement, Objection
from models.audit import AuditEntry, verify
from models.db import Database
from models.ledger import Amount
from tests.flows.elders import NOW, elder, number, stored, take, utc, visits_office
from tests.flows.test_duty import Office

DAY = date(2026, 10, 18)
BUDGET = {"programme": "高龄保健金", "period": "2026年10月", "fen": 100_000}
RAISED = {"programme": "longevity", "period": "2026/10", "elder": number(), "raised_on": "2026-03-09"}
OBJECTION = {**RAISED, "text": "邻居反映已迁居外地", "upheld": ""}


@pytest.fixture
def office(database: Database, tmp_path: Path) -> Office:
    office = visits_office(database, tmp_path)
    office.send("elder", [elder(), elder(serial=4)], "2026-02-01T09:00")
    return office


def plan(office: Office) -> int:
    """A cycle with the first elder on its list; return its id."""
    at = utc(NOW)
    named = {"district_id": 1, "programme": "longevity", "period": "2026-10"}
    counts = {"registered": 2, "entitled": 1, "excluded": 1, "not_of_age": 0}
    cycle = {**named, "as_of": DAY, "version": DAY, "notice": "文号", **counts, "opened_at": at, "opened_by": "t"}
    batch = {**named, "ref": "B-1", "number": 1, "kind": "plan", "created_at": at, "created_by": "t"}
    with office.database.write() as session:
        session.execute(insert(AllowanceCycle).values(cycle))
        session.execute(insert(AllowanceBatch).values(batch))
        on = {"cycle_id": 1, "batch_id": 1, "elder_id": 1, "community_id": 1, "programme": "longevity"}
        owed = {"period": "2026-10", "person": b"1", "band": "80", "fen": 6000, "version": DAY, "notice": "文号"}
        session.execute(insert(Entitlement).values({**on, **owed}))
    return 1


def balances(office: Office) -> dict[str, int]:
    with office.database.read() as session:
        return {name: fen for name, fen in ledger.balances(session, 1).items() if fen}


def book(office: Office, fen: int) -> None:
    with office.database.write() as session:
        ledger.book(session, 1, "commit", Amount(fen, 1), "B-1/1", utc(NOW), "t")


def test_a_budget_before_its_cycle_is_only_kept(office: Office) -> None:
    assert office.send("budget", [BUDGET], NOW) == 1
    assert office.send("budget", [{**BUDGET, "period": "2026-10"}], NOW) == 0
    assert stored(office, AllowanceBudget.period, AllowanceBudget.fen) == [("2026-10", 100_000)]
    plan(office)
    assert balances(office) == {}


def test_a_change_moves_the_ledger_and_is_audited_with_the_figure_before(office: Office) -> None:
    plan(office)
    for fen, moment in ((100_000, "09:00"), (150_000, "09:01"), (90_000, "09:02")):
        assert office.send("budget", [{**BUDGET, "fen": fen}], f"2026-03-10T{moment}") == 1
        assert balances(office) == {"treasury": -fen, "budget": fen}
    with office.database.read() as session:
        query = select(col(AuditEntry.detail)).where(col(AuditEntry.action) == "register.budget")
        told = [detail["budgets"] for detail in session.execute(query).scalars()]
        assert verify(session, "530112") is None
    assert told == [
        ["longevity/2026-10: 0 -> 100000"],
        ["longevity/2026-10: 100000 -> 150000"],
        ["longevity/2026-10: 150000 -> 90000"],
    ]


def test_a_budget_below_what_is_approved_is_refused_and_moves_nothing(office: Office) -> None:
    plan(office)
    office.send("budget", [BUDGET], NOW)
    book(office, 80_000)
    with pytest.raises(FileHasErrors, match=r"比已批准的金额少 0\.01 元"):
        office.send("budget", [{**BUDGET, "fen": 79_999}], "2026-03-10T09:01")
    assert balances(office) == {"treasury": -100_000, "budget": 20_000, "committed": 80_000}
    assert office.send("budget", [{**BUDGET, "fen": 80_000}], "2026-03-10T09:02") == 1
    assert balances(office) == {"treasury": -80_000, "committed": 80_000}


def test_two_budgets_of_one_period_in_one_file_are_an_error(office: Office) -> None:
    with pytest.raises(FileHasErrors, match="相同，内容却不同"):
        office.send("budget", [BUDGET, {**BUDGET, "period": "2026-10", "fen": 1}], NOW)


def objections(office: Office) -> list[tuple[Any, ...]]:
    return stored(office, Objection.upheld, Objection.decided_at)


def test_an_objection_is_raised_once_and_decided_once(office: Office) -> None:
    plan(office)
    assert office.send("objection", [OBJECTION], NOW) == 1
    assert office.send("objection", [OBJECTION], NOW) == 0
    assert objections(office) == [(None, None)]
    with office.database.read() as session:
        assert "邻居".encode() not in session.execute(select(col(Objection.text))).scalar_one()
    decided = {**RAISED, "upheld": "否"}  # a file without the text decides too
    assert office.send("objection", [decided], "2026-03-11T09:00") == 1
    assert office.send("objection", [decided], "2026-03-12T09:00") == 0
    assert office.send("objection", [OBJECTION], "2026-03-12T09:00") == 0  # a blank takes no decision back
    assert objections(office) == [(False, utc("2026-03-11T09:00"))]
    assert office.send("objection", [{**decided, "upheld": "是"}], "2026-03-13T09:00") == 1
    assert objections(office) == [(True, utc("2026-03-13T09:00"))]


@pytest.mark.parametrize("serial", [2, 4])
def test_a_decision_stands_once_the_list_is_approved(office: Office, serial: int) -> None:
    """The second elder is on no list: there the period's own list counts."""
    plan(office)
    mine = {"elder": number(serial=serial)}
    office.send("objection", [{**OBJECTION, **mine}], NOW)
    with office.database.write() as session:  # past the constraints of an approval, which are not the matter here
        made = {"state": "dropped", "maker_id": None}
        session.execute(update(AllowanceBatch).values(made))
    assert office.send("objection", [{**OBJECTION, **mine, "upheld": "否"}], NOW) == 1
    assert office.send("objection", [{**OBJECTION, **mine, "upheld": "是"}], "2026-03-11T09:00") == 1
    _approve(office)
    with pytest.raises(FileHasErrors, match="名单已审批"):
        office.send("objection", [{**OBJECTION, **mine, "upheld": "否"}], "2026-03-12T09:00")
    other = {**OBJECTION, **mine, "raised_on": "2026-03-08"}
    assert office.send("objection", [other], NOW) == 1
    assert office.send("objection", [{**other, "upheld": "否"}], NOW) == 1  # late, but the first decision


def _approve(office: Office) -> None:
    from models.staff import add_staff  # noqa: PLC0415 - only here

    person = {"number": "G1", "name": "张三", "role": "maker", "phone": "", "email": ""}
    with office.database.write() as session:
        add_staff(session, 1, "T-0000-0000", person)
        session.execute(update(AllowanceBatch).values(state="approved", maker_id=1, content_hash="0"))


@pytest.mark.parametrize(
    ("row", "told"),
    [
        pytest.param({"period": "2026-11"}, "还没有发放名单", id="a period without a list"),
        pytest.param({"programme": "慰问金"}, "还没有发放名单", id="another programme"),
        pytest.param({"elder": number(serial=8)}, "没有登记这位老人", id="unknown elder"),
        pytest.param({"raised_on": "2026-03-11"}, "晚于今天", id="tomorrow"),
        pytest.param({"text": ""}, "没有写内容", id="nothing said"),
        pytest.param({"period": "重阳"}, "不是发放期", id="a festival of no year"),
    ],
)
def test_a_bad_objection_is_refused(office: Office, row: dict[str, str], told: str) -> None:
    plan(office)
    with pytest.raises(FileHasErrors, match=told):
        office.send("objection", [{**OBJECTION, "raised_on": "2026-03-01"}, {**OBJECTION, **row}], NOW)
    assert objections(office) == []


def test_the_words_of_an_objection_stay(office: Office) -> None:
    plan(office)
    office.send("objection", [OBJECTION], NOW)
    with pytest.raises(FileHasErrors, match="内容不能改"):
        office.send("objection", [{**OBJECTION, "text": "另有所指"}], NOW)


def test_what_is_exported_can_be_imported(office: Office, tmp_path: Path) -> None:
    plan(office)
    office.send("budget", [BUDGET], NOW)
    office.send("objection", [OBJECTION], NOW)
    for kind in ("budget", "objection", "bank-return"):
        wish, path = Wish.read(None, None, None, None, None, reveal=True), tmp_path / f"{kind}.csv"
        rows = export_file(office.database, office.at(NOW), kind, wish, path)["rows"]
        assert rows == (kind != "bank-return")
        if rows:
            assert take(office, kind, path, "2026-03-12T09:00").taken.unchanged == 1
