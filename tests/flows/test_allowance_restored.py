"""A restore from before a release: money rests, the bank's file is adopted as it is, and nobody is paid twice.

Four elders, approved on 20 October at 09:00. The backup is of then; at 10:00 the file leaves, and the bank pays it.
"""

import os
from collections.abc import Iterator, Sequence
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import pytest

from flows import allowance_release
from flows.allowance_reconcile import AnswerAhead
from flows.allowance_restored import AnotherList, FilesUnknown, NotResting, NotRestored, adopt, hold, resume
from flows.allowance_settle import Person
from flows.doctor_database import money
from flows.keep import backup_database
from flows.rehearsal_bank.script import Script
from models import audit
from models.db import Database
from models.payment import BankFile
from models.restores import RESTORED
from rules.allowance_refusals import Changed, ListRefused, MoneyHeld, MoneyRests
from rules.bank import NotOurFile
from rules.free_text import NumberOfAPerson
from rules.staff_refusals import NotProved
from tests.flows.allowance_life import Life
from tests.flows.money import MONTH, RELEASED
from tests.flows.test_keep import TOOLS

BACK, LATER = "2026-10-20T14:00", "2026-10-21T15:00"


class Restored:
    """The district as of its backup; the bank has had what it had."""

    def __init__(self, before: Life, file: Path, *, left: bool = True) -> None:
        self.batch: str = before.plan()["batch"]
        before.show(self.batch)
        before.approve(self.batch)
        backup_database(before.office.base, file)
        self.file = before.folder / "none"
        if left:
            before.release(self.batch)
            before.bank.take_all()
            (taken,) = before.bank._taken.iterdir()
            self.file = before.folder / taken.name.partition("-")[2]  # as it went to the bank
            self.file.write_bytes(taken.read_bytes())
        before.database.close()
        self.life = before.restored(file, before.folder)
        self.life.bank = before.bank

    def adopt(self, files: Sequence[Path] = (), *, batch: str = "", moment: str = BACK) -> dict[str, Any]:
        once, chosen = self.life.one_time("A1", moment)
        return adopt(self.life.database, chosen, Person("A1", once), batch or self.batch, files or [self.file])

    def resume(self, staff: str, note: str = "已与银行核对") -> dict[str, Any]:
        once, chosen = self.life.one_time(staff, BACK)
        return resume(self.life.database, chosen, Person(staff, once), note)


