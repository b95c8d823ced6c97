"""A PostgreSQL whose postmaster is killed and started again while every job is at work: complete and single in the end.

processes with retries as Prefect has them <- SIGKILL to the postmaster, a new one recovers -> rows, money and messages
of an undisturbed month. And what lives longer than a job, the answer page, goes on by itself.
Killed jobs instead of a killed database: tests/flows/test_*_kills.py.
"""

import gc
import random
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
from sqlalchemy import text
from sqlalchemy.engine import make_url

from flows import service
from flows.answer_page.app import answer_app
from flows.child import Child
from flows.prefect_home import environment, free_port
from notifications.links import Ticket, make
from tests.faults.conftest import Origins
from tests.faults.postmaster import TOOLS, Postmaster
from tests.faults.whole import NOVEMBER, Step, Whole, again, ended, same_but_late
from tests.flows.allowance_life import ended as ended_child
from tests.flows.allowance_life import in_child
from tests.flows.answer_page.conftest import Telephone

pytestmark = pytest.mark.filterwarnings("ignore:.*ServerCursor object at .* was deleted while still open")
"""SQLAlchemy does close it, but nobody is there to be told; psycopg then takes it for one that was forgotten."""
EVENING = "2026-11-02T18:00"


@pytest.fixture
def moved(copied: Callable[[str], Whole], postmaster: Postmaster) -> Iterator[Whole]:
    """A district whose database lies on the server that will be killed."""
    whole = copied("postgresql")
    whole.database.close()
    here, name = make_url(whole.office.base.url), f"moved_{postmaster.serial()}"
    target = make_url(postmaster.url).set(database=name)
    _tool("createdb", "-h", postmaster.folder, "-U", "postgres", name)
    dump = _tool("pg_dump", "--format=custom", f"--dbname={_plain(here)}")
    _tool("pg_restore", "--no-owner", f"--dbname={_plain(target)}", given=dump)
    whole.through(target.render_as_string(hide_password=False))
    yield whole
    whole.database.close()
    gc.collect(1)  # such cursors go here and not in the middle of somebody else's test


def _plain(url: object) -> str:
    return make_url(str(url)).set(drivername="postgresql").render_as_string(hide_password=False)


def _tool(name: str, *arguments: object, given: bytes | None = None) -> bytes:
    command = [str(TOOLS / name), *map(str, arguments)]
    return subprocess.run(command, input=given, capture_output=True, check=True).stdout


def at_work(whole: Whole, steps: list[Step], tape: Path) -> int:
    """Take the steps in a process of its own, each until it is through, a mark on the tape after each."""

    def work() -> None:
        whole.alone()
        for step in steps:
            hits = again(step)
            with tape.open("a") as marks:
                marks.write(f"{hits}\n")

    return in_child(work)


def kill_while_working(whole: Whole, postmaster: Postmaster, kills: int, dice: random.Random) -> int:
    """Let four processes live the month side by side, the postmaster killed meanwhile; return how often a job was hit.

    The kills are spread over the steps taken, each at a random moment of the next hundredths of a second.
    """
    tape = whole.folder / "tape"
    tape.touch()
    drains = [lambda: whole.drain("2026-04-27T10:00")] * 8
    month = "2026-10"
    for step in whole.exam_steps():  # its frames have threads of their own, which no forked process has
        step()
    whole.database.close()
    rows = [whole.walk(month), whole.visit_steps(), whole.duty_steps(), drains]
    pids = [at_work(whole, steps, tape) for steps in rows]
    for kill in range(kills):
        due = (sum(map(len, rows)) - 6) * kill // kills
        while len(tape.read_text().split()) < due:
            time.sleep(0.005)
        time.sleep(dice.uniform(0.01, 0.2))
        postmaster.kill()
        postmaster.start()
    assert [ended_child(pid) for pid in pids] == [0] * 4
    return sum(map(int, tape.read_text().split()))


