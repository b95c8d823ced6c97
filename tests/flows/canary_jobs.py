"""Every job as Prefect runs it, beside a real server or by its worker: a month that goes well, then jobs that fail.

Run as `python -m tests.flows.canary_jobs FOLDER [worker]`, with the environment that the worker's processes have.
"""

import json
import os
import re
import shutil
import sys
import time
from collections.abc import Callable
from datetime import date, datetime
from importlib import import_module
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pyotp
from prefect.settings import PREFECT_FLOWS_HEARTBEAT_FREQUENCY, temporary_settings
from sqlalchemy import event, select
from sqlalchemy.engine import Engine
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, col

from flows import exam_release
from flows.allowance_sheet import read_sheet
from flows.prefect_api import ENDED, PrefectApi
from flows.rehearsal_bank import RehearsalBank, Script
from flows.run import JOBS
from flows.settings import settings
from flows.store import opened
from models import payments
from models.allowance import AllowanceBatch
from models.district import district_id
from models.duty_record import held_slots
from models.elder import Elder
from models.helper import Helper
from notifications import flight
from policies.allowances import allowances
from rules.programmes import PROGRAMMES
from rules.registers.contacts import (
    CHANNEL_NAMES,
    ISSUE_EVENT_NAMES,
    ISSUE_KIND_NAMES,
    OUTCOME_NAMES,
    STATUS_NAMES,
)
from tests.flows.canary_town import EXAM

DUTY, VISITS, MONTH_END = "2026-03-01", "2026-03-02", "2026-04-01"
_PEOPLE = re.compile(
    r"\b(elder|message|duty_slot|payment|staff|exam|student|mark|audit_entry|issue|bank_file|allowance_\w+|visit_\w+)\b"
)
"""Tables in a statement of a job, beyond those that every opening of the database reads."""


class Month:
    """The jobs of a month, each with its clock, and what became of each run."""

    def __init__(self, folder: Path, worker: PrefectApi | None = None) -> None:
        self.worker = worker
        self.secrets = json.loads((folder / "secrets.json").read_text())
        self.told: list[dict[str, str]] = []
        self.words: dict[str, dict[str, Any]] = {}

    def run(self, job: str, at: str, /, **parameters: Any) -> None:
        """Run a job as the worker would, but without waiting for a second try."""
        self._clock(at)
        self.words.setdefault(job, parameters)
        if self.worker:
            self._by_worker(self.worker, job, parameters)
            return
        module, _, name = JOBS[job].partition(":")
        try:
            getattr(import_module(module), name).with_options(retries=0)(**parameters)
            self.told.append({"job": job, "end": "done"})
        except Exception as error:  # noqa: BLE001 - which errors came is told, and judged by the test
            self.told.append({"job": job, "end": type(error).__name__})

    def _by_worker(self, worker: PrefectApi, job: str, parameters: dict[str, Any]) -> None:
        """Send the form and wait for the end of the run, whose message names the error."""
        sent = json.loads(json.dumps(parameters, default=str))
        run = worker.start(job, sent, env={"TUOQI_AT": os.environ["TUOQI_AT"]})
        while (ended := worker.run(run)).state not in ENDED:
            time.sleep(0.3)
        error = re.search(r"exception: (\w+)", ended.message or "")
        self.told.append({"job": job, "end": "done" if ended.done else error[1] if error else ended.state})

    def _clock(self, at: str) -> None:
        os.environ["TUOQI_AT"] = f"{at}+08:00"
        settings.cache_clear()

    def prove(self, job: str, at: str, staff: str, /, **parameters: Any) -> None:
        """Run a job whose form asks for a one-time code."""
        self.run(job, at, staff=staff, code=self.code(staff, at), **parameters)

    def code(self, staff: str, at: str) -> str:
        return pyotp.TOTP(self.secrets[staff]).at(datetime.fromisoformat(f"{at}+08:00"))

    def ask(self, question: Callable[[Session], Any]) -> Any:
        """Read the database as it is."""
        with opened(settings()) as database, database.read() as session:
            return question(session)


def month(story: Month) -> None:
    """What a month asks of every job."""
    duty(story)
    visits(story)
    allowance(story)
    exam(story)
    story.run("watch-jobs", "2026-04-30T08:00", at=datetime.fromisoformat("2026-04-30T08:00"))
    story.run("run-failed", "2026-04-30T08:01", job="duty-day", run="calm-heron")
    story.run("message-gallery", "2026-04-30T09:00")
    story.run("rotate-keys", "2026-04-30T09:10")
    story.run("message-report", "2026-05-01T08:30", month="2026-04")
    story.run("redact-messages", "2026-09-01T03:00")


