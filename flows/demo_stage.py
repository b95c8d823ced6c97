"""The stage of the demo: the service under way, its database and clock, and the lines of the summary."""

import csv
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

from rich.console import Console

from flows.intake import take_file
from flows.service import Service
from flows.settings import Settings
from models.db import Database
from models.district import district_id
from models.duty_record import Held, held_slots
from models.message_views import counts
from notifications.rehearsal.server import Rehearsal
from rules.errors import say

DAY = date(2026, 3, 1)
PLAN, PUBLISH = "2026-02-20T08:00:00+08:00", "2026-02-25T08:00:00+08:00"
EVE, NIGHT, ILL = (f"2026-02-28T{at}:00+08:00" for at in ("17:05", "20:05", "22:30"))
MORNING, HEAD, OFFICE, EVENING = (f"2026-03-01T{at}:00+08:00" for at in ("06:00", "07:35", "08:50", "18:10"))
MIDNIGHT = "2026-03-02T00:10:00+08:00"
LINK, RECONCILE, REPORT = "2026-02-28T19:00:00+08:00", "2026-02-28T20:15:00+08:00", "2026-03-02T08:30:00+08:00"


@dataclass(slots=True)
class Line:
    """One line of the summary; `good` tells whether the job did what the story asks of it."""

    job: str
    did: str
    counts: str
    where: str
    good: bool


@dataclass
class Stage:
    """The demo under way: its own var folder, the service, and what was seen so far."""

    settings: Settings
    service: Service
    database: Database
    console: Console
    rehearsal: Rehearsal
    lines: list[Line] = field(default_factory=list)

    def run(self, job: str, at: str, **parameters: Any) -> bool:
        """Run a job through server and worker with its clock at `at`."""
        tell(self.console, f"{at[5:16].replace('T', ' ')}  {job}")
        return self.service.run_deployment(job, parameters, at=at).done

    def take(self, kind: str, at: str, rows: Iterable[Mapping[str, Any]]) -> int:
        """Send rows as a csv file through the importer, as a centre would; return how many were new or changed."""
        path = self.settings.folder("inbox") / f"{kind}-{at[5:13]}.csv"
        listed = list(rows)
        with path.open("w", encoding="utf-8-sig", newline="") as file:
            writer = csv.DictWriter(file, list(listed[0]))
            writer.writeheader()
            writer.writerows(listed)
        taken = take_file(self.database, at_moment(self.settings, at), kind, path).taken
        return taken.added + taken.changed

    def slots(self, first: date = DAY, last: date = DAY) -> list[Held]:
        """The slots as they stand."""
        with self.database.read() as session:
            return held_slots(session, district_id(session, self.settings.district), first, last)

    def messages(self, template: str, state: str = "accepted") -> int:
        """How many messages of a kind have reached a state."""
        with self.database.read() as session:
            found = counts(session, district=self.settings.district)
        return sum(number for (_, name, now), number in found.items() if (name, now) == (template, state))

    def note(self, job: str, did: str, counted: str, where: str, *, good: bool) -> None:
        """Keep a line of the summary."""
        self.lines.append(Line(job, did, counted, where, good))


def tell(console: Console, text: str) -> None:
    """Show progress."""
    console.print(f"[dim]{time.strftime('%H:%M:%S')}[/dim]  {text}", highlight=False)


def ui() -> str:
    """Where artifacts are."""
    return say("Prefect 页面 Artifacts", "Artifacts in the Prefect UI")


def short(path: Path) -> str:
    """The path as it is seen from here."""
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else str(path)


def at_moment(chosen: Settings, at: str) -> Settings:
    """The same settings with their clock at a moment."""
    return Settings(**{**chosen.model_dump(), "at": at})
