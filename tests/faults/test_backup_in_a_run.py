"""A backup taken while everything is at work is one moment of it: it verifies.

a process lives the month -> stopped in the middle of whatever it does -> `tuoqi backup` -> restored elsewhere, with
what bank and providers had by then -> books agree, nobody was told or paid twice, the log holds.
What a backup is by itself: tests/flows/test_keep.py.
"""

import os
import random
import shutil
import signal
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from flows.keep import backup_database
from models import audit
from tests.faults.postmaster import TOOLS
from tests.faults.whole import DISTRICT, Whole
from tests.flows.allowance_life import in_child


@pytest.fixture(autouse=True)
def _tools(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", f"{TOOLS}{os.pathsep}{os.environ['PATH']}")


def go_on(whole: Whole, last: int | None = None) -> None:
    """Live the month from the step that was not done yet, as the file in the folder says."""
    for number, (moment, step) in enumerate(whole.everything()[:last], start=1):
        if number > steps_done(whole):
            step()
            whole.drain(moment)
            draft = whole.folder / "done.new"
            draft.write_text(str(number))
            draft.replace(whole.folder / "done")
    if last is None:
        whole.settle_messages()


def steps_done(whole: Whole) -> int:
    """How many steps of the month are behind it."""
    done = whole.folder / "done"
    return int(done.read_text()) if done.exists() else 0


def backups_in_a_run(whole: Whole, folder: Path, number: int, dice: random.Random) -> None:
    """Stop a living month `number` times, back it up, and look at what each backup has."""
    go_on(whole, last=1)  # the exam: its frames have threads of their own, which no forked process has
    whole.database.close()

    def life() -> None:
        whole.alone()
        go_on(whole)

    pid, kept = in_child(life), list[tuple[Path, Path]]()
    for at in range(number):
        time.sleep(dice.uniform(0.05, 1.0 / number))
        os.kill(pid, signal.SIGSTOP)
        stopped = os.waitid(os.P_PID, pid, os.WSTOPPED | os.WEXITED | os.WNOWAIT)
        if stopped is None or stopped.si_code != os.CLD_STOPPED:
            break  # the month is over
        file, world = folder / f"{at}.backup", folder / f"world-{at}"
        backup_database(whole.office.base, file)
        shutil.copytree(whole.folder, world, ignore=shutil.ignore_patterns("*.db*"))
        kept.append((file, world))
        os.kill(pid, signal.SIGCONT)
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    assert kept
    for file, world in kept:
        made = whole.restored(file, world)
        with closing(made.database):
            made.holds()
            with made.database.read() as session:
                assert audit.verify(session, DISTRICT) is None


@pytest.mark.parametrize(
    ("kind", "number", "seed"),
    [
        pytest.param("sqlite", 2, 1, id="sqlite, 2 backups"),
        pytest.param("postgresql", 2, 2, id="postgresql, 2 backups"),
        *(
            pytest.param(kind, 6, seed, id=f"{kind}, 6 backups, seed {seed}", marks=pytest.mark.proof)
            for kind in ("sqlite", "postgresql")
            for seed in range(3, 8)
        ),
    ],
)
def test_a_backup_taken_in_the_middle_is_whole(
    copied: Callable[[str], Whole], tmp_path: Path, kind: str, number: int, seed: int
) -> None:
    backups_in_a_run(copied(kind), tmp_path, number, random.Random(seed))


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_backups_that_nobody_waits_for_are_each_one_moment(
    copied: Callable[[str], Whole], tmp_path: Path, kind: str
) -> None:
    """The process goes on writing meanwhile; books and chain agree in each copy, and so do all foreign keys.

    At least one step of the month is done between the first backup and the last.
    """
    whole = copied(kind)
    go_on(whole, last=1)  # the exam: its frames have threads of their own, which no forked process has
    whole.database.close()

    def life() -> None:
        whole.alone()
        go_on(whole)

    pid, reached = in_child(life), list[int]()
    try:
        while len(reached) < 3 or reached[-1] == reached[0]:
            assert len(reached) < 3 or lives(pid), "nothing was done between the first backup and the last"
            file, world = tmp_path / f"{len(reached)}.backup", tmp_path / f"free-{len(reached)}"
            world.mkdir()
            backup_database(whole.office.base, file)
            reached.append(steps_done(whole))
            made = whole.restored(file, world)
            with closing(made.database):
                made.balances()
                with made.database.read() as session:
                    assert audit.verify(session, DISTRICT) is None
    finally:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)


def lives(pid: int) -> bool:
    """Whether a child has not ended; it is not reaped."""
    return os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None
