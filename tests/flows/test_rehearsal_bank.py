"""The rehearsed bank: its ledger says what was really paid, whatever it tells us, and whenever it is killed."""

import csv
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
import yaml

from flows.bank_files import bank_bytes
from flows.rehearsal_bank import InProduction, RehearsalBank, Script
from rules.bank_pain001 import pieces_of
from rules.bank_pain002 import ReturnLine, StatusReport
from tests.rules.pay_lists import REF, block, form_of, pay_list

AT = datetime(2026, 10, 16, 18, 0, tzinfo=UTC)  # the 17th in Shanghai
LISTED = pay_list(10)  # accounts end in 1, 2 ... 9, 0
KEYS = {line.account[-1]: line.key for line in LISTED.lines}
FEN = {line.account[-1]: line.fen for line in LISTED.lines}
ALL = sum(FEN.values())
ROOT = Path(__file__).parents[2]

Open = Callable[..., RehearsalBank]


@pytest.fixture
def bank_at(tmp_path: Path) -> Open:
    def make(form: str = "csv", **script: Any) -> RehearsalBank:
        deduplicate = script.pop("deduplicate", False)
        return RehearsalBank(
            tmp_path / "bank", form_of(form), Script(**script), deduplicate=deduplicate, clock=lambda: AT
        )

    return make


def hand_in(bank: RehearsalBank, form: str = "csv") -> None:
    chosen = form_of(form)
    taken = bank.hand_in(bank_bytes(LISTED, chosen), chosen.name_of(REF))
    assert (taken.ref, taken.problem) == (REF, "")


def told(paths: list[Path]) -> list[tuple[str, int, str, str]]:
    """(last place of the account, fen, result, reason) of each line of csv or pain.002 answers."""
    ending = {key: last for last, key in KEYS.items()}
    rows: list[ReturnLine | list[str]] = []
    for path in paths:
        if path.suffix == ".xml":
            rows += StatusReport().lines(pieces_of(path.read_bytes()))
        else:
            rows += list(csv.reader(StringIO(path.read_bytes().decode("gb18030"))))[1:]
    lines = [row if isinstance(row, list) else [row.key, str(row.fen), row.result, row.reason] for row in rows]
    return [(ending.get(row[0], "?"), int(row[1]), row[2], row[3]) for row in lines]


@pytest.mark.parametrize("form", ["csv", "xlsx", "pain.001"])
@pytest.mark.parametrize("answers", ["csv", "pain.002"])
def test_an_honest_bank_pays_what_it_was_told_and_says_so(bank_at: Open, form: str, answers: Any) -> None:
    bank = bank_at(form)
    hand_in(bank, form)
    assert bank.totals().by_key == {line.key: line.fen for line in LISTED.lines}
    assert bank.totals().by_account == {line.account: line.fen for line in LISTED.lines}
    assert told(bank.reply(answers)) == [(line.account[-1], line.fen, "paid", "") for line in LISTED.lines]
    assert bank.reply(answers) == bank.reply_later(answers) == []


def test_a_csv_answer_is_the_register_bank_return(bank_at: Open) -> None:
    bank = bank_at()
    hand_in(bank)
    (chinese,) = bank.reply("csv")
    assert chinese.read_bytes().decode("gb18030").splitlines()[:2] == [
        "支付编号,金额(分),结果,原因,入账日期",
        "F7K3Q9XM1-0000001,6101,paid,,2026-10-17",
    ]
    (english,) = bank.ask(REF, "csv-en")
    assert english.read_text(encoding="utf-8").splitlines()[:2] == [
        "key,fen,result,reason,booked_on",
        "F7K3Q9XM1-0000001,6101,paid,,2026-10-17",
    ]
    assert english == chinese  # the bank's own number of the answer: asked again, it is the same answer


@pytest.mark.parametrize("answers", ["csv", "pain.002"])
def test_a_closed_account_gets_nothing(bank_at: Open, answers: Any) -> None:
    bank = bank_at(returned={"7": "AC04"})
    hand_in(bank)
    assert ("7", FEN["7"], "returned", "AC04 账户已销户") in told(bank.reply(answers))
    assert bank.totals().fen == ALL - FEN["7"]
    assert KEYS["7"] not in bank.totals().by_key


@pytest.mark.parametrize("answers", ["csv", "pain.002"])
def test_a_late_line_is_paid_now_and_told_later(bank_at: Open, answers: Any) -> None:
    bank = bank_at(late=("3", "4"))
    hand_in(bank)
    assert bank.totals().fen == ALL
    assert {"3", "4"}.isdisjoint(each[0] for each in told(bank.reply(answers)))
    assert told(bank.reply_later(answers)) == [(last, FEN[last], "paid", "") for last in "34"]


