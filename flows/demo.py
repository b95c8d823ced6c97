"""The demo: a made-up district from Excel files -> one day of every job by a real server and worker -> a table.

The day is Sunday 1 March 2026; the Saturday before is a make-up workday. The month is planned and published, somebody
falls ill overnight, the marks fire, and messages end as files. Each run has its clock replaced: nothing waits for real
time.
"""

import shutil
import time
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context

from rich.console import Console
from rich.table import Table

from flows import demo_allowances, demo_duty, demo_exams, demo_service, demo_visits
from flows.demo_messages import account, page_environment, to_rehearsal, with_providers
from flows.demo_payees import take_payees
from flows.demo_stage import PLAN, Stage, at_moment, short, tell
from flows.intake import take_file
from flows.prefect_home import free_port
from flows.sample import district
from flows.sample_files import write_files
from flows.service import Service
from flows.settings import Settings, settings
from flows.store import opened
from models.db import Database
from notifications.rehearsal.server import Rehearsal
from rules.errors import say


def show() -> int:
    """Run the demo in var/demo, which is made anew; return 0 only if every job did its work."""
    started, console = time.monotonic(), Console()
    chosen = with_providers(_fresh(), free_port())
    with opened(at_moment(chosen, PLAN)) as database, Rehearsal(account(chosen)) as rehearsal:
        chosen = to_rehearsal(chosen, rehearsal.url)
        _take_district(chosen, database, console)
        with _service(chosen, console) as service:
            stage = Stage(chosen, service, database, console, rehearsal)
            with ThreadPoolExecutor(1) as beside:
                marks = beside.submit(copy_context().run, demo_exams.take, stage, district())
                _duty_and_visits(stage)
                sitting = marks.result()  # the allowances ask that nothing else is written meanwhile
            phones = take_payees(stage, district(), demo_visits.ELDERS, demo_visits.DAYS)
            demo_allowances.show(stage, phones)
            demo_exams.show(sitting, phones)
            demo_service.show(stage)
    _summary(stage, time.monotonic() - started)
    return 0 if all(line.good for line in stage.lines) else 1


def _duty_and_visits(stage: Stage) -> None:
    demo_duty.plan(stage)
    demo_duty.eve(stage)
    demo_duty.day(stage)
    demo_duty.after(stage)
    demo_visits.take_elders(stage, district())
    demo_visits.monday(stage)


def _fresh() -> Settings:
    """The defaults, every one named: of the shell's TUOQI_* only the language and the place of var/ count here."""
    var = settings().var_dir.absolute() / "demo"
    shutil.rmtree(var, ignore_errors=True)
    fixed = {name: field.get_default() for name, field in Settings.model_fields.items()}
    return Settings(**{**fixed, "var_dir": var, "lang": settings().lang})


def _service(chosen: Settings, console: Console) -> Service:
    """Server, worker and answer page; no schedules, for the story has its own clock."""
    return Service(
        chosen,
        port=free_port(),
        answer_port=chosen.answer_port,
        schedules=False,
        env=page_environment(),
        progress=lambda text: tell(console, text),
    )


def _take_district(chosen: Settings, database: Database, console: Console) -> None:
    folder = chosen.folder("inbox")
    paths = {path.name: path for path in write_files(district(), folder)}
    for kind, name in (
        ("subdistrict", "街道.xlsx"),
        ("centre", "中心.xlsx"),
        ("cadre", "干部花名册.xlsx"),
        ("leave", "请假.xlsx"),
    ):
        taken = take_file(database, at_moment(chosen, PLAN), kind, paths[name]).taken
        tell(console, say(f"导入 {name}: {taken.added} 行", f"took in {name}: {taken.added} rows"))


def _summary(stage: Stage, seconds: float) -> None:
    table = Table(
        title=say("托起演示：2026年3月1日，西山区（虚构）33 个中心", "Tuoqi demo: 1 March 2026, 33 made-up centres")
    )
    heads = (
        (" ", " "),
        ("作业", "job"),
        ("做了什么", "what it did"),
        ("数字", "counts"),
        ("结果在哪里", "where to look"),
    )
    for place, head in enumerate(heads):
        table.add_column(say(*head), overflow="fold", no_wrap=place == 1)
    for line in stage.lines:
        table.add_row("[green]✓[/green]" if line.good else "[red]✗[/red]", line.job, line.did, line.counts, line.where)
    stage.console.print(table)
    stage.console.print(
        say(
            f"用时 {seconds:.0f} 秒。数据在 {short(stage.settings.var_dir)}；用自己的数据运行：make up",
            f"{seconds:.0f} s. Data in {short(stage.settings.var_dir)}; with your own data: make up",
        )
    )
