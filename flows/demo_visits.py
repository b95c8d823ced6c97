"""The demo's visits: 2,000 elders from Excel files, a Monday planned twice, digests out -> summary lines."""

from typing import Any

from sqlalchemy import func, select
from sqlmodel import col

from flows.demo_stage import Stage, at_moment, short, tell, ui
from flows.intake import take_file
from flows.sample import District
from flows.sample_visits import SEND, visits, write_visit_files
from flows.visits_day import visits_morning
from models.district import district_id
from models.elder import Elder, ElderStatus
from models.helper import Helper
from models.messages import Message
from models.visit import VisitContact, VisitTask
from models.visit_lists import Line, day_lines
from rules.errors import say
from rules.registers.days import day_of

TAKEN, MONDAY, SENT = "2026-02-20T09:00:00+08:00", "2026-03-02T06:00:00+08:00", "2026-03-02T08:05:00+08:00"
IN_VAIN = "2026-03-01T17:00:00+08:00"
ELDERS, DAYS = 2000, 121


def take_elders(stage: Stage, made: District) -> None:
    """Send the registers of the visits as the district would."""
    files = write_visit_files(visits(made, elders=ELDERS, days=DAYS), stage.settings.folder("inbox"))
    chosen, rows = at_moment(stage.settings, TAKEN), 0
    for kind in SEND:
        path = files[kind][0]
        taken = take_file(stage.database, chosen, kind, path).taken
        rows += taken.added
        tell(stage.console, say(f"导入 {path.name}: {taken.added} 行", f"took in {path.name}: {taken.added} rows"))
    with stage.database.read() as session:
        elders = session.execute(select(func.count(col(Elder.id)))).scalar_one()
    told = say(f"{elders} 位老人，共 {rows} 行", f"{elders} elders, {rows} rows in all")
    _two_in_vain(stage)
    did = say("老人、结对、探访、诉求台账入库", "elders, care teams, visits and issues taken in")
    stage.note("import", did, told, short(stage.settings.folder("inbox")), good=elders == ELDERS)


def monday(stage: Stage) -> None:
    """Plan the first workday of the month twice, and send what it says once."""
    planned = stage.run("visits-day", MONDAY)
    lines, before = _lines(stage), _counts(stage)
    people = {line.person for line in lines if line.person}
    gaps = sum(line.person is None for line in lines)
    told = say(
        f"探访 {len(lines) - gaps} 户，{len(people)} 人出发，无人可派 {gaps} 户",
        f"{len(lines) - gaps} visits by {len(people)} helpers, {gaps} gaps",
    )
    did = say("06:00 排出今日探访名单", "06:00 today's visits under capacity")
    stage.note("visits-day", did, told, ui(), good=planned and bool(people) and before["visit_task"] >= ELDERS // 2)
    chosen = at_moment(stage.settings, MONDAY)
    again = visits_morning(stage.database, chosen, chosen.today())  # as `tuoqi run` does; one worker run is enough
    after = _counts(stage)
    same = not again["list_changed"] and after == before and _lines(stage) == lines
    told = say(f"{after['visit_task']} 项任务不变", f"{after['visit_task']} tasks, none changed")
    stage.note("visits-day", say("再跑一遍，什么也不变", "run again: nothing changes"), told, ui(), good=same)
    sent = stage.run("deliver", SENT)
    digests, pages = stage.messages("visit-digest"), stage.messages("visit-overdue")
    told = say(f"名单 {digests} 份，缺人手和逾期 {pages} 份", f"{digests} digests, {pages} pages of gaps")
    good = sent and digests == len(people) == before["visit-digest"]
    did = say("每人一条名单，负责人看缺口", "one digest each, the gaps to the leads")
    stage.note("deliver", did, told, short(stage.settings.folder("outbox")), good=good)
    weekly, asked = stage.messages("visit-escalation"), stage.messages("visit-ask-neighbour")
    told = say(f"周报 {weekly} 份，请问邻居 {asked} 条", f"{weekly} weekly pages, {asked} word to neighbours")
    did = say("各街道一份周报；两次没人应门的，请问邻居", "a page to each sub-district; twice no answer: ask next door")
    good = weekly == before["visit-escalation"] > 0 and asked == 1
    stage.note("deliver", did, told, short(stage.settings.folder("outbox")), good=good)


def _two_in_vain(stage: Stage) -> None:
    """On Friday and Saturday nobody opened to one elder who always had."""
    with stage.database.read() as session:
        silent = select(col(VisitContact.elder_id)).where(col(VisitContact.outcome) == "NO_ANSWER")
        moved = select(col(ElderStatus.elder_id))
        known = select(col(Elder.ref)).where(col(Elder.id).not_in(silent), col(Elder.id).not_in(moved))
        elder = session.execute(known.order_by(col(Elder.id)).limit(1)).scalar_one()
        helper = session.execute(select(func.min(col(Helper.number)))).scalar_one()
    attempt = {"elder": elder, "helper": helper, "channel": "home", "outcome": "NO_ANSWER"}
    stage.take("contact", IN_VAIN, [{**attempt, "occurred_at": day} for day in ("2026-02-27", "2026-02-28")])


def _lines(stage: Stage) -> list[Line]:
    day = day_of(MONDAY[:10])
    with stage.database.read() as session:
        return day_lines(session, district_id(session, stage.settings.district), day, day).get(day, [])


def _counts(stage: Stage) -> dict[str, Any]:
    with stage.database.read() as session:
        tasks = session.execute(select(func.count(col(VisitTask.id)))).scalar_one()
        kinds = select(col(Message.template), func.count()).where(col(Message.template).startswith("visit-"))
        return {"visit_task": tasks, **dict(session.execute(kinds.group_by(col(Message.template))).tuples().all())}