@pytest.fixture(autouse=True)
def _tools(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", f"{TOOLS}{os.pathsep}{os.environ['PATH']}")


@pytest.fixture
def restored(database: Database, tmp_path: Path) -> Iterator[Restored]:
    made = Restored(Life(database, tmp_path, script=Script()), tmp_path / "x.backup")
    with closing(made.life.database):
        yield made


def test_money_rests_after_a_restore_and_a_release_says_what_to_do(restored: Restored) -> None:
    with pytest.raises(MoneyRests, match=r"暂停发放：.*tuoqi allowance adopt.*已有 0 人"):
        restored.life.release(moment=BACK)
    with pytest.raises(MoneyRests):
        restored.life.release(restored.batch, moment=BACK)
    assert restored.life.keys() == []


def test_an_answer_waits_until_its_file_is_adopted_and_is_taken_in_then(restored: Restored) -> None:
    restored.life.carry(restored.life.bank.reply("pain.002"))
    with pytest.raises(AnswerAhead, match="R000001-1"):
        restored.life.reconcile(BACK)
    assert restored.life.exceptions() == []
    restored.adopt()
    restored.life.reconcile(BACK)
    assert restored.life.states() == {"paid": 4}


def test_the_bank_s_file_is_adopted_and_the_month_ends_as_if_nothing_had_been_lost(restored: Restored) -> None:
    life = restored.life
    told = restored.adopt()
    assert [(file["payments"], file["fen"]) for file in told["files"]] == [(4, 32000)]
    assert life.rows(BankFile.name) == [(restored.file.name,)]
    assert (life.states(), life.balances()["in_transit"]) == ({"sent": 4}, 32000)
    assert restored.resume("A1") == {"persons": 1, "needed": 2, "resumed": False}
    with pytest.raises(MoneyRests, match="已有 1 人"):
        life.release(moment=BACK)
    assert restored.resume("A2")["resumed"]
    assert life.release(moment=BACK) == {"released": [], "refused": [], "files": []}  # nothing leaves a second time
    life.settle(LATER)
    assert (life.states(), life.exceptions()) == ({"paid": 4}, [])
    assert life.bank.totals().paid_twice == {}
    life.agrees_with_the_bank()


def test_one_person_who_says_it_twice_is_one(restored: Restored) -> None:
    restored.adopt()
    assert [restored.resume("A1")["persons"] for _ in range(2)] == [1, 1]


def test_where_nothing_had_left_money_goes_on_once_two_have_looked(database: Database, tmp_path: Path) -> None:
    quiet = Restored(Life(database, tmp_path, script=Script()), tmp_path / "x.backup", left=False)
    with closing(quiet.life.database):
        for staff in ("A1", "A2"):
            quiet.resume(staff)
        assert len(quiet.life.release(moment=BACK)["released"]) == 1
        quiet.life.settle(LATER)
        quiet.life.agrees_with_the_bank()


def test_a_file_that_lies_in_the_bank_s_folder_must_be_known_first(restored: Restored) -> None:
    lying = restored.life.at(BACK).folder("outbox") / "bank" / restored.file.name
    lying.write_bytes(restored.file.read_bytes())
    with pytest.raises(FilesUnknown, match=restored.file.name):
        restored.resume("A1")
    restored.adopt([lying])
    assert restored.resume("A1")["persons"] == 1


def test_a_file_of_another_list_or_half_of_one_is_refused_and_nothing_changes(restored: Restored) -> None:
    life, lines = restored.life, restored.file.read_bytes().split(b"\r\n")
    with pytest.raises(NotOurFile):  # its total says four
        restored.adopt([_written(restored.file, b"\r\n".join([*lines[:4], *lines[5:]]))])
    half = b"\r\n".join([*lines[:4], lines[5].replace(b"4", b"3", 1).replace(b"320.00", b"240.00")])
    with pytest.raises((AnotherList, NotOurFile)):
        restored.adopt([_written(restored.file, half)])
    with pytest.raises(ListRefused):
        restored.adopt(batch="B-0000-0000")
    assert (life.keys(), life.batches()[restored.batch]) == ([], "approved")


def test_another_account_since_the_backup_must_be_entered_again_first(restored: Restored) -> None:
    """The register says another card than the file: the file is not that of the list any more."""
    life = restored.life
    life.send("account", [life.account(life.refs[0], 55, "2026-10-01")], "2026-10-20T13:00")
    with pytest.raises((AnotherList, Changed)):
        restored.adopt()
    assert life.keys() == []


def test_a_kill_between_freezing_and_marking_is_made_good_by_the_same_command(
    restored: Restored, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as broken:
        broken.setattr("flows.allowance_restored._sent", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            restored.adopt()
    assert restored.life.states() == {"frozen": 4}
    assert len(restored.adopt()["files"]) == 1
    assert restored.life.states() == {"sent": 4}
    with pytest.raises(NotOurFile):
        restored.adopt()


def test_a_name_that_is_not_that_of_its_keys_is_refused(restored: Restored) -> None:
    other = restored.file.with_name("F-7K3Q-9XM1.csv")
    other.write_bytes(restored.file.read_bytes())
    for path in (other, restored.file.with_name("away.csv")):
        with pytest.raises(NotOurFile):
            restored.adopt([path])


def test_who_says_it_is_proved_and_a_note_holds_no_number_of_a_person(restored: Restored) -> None:
    with pytest.raises(NotProved):
        resume(restored.life.database, restored.life.at(BACK), Person("A1", "000000"), "x")
    with pytest.raises(NumberOfAPerson):
        restored.resume("A1", "电话 13800138000")


def test_without_a_restore_there_is_nothing_to_adopt_or_resume(database: Database, tmp_path: Path) -> None:
    life = Life(database, tmp_path)
    batch = life.pay()
    once, chosen = life.one_time("A1", RELEASED)
    with pytest.raises(NotResting):
        resume(database, chosen, Person("A1", once), "x")
    once, chosen = life.one_time("A1", RELEASED)
    (file,) = (chosen.folder("outbox") / "bank").iterdir()
    with pytest.raises(NotRestored):
        adopt(database, chosen, Person("A1", once), batch, [file])
    assert life.batches()[batch] == "released"


def test_one_approver_puts_money_at_rest_and_two_let_it_go_on(database: Database, tmp_path: Path) -> None:
    """A pause in Prefect goes with its database; this one is in ours."""
    life = Life(database, tmp_path, script=Script())
    batch: str = life.plan()["batch"]
    life.show(batch)
    life.approve(batch)
    once, chosen = life.one_time("A2", RELEASED)
    assert hold(database, chosen, Person("A2", once), "名单有误")["held"]
    with pytest.raises(MoneyHeld, match="已有 0 人"):
        life.release(moment=BACK)
    with database.read() as session:
        assert [each.state for each in money(session, life.at(BACK))] == ["warn"]
    for staff in ("A1", "A2"):
        once, chosen = life.one_time(staff, BACK)
        resume(database, chosen, Person(staff, once), "已查清")
    assert len(life.release(moment=BACK)["released"]) == 1


@pytest.mark.parametrize(
    ("step", "left"),
    [
        pytest.param("stop_batch", {}, id="before anything is frozen"),
        pytest.param("content_of", {"frozen": 4}, id="frozen, and not yet handed over"),
    ],
)
def test_a_hold_stops_a_release_that_is_at_work(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str, left: dict[str, int]
) -> None:
    life = Life(database, tmp_path, script=Script())
    batch: str = life.plan()["batch"]
    life.show(batch)
    life.approve(batch)
    once, chosen = life.one_time("A2", RELEASED)
    real = getattr(allowance_release, step)

    def held(*given: Any) -> Any:
        hold(database, chosen, Person("A2", once), "名单有误")
        return real(*given)

    with monkeypatch.context() as meanwhile:
        meanwhile.setattr(allowance_release, step, held)
        with pytest.raises(MoneyHeld):
            life.release(moment=RELEASED)
    assert life.states() == left
    assert [*(life.at(BACK).folder("outbox") / "bank").glob("[!.]*")] == []
    with pytest.raises(MoneyHeld):
        life.release(moment=BACK)
    for staff in ("A1", "A2"):
        once, chosen = life.one_time(staff, BACK)
        resume(database, chosen, Person(staff, once), "已查清")
    life.release(moment=BACK)
    assert life.states() == {"sent": 4}
    life.settle(LATER)
    life.agrees_with_the_bank()


def test_answers_of_the_bank_are_taken_in_while_a_person_holds_the_money(database: Database, tmp_path: Path) -> None:
    life = Life(database, tmp_path, script=Script())
    life.pay()
    once, chosen = life.one_time("A1", BACK)
    hold(database, chosen, Person("A1", once), "名单有误")
    life.settle(LATER)
    assert life.states() == {"paid": 4}


def test_the_doctor_says_that_money_rests_and_how_it_goes_on(restored: Restored) -> None:
    life = restored.life
    with life.database.read() as session:
        (found,) = money(session, life.at(BACK))
    assert (found.state, "tuoqi allowance resume" in found.text + found.remedy) == ("warn", True)


REISSUED = 8
"""From this step of the month on the second list is on its way."""


@pytest.mark.parametrize(
    ("backup", "lost"),
    [
        pytest.param(4, 6, id="backup before the approval, lost after the file left"),
        pytest.param(5, 7, id="backup before the release, lost after the bank answered"),
        pytest.param(9, 11, id="backup before the re-issue is approved, lost after it left"),
        pytest.param(4, 12, id="backup before the approval, both files left"),
        *(
            pytest.param(
                backup, lost, id=f"backup before step {backup}, lost before step {lost}", marks=pytest.mark.proof
            )
            for backup in range(1, 12)
            for lost in range(backup + 1, 13)
        ),
    ],
)
def test_whenever_the_backup_was_and_whatever_left_since_everybody_is_paid_once(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, backup: int, lost: int
) -> None:
    """A month in which the bank returns two payments, lived up to its loss, restored, and lived on from the backup."""
    life, file = Life(database, tmp_path), tmp_path / "x.backup"
    for step in life.walk(MONTH)[:backup]:
        step()
    backup_database(life.office.base, file)
    for step in life.walk(MONTH)[backup:lost]:
        step()
    life.database.close()
    made = life.restored(file, life.folder)
    made.bank = life.bank
    settle = made.settle

    def asked(moment: str) -> None:
        """The bank answers once more for every file that is known: its first answers went with the database."""
        for (ref,) in made.rows(BankFile.ref):
            made.bank.ask(ref, "pain.002")
        settle(moment)

    monkeypatch.setattr(made, "settle", asked)
    with closing(made.database):
        assert _lived_on(made, _had(made), backup)
        made.paid_once(MONTH)


def _had(life: Life) -> list[Path]:
    """The files that the bank has, or that lie in its folder, and the database does not know; copies of them."""
    known = {name for (name,) in life.rows(BankFile.name)}
    had = [(path.name.partition("-")[2], path) for path in sorted(life.bank._taken.iterdir())]
    had += [(path.name, path) for path in sorted(life.bank.outbox.iterdir())]
    return [_written(life.folder / name, path.read_bytes()) for name, path in had if name not in known]


def _lived_on(life: Life, waiting: list[Path], backup: int) -> bool:
    """Live the month again from the backup; adopt each file as soon as its list is approved, then let money leave."""
    resumed = False
    for number, step in enumerate(life.walk(MONTH)[backup:], start=backup):
        moment = f"{MONTH}-23T10:30" if number >= REISSUED else f"{MONTH}-20T09:30"
        waiting = [path for path in waiting if not _adopted(life, path, moment)]
        if not waiting and not resumed:
            for staff in ("A1", "A2"):
                once, chosen = life.one_time(staff, moment)
                resume(life.database, chosen, Person(staff, once), "已与银行核对")
            resumed = True
        try:
            step()
        except (MoneyRests, AnswerAhead):
            assert waiting
    return resumed


def _adopted(life: Life, path: Path, moment: str) -> bool:
    for ref in life.lists("approved") + life.lists("approved", reissue=True):
        once, chosen = life.one_time("A1", moment)
        with suppress(AnotherList):
            return bool(adopt(life.database, chosen, Person("A1", once), ref, [path]))
    return False


def test_where_nothing_was_ever_planned_the_doctor_is_silent(database: Database, tmp_path: Path) -> None:
    life = Life(database, tmp_path)
    with database.write() as session:
        audit.record(session, "530112", "restore", RESTORED, life.at(BACK).now(), file="x")
        assert list(money(session, life.at(BACK))) == []


def _written(as_of: Path, content: bytes) -> Path:
    folder = as_of.parent / "changed"
    folder.mkdir(exist_ok=True)
    path = folder / as_of.name
    path.write_bytes(content)
    return path
