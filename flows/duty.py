"""The duty jobs as Prefect runs them: the form's values -> the job -> an artifact a clerk looks at."""

from datetime import date, timedelta
from typing import Any

from prefect import flow

from flows import artifacts, fields
from flows.districts import by_district
from flows.duty_day import duty_morning
from flows.duty_plan import plan_month
from flows.duty_report import report_month
from flows.duty_watch import watch
from flows.failures import safely
from flows.jobs import at_work
from flows.settings import Settings, settings
from flows.store import opened
from models.db import Database
from models.jobs import last_done
from rules.calendar import month_after
from rules.errors import say

Result = dict[str, Any]


_RETRY: dict[str, Any] = {"retries": 2, "retry_delay_seconds": 30, "log_prints": False, "persist_result": False}


@flow(name="duty-plan", **_RETRY)
@by_district
@safely
def duty_plan(
    month: fields.Month = None,
    publish: fields.Publish = False,
    centre: fields.CentreCode = None,
    as_of: fields.AsOf = None,
) -> Result:
    """Draft a month of duty for every centre, and publish it if asked.

    Args:
        month: such as 2026-03; the month after `as_of` when left open.
        publish: make the month known to the cadres; once published a month is only mended, never planned again.
        centre: one centre's code instead of all.
        as_of: the day on which this is done; the scheduled day when left open.
    """
    chosen = settings()
    day = artifacts.as_of(as_of, chosen)
    with opened(chosen) as database:
        months = [month] if month else _owed(database, chosen, day, publish=publish)
        results = [plan_month(database, chosen, each, day, publish=publish, centre=centre) for each in months]
    for result in results:
        _show_month(result)
    return results[-1]


def _owed(database: Database, chosen: Settings, day: date, *, publish: bool) -> list[str]:
    """The coming month, and the present one if its own turn was missed."""
    coming, present = month_after(day), f"{day:%Y-%m}"
    with database.read() as session:
        last = last_done(session, "duty-publish" if publish else "duty-plan", chosen.district)
    return [present, coming] if last is not None and last < present else [coming]


def _show_month(result: Result) -> None:
    if "per_centre" not in result:
        artifacts.markdown(f"duty-plan-{result.get('month', 'run')}", result["note"])
        return
    state = say("已发布", "published") if result["published"] == result["slots"] else say("草稿", "draft")
    if result["provisional"]:
        state += say("（暂定日历，不可发布）", " (provisional calendar, cannot be published)")
    title = say(
        f"{result['month']} 值班表 · {state} · {result['centres']} 个中心 {result['slots']} 班，"
        f"空缺 {result['gaps']}，放宽间隔 {result['relaxed']}",
        f"Duty {result['month']} · {state} · {result['centres']} centres, {result['slots']} duties, "
        f"{result['gaps']} gaps, {result['relaxed']} with rest relaxed",
    )
    columns = {
        "centre": say("编号", "code"),
        "name": say("中心", "centre"),
        "slots": say("班次", "duties"),
        "published": say("已发布", "published"),
        "gaps": say("空缺", "gaps"),
        "relaxed": say("放宽间隔", "rest relaxed"),
    }
    rows = [{label: row[name] for name, label in columns.items()} for row in result["per_centre"]]
    artifacts.table(f"duty-plan-{result['month']}", title, rows)


@flow(name="duty-day", **_RETRY)
@by_district
@safely
def duty_day(as_of: fields.AsOf = None) -> Result:
    """Close yesterday, find substitutes for those who fell out, and list who is on duty today.

    Args:
        as_of: the day; the scheduled day when left open. A late run works for the present day.
    """
    chosen = settings()
    day = artifacts.present_day(as_of, chosen)
    with opened(chosen) as database:
        result = duty_morning(database, chosen, day)
    if "list" in result:
        _show_day(result)
    return result


def _show_day(result: Result) -> None:
    title = say(
        f"{result['date']} 值班名单 · {result['duties']} 个中心，空缺 {result['gaps']}，"
        f"替班 {len(result['changes'])}，昨日缺岗 {result['missed']}",
        f"On duty {result['date']} · {result['duties']} centres, {result['gaps']} gaps, "
        f"{len(result['changes'])} changes, {result['missed']} missed",
    )
    rows = [
        {
            say("中心", "centre"): f"{row['centre']} {row['name']}",
            say("值班人（系统编号）", "cadre"): row["cadre"] or "—",
            say("状态", "state"): artifacts.state_name(row["state"]),
            say("说明", "why"): row["why"],
        }
        for row in sorted(result["list"], key=lambda row: (row["state"] not in {"gap", "none"}, row["centre"]))
    ]
    artifacts.table(f"duty-day-{result['date']}", title, rows)
    if result["changes"]:
        changes = [
            {
                say("日期", "date"): change["date"],
                say("中心", "centre"): change["centre"],
                say("原值班人", "before"): change["before"] or "—",
                say("现值班人", "after"): change["after"] or say("空缺", "GAP"),
                say("原因", "reason"): change["reason"],
            }
            for change in result["changes"]
        ]
        artifacts.table(f"duty-changes-{result['date']}", say("替班与调班", "Changes"), changes)


@flow(name="duty-watch", retries=0, persist_result=False)
@by_district
@safely
def duty_watch(at: fields.At = None) -> Result:
    """Fire the marks that are due: notice, reminder, centre head, sub-district office, missed.

    Args:
        at: the moment to look at; now when left open.
    """
    chosen = settings().moved_to(at)
    with opened(chosen) as database:
        result = watch(database, chosen)
    if result["list"] or result["missed"]:
        rows = [
            {
                say("日期", "date"): row["date"],
                say("中心", "centre"): row["centre"],
                say("值班人（系统编号）", "cadre"): row["cadre"],
                say("提醒", "mark"): artifacts.mark_name(row["mark"]),
            }
            for row in result["list"]
        ]
        title = say(
            f"{result['at']} 提醒 {len(rows)} 条，记缺岗 {result['missed']}",
            f"{len(rows)} marks, {result['missed']} missed at {result['at']}",
        )
        artifacts.table("duty-watch", title, rows)
    return result


@flow(name="duty-report", **_RETRY)
@by_district
@safely
def duty_report(month: fields.Month = None, as_of: fields.AsOf = None) -> Result:
    """Report the load per cadre, relaxations, gaps, misses and swaps of a month.

    Args:
        month: such as 2026-03; the month before `as_of` when left open.
        as_of: the day on which this is done; the scheduled day when left open.
    """
    chosen = settings()
    day = artifacts.as_of(as_of, chosen)
    wanted = month or f"{day.replace(day=1) - timedelta(days=1):%Y-%m}"
    with opened(chosen) as database:
        result = at_work(
            database, "duty-report", wanted, chosen.district, lambda _: report_month(database, chosen, wanted)
        )
    if "busy" not in result:
        _show_report(result)
    return result


def _show_report(result: Result) -> None:
    title = say(
        f"{result['month']} 值班统计 · {result['duties']} 班，空缺 {result['gaps']}，缺岗 {result['missed']}，"
        f"换班 {result['swaps']}"
        f" · 台账合计 {result['ledger_sum']}（应为 0）· 工作簿 {result['file']}",
        f"Duty report {result['month']} · {result['duties']} duties, {result['gaps']} gaps, {result['missed']} missed, "
        f"{result['swaps']} swaps · ledger sum {result['ledger_sum']} (must be 0) · workbook {result['file']}",
    )
    artifacts.table(f"duty-report-{result['month']}", title, result["per_centre"])