@pytest.mark.parametrize("answers", ["csv", "pain.002"])
def test_what_is_told_wrong_was_paid_right(bank_at: Open, answers: Any) -> None:
    bank = bank_at(twice=("1",), off=("2",), strangers=2)
    hand_in(bank)
    lines = told(bank.reply(answers))
    assert [each for each in lines if each[0] in "12?"] == [
        ("1", FEN["1"], "paid", ""),
        ("1", FEN["1"], "paid", ""),
        ("2", FEN["2"] + 1, "paid", ""),
        ("?", FEN["1"], "paid", ""),
        ("?", FEN["2"], "paid", ""),
    ]
    assert bank.totals().by_key == {line.key: line.fen for line in LISTED.lines}


def test_money_that_comes_back_leaves_the_ledger_when_it_is_told(bank_at: Open) -> None:
    bank = bank_at(recalled=("5",))
    hand_in(bank)
    assert ("5", FEN["5"], "paid", "") in told(bank.reply())
    assert bank.totals().fen == ALL
    assert told(bank.reply_later("pain.002")) == [("5", FEN["5"], "returned", "AC06 账户已冻结")]
    assert bank.totals().fen == ALL - FEN["5"]
    assert bank.reply_later() == []


def test_a_lost_answer_comes_when_somebody_asks(bank_at: Open) -> None:
    bank = bank_at(lost=1, late=("3",))
    hand_in(bank)
    assert bank.totals().fen == ALL
    assert bank.reply() == bank.reply_later() == []
    assert len(told(bank.ask(REF))) == 9
    assert len(told(bank.reply_later())) == 1
    assert bank.ask("F-0000-0000") == []


def test_a_blind_second_hand_in_is_paid_twice(bank_at: Open) -> None:
    bank = bank_at(returned={"7": "AC04"})
    hand_in(bank)
    hand_in(bank)
    assert bank.totals().fen == 2 * (ALL - FEN["7"])
    assert bank.totals().paid_twice == {key: 2 for last, key in KEYS.items() if last != "7"}
    assert len(told(bank.reply())) == 20


def test_a_bank_that_knows_its_keys_pays_once(bank_at: Open) -> None:
    bank = bank_at(returned={"7": "AC04"}, deduplicate=True)
    hand_in(bank)
    hand_in(bank)
    assert bank.totals().fen == ALL - FEN["7"]
    assert bank.totals().paid_twice == {}
    assert len(told(bank.reply())) == 10
    assert len(bank.ask(REF)) == 1


def test_what_it_cannot_read_it_takes_and_pays_nobody(bank_at: Open) -> None:
    bank = bank_at()
    content = bank_bytes(LISTED, form_of("csv")).replace(b"61.01", b"61.02", 1)
    taken = bank.hand_in(content, "DF_x.csv")
    assert "合计" in taken.problem
    assert (bank.totals().fen, bank.reply(), list(bank.outbox.iterdir())) == (0, [], [])


def test_a_file_that_is_still_being_written_is_left_alone(bank_at: Open) -> None:
    bank = bank_at()
    (bank.outbox / ".DF_x.csv.part").write_bytes(b"1,")
    assert bank.take_all() == []
    assert len(list(bank.outbox.iterdir())) == 1


def test_a_bank_killed_between_taking_and_booking_books_once(bank_at: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    bank = bank_at()
    with monkeypatch.context() as patch:
        patch.setattr(RehearsalBank, "_book", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            hand_in(bank)
    assert bank.totals().fen == 0
    again = bank_at()
    assert len(again.take_all()) == 1
    assert again.take_all() == []
    assert again.totals().fen == ALL


def test_it_does_not_exist_in_production(bank_at: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TUOQI_ENVIRONMENT", "Production")
    with pytest.raises(InProduction, match="生产环境"):
        bank_at()


def test_a_misspelt_script_is_refused() -> None:
    assert Script.of({"returned": {"7": "AC04"}, "late": ["3"]}) == Script(returned={"7": "AC04"}, late=("3",))
    with pytest.raises(TypeError):
        Script.of({"lat": ["3"]})


def test_as_a_process_it_takes_answers_and_is_asked(tmp_path: Path, bank_at: Open) -> None:
    form, script = tmp_path / "form.yaml", tmp_path / "script.json"
    form.write_text(yaml.safe_dump({"bank": block("csv")}, allow_unicode=True), encoding="utf-8")
    script.write_text(json.dumps({"returned": {"7": "AC04"}}), encoding="utf-8")
    command = [sys.executable, "-m", "flows.rehearsal_bank", str(tmp_path / "bank"), "serve", "--form", str(form)]
    with subprocess.Popen(
        [*command, "--script", str(script), "--every", "0.01", "--answers", "pain.002"],
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    ) as process:
        assert process.stdout is not None
        places = json.loads(process.stdout.readline())
        part = Path(places["outbox"]) / ".a.csv.part"
        part.write_bytes(bank_bytes(LISTED, form_of("csv")))
        part.rename(part.with_name("a.csv"))
        answer, until = Path(places["returns"]) / "R000001-1.xml", time.monotonic() + 20
        while not answer.exists() and time.monotonic() < until:
            time.sleep(0.01)
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0
    assert ("7", FEN["7"], "returned", "AC04 账户已销户") in told([answer])
    assert bank_at().totals().fen == ALL - FEN["7"]
