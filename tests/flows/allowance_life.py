"""Whole lives of allowances for the proofs: every step again and again until all is done, and what is true then."""

import copy
import os
import shutil
import signal
import sys
import time
import traceback
from collections import Counter
from collections.abc import Callable
from datetime import date
from itertools import count
from pathlib import Path
from typing import Any, Self

import psycopg
from sqlalchemy import Engine, event, select
from sqlalchemy.engine import URL, make_url
from sqlmodel import col

from flows.keep import restore_database
from flows.rehearsal_bank.bank import RehearsalBank
from flows.rehearsal_bank.script import Script
from models.allowance import AllowanceBatch, Entitlement
from models.db import Database
from models.elder import Elder
from models.payment import BankFile, Payment
from policies.allowances import allowances
from rules.staff_refusals import ClockBehind, CodeUsed
from tests.flows.money import Money
from tests.flows.test_duty import Office

CLOSED = Script(returned={"21": "AC04", "31": "AC04"})
"""The accounts of the third and fourth elder are closed; those that replace them are not."""
MONTHS = ("2026-09", "2026-10", "2026-11", "2026-12")


class Life(Money):
    """A district that pays month after month, and takes up its work wherever a kill has left it."""

    def __init__(self, database: Database, folder: Path, people: int = 4, script: Script = CLOSED) -> None:
        super().__init__(database, folder, people, script)
        for month in MONTHS:
            self.budget(month, 100_000_00)

    def copied(self, folder: Path, number: int) -> Self:
        """The same district with everything of its own; nobody may be using the first one's database."""
        url = make_url(self.office.base.url)
        if url.get_backend_name() == "sqlite":
            shutil.copy(str(url.database), folder / "copy.db")
            url = url.set(database=str(folder / "copy.db"))
        else:
            url = _made(url, f"{url.database}_{number}", f"{url.database}")
        return self.placed(url.render_as_string(hide_password=False), folder)

    def placed(self, url: str, folder: Path) -> Self:
        """The same district with another database and another folder, which may have been a district's before."""
        base = self.office.base.model_copy(update={"database_url": url, "var_dir": folder / "var"})
        made = copy.copy(self)
        made.database, made.folder, made.steps = Database(base.url, base.keys()), folder, Counter(self.steps)
        made.office = Office(made.database, base, folder)
        made.inbox = base.folder("inbox") / "bank"
        made.inbox.mkdir(mode=0o700, exist_ok=True)
        outbox = base.folder("outbox") / "bank"
        policy = allowances(date(2026, 10, 1))
        made.bank = RehearsalBank(
            folder / "bank", policy.bank, self.bank._script, outbox=outbox, clock=lambda: made.at(made.now).now()
        )
        return made

    def restored(self, file: Path, folder: Path) -> Self:
        """The district as a backup has it, in a database of its own."""
        url = make_url(self.office.base.url)
        if url.get_backend_name() == "sqlite":
            url = url.set(database=str(folder / "restored.db"))
        else:
            url = _made(url, f"restored_{os.getpid()}_{time.monotonic_ns()}", "template0")
        made = self.placed(url.render_as_string(hide_password=False), folder)
        restore_database(made.office.base, file)
        return made

    def alone(self) -> None:
        """Take a database of one's own, in a child."""
        self.database = Database(self.office.base.url, self.office.base.keys())

    def lists(self, *states: str, reissue: bool = False) -> list[str]:
        rows = self.rows(AllowanceBatch.ref, AllowanceBatch.state, AllowanceBatch.kind)
        return [ref for ref, state, kind in rows if state in states and (kind == "reissue") == reissue]

    def approve_all(self, moment: str, *, reissue: bool = False) -> None:
        """Approve what waits; a code that a killed approval used up is followed by the next."""
        for ref in self.lists("notice", reissue=reissue):
            while True:
                try:
                    self.approve(ref, moment)
                except (CodeUsed, ClockBehind):
                    continue
                break

    def settle(self, moment: str) -> None:
        """The bank takes and answers; what it says is taken in."""
        self.bank.take_all()
        self.bank.reply("pain.002")
        self.carry(sorted(self.bank.returns.glob("*.xml")))
        self.reconcile(moment)

    def walk(self, period: str) -> list[Callable[[], Any]]:
        """What is done in a month, in this order; each step again changes nothing."""

        def show() -> None:
            for ref in self.lists("planned", "notice"):
                self.show(ref, f"{period}-10T10:00")

        def correct() -> None:
            rows = [self.account(ref, 77 + n, "2026-09-22") for n, ref in enumerate(self.refs[2:4])]
            self.send("account", rows, f"{period}-22T09:00")

        return [
            lambda: self.plan(period, moment=f"{period}-10T09:00"),
            show,
            lambda: self.morning(f"{period}-20T07:00"),
            lambda: self.approve_all(f"{period}-20T09:00"),
            lambda: self.release(moment=f"{period}-20T10:00"),
            lambda: self.settle(f"{period}-21T15:00"),
            correct,
            lambda: self.stop(f"{period}-22T10:00"),
            lambda: self.reissue(f"{period}-23T09:00"),
            lambda: self.approve_all(f"{period}-23T10:00", reissue=True),
            lambda: self.release(moment=f"{period}-23T11:00"),
            lambda: self.settle(f"{period}-24T15:00"),
        ]

    def month(self, period: str) -> None:
        """Plan to the last re-issue; goes on at the step at which a process before was killed."""
        done = self.folder / f"done-{period}"
        for number, step in enumerate(self.walk(period), start=1):
            if number > (int(done.read_text() or 0) if done.exists() else 0):
                step()
                done.write_text(str(number))

    def files_once(self) -> None:
        """Each frozen file is at the bank once, byte for byte, and nothing else is."""
        handed_in = Counter(taken.sha256 for taken in self.bank.files() if not taken.problem)
        assert handed_in == Counter(sha for (sha,) in self.rows(BankFile.sha256))
        assert self.bank.totals().paid_twice == {}

    def received(self) -> dict[tuple[str, str], int]:
        """What each elder has really got for each period, in fen, by the books of the bank."""
        query = (
            select(col(Payment.key), col(Elder.ref), col(Entitlement.period))
            .join(Entitlement, col(Entitlement.id) == col(Payment.entitlement_id))
            .join(Elder, col(Elder.id) == col(Entitlement.elder_id))
        )
        with self.database.read() as session:
            whose = {key: (ref, period) for key, ref, period in session.execute(query)}
        got: Counter[tuple[str, str]] = Counter()
        for key, fen in self.bank.totals().by_key.items():
            got[whose[key]] += fen
        return dict(got)

    def paid_once(self, *periods: str) -> None:
        """Everybody has got every period, once and to the fen; the bank's books and ours agree."""
        self.files_once()
        self.agrees_with_the_bank()
        assert self.received() == {(ref, period): 8000 for ref in self.refs for period in periods}
        assert self.exceptions() == []
        assert set(self.batches().values()) == {"released"}


