"""Working under a claim: a result is told once, a failure can be tried again, a killed owner is not waited for."""

import contextlib
import multiprocessing
import os
import signal
from collections.abc import Callable
from multiprocessing.queues import Queue
from multiprocessing.synchronize import Event

import pytest
from sqlalchemy import text

from flows import jobs
from flows.jobs import at_work, is_dead, owner
from models.db import Database
from models.jobs import Claim, LostLease, renew
from models.seal import KeyRing

DAY = ("duty-day", "2026-03-01", "530112")
FORK = multiprocessing.get_context("fork")


def _url(database: Database) -> str:
    return database.engine.url.render_as_string(hide_password=False)


def _work(counted: list[int], result: int = 33) -> Callable[[Claim], dict[str, int]]:
    def work(held: Claim) -> dict[str, int]:
        counted.append(held.token)
        return {"slots": result}

    return work


def _fork(database: Database, work: Callable[[], None]) -> int:
    """Run `work` in a process of its own, forked without open connections; return its pid."""
    database.close()
    pid = os.fork()
    if pid:
        return pid
    code = 1
    with contextlib.suppress(BaseException):
        work()
        code = 0
    os._exit(code)


def test_a_derived_job_is_done_again_and_a_once_only_step_gives_its_first_result(database: Database) -> None:
    done: list[int] = []
    assert at_work(database, *DAY, _work(done)) == {"slots": 33}
    assert at_work(database, *DAY, _work(done, 34)) == {"slots": 34}
    told = at_work(database, *DAY, _work(done, 35), again=False)
    assert (told["slots"], told["already"], done) == (34, True, [1, 2])


def test_while_it_runs_a_second_trigger_reports_it_and_ends(database: Database) -> None:
    told: list[dict[str, object]] = []

    def work(_: Claim) -> dict[str, object]:
        told.append(at_work(database, *DAY, _work([])))
        return {}

    at_work(database, *DAY, work)
    assert told[0]["busy"] is True
    assert "duty-day" in str(told[0]["note"])


def test_a_failure_is_recorded_and_the_next_run_tries_again(database: Database) -> None:
    def fail(_: Claim) -> dict[str, object]:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        at_work(database, *DAY, fail)
    with database.read() as session:
        assert session.connection().execute(text("SELECT state FROM job_run")).scalar() == "failed"
    assert at_work(database, *DAY, _work([]), again=False) == {"slots": 33}


def test_this_process_lives_and_a_stranger_of_another_machine_is_not_judged() -> None:
    assert not is_dead(owner())
    place, pid, started = owner().split(":")
    assert is_dead(f"{place}:{pid}:{int(started) + 1}")
    assert not is_dead(f"other-host/1:{pid}:{started}")
    assert not is_dead(f"{place.partition('/')[0]}/1:999999:1"), "another container of the same host name"
    assert not is_dead("nonsense")


def test_a_killed_process_is_dead_even_before_it_is_buried() -> None:
    pid = os.fork()
    if not pid:
        signal.pause()
    born = jobs._born(pid)
    other = f"{jobs._here()}:{pid}:{born}"
    assert not is_dead(other)
    os.kill(pid, signal.SIGKILL)
    os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
    assert is_dead(other)
    os.waitpid(pid, 0)
    assert is_dead(other)


def test_the_job_of_a_killed_process_is_taken_over_at_once(database: Database) -> None:
    url, keys = _url(database), database.keys
    reading, writing = os.pipe()

    def killed() -> None:
        def work(_: Claim) -> dict[str, int]:
            os.write(writing, b"x")
            signal.pause()
            return {}

        at_work(Database(url, keys), *DAY, work)

    pid = _fork(database, killed)
    assert os.read(reading, 1) == b"x"
    assert at_work(database, *DAY, _work([]))["busy"]
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    tokens: list[int] = []
    assert at_work(database, *DAY, _work(tokens)) == {"slots": 33}
    assert tokens == [2]
    os.close(reading)
    os.close(writing)


def test_who_lost_the_lease_leaves_the_new_owners_record_alone(database: Database) -> None:
    def work(held: Claim) -> dict[str, int]:
        with database.write() as session:
            session.connection().execute(text("UPDATE job_run SET token = token + 1, owner = 'new'"))
        with database.write() as session:
            renew(session, held, jobs.lease_end())
        return {}

    with pytest.raises(LostLease):
        at_work(database, *DAY, work)
    with database.read() as session:
        assert session.connection().execute(text("SELECT state, owner FROM job_run")).one() == ("running", "new")


def _compete(url: str, keys: KeyRing, start: Event, answers: "Queue[str]") -> None:
    mine = Database(url, keys)
    start.wait()

    def work(_: Claim) -> dict[str, bool]:
        answers.put("worked")
        return {"won": True}

    answers.put(str(sorted(at_work(mine, *DAY, work, again=False))))
    mine.close()


def test_of_eight_processes_one_does_a_once_only_step(database: Database) -> None:
    url, keys = _url(database), database.keys
    database.close()
    start, answers = FORK.Event(), FORK.Queue()
    processes = [FORK.Process(target=_compete, args=(url, keys, start, answers)) for _ in range(8)]
    for process in processes:
        process.start()
    start.set()
    told = [answers.get(timeout=60) for _ in range(9)]
    for process in processes:
        process.join()
    answers.close()
    assert told.count("worked") == 1
    assert told.count("['won']") == 1
