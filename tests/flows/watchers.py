"""What tests of Prefect's own watchers need: a loud flow full of canaries, processes, alarms, an old database."""

import contextlib
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import psutil
from sqlalchemy import select
from sqlmodel import col

from flows.child import ROOT
from flows.service import Service
from flows.store import opened
from models.messages import Message

CANARY = {
    "id": "530112194505050023",
    "phone": "13899990001",
    "account": "6222021234567890123",
    "mail": "canary1@example.cn",
    "token": "Bearer c4n4ry-t0ken-0001",
}
_LOUD = """
import logging
from prefect import flow, task, get_run_logger
values = {values!r}
@task
def talk():
    get_run_logger().warning("task says %s", values["phone"])
@flow
def loud():
    log = get_run_logger()
    log.info("id %s", values["id"])
    log.info("all %(mail)s %(account)s", values)
    log.warning("hand over %s", values)
    logging.getLogger("httpx").warning("GET https://x.example.cn/?access_token=%s", "c4n4ry-t0ken-0001")
    logging.getLogger("sqlalchemy.engine").error("Key (id_number)=(%s)", values["id"])
    log.error("%d is no number", values["phone"])
    try:
        raise ValueError("row of " + " ".join(values.values()))
    except ValueError:
        log.exception("it failed")
    talk()
    raise RuntimeError("in the end: " + " ".join(values.values()))
try:
    loud()
except RuntimeError:
    pass
"""
_VACUUM = """
import asyncio
from prefect.server.database import provide_database_interface
from prefect.server.services.db_vacuum import vacuum_old_events, vacuum_old_flow_runs
async def clean():
    db = provide_database_interface()
    await vacuum_old_flow_runs(db=db)
    await vacuum_old_events(db=db)
asyncio.run(clean())
"""


def until(happened: Callable[[], bool], seconds: float = 120) -> None:
    end = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < end
        time.sleep(0.3)


def alarms(service: Service) -> dict[str, str]:
    """What operators were told of jobs, and the state of the message."""
    query = select(col(Message.dedupe_key), col(Message.state)).where(col(Message.template) == "alarm-job")
    with opened(service.settings) as database, database.read() as session:
        return {key.split(":")[1]: state for key, state in session.execute(query).tuples()}


def process_of(service: Service, identity: str) -> psutil.Process:
    """The process of a run, once it is there."""
    (worker,) = (child for child in service.children if child.name == "worker")
    found: list[psutil.Process] = []

    def looked() -> bool:
        for process in psutil.Process(worker.process.pid).children(recursive=True):
            with contextlib.suppress(psutil.NoSuchProcess):
                if process.environ().get("PREFECT__FLOW_RUN_ID") == identity:
                    found.append(process)
        return bool(found)

    until(looked)
    return found[0]


def shout(service: Service, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run the loud flow with the environment of the service's processes."""
    script = folder / "loud.py"
    script.write_text(_LOUD.format(values=CANARY))
    words = [sys.executable, str(script)]
    return subprocess.run(words, env=service.env, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)


class OldDatabase:
    """A copy of the server's database, in which every other row is of long ago."""

    def __init__(self, service: Service, folder: Path) -> None:
        self.service, self.path = service, folder / "prefect.db"
        original = service.settings.var_dir / "prefect" / "prefect.db"
        with closing(sqlite3.connect(original)) as source, closing(sqlite3.connect(self.path)) as target:
            source.backup(target)

    def rows(self, query: str) -> list[str]:
        with closing(sqlite3.connect(self.path)) as database:
            return [row[0] for row in database.execute(query)]

    def age(self, table: str, column: str, rows: list[str], days: tuple[int, int]) -> None:
        """Let every other row be of so many days ago, the rest of fewer."""
        then = f"UPDATE {table} SET {column} = strftime('%Y-%m-%d %H:%M:%f', 'now', ?) WHERE id = ?"
        with closing(sqlite3.connect(self.path)) as database, database:
            database.executemany(then, [(f"-{days[number % 2]} days", row) for number, row in enumerate(rows)])

    def vacuum(self) -> None:
        """What Prefect's own service does every hour, with the settings of ours."""
        env = {**self.service.env, "PREFECT_API_DATABASE_CONNECTION_URL": f"sqlite+aiosqlite:///{self.path}"}
        subprocess.run([sys.executable, "-c", _VACUUM], env=env, cwd=ROOT, check=True, timeout=120)