def _made(url: URL, name: str, template: str) -> URL:
    """Make a database on PostgreSQL."""
    plain = url.set(drivername="postgresql", database="postgres").render_as_string(hide_password=False)
    with psycopg.connect(plain, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE {template}".encode())
    return url.set(database=name)


def in_child(work: Callable[[], Any]) -> int:
    """Fork, run `work` in the child, return the child's pid; what it raises is told on stderr and ends it with 1."""
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            work()
            code = 0
        except BaseException:  # noqa: BLE001 - told, whatever it is
            traceback.print_exc(file=sys.__stderr__)
        finally:
            os._exit(code)
    return pid


def ended(pid: int) -> int:
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def dies_at_moment(number: int) -> None:
    """Kill this process at its n-th statement, commit, sync or renaming, from now on."""
    moments = count(1)

    def pass_by(*_: Any) -> None:
        if next(moments) == number:
            os.kill(os.getpid(), signal.SIGKILL)

    event.listen(Engine, "before_cursor_execute", pass_by)
    event.listen(Engine, "commit", pass_by)
    for holder, name in ((os, "fsync"), (Path, "rename")):
        whole = getattr(holder, name)

        def pass_and_do(*what: Any, whole: Callable[..., Any] = whole) -> Any:
            pass_by()
            return whole(*what)

        setattr(holder, name, pass_and_do)
