"""The demo: a made-up district from Excel files -> one day of every job by a real server and worker -> a table.

The day is Sunday 1 March 2026; the Saturday before is a make-up workday. The month is planned and published, somebody
falls ill overnight, the marks fire, and messages end as files. Each run has its clock replaced: nothing waits for real
time.
"""

import csv
import shutil
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from flows.exports import Wish, export_file
from flows.intake import take_file
from flows.prefect_home import free_port
from flows.sample import district, write_files
from flows.service import Service
from flows.settings import Settings, settings
from flows.store import opened
from models.db import Database
from models.district import district_id
from models.duty_record import Held, held_slots
from models.message_views import counts
from rules.errors import say

DAY = date(2026, 3, 1)
PLAN, PUBLISH = "2026-02-20T08:00:00+08:00", "2026-02-25T08:00:00+08:00"
EVE, NIGHT, ILL = (f"2026-02-28T{at}:00+08:00" for at in ("17:05", "20:05", "22:30"))
MORNING, HEAD, OFFICE, EVENING = (f"2026-03-01T{at}:00+08:00" for at in ("06:00", "07:35", "08:50", "18:10"))
MIDNIGHT = "2026-03-02T00:10:00+08:00"


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
        taken = take_file(self.database, _at(self.settings, at), kind, path).taken
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


def show() -> int:
    """Run the demo in var/demo, which is made anew; return 0 only if every job did its work."""
    started, console = time.monotonic(), Console()
    chosen = _fresh()
    with opened(_at(chosen, PLAN)) as database:
        _take_district(chosen, database, console)
        # no schedules: the story has its own clock
        with Service(chosen, port=free_port(), schedules=False, progress=lambda text: tell(console, text)) as service:
            stage = Stage(chosen, service, database, console)
            _plan(stage)
            _eve(stage)
            _day(stage)
            _after(stage)
    _summary(stage, time.monotonic() - started)
    return 0 if all(line.good for line in stage.lines) else 1


def _fresh() -> Settings:
    """The defaults, every one named: of the shell's TUOQI_* only the language and the place of var/ count here."""
    var = settings().var_dir.absolute() / "demo"
    shutil.rmtree(var, ignore_errors=True)
    fixed = {name: field.get_default() for name, field in Settings.model_fields.items()}
    return Settings(**{**fixed, "var_dir": var, "lang": settings().lang})


def _at(chosen: Settings, at: str) -> Settings:
    return Settings(**{**chosen.model_dump(), "at": at})


def _take_district(chosen: Settings, database: Database, console: Console) -> None:
    folder = chosen.folder("inbox")
    paths = {path.name: path for path in write_files(district(), folder)}
    for kind, name in (
        ("subdistrict", "街道.xlsx"),
        ("centre", "中心.xlsx"),
        ("cadre", "干部花名册.xlsx"),
        ("leave", "请假.xlsx"),
    ):
        taken = take_file(database, _at(chosen, PLAN), kind, paths[name]).taken
        tell(console, say(f"导入 {name}: {taken.added} 行", f"took in {name}: {taken.added} rows"))


def _plan(stage: Stage) -> None:
    drafted = stage.run("duty-plan", PLAN, month="2026-03")
    drafts = stage.slots(DAY.replace(day=1), DAY.replace(day=31))
    gaps = sum(slot.cadre is None for slot in drafts)
    told = say(f"{len(drafts)} 班，空缺 {gaps}", f"{len(drafts)} duties, {gaps} gaps")
    stage.note(
        "duty-plan", say("起草 2026 年 3 月值班表", "drafted March 2026"), told, _ui(), good=drafted and gaps == 0
    )
    published = stage.run("duty-plan", PUBLISH, month="2026-03", publish=True)
    slots = stage.slots(DAY.replace(day=1), DAY.replace(day=31))
    done = sum(slot.published for slot in slots)
    told = say(f"{done} 班已发布", f"{done} published")
    good = published and done == len(drafts) and [s.cadre for s in slots] == [s.cadre for s in drafts]
    stage.note("duty-plan", say("发布，通知到人", "published, everybody told"), told, "outbox/", good=good)


def _eve(stage: Stage) -> None:
    watched = stage.run("duty-watch", EVE) and stage.run("deliver", EVE)
    notices = stage.messages("duty-notice")
    slots = stage.slots()
    told = say(f"{notices} 人", f"{notices} people")
    good = watched and notices == len(slots)
    stage.note("duty-watch", say("17:00 通知明日值班人", "17:00 told tomorrow's cadres"), told, "outbox/", good=good)
    acks = [{"date": s.day, "centre": s.centre, "cadre": s.cadre, "at": "2026-02-28 18:30"} for s in slots[2:]]
    stage.take("ack", NIGHT, acks)
    reminded = stage.run("duty-watch", NIGHT) and stage.run("deliver", NIGHT)
    number = stage.messages("duty-reminder")
    told = say(f"{number} 人（其余已确认）", f"{number} people, the others had acknowledged")
    stage.note(
        "duty-watch",
        say("20:00 提醒未确认者", "20:00 reminded the others"),
        told,
        "outbox/",
        good=reminded and number == 2,
    )
    ill = slots[5]
    stage.take("leave", ILL, [{"person": ill.cadre, "from": DAY, "until": "2026-03-03", "type": "病假"}])


