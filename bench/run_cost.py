"""What a run costs beside its work: Prefect's share of each job, and a whole day of the service with nothing to do.

A real server, worker and bell on loopback with SQLite; a district of 33 centres and 985 cadres without elders, money or
exams. *CPU* of a run is its own process's, its start and all imports included, and what server and worker used beyond
their idling meanwhile; *wall* is from the trigger to the end that Prefect records. The floor is the body of the same
job, warm, in this process. Jobs that need a form's values are not run: each is one run.

*Imports* are fresh interpreters, of the same Python and libraries. *A day* is reckoned from these figures: the runs of
prefect.yaml's schedules, and what server, worker and bell use idle. With messages there are more runs of `deliver`, as
many as there are bursts of messages.
"""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import psutil
import yaml

from bench.timing import Cost, Line, best, measured
from flows.child import ROOT
from flows.intake_store import store_rows
from flows.prefect_api import ENDED
from flows.prefect_home import free_port
from flows.run import call
from flows.sample import district, register_rows
from flows.service import Service
from flows.settings import Settings, settings, write_keys
from flows.store import opened
from notifications.outbox import Draft, enqueue
from rules.registers import Row

CENTRES, CADRES, DAY_S = 33, 985, 86_400
NEWS = {"name": "李建国", "date": "2026-07-12", "weekday": "周日", "centre": "马街中心"}
DECLARED = yaml.safe_load((ROOT / "prefect.yaml").read_text("utf-8"))["deployments"]
JOBS: dict[str, Any] = {each["name"]: each for each in DECLARED}
SCHEDULED = [name for name, each in JOBS.items() if each["schedules"]]
IMPORTS = {
    "an empty interpreter": "pass",
    "Prefect": "import prefect.flow_engine",
    "Prefect and deliver": "import prefect.flow_engine, flows.deliver",
}


def figures(*, quick: bool) -> list[Line]:
    """Time imports, idling, a run of every scheduled job, and a message's way out."""
    lines = [
        Line(f"imports: {name}", "a fresh process", _started(code, 2 if quick else 5)) for name, code in IMPORTS.items()
    ]
    with tempfile.TemporaryDirectory(prefix="tuoqi-bench-") as folder:
        os.environ["TUOQI_VAR_DIR"] = folder
        settings.cache_clear()
        _district(settings())
        with Service(settings(), port=free_port(), patience_s=5) as service:
            lines += _Watched(service, idle_s=15 if quick else 90).lines(SCHEDULED[-6:] if quick else SCHEDULED)
    return lines


def _started(code: str, rounds: int) -> Cost:
    work = partial(subprocess.run, [sys.executable, "-c", code], check=True, cwd=ROOT)
    return best(measured(work)[0] for _ in range(rounds))


def _district(chosen: Settings) -> None:
    write_keys(chosen.keys_path)
    with opened(chosen) as database:
        made = register_rows(district(centres=CENTRES, cadres=CADRES))
        for kind in ("subdistrict", "centre", "cadre", "leave"):
            rows = [Row(number, row) for number, row in enumerate(made[kind], 2)]
            assert not store_rows(database, chosen, kind, rows, "bench").errors