def duty(story: Month) -> None:
    """A month is planned and published, its first day watched, one duty recorded by form."""
    story.run("duty-plan", "2026-02-20T08:00", month="2026-03")
    story.run("duty-plan", "2026-02-25T08:00", month="2026-03", publish=True)
    story.run("deliver", "2026-02-25T08:05")
    for at in ("2026-02-28T17:05", "2026-02-28T20:05"):
        story.run("duty-watch", at)
        story.run("deliver", at)
    first = date.fromisoformat(DUTY)
    held = story.ask(lambda session: held_slots(session, district_id(session, "530112"), first, first))[0]
    ack = {"what": "确认", "centre": held.centre, "day": first, "by": held.cadre}
    story.run("duty-record", "2026-02-28T21:00", **ack)
    story.run("duty-day", f"{DUTY}T06:00")
    for at in ("T07:35", "T08:50", "T23:59"):
        story.run("duty-watch", DUTY + at)
        story.run("deliver", DUTY + at)
    story.run("duty-report", f"{MONTH_END}T08:00", month="2026-03")


def visits(story: Month) -> None:
    """A Monday's visits, records by form, a death, an issue, the month's figures."""
    story.run("visits-day", f"{VISITS}T06:00")
    story.run("deliver", f"{VISITS}T08:05")
    elders = story.ask(lambda session: list(session.scalars(select(col(Elder.ref)).order_by(col(Elder.id)))))
    helper = story.ask(lambda session: session.scalars(select(col(Helper.number)).order_by(col(Helper.id))).first())
    for elder in elders[:3]:
        told = {
            "elder": elder,
            "helper": helper,
            "channel": CHANNEL_NAMES["home"],
            "outcome": OUTCOME_NAMES["NO_ANSWER"],
        }
        story.run("visit-record", f"{VISITS}T10:00", **told)
    story.run(
        "status-record", f"{VISITS}T11:00", elder=elders[4], status=STATUS_NAMES["DEAD"], since=VISITS, by="office"
    )
    opening = {
        "event": ISSUE_EVENT_NAMES["open"],
        "by": "office",
        "elder": elders[5],
        "kind": ISSUE_KIND_NAMES["help"],
    }
    story.run("issue-record", f"{VISITS}T12:00", **opening)
    story.run("visits-watch", f"{VISITS}T20:55")
    story.run("visits-callback", "2026-03-03T09:00")
    story.run("reconcile-messages", "2026-03-03T09:10")
    story.run("deliver", "2026-03-03T09:15")
    story.run("message-report", "2026-03-03T09:20")
    story.run("visits-month", f"{MONTH_END}T07:00")
    story.run("deliver", f"{MONTH_END}T08:05")


def allowance(story: Month) -> None:
    """A cycle from the plan to the report, with answers of a bank that returns and doubts."""
    story.run("allowance-plan", "2026-04-01T07:00", programme=PROGRAMMES["longevity"][0], period="2026-03")
    batch = story.ask(lambda session: session.scalars(select(col(AllowanceBatch.ref))).one())
    story.run("allowance-notice", "2026-04-01T09:30", batch=batch, staff="G001")
    story.run("allowance-notice", "2026-04-10T07:30")
    story.run("deliver", "2026-04-10T08:30")
    code = story.ask(lambda session: read_sheet(session, settings(), batch).code)
    at = "2026-04-10T09:00"
    wrong = {"batch": batch, "staff": "G003", "confirmation": "0000-0000", "code": story.code("G003", at)}
    story.run("allowance-approve", at, **wrong)
    at = "2026-04-10T09:05"
    story.run("allowance-approve", at, **wrong | {"confirmation": code, "code": story.code("G003", at)})
    for staff, minute, what in (("G003", 10, "暂停发放"), ("G003", 15, "恢复发放"), ("G004", 20, "恢复发放")):
        story.prove("allowance-hold", f"2026-04-10T09:{minute}", staff, what=what, note="核对名单")
    story.run("allowance-release", "2026-04-10T10:00")
    _bank_answers("2026-04-11T10:00")
    story.run("allowance-reconcile", "2026-04-13T09:00")
    odd = story.ask(lambda session: payments.exceptions(session, district_id(session, "530112")))[0]
    settled = {"step": "差异：办结", "item": f"{odd.id}", "note": "银行来函，卷 3"}
    story.prove("allowance-settle", "2026-04-13T09:30", "G003", **settled)
    story.run("allowance-reissue", "2026-04-13T10:00")
    story.run("allowance-stop", "2026-04-13T11:00")
    story.run("allowance-report", "2026-04-13T12:00", programme=PROGRAMMES["longevity"][0], period="2026-03")
    story.run("deliver", "2026-04-13T12:05")


