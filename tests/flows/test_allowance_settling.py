"""The forms of what approvers settle: each step, what it leaves on the page, and what a refusal does not record."""

from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from flows import artifacts
from flows.allowance_desk import to_settle
from flows.allowance_settle import NothingOpen
from flows.allowance_settling import FieldNeeded, allowance_hold, allowance_settle
from flows.allowance_shown import LISTED, show_to_settle
from flows.intake import FileHasErrors
from flows.rehearsal_bank.script import Script
from flows.run import BadParameter, run_job
from flows.settings import settings
from flows.staff_desk import NotUnderstood
from models.audit import AuditEntry
from models.db import Database
from models.payment import Payment
from models.proof import TRIES
from models.staff import Staff
from rules.allowance_refusals import MoneyHeld
from rules.free_text import NumberOfAPerson
from rules.staff_refusals import NotProved
from tests.flows.money import APPROVED, RELEASED, Money

pytestmark = pytest.mark.parametrize("database", ["sqlite"], indirect=True)
"""What is decided is proven on both databases in test_allowances.py and test_allowance_restored.py."""
LATE = "2026-10-29T09:00"


@pytest.fixture
def money(database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Money:
    """Of five payments the bank says one a fen too high, and one twice; one is unknown at last."""
    monkeypatch.setenv("TUOQI_AT", APPROVED)
    settings.cache_clear()
    made = Money(database, tmp_path, script=Script(off=("11",), twice=("21",)))
    made.pay()
    made.bank_takes()
    made.reconcile()
    made.reconcile(LATE)
    return made


@pytest.fixture
def pages(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    left: dict[str, str] = {}
    monkeypatch.setattr(artifacts, "markdown", lambda key, text, _title="": left.update({key: text}))
    monkeypatch.setattr("flows.artifacts.FlowRunContext.get", object)
    return left


class Form:
    """A person before a form: each time a fresh code, and the moment at which it holds."""

    def __init__(self, money: Money, monkeypatch: pytest.MonkeyPatch, job: str, moment: str = LATE) -> None:
        self.money, self.monkeypatch, self.job, self.moment = money, monkeypatch, job, moment

    def send(self, staff: str, *values: str, wrong: str = "") -> dict[str, object]:
        code, chosen = self.money.one_time(staff, self.moment)
        assert chosen.at is not None
        self.monkeypatch.setenv("TUOQI_AT", chosen.at.isoformat())
        settings.cache_clear()
        told: dict[str, object] = run_job(self.job, None, [*values, f"staff={staff}", f"code={wrong or code}"])
        return told


@pytest.fixture
def settle(money: Money, monkeypatch: pytest.MonkeyPatch) -> Form:
    return Form(money, monkeypatch, "allowance-settle")


@pytest.fixture
def rest(money: Money, monkeypatch: pytest.MonkeyPatch) -> Form:
    return Form(money, monkeypatch, "allowance-hold")


def test_all_that_waits_stands_on_one_page_and_is_settled_by_what_stands_there(
    money: Money, settle: Form, pages: dict[str, str]
) -> None:
    waiting = to_settle(money.database, money.at(LATE), LISTED)
    show_to_settle(waiting, "10-29 09:00")
    (unknown,), (odd, twice) = waiting["unknown"], waiting["exceptions"]
    page = pages["allowance-to-settle"]
    assert (
        f"| {unknown['payment']} | 未知：认定结果 | 80.00 | 高龄保健金 2026年10月；2026-10-20 送银行，未答复 |" in page
    )
    assert f"| {odd['line']} | 差异：办结 |" in page
    assert f"| {twice['line']} | 差异：办结 |" in page
    word = (
        "step=未知或矛盾：认定已入账",
        f"item={unknown['payment'].lower()}",
        "booked_on=2026-10-20",
        "note=回单 12 号",
    )
    assert settle.send("A1", *word)["settled"] is False
    assert "还需另一位审批人" in pages["allowance-settle"]
    assert settle.send("A2", *word)["settled"] is True
    assert pages["allowance-settle"] == f"**{unknown['payment']}** · 未知或矛盾：认定已入账\n\n已办结。"
    for line in (odd, twice):
        settle.send("A1", "step=差异：办结", f"item={line['line']}", "note=已与银行核实")
    money.status(money.refs[0], "2026-09-05", "DEAD", LATE)
    money.stop(LATE)
    (claimed,) = to_settle(money.database, money.at(LATE), LISTED)["receivables"]
    assert (
        settle.send("A1", "step=应收追回：已收到", f"item={claimed['payment']}", "note=财政专户回单 17")["recovered"]
        is True
    )
    show_to_settle(to_settle(money.database, money.at(LATE), LISTED), "10-29 09:00")
    assert "没有要办理的" in pages["allowance-to-settle"]
    assert money.states() == {"paid": 5}
    shown = "".join(pages.values())
    assert not [each for each in ("王桂", "回单", "核实", "A1") if each in shown]


def test_a_claim_whose_death_was_a_mistake_is_withdrawn_by_the_form(
    money: Money, settle: Form, pages: dict[str, str]
) -> None:
    money.status(money.refs[0], "2026-09-05", "DEAD", LATE)
    money.stop(LATE)
    settle.moment = "2026-10-30T09:00"
    money.status(money.refs[0], "2026-09-05", "ACTIVE", settle.moment)
    (wrong,) = to_settle(money.database, money.at(settle.moment), LISTED)["wrong_claims"]
    told = settle.send("A1", "step=应收追回：登记有误，撤销", f"item={wrong['payment']}", "note=同名误登")
    assert (told["withdrawn"], told["still_claimed_fen"]) == (True, 0)
    assert to_settle(money.database, money.at(settle.moment), LISTED)["receivables"] == []
    assert "撤销" in pages["allowance-settle"]


@pytest.mark.parametrize(
    ("values", "refusal", "says"),
    [
        pytest.param(["step=未知或矛盾：认定已退回", "note=x"], FieldNeeded, "银行记账日期", id="no day"),
        pytest.param(
            ["step=未知或矛盾：认定已退回", "booked_on=2026-10-20", "note=  "], FieldNeeded, "凭证", id="blanks"
        ),
        pytest.param(["step=差异：办结", "note=x"], NotUnderstood, "差异的编号", id="a key for a number"),
        pytest.param(["step=应收追回：已收到", "note=x"], NothingOpen, "F", id="nothing to give back"),
        pytest.param(["step=应收追回：登记有误，撤销", "note= "], FieldNeeded, "凭证", id="withdrawn without why"),
        pytest.param(["step=不详", "note=x"], BadParameter, "step", id="no step"),
        pytest.param(
            ["step=未知或矛盾：认定已退回", "booked_on=2026-10-20", "note=电话 138 0000 0000"],
            NumberOfAPerson,
            "8 位",
            id="a number",
        ),
    ],
)
def test_what_a_step_needs_is_named_and_nothing_is_recorded(
    money: Money, settle: Form, values: list[str], refusal: type[Exception], says: str
) -> None:
    (unknown,) = to_settle(money.database, money.at(LATE), LISTED)["unknown"]
    before = money.rows(AuditEntry.action)
    with pytest.raises(refusal, match=says):
        settle.send("A1", f"item={unknown['payment']}", *values)
    assert money.states() == {"paid": 4, "unknown": 1}
    assert money.rows(AuditEntry.action) == before


@pytest.mark.parametrize("step", ["close", "recovered", "withdraw", "paid"])
def test_a_note_of_blanks_is_no_note(money: Money, step: str) -> None:
    """Prefect's form hands blanks over as they are."""
    form: dict[str, Any] = {"step": step, "item": "1", "note": " 　 ", "staff": "A1", "code": SecretStr("123456")}
    before = money.rows(AuditEntry.action)
    with pytest.raises(FieldNeeded):
        allowance_settle.fn(**form)
    with pytest.raises(FieldNeeded):
        allowance_hold.fn(what="hold", note="\t", staff="A1", code=SecretStr("123456"))
    assert money.rows(AuditEntry.action) == before


def test_money_that_came_back_is_booked_with_its_proof(money: Money, settle: Form, pages: dict[str, str]) -> None:
    money.status(money.refs[0], "2026-09-05", "DEAD", LATE)
    money.stop(LATE)
    (claimed,) = to_settle(money.database, money.at(LATE), LISTED)["receivables"]
    settle.send("A1", "step=应收追回：已收到", f"item={claimed['payment']}", "note=财政专户回单 17")
    (entry,) = (
        detail for action, detail in money.rows(AuditEntry.action, AuditEntry.detail) if action == "allowance.recovered"
    )
    assert entry["note"] == "财政专户回单 17"
    assert "应收追回" not in pages["allowance-to-settle"]  # the page is brought up to date at once


def test_two_who_differ_are_told_of_each_other_and_the_last_word_of_each_counts(
    money: Money, settle: Form, pages: dict[str, str]
) -> None:
    (unknown,) = to_settle(money.database, money.at(LATE), LISTED)["unknown"]
    word = ("step=未知或矛盾：认定已入账", f"item={unknown['payment']}", "note=x")
    assert settle.send("A1", *word, "booked_on=2026-10-20")["differ"] is False
    assert settle.send("A2", *word, "booked_on=2026-10-21")["differ"] is True
    assert "另一位审批人认定的不同" in pages["allowance-settle"]
    assert settle.send("A2", *word, "booked_on=2026-10-20")["settled"] is True


def test_a_page_lists_some_and_says_so(money: Money, pages: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("flows.allowance_shown.LISTED", 1)
    show_to_settle(to_settle(money.database, money.at(LATE), 2), "10-29 09:00")
    assert pages["allowance-to-settle"].count("差异：办结") == 1
    assert "只列前 1 件" in pages["allowance-to-settle"]


def test_a_file_that_cannot_be_read_hides_nothing_of_what_waits(money: Money, pages: dict[str, str]) -> None:
    (money.inbox / "bad.csv").write_text("key,fen,result,reason,booked_on\nF1,eight,paid,,2026-10-20\n", "utf-8")
    with pytest.raises(FileHasErrors):
        run_job("allowance-reconcile", None, [])
    assert "差异：办结" in pages["allowance-to-settle"]


def test_a_claim_that_people_settle_outside_is_not_called_work_for_the_form(
    money: Money, settle: Form, pages: dict[str, str]
) -> None:
    money.status(money.refs[0], "2026-09-05", "DEAD", LATE)
    money.stop(LATE)
    (claimed,) = to_settle(money.database, money.at(LATE), LISTED)["receivables"]
    settle.send("A1", "step=应收追回：已收到", f"item={claimed['payment']}", "note=x")
    settle.moment = "2026-10-30T09:00"
    money.status(money.refs[0], "2026-09-05", "ACTIVE", settle.moment)
    show_to_settle(to_settle(money.database, money.at(settle.moment), LISTED), "10-30 09:00")
    assert f"| {claimed['payment']} | 另行结清，不用表单 |" in pages["allowance-to-settle"]


def test_a_missing_field_does_not_use_up_the_code(money: Money, settle: Form) -> None:
    (unknown,) = to_settle(money.database, money.at(LATE), LISTED)["unknown"]
    before = money.rows(Staff.totp_counter)
    with pytest.raises(FieldNeeded):
        settle.send("A1", "step=未知或矛盾：认定已入账", f"item={unknown['payment']}", "note=x")
    assert money.rows(Staff.totp_counter) == before


def test_five_wrong_codes_close_the_form_to_a_number_and_not_the_command(money: Money, settle: Form) -> None:
    (odd, _) = to_settle(money.database, money.at(LATE), LISTED)["exceptions"]
    word = ("step=差异：办结", f"item={odd['line']}", "note=x")
    for _ in range(TRIES):
        with pytest.raises(NotProved):
            settle.send("A1", *word, wrong="000000")
    with pytest.raises(NotProved):
        settle.send("A1", *word)
    assert money.close(odd["line"], LATE)["closed"]


def test_one_form_stops_all_money_and_two_let_it_go_on(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pages: dict[str, str]
) -> None:
    monkeypatch.setenv("TUOQI_AT", APPROVED)
    settings.cache_clear()
    money = Money(database, tmp_path)
    batch = money.plan()["batch"]
    money.show(batch)
    money.approve(batch)
    rest = Form(money, monkeypatch, "allowance-hold", RELEASED)
    assert rest.send("A1", "what=暂停发放", "note=名单有误")["held"] is True
    assert "2 位审批人" in pages["allowance-hold"]
    with pytest.raises(MoneyHeld, match="allowance-hold"):
        money.release()
    assert rest.send("A1", "what=恢复发放", "note=已查清")["resumed"] is False
    assert "已有 1 人确认，共需 2 人" in pages["allowance-hold"]
    assert rest.send("A1", "what=恢复发放", "note=已查清")["persons"] == 1
    assert money.rows(Payment.key) == []
    assert rest.send("A2", "what=恢复发放", "note=已查清")["resumed"] is True
    assert "发放已恢复" in pages["allowance-hold"]
    assert len(money.release()["files"]) == 1


def test_a_hold_needs_a_reason(rest: Form) -> None:
    with pytest.raises(FieldNeeded, match="原因或核对情况"):
        rest.send("A1", "what=暂停发放", "note= ")