class _Watched:
    """A service whose processes are watched."""

    def __init__(self, service: Service, idle_s: float) -> None:
        self.service = service
        pids = {child.name: child.process.pid for child in service.children}
        self.server, self.worker, self.bell = (psutil.Process(pids[name]) for name in ("server", "worker", "ringer"))
        service.api.pause()
        time.sleep(10)
        self.idle = self._idle(idle_s)

    def _idle(self, seconds: float) -> dict[str, float]:
        """CPU seconds a second of the three, with nothing to do."""
        parts = {"server": self.server, "worker": self.worker, "bell": self.bell}
        before = {name: _spent(part.pid) for name, part in parts.items()}
        time.sleep(seconds)
        return {name: (_spent(part.pid) - before[name]) / seconds for name, part in parts.items()}

    def lines(self, jobs: list[str]) -> Iterator[Line]:
        """Run each job, then let a message go."""
        size = f"{CENTRES} centres, nothing to do"
        runs = {}
        for job in jobs:
            runs[job] = best(self._run(job) for _ in range(3 if job == "deliver" else 1))
            call(job, {})
            body = best(measured(partial(call, job, {}))[0] for _ in range(2))
            yield Line(f"a run of {job}", size, runs[job], body)
        yield self._message()
        yield from self._day(runs)

    def _run(self, job: str) -> Cost:
        """Trigger a run, wait for its end, and count what the three processes used."""
        start, began = self._used(), time.monotonic()
        identity, triggered = self.service.api.start(job), time.time()
        self.service._until(job, 180, lambda: self.service.api.run(identity).state in ENDED, 0.5)  # noqa: SLF001
        run = self.service.api.run(identity)
        assert run.done, f"{job}: {run.message}"
        assert run.ended is not None
        while self.worker.children():
            time.sleep(0.1)
        time.sleep(2)  # events are written a little later
        idle = (self.idle["server"] + self.idle["worker"]) * (time.monotonic() - began)
        return Cost(self._used() - start - idle, run.ended.timestamp() - triggered)

    def _used(self) -> float:
        runs = self.worker.cpu_times()
        own = self.server.cpu_times()
        return float(runs.user + runs.system + runs.children_user + runs.children_system + own.user + own.system)

    def _message(self) -> Line:
        """From the commit of a message to its acceptance, by the bell."""
        chosen, api = self.service.settings, self.service.api
        api.ask("POST", f"/deployments/{api.deployment('deliver')['id']}/resume_deployment")
        waits = []
        for number in range(3):
            news = Draft(f"b:{number}", "duty-released", "sms", "C-7K3Q-9XM2", "13800138000", NEWS, chosen.district)
            with opened(chosen) as database:
                with database.write() as session:
                    enqueue(session, [news], chosen.now())
                began = time.monotonic()
                self.service._until("message", 120, partial(_gone, database), 0.05)  # noqa: SLF001
                waits.append(time.monotonic() - began)
            time.sleep(5)
        return Line(
            "a message, from commit to sent", "by the bell, three times", f"{min(waits):.1f} to {max(waits):.1f} s"
        )

    def _day(self, runs: dict[str, Cost]) -> Iterator[Line]:
        """Reckon a day."""
        for part, each in self.idle.items():
            yield Line(f"a day of the idle {part}", "reckoned", f"{each * DAY_S:,.0f} s of CPU")
        known = {job: a_day(job) for job in runs}
        spent = sum(number * runs[job].cpu_s for job, number in known.items())
        most = ", ".join(f"{job} {number:.0f}" for job, number in sorted(known.items(), key=lambda each: -each[1])[:5])
        yield Line("a day of scheduled runs", f"{sum(known.values()):.0f}: {most}", f"{spent:,.0f} s of CPU")
        whole = spent + sum(self.idle.values()) * DAY_S
        yield Line("a day of the service", "reckoned, nothing to do", f"{whole:,.0f} s of CPU")


def _gone(database: Any) -> bool:
    with database.read() as session:
        return not session.connection().exec_driver_sql("SELECT 1 FROM message WHERE finished_at IS NULL").first()


def _spent(pid: int) -> float:
    """CPU seconds of a process so far, to the nanosecond where the kernel tells; its children's not."""
    tasks = list(Path(f"/proc/{pid}/task").glob("*/schedstat"))
    if tasks:
        return sum(int(task.read_text().split()[0]) for task in tasks) / 1e9
    used = psutil.Process(pid).cpu_times()
    return float(used.user + used.system)


def a_day(job: str) -> float:
    """How often a job's schedules fire on an average day."""
    return sum(_fires(each["cron"].split()) for each in JOBS[job]["schedules"])


def _fires(cron: list[str]) -> float:
    minute, hour, day, _, weekday = cron
    days = _count(day, 365 / 12) * 12 / 365 * _count(weekday, 7) / 7
    return _count(minute, 60) * _count(hour, 24) * days


def _count(field: str, whole: float) -> float:
    """How many values of `whole` a field of a cron names."""
    span, _, step = field.partition("/")
    first, _, last = span.partition("-")
    number = whole if span == "*" else int(last or first) - int(first) + 1
    return -(-number // int(step)) if step else number
