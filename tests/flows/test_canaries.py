"""A month of every job, and every job failing: nobody's name or number is found where it does not belong.

Everything personal in the district is a canary (tests/flows/canary_town.py). The jobs run against a real server, a few
through its worker, one of which is killed; then all of var/ is searched, however a value may be wrapped.
"""

import email
import json
import os
import re
import shutil
import signal
import sqlite3
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import closing, suppress
from dataclasses import dataclass
from email.policy import default
from pathlib import Path
from typing import Any

import pytest

from flows.child import Child
from flows.intake import FileHasErrors, take_file
from flows.keep import backup_database
from flows.prefect_api import Run
from flows.prefect_home import free_port
from flows.run import JOBS
from flows.service import Service
from flows.service_errors import Refused
from flows.settings import Settings, write_keys
from flows.store import opened
from notifications.catalogue import catalogue
from rules.errors import TuoqiError
from tests.flows.canary_scan import Hit
from tests.flows.canary_town import SMALL, WHOLE, Canaries, Size, bad_files, mark_rows, plant, write
from tests.reading import read_here

pytestmark = pytest.mark.timeout(3000)  # a server, ninety runs and a search: a minute on two idle cores

NEVER_SENT = {"elder.id_number", "account.account", "account.proxy_document"}
"""Kinds that no message holds, not even that of the person."""
TOLD_OF_OTHERS = {
    "exam-released": {"student.name", "student.number"},  # a school's own students, in its workbook
    "exam-errors": {"student.number"},  # rows of its own file that a school must mend
    "visit-contact-family": {"elder.name"},  # the family learns of whom it is
}
"""What a message may say of others than its reader, by template."""
FREE = {"community", "confirmation", "exam", "file", "job", "note", "number", "period", "reason", "run", "state"}
"""Fields that are no person's: places, codes, what Prefect says of its runs; and prose that must name nobody."""
MEANT_TO_HOLD = {
    "inbox/": "what was sent, and beside it the lists of what is wrong with it",
    "outbox/bank/": "what the bank pays by",
    "reports/exam-1-v1-": "the workbook of a school, which is in its mail too",
}
"""Files beside messages that hold personal data on purpose; all are their owner's alone."""


@dataclass
class Aftermath:
    """What is left of a month."""

    planted: Canaries
    var: Path
    told: dict[str, list[dict[str, str]]]
    refusals: dict[str, str]
    broken: Run
    killed: Run
    open_forms: list[str]
    found: dict[str, set[Hit]]

    def kinds(self, hits: set[Hit]) -> set[str]:
        """What kinds of values these are."""
        return {kind for hit in hits for kind in self.planted.kinds[hit.value]}

    def under(self, *folders: str) -> dict[str, set[str]]:
        """The kinds found in each file of these folders that holds any."""
        return {place: self.kinds(hits) for place, hits in self.found.items() if hits and place.startswith(folders)}


