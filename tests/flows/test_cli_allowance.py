"""`tuoqi allowance` and the exports of allowances, as clerks and approvers type them."""

import csv
import json
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select
from sqlmodel import col
from typer.testing import CliRunner

from flows.allowance_desk import NoFile
from flows.cli import app
from flows.exports import Wish, export_file
from flows.rehearsal_bank.script import Script
from flows.settings import settings
from flows.staff_desk import NotUnderstood
from models import audit
from models.audit import AuditEntry
from models.db import Database
from models.payment import Payment
from models.restores import RESTORED
from rules.allowance_refusals import MoneyHeld, WrongConfirmation
from rules.bank import NotOurFile
from rules.errors import TuoqiError
from rules.staff_refusals import NotProved
from tests.flows.money import ANSWERED, APPROVED, RELEASED, SHOWN, Money

LATE = "2026-10-29T09:00"
ALL = Wish()
NUMBER = "990112194401150029"


@pytest.fixture
def money(database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Money:
    """Of five payments the bank says one a fen too high, and one twice."""
    monkeypatch.setenv("TUOQI_AT", SHOWN)  # so that what the commands set is undone after the test
    settings.cache_clear()
    return Money(database, tmp_path, script=Script(off=("11",), twice=("21",)))


def tuoqi(moment: str, *words: str | Path, typed: str = "") -> Any:
    """Run a command; a refusal is raised again, after a look at what was said."""
    at = datetime.fromisoformat(moment).isoformat()
    ran = CliRunner().invoke(app, [*map(str, words), "--json", "--at", at], input=typed)
    if isinstance(ran.exception, TuoqiError):
        raise ran.exception
    assert ran.exit_code == 0, ran.output
    if typed:
        assert typed.strip() not in ran.output
    return json.loads(ran.stdout)


def proved(money: Money, staff: str, moment: str, *words: str) -> Any:
    """Run a command that asks for a code, which is typed where nobody can read it."""
    code, chosen = money.one_time(staff, moment)
    assert chosen.at is not None
    return tuoqi(chosen.at.isoformat(), "allowance", *words, "--staff", staff, typed=f"{code}\n")


def test_from_the_sheet_to_the_last_open_line(money: Money, tmp_path: Path) -> None:
    batch = money.plan()["batch"]
    (first,) = tuoqi(SHOWN, "allowance", "open")["to_put_forward"]
    assert (first["batch"], first["people"], first["cycle"]) == (batch, 5, "高龄保健金 2026年10月")
    money.show(batch)
    told = tuoqi(APPROVED, "allowance", "sheet", batch.lower(), "--to", tmp_path / "s.xlsx")
    assert (told["people"], told["fen"], Path(told["file"]).exists()) == (5, 40000, True)
    (asked,) = tuoqi(APPROVED, "allowance", "open")["to_approve"]
    assert (asked["batch"], asked["given"], asked["needed"]) == (batch, 0, 1)
    with pytest.raises(WrongConfirmation):
        proved(money, "A1", APPROVED, "approve", batch, "--confirmation", "0000-0000-0000")
    assert proved(money, "A1", APPROVED, "approve", batch, "--confirmation", told["code"])["approved"]
    assert tuoqi(APPROVED, "allowance", "open")["to_release"] == [{"batch": batch}]
    money.release()
    money.bank_takes()
    money.reconcile()
    money.reconcile(LATE)
    found = tuoqi(LATE, "allowance", "open")
    assert {name: len(rows) for name, rows in found.items() if rows} == {"exceptions": 2, "unknown": 1}
    key = found["unknown"][0]["payment"]
    word = ("vouch", key.lower(), "--result", "paid", "--booked-on", "2026-10-20", "--evidence", "回单存档 12 号")
    assert not proved(money, "A1", LATE, *word)["settled"]
    assert proved(money, "A2", LATE, *word)["settled"]
    for line in found["exceptions"]:
        assert proved(money, "A1", LATE, "close", str(line["line"]), "--note", "已与银行核实")["closed"]
    paid = money.rows(Payment.key)[0][0]
    money.status(money.refs[0], "2026-09-05", "DEAD", LATE)
    money.stop(LATE)
    (claimed,) = tuoqi(LATE, "allowance", "open")["receivables"]
    assert (claimed["payment"], claimed["fen"], claimed["why"]) == (paid, 8000, "去世后多发")
    assert proved(money, "A1", LATE, "recovered", paid, "--note", "财政回单 3 号")["recovered"]
    assert not any(tuoqi(LATE, "allowance", "open").values())


def test_money_is_held_and_let_go_on_by_the_words_of_the_manual(money: Money) -> None:
    batch = money.plan()["batch"]
    money.show(batch)
    money.approve(batch)
    assert proved(money, "A1", RELEASED, "hold", "--note", "名单有误") == {"held": True, "to_resume": 2}
    with pytest.raises(MoneyHeld):
        money.release()
    assert not proved(money, "A1", RELEASED, "resume", "--note", "已查清")["resumed"]
    assert proved(money, "A2", RELEASED, "resume", "--note", "已查清")["resumed"]
    assert len(money.release()["files"]) == 1


def test_a_file_to_adopt_that_is_not_there_is_named(money: Money, tmp_path: Path) -> None:
    batch = money.plan()["batch"]
    money.show(batch)
    money.approve(batch)
    with money.database.write() as session:
        audit.record(session, "530112", "restore", RESTORED, money.at(APPROVED).now(), file="x")
    copied = tmp_path / "none.csv"
    with pytest.raises(NotOurFile, match="none"):
        proved(money, "A1", RELEASED, "adopt", batch, str(copied))


def test_a_plan_is_told_in_sentences(money: Money) -> None:
    words = ["run", "allowance-plan", "--param", "programme=longevity", "--param", "period=2026-10"]
    ran = CliRunner().invoke(app, [*words, "--at", money.at(SHOWN).now().isoformat()])
    assert ran.exit_code == 0, ran.output
    assert "高龄保健金 2026年10月：名单 B-" in ran.stdout
    assert "列入：age-80：5 人，400.00 元" in ran.stdout
    assert "{" not in ran.stdout


def test_a_frozen_file_is_written_again_byte_for_byte_or_not_at_all(money: Money, tmp_path: Path) -> None:
    money.pay()
    (sent,) = (money.at(RELEASED).folder("outbox") / "bank").glob("DF_*")
    ref = sent.stem.removeprefix("DF_")
    told = tuoqi(ANSWERED, "allowance", "file", ref, "--to", tmp_path / "again.csv")
    assert (tmp_path / "again.csv").read_bytes() == sent.read_bytes()
    assert "重复支付" in told["note"]
    with money.database.read() as session:
        query = select(col(AuditEntry.detail)).where(col(AuditEntry.action) == "allowance.file-again")
        (entry,) = session.execute(query).scalars()
    assert (entry["file"], entry["sha256"], entry["payments"]) == (ref, told["sha256"], 5)
    with pytest.raises(NoFile):
        tuoqi(ANSWERED, "allowance", "file", "F-0000-0000", "--to", tmp_path / "none.csv")


@pytest.mark.parametrize(
    "words",
    [
        pytest.param(("approve", NUMBER, "--confirmation", "X", "--staff", "A1"), id="list"),
        pytest.param(("sheet", NUMBER), id="sheet"),
        pytest.param(("recovered", NUMBER, "--note", "x", "--staff", "A1"), id="key"),
        pytest.param(("withdraw-claim", NUMBER, "--reason", "x", "--staff", "A1"), id="claim"),
        pytest.param(("file", NUMBER, "--to", "x"), id="file"),
    ],
)
def test_what_is_no_reference_is_never_repeated(monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...]) -> None:
    monkeypatch.setenv("TUOQI_AT", APPROVED)
    with pytest.raises(NotUnderstood) as refused:
        tuoqi(APPROVED, "allowance", *words)
    assert NUMBER not in str(refused.value)