@pytest.mark.parametrize(
    ("kills", "seed"),
    [
        pytest.param(2, 0, id="2 kills"),
        *(pytest.param(6, n, id=f"6 kills, seed {n}", marks=pytest.mark.proof) for n in range(1, 6)),
    ],
)
def test_a_postmaster_killed_again_and_again_leaves_one_complete_month(
    moved: Whole, postmaster: Postmaster, origins: Origins, kills: int, seed: int
) -> None:
    assert kill_while_working(moved, postmaster, kills, random.Random(seed)) >= kills
    moved.alone()
    for moment, _ in moved.everything():
        moved.drain(moment)
    moved.settle_messages()
    same_but_late(ended(moved), origins("postgresql").standing)


@pytest.fixture
def published(moved: Whole) -> Whole:
    moved.office.plan("2026-11", publish=True, moment="2026-10-25T08:00")
    return moved


def link_of(whole: Whole) -> str:
    """The link to the first duty after the evening."""
    slot = next(each for each in whole.office.slots(*NOVEMBER) if each.day.day == 5)
    until = whole.at("2026-11-06T12:00").now()
    return f"/a/{make(whole.database.keys, Ticket('duty', slot.id, slot.cadre_id or 0, slot.revision, until))}"


def test_the_answer_page_says_that_the_database_is_away_and_works_again_when_it_is_back(
    published: Whole, postmaster: Postmaster
) -> None:
    whole, link = published, link_of(published)
    telephone = Telephone(answer_app(whole.database, whole.at(EVENING), clock=lambda: 0.0))
    assert (telephone.get(link).status_code, telephone.get("/healthz").status_code) == (200, 200)
    postmaster.kill()
    away = telephone.post(link, {"do": "ack"})
    assert (away.status_code, away.headers["retry-after"]) == (503, "60")
    assert "系统正在恢复" in away.text
    assert telephone.get("/healthz").status_code == 503
    postmaster.start()
    assert (telephone.get(link).status_code, telephone.get("/healthz").status_code) == (200, 200)
    assert telephone.post(link, {"do": "ack"}).status_code == 200


def test_connections_of_before_the_restart_cost_nobody_a_failure(moved: Whole, postmaster: Postmaster) -> None:
    """A pool of a long-lived process is asked before it is used; who was in the middle fails once, and in words."""
    idle = [moved.database.engine.connect() for _ in range(4)]
    for connection in idle:
        connection.close()

    def in_the_middle() -> None:
        with moved.database.write() as session:
            session.execute(text("UPDATE district SET name = name"))
            if postmaster.kills == before:
                postmaster.kill()
                postmaster.start()

    before = postmaster.kills
    assert again(in_the_middle) == 1
    for _ in range(4):
        with moved.database.read() as session:
            assert session.execute(text("SELECT count(*) FROM district")).scalar() == 1


@pytest.mark.proof
def test_the_answer_page_as_a_process_outlives_three_restarts(
    published: Whole, postmaster: Postmaster, tmp_path: Path
) -> None:
    port, link = free_port(), link_of(published)
    env = {**environment(published.office.base, 4200), "TUOQI_ANSWER_PORT": str(port), "TUOQI_AT": f"{EVENING}+08:00"}
    env |= {"TUOQI_KEY_FILE": str(published.office.base.keys_path), "TUOQI_DATABASE_URL": published.office.base.url}
    child = Child("answers", [], env, tmp_path, module="flows.answer_page")
    try:
        until = time.monotonic() + 60
        while not service._well(f"http://127.0.0.1:{port}/healthz"):
            child.check()
            assert time.monotonic() < until
            time.sleep(0.05)
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False, timeout=60) as client:
            for _ in range(3):
                assert client.get(link).status_code == 200
                postmaster.kill()
                assert client.get(link).status_code == 503
                postmaster.start()
                assert client.get(link).status_code == 200
        child.check()
    finally:
        child.kill()
