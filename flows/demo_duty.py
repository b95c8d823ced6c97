"""The demo's duty: a month planned and published, somebody ill overnight, every mark of a day -> summary lines."""

from flows.demo_messages import answer_by_link, answer_by_sms, receipts, spoil
from flows.demo_stage import (
    DAY,
    EVE,
    EVENING,
    HEAD,
    ILL,
    MIDNIGHT,
    MORNING,
    NIGHT,
    OFFICE,
    PLAN,
    PUBLISH,
    Stage,
    short,
    ui,
)
from flows.exports import Wish, export_file
from rules.errors import say


def plan(stage: Stage) -> None:
    """Draft the month on the 20th, publish it on the 25th."""
    drafted = stage.run("duty-plan", PLAN, month="2026-03")
    drafts = stage.slots(DAY.replace(day=1), DAY.replace(day=31))
    gaps = sum(slot.cadre is None for slot in drafts)
    told = say(f"{len(drafts)} 班，空缺 {gaps}", f"{len(drafts)} duties, {gaps} gaps")
    stage.note(
        "duty-plan", say("起草 2026 年 3 月值班表", "drafted March 2026"), told, ui(), good=drafted and gaps == 0
    )
    published = stage.run("duty-plan", PUBLISH, month="2026-03", publish=True)
    slots = stage.slots(DAY.replace(day=1), DAY.replace(day=31))
    done = sum(slot.published for slot in slots)
    told = say(f"{done} 班已发布", f"{done} published")
    good = published and done == len(drafts) and [s.cadre for s in slots] == [s.cadre for s in drafts]
    stage.note("duty-plan", say("发布，通知到人", "published, everybody told"), told, "outbox/", good=good)


def eve(stage: Stage) -> None:
    """Tell tomorrow's cadres, remind who did not answer, let one fall ill."""
    watched = stage.run("duty-watch", EVE) and stage.run("deliver", EVE)
    notices = stage.messages("duty-notice")
    slots = stage.slots()
    told = say(f"{notices} 人", f"{notices} people")
    good = watched and notices == len(slots)
    stage.note("duty-watch", say("17:00 通知明日值班人", "17:00 told tomorrow's cadres"), told, "outbox/", good=good)
    answer_by_link(stage)
    acks = [{"date": s.day, "centre": s.centre, "cadre": s.cadre, "at": "2026-02-28 18:30"} for s in slots[3:]]
    stage.take("ack", NIGHT, acks)
    spoil(stage)
    reminded = stage.run("duty-watch", NIGHT) and stage.run("deliver", NIGHT)
    number = stage.messages("duty-reminder", "unknown")
    told = say(f"{number} 人（其余已确认）", f"{number} people, the others had acknowledged")
    stage.note(
        "duty-watch",
        say("20:00 提醒未确认者", "20:00 reminded the others"),
        told,
        "outbox/",
        good=reminded and number == 2,
    )
    answer_by_sms(stage)
    ill = slots[5]
    stage.take("leave", ILL, [{"person": ill.cadre, "from": DAY, "until": "2026-03-03", "type": "病假"}])


def day(stage: Stage) -> None:
    """List who is on duty, find the substitute, tell heads and offices."""
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
        ui(),
        good=good,
    )
    heard = stage.run("duty-watch", HEAD) and stage.run("duty-watch", HEAD) and stage.run("deliver", HEAD)
    number, substitutes = stage.messages("duty-unacknowledged"), stage.messages("duty-assigned")
    told = say(
        f"负责人 {number} 次（跑两遍不重复），替班人 {substitutes} 人",
        f"{number} heads, once each; {substitutes} substitute",
    )
    good = heard and number == 2 and substitutes == 1
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


def after(stage: Stage) -> None:
    """Hand over, close the day, report the month and the messages."""
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
    stage.note("duty-watch", say("24:00 无人签到记缺岗", "24:00 nobody came: missed"), told, ui(), good=good)
    reported = stage.run("duty-report", "2026-04-01T08:00:00+08:00", month="2026-03")
    path = stage.settings.folder("reports") / "duty-2026-03.xlsx"
    stage.note(
        "duty-report",
        say("月度负荷与公平台账", "load and ledger of the month"),
        say("合计 0", "sum 0"),
        short(path),
        good=reported and path.exists(),
    )
    book = stage.settings.folder("reports") / "值班表-2026-03.xlsx"
    wish = Wish.read(None, None, "2026-03", None, None, reveal=True)
    export_file(stage.database, stage.settings, "duty-calendar", wish, book)
    stage.note(
        "export",
        say("每中心一页的月历工作簿", "a month calendar per centre"),
        say("33 页", "33 sheets"),
        short(book),
        good=book.exists(),
    )
    receipts(stage)
    outbox = stage.settings.folder("outbox")
    mails, texts = len(list(outbox.rglob("*.eml"))), len(stage.rehearsal.ledger)
    told = say(f"邮件 {mails} 封，短信 {texts} 条", f"{mails} e-mails, {texts} SMS")
    stage.note(
        "deliver",
        say("消息送出（演示中邮件写为文件）", "messages out; e-mails are files here"),
        told,
        short(outbox),
        good=mails > 0 and texts > 0,
    )