def test_a_failed_try_repeats_neither_number_nor_code(money: Money) -> None:
    assert money.refs
    words = ("allowance", "close", "1", "--note", "x", "--staff", "王会计", "--code", "135790")
    with pytest.raises(NotProved) as refused:
        tuoqi(APPROVED, *words)
    assert not any(said in str(refused.value) for said in ("王会计", "135790"))


def test_exports_say_who_is_paid_who_is_not_and_every_attempt(money: Money, tmp_path: Path) -> None:
    money.status(money.refs[4], "2026-08-05", "DEAD", "2026-09-02T09:00")
    money.pay()
    money.bank_takes()
    money.reconcile()

    def read(kind: str, wish: Wish = ALL) -> list[dict[str, str]]:
        path = tmp_path / f"{kind}.csv"
        told = export_file(money.database, money.at(LATE), kind, wish, path)
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = list(csv.DictReader(file))
        assert told["rows"] == len(rows)
        return rows

    entitled = read("entitlements")
    assert {row["elder"] for row in entitled} == set(money.refs[:4])
    facts = {name: entitled[0][name] for name in ("programme", "period", "band", "fen", "state", "source")}
    assert facts == {
        "programme": "longevity", "period": "2026-10", "band": "age-80", "fen": "8000", "state": "live",
        "source": "示例〔2025〕36号",
    }  # fmt: skip
    (left,) = read("exclusions")
    assert (left["elder"], left["reason"]) == (money.refs[4], "dead")
    payments = read("payments")
    assert {(row["attempt"], row["fen"], row["period"]) for row in payments} == {("1", "8000", "2026-10")}
    assert sorted(row["state"] for row in payments) == ["paid", "paid", "paid", "sent"]
    assert read("payments", Wish.read(None, None, "2026-09", None, None, reveal=False)) == []
    one = Wish.read(None, None, None, None, None, reveal=False, elder=money.refs[1])
    assert [row["elder"] for row in read("payments", one)] == [money.refs[1]]