def _day(stage: Stage) -> None:
    month = (DAY.replace(day=1), DAY.replace(day=31))
    before = {(slot.centre, slot.day): slot.cadre for slot in stage.slots(*month)}
    mended = stage.run("duty-day", MORNING)
    after = stage.slots(*month)
    moved = [slot for slot in after if before[slot.centre, slot.day] != slot.cadre]
    told = say(
        f"替班 {len(moved)} 处，其余 {len(after) - len(moved)} 班不动",
        f"{len(moved)} moved, {len(after) - len(moved)} kept",
    )
    good = mended and len(moved) == 1 and moved[0].cadre is not None
    stage.note(
        "duty-day",
        say("06:00 今日名单；夜间请假即时替班", "06:00 today's list, overnight leave mended"),
        told,
        _ui(),
        good=good,
    )
    heard = stage.run("duty-watch", HEAD) and stage.run("duty-watch", HEAD) and stage.run("deliver", HEAD)
    number, substitutes = stage.messages("duty-unacknowledged"), stage.messages("duty-assigned")
    told = say(
        f"负责人 {number} 次（跑两遍不重复），替班人 {substitutes} 人",
        f"{number} heads, once each; {substitutes} substitute",
    )
    good = heard and number == 3 and substitutes == 1
    stage.note("duty-watch", say("07:30 未确认报中心负责人", "07:30 the centre head hears"), told, "outbox/", good=good)
    came = [{"date": s.day, "centre": s.centre, "cadre": s.cadre, "at": "2026-03-01 08:30"} for s in stage.slots()[1:]]
    stage.take("checkin", OFFICE, came)
    absent = stage.run("duty-watch", OFFICE) and stage.run("deliver", OFFICE)
    number = stage.messages("duty-absent")
    told = say(f"{number} 处，附替班建议", f"{number} centre, with a substitute proposed")
    stage.note(
        "duty-watch",
        say("08:45 未签到报街道", "08:45 the sub-district office hears"),
        told,
        "outbox/",
        good=absent and number == 1,
    )


def _after(stage: Stage) -> None:
    fine = {"rooms": "ok", "meals": "ok", "cleaning": "ok", "facilities": "ok", "note": ""}
    present = [slot for slot in stage.slots() if slot.checked_in]
    rows = [{"date": s.day, "centre": s.centre, "cadre": s.cadre, "at": "2026-03-01 18:05", **fine} for s in present]
    rows[0] |= {"facilities": "problem", "note": "二楼活动室空调不制冷"}
    stage.take("handover", EVENING, rows)
    closed = stage.run("duty-watch", MIDNIGHT)
    states = [slot.state for slot in stage.slots()]
    told = say(
        f"已交接 {states.count('handed_over')}，缺岗 {states.count('missed')}",
        f"{states.count('handed_over')} handed over, {states.count('missed')} missed",
    )
    good = closed and states.count("missed") == 1
    stage.note("duty-watch", say("24:00 无人签到记缺岗", "24:00 nobody came: missed"), told, _ui(), good=good)
    reported = stage.run("duty-report", "2026-04-01T08:00:00+08:00", month="2026-03")
    path = stage.settings.folder("reports") / "duty-2026-03.xlsx"
    stage.note(
        "duty-report",
        say("月度负荷与公平台账", "load and ledger of the month"),
        say("合计 0", "sum 0"),
        _short(path),
        good=reported and path.exists(),
    )
    book = stage.settings.folder("reports") / "值班表-2026-03.xlsx"
    wish = Wish.read(None, None, "2026-03", None, None, reveal=True)
    export_file(stage.database, stage.settings, "duty-calendar", wish, book)
    stage.note(
        "export",
        say("每中心一页的月历工作簿", "a month calendar per centre"),
        say("33 页", "33 sheets"),
        _short(book),
        good=book.exists(),
    )
    outbox = stage.settings.folder("outbox")
    mails, texts = len(list(outbox.rglob("*.eml"))), _lines(outbox / "sms.jsonl")
    told = say(f"邮件 {mails} 封，短信 {texts} 条", f"{mails} e-mails, {texts} SMS")
    stage.note(
        "deliver",
        say("消息送出（演示中写为文件）", "messages out, as files here"),
        told,
        _short(outbox),
        good=mails > 0 and texts > 0,
    )


def _lines(path: Path) -> int:
    return len(path.read_text("utf-8").splitlines()) if path.exists() else 0


def _ui() -> str:
    return say("Prefect 页面 Artifacts", "Artifacts in the Prefect UI")


def _short(path: Path) -> str:
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else str(path)


def _summary(stage: Stage, seconds: float) -> None:
    table = Table(
        title=say("托起演示：2026年3月1日，西山区（虚构）33 个中心", "Tuoqi demo: 1 March 2026, 33 made-up centres")
    )
    for head in (
        (" ", " "),
        ("作业", "job"),
        ("做了什么", "what it did"),
        ("数字", "counts"),
        ("结果在哪里", "where to look"),
    ):
        table.add_column(say(*head), overflow="fold")
    for line in stage.lines:
        table.add_row("[green]✓[/green]" if line.good else "[red]✗[/red]", line.job, line.did, line.counts, line.where)
    stage.console.print(table)
    stage.console.print(
        say(
            f"用时 {seconds:.0f} 秒。数据在 {_short(stage.settings.var_dir)}；用自己的数据运行：make up",
            f"{seconds:.0f} s. Data in {_short(stage.settings.var_dir)}; with your own data: make up",
        )
    )