@pytest.fixture(
    scope="module", params=[pytest.param(SMALL, id="small"), pytest.param(WHOLE, marks=pytest.mark.proof, id="whole")]
)
def aftermath(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Aftermath:
    """The month of one district; its server, its jobs and the search cost a minute in all, of a whole one ten."""
    size: Size = request.param
    home = tmp_path_factory.mktemp("canaries")
    settings = Settings(var_dir=home / "var")
    write_keys(home / "var" / "keys" / "tuoqi.keys")
    with pytest.MonkeyPatch.context() as here, opened(settings) as database:
        read_here(here)
        planted = plant(database, settings, home / "secrets.json", size)
        inbox = settings.folder("inbox")
        write(planted, "mark", mark_rows(size.students), inbox / "marks" / "marks.csv")
        refusals = {}
        for path in bad_files(planted, inbox / "bad"):
            with pytest.raises(TuoqiError) as refused:
                take_file(database, settings, path.stem, path)
            refusals[path.stem] = (
                str(refused.value.unquoted()) if isinstance(refused.value, FileHasErrors) else str(refused.value)
            )
    quoted = "，".join(planted.some())
    (home / "quoted.txt").write_text(quoted, "utf-8")
    with Service(settings, port=free_port(), schedules=False) as service:
        words = [str(home), *(["worker"] if size.by_worker else [])]
        child = Child("jobs", words, service.env, settings.folder("logs"), module="tests.flows.canary_jobs")
        assert child.process.wait(2400) == 0
        broken, killed = _worker_runs(service, settings.var_dir / "tuoqi.db", quoted)
        open_forms = list(_open_forms(service, planted))
    backup_database(settings, None)
    told = json.loads((home / "told.json").read_text("utf-8"))
    found = dict(_search(planted, settings.var_dir))
    return Aftermath(planted, settings.var_dir, told, refusals, broken, killed, open_forms, found)


def _worker_runs(service: Service, file: Path, quoted: str) -> tuple[Run, Run]:
    """Two runs through the worker that wait for the database: one is killed, the other meets an error that quotes."""
    with closing(sqlite3.connect(file, isolation_level=None)) as ours:
        ours.execute("BEGIN IMMEDIATE")
        runs = [
            service.api.start(name, env={"TUOQI_AT": "2026-09-03T09:00+08:00"}) for name in ("duty-day", "rotate-keys")
        ]
        for run in runs:
            service._until("running", 60, lambda run=run: service.api.run(run).state == "RUNNING")  # type: ignore[misc]
        found = service.api.ask("GET", f"/flow_runs/{runs[0]}")
        os.kill(int(found["infrastructure_pid"].rpartition(":")[2]), signal.SIGKILL)
        ours.execute(f"CREATE TRIGGER quoting BEFORE INSERT ON job_run BEGIN SELECT RAISE(ABORT, '{quoted}'); END")
        ours.execute("COMMIT")
        killed, broken = (
            service.wait_for(run, name) for run, name in zip(runs, ("duty-day", "rotate-keys"), strict=True)
        )
        ours.execute("DROP TRIGGER quoting")
    return broken, killed


def _open_forms(service: Service, planted: Canaries) -> Iterator[str]:
    """Fields for a text without pattern or that take a person, and jobs that start with a name in every field."""
    kinds = ("elder.name", "elder.phone", "elder.id_number")
    people = {kind: next(v for v, of in planted.kinds.items() if kind in of) for kind in kinds}
    for job in service.api.deployments():
        fields: Mapping[str, Any] = job["parameter_openapi_schema"]["properties"]
        for field, shown in fields.items():
            pattern = shown.get("pattern")
            listed = shown.keys() & {"enum", "format"} or shown.get("type") != "string" or field in FREE
            if pattern is None and not listed:
                yield f"{job['name']}.{field}: any text"
            if pattern is not None:
                own = people.keys() - ({"elder.name"} if field in FREE else set())
                taken = [kind for kind in sorted(own) if re.search(pattern, people[kind])]
                yield from (f"{job['name']}.{field}: {kind}" for kind in taken)
        if fields.keys() - FREE:
            with suppress(Refused):
                service.api.start(job["name"], dict.fromkeys(fields, people["elder.name"]))
                yield f"{job['name']} was started"


def _search(planted: Canaries, var: Path) -> Iterator[tuple[str, set[Hit]]]:
    for path in sorted(var.rglob("*")):
        if path.is_file() and path.suffix != ".db-shm":
            place = str(path.relative_to(var))
            yield place, planted.scanner.file(path, place)


def test_every_job_ran_and_every_job_failed(aftermath: Aftermath) -> None:
    well = defaultdict(set)
    for each in aftermath.told["well"]:
        well[each["job"]].add(each["end"])
    assert dict(well) == {name: {"done"} for name in JOBS} | {"allowance-approve": {"WrongConfirmation", "done"}}
    failed = {each["job"] for each in aftermath.told["spoilt"] if each["end"] == "PublicError"}
    assert set(JOBS) - failed <= {"message-gallery", "allowance-plan", "exam-import"}
    assert (aftermath.broken.state, aftermath.killed.state) == ("FAILED", "CRASHED")
    assert "IntegrityError" in str(aftermath.broken.message)


def test_nothing_of_it_is_in_prefect_nor_in_any_log(aftermath: Aftermath) -> None:
    for place in ("prefect/prefect.db", "logs/server.log", "logs/worker.log", "logs/jobs.log", "logs/incidents.log"):
        assert place in aftermath.found
    assert aftermath.under("prefect/", "logs/") == {}


def test_the_database_and_its_backup_have_only_the_numbers_of_the_exam_in_plain(aftermath: Aftermath) -> None:
    databases = aftermath.under("tuoqi.db", "backups/")
    assert len(databases) >= 2
    assert set().union(*databases.values()) == {"student.number", "mark.number"}


def test_a_mail_says_nothing_of_others_than_its_reader(aftermath: Aftermath) -> None:
    mails = {place: hits for place, hits in aftermath.found.items() if place.endswith(".eml")}
    assert len(mails) > 50
    for place, hits in mails.items():
        message = email.message_from_bytes((aftermath.var / place).read_bytes(), policy=default)
        assert _strangers(aftermath, str(message["To"]), Path(place).name, {hit.value for hit in hits}) == set(), place


def test_a_short_message_says_nothing_of_others_than_its_reader(aftermath: Aftermath) -> None:
    lines = [json.loads(line) for line in (aftermath.var / "outbox" / "sms.jsonl").read_text("utf-8").splitlines()]
    assert len(lines) > 5
    for line in lines:
        values = {hit.value for hit in aftermath.planted.scanner.content(json.dumps(line).encode())}
        assert _strangers(aftermath, line["phone"], line["label"], values) == set(), line["label"]


def _strangers(aftermath: Aftermath, reader: str, label: str, values: set[str]) -> set[str]:
    """The kinds of values in a message that it must not hold."""
    planted = aftermath.planted
    addresses = {hit.value for hit in planted.scanner.content(reader.encode())}
    template = max((name for name in catalogue() if label.startswith(name)), key=len)
    schools = {planted.schools.get(value) for value in addresses}
    may = TOLD_OF_OTHERS.get(template, set())
    theirs = {
        value for value in values
        if planted.kinds[value] & may and (not template.startswith("exam-") or planted.schools.get(value) in schools)
    }  # fmt: skip
    wrong = values - planted.whose(addresses) - theirs
    wrong |= {value for value in values if planted.kinds[value] & NEVER_SENT}
    return {kind for value in wrong for kind in planted.kinds[value]}


def test_no_other_file_holds_any_but_those_that_are_meant_to(aftermath: Aftermath) -> None:
    elsewhere = aftermath.under("")
    known = ("tuoqi.db", "backups/", "outbox/sms.jsonl", *MEANT_TO_HOLD)
    assert [place for place in elsewhere if not place.startswith(known) and not place.endswith(".eml")] == []
    for folder in MEANT_TO_HOLD:
        files = [aftermath.var / place for place in elsewhere if place.startswith(folder)]
        assert files, folder
        top = aftermath.var / folder.partition("/")[0]
        assert top.stat().st_mode & 0o077 == 0, folder


def test_a_refusal_that_prefect_keeps_quotes_no_cell(aftermath: Aftermath) -> None:
    for kind, sentence in aftermath.refusals.items():
        assert aftermath.planted.scanner.content(sentence.encode()) == set(), kind


def test_no_form_takes_a_person_where_a_number_of_ours_is_asked(aftermath: Aftermath) -> None:
    assert aftermath.open_forms == []


@pytest.mark.parametrize("place", ["prefect/prefect.db", "logs/incidents.log"])
def test_what_lies_there_would_be_found(aftermath: Aftermath, tmp_path: Path, place: str) -> None:
    """The search itself: a value put where none may be is seen."""
    copy = tmp_path / "copy"
    shutil.copy(aftermath.var / place, copy)
    value = aftermath.planted.some()[0]
    if place.endswith(".db"):
        with closing(sqlite3.connect(copy)) as database:
            database.execute("UPDATE log SET message = ? WHERE rowid = (SELECT min(rowid) FROM log)", (f"x{value}",))
            database.commit()
    else:
        copy.write_text(copy.read_text("utf-8") + json.dumps(value), "utf-8")
    assert {hit.value for hit in aftermath.planted.scanner.file(copy, place)} == {value}