def _bank_answers(at: str) -> None:
    chosen = settings()
    inbox, outside = chosen.folder("inbox") / "bank", chosen.var_dir.with_name("bank")
    inbox.mkdir(exist_ok=True, mode=0o700)
    script = Script(returned={"3": "AC04"}, off=("5",))
    form = allowances(chosen.today(), chosen.policy).bank
    bank = RehearsalBank(outside, form, script, clock=lambda: datetime.fromisoformat(f"{at}+08:00"))
    for path in (chosen.folder("outbox") / "bank").glob("DF_*"):
        shutil.copy(path, bank.outbox)
    bank.take_all()
    for path in bank.reply():
        path.rename(inbox / path.name)


def exam(story: Month) -> None:
    """Marks of two schools, one of which spells badly; released, and told to everybody."""
    story.run("exam-import", "2026-04-27T09:00")
    story.run("exam-aggregate", "2026-04-27T19:30")
    forward = {"exam": EXAM, "staff": "G001", "despite_held": True}
    story.run("exam-put-forward", "2026-04-28T10:00", **forward)
    with opened(settings()) as database:
        sheet = exam_release.put_forward(database, settings(), EXAM, "G001", despite_held=True)
    at = "2026-04-28T10:30"
    said = {"exam": EXAM, "staff": "G003", "confirmation": sheet["code"], "code": story.code("G003", at)}
    story.run("exam-release", at, **said)
    story.run("exam-report", "2026-04-28T11:00", exam=EXAM)
    story.run("deliver", "2026-04-28T11:30")


def spoilt(story: Month, quoted: str) -> None:
    """Every job once more while the database, the forms of messages or the files break, and quote whom they know.

    Args:
        story: the month, as it ended.
        quoted: what errors say: a row, with values of several people.
    """
    inbox = settings().folder("inbox")
    shutil.copy(inbox / "bad" / "mark.csv", inbox / "marks" / "bad.csv")
    shutil.copy(inbox / "bad" / "bank-return.csv", inbox / "bank" / "bad.csv")
    story.run("exam-import", "2026-09-01T09:00", file="bad.csv")
    story.run("allowance-reconcile", "2026-09-01T09:00", file="bad.csv")
    with patch.object(flight, "render_mail", side_effect=KeyError(quoted)):
        story.run("duty-plan", "2026-09-25T08:00", month="2026-10", publish=True)
        story.run("deliver", "2026-09-25T08:05")

    def break_down(_c: Any, _u: Any, statement: str, *_: Any) -> None:
        if _PEOPLE.search(statement):
            detail = f"duplicate key value violates unique constraint\nDETAIL:  Key (row)=({quoted}) already exists."
            raise IntegrityError(statement, {"row": quoted}, ValueError(detail))

    event.listen(Engine, "before_cursor_execute", break_down)
    for job, words in story.words.items():
        story.run(job, "2026-09-02T09:00", **words)
    event.remove(Engine, "before_cursor_execute", break_down)


def main(folder: Path, *, by_worker: bool) -> None:
    """Run all of it, the month by the worker if it is there, and write down how each run ended."""
    story = Month(folder, PrefectApi(os.environ["PREFECT_API_URL"]) if by_worker else None)
    month(story)
    ended, story.worker = len(story.told), None
    spoilt(story, (folder / "quoted.txt").read_text("utf-8"))
    told = {"well": story.told[:ended], "spoilt": story.told[ended:]}
    (folder / "told.json").write_text(json.dumps(told, ensure_ascii=False), "utf-8")


if __name__ == "__main__":
    with temporary_settings({PREFECT_FLOWS_HEARTBEAT_FREQUENCY: None}):  # its thread costs every run a second
        main(Path(sys.argv[1]), by_worker="worker" in sys.argv)
