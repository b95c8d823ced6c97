"""The jobs of follow-up visits as Prefect runs them: the form's values -> the job -> an artifact a clerk looks at."""

from typing import Any

from prefect import flow

from flows import artifacts, fields
from flows.districts import by_district
from flows.failures import safely
from flows.settings import settings
from flows.store import opened
from flows.visits_callback import call_back
from flows.visits_day import visits_morning
from flows.visits_watch import watch
from notifications.issues import LEVELS, kind_name
from rules.errors import say

Result = dict[str, Any]

_RETRY: dict[str, Any] = {"retries": 2, "retry_delay_seconds": 30, "log_prints": False, "persist_result": False}


@flow(name="visits-day", **_RETRY)
@by_district
@safely
def visits_day(as_of: fields.AsOf = None) -> Result:
    """Plan every elder's visits, make today's list under capacity, and send each helper one digest.

    Args:
        as_of: the day; the scheduled day when left open. A late run works for the present day.
    """
    chosen = settings()
    day = artifacts.present_day(as_of, chosen)
    with opened(chosen) as database:
        result = visits_morning(database, chosen, day)
    if "per_community" in result:
        _show_day(result)
    else:
        artifacts.markdown(f"visits-day-{day}", result["note"])
    return result


def _show_day(result: Result) -> None:
    title = say(
        f"{result['date']} 探访 · 今日 {result['visits']} 户，无人可派 {result['gaps']}，逾期 {result['overdue']}，"
        f"上门核实 {result['checks']}",
        f"Visits {result['date']} · {result['visits']} today, {result['gaps']} gaps, {result['overdue']} overdue, "
        f"{result['checks']} wellness checks",
    )
    silent = result["unreachable"]
    note = say(
        f"在册 {result['elders']} 人，待访 {result['open']} 项；新增 {result['new']}，变动 {result['changed']}，"
        f"作废 {result['superseded']}。联系不上：一次 {silent['emergency_contact']} 人（请紧急联系人帮忙），"
        f"两次 {silent['neighbour']} 人（请问邻居、网格员），三次以上 {silent['wellness_check']} 人（上门核实）。",
        f"{result['elders']} elders, {result['open']} open tasks; {result['new']} new, {result['changed']} changed, "
        f"{result['superseded']} superseded. No answer once: {silent['emergency_contact']} (the family is asked), "
        f"twice: {silent['neighbour']} (ask neighbours), three times: {silent['wellness_check']} (go and see).",
    )
    ahead = {row["community"]: row for row in result["forecast"]}
    rows = [
        {
            say("社区", "community"): row["community"],
            say("今日探访", "visits today"): row["visits"],
            say("无人可派", "gaps"): row["gaps"],
            say("逾期", "overdue"): row["overdue"],
            say("预计人手不足", "short from"): _ahead(ahead.get(row["community"])),
        }
        for row in result["per_community"]
    ]
    artifacts.table(f"visits-day-{result['date']}", title, rows, note)


def _ahead(row: Result | None) -> str:
    return say("{} 起缺 {} 户", "{}: {} visits").format(row["date"], row["short"]) if row else "—"


@flow(name="visits-watch", retries=0, persist_result=False)
@by_district
@safely
def visits_watch(at: fields.At = None) -> Result:
    """Tell of issues that near or pass their deadline, of elders who did not answer today, and of checks too late.

    Args:
        at: the moment to look at; now when left open.
    """
    chosen = settings().moved_to(at)
    with opened(chosen) as database:
        result = watch(database, chosen)
    if result["list"] or result["messages"] or result["checks_overdue"]:
        title = say(
            f"{result['at']} 诉求到期提醒 {len(result['list'])} 条 · 待上门核实 {result['checks']}，"
            f"超过 24 小时 {result['checks_overdue']}",
            f"{result['at']} · {len(result['list'])} steps of issues · {result['checks']} wellness checks, "
            f"{result['checks_overdue']} too late",
        )
        rows = [
            {
                say("诉求编号", "issue"): row["issue"],
                say("标记", "tag"): row["tag"] or "—",
                say("上报", "told"): say(*LEVELS[row["level"]]),
                say("承办人编号", "owner"): row["owner"] or "—",
                say("办结期限", "due"): row["due"],
            }
            for row in result["list"]
        ]
        artifacts.table("visits-watch", title, rows)
    return result


@flow(name="visits-callback", **_RETRY)
@by_district
@safely
def visits_callback(as_of: fields.AsOf = None) -> Result:
    """List the resolved issues whose elders are still to be asked, and tell who asks.

    Args:
        as_of: the day; the scheduled day when left open. A late run works for the present day.
    """
    chosen = settings()
    day = artifacts.present_day(as_of, chosen)
    with opened(chosen) as database:
        result = call_back(database, chosen, day)
    if "list" in result:
        rows = [
            {
                say("诉求编号", "issue"): row["issue"],
                say("类别", "kind"): kind_name(row["kind"]),
                say("标记", "tag"): row["tag"] or "—",
                say("地点", "place"): row["place"],
                say("解决日期", "resolved on"): row["resolved_on"],
                say("已过天数", "days since"): row["days"],
                say("回访人", "who asks"): row["asks"],
            }
            for row in result["list"]
        ]
        title = say(f"{day} 待回访诉求 {result['due']} 件", f"{result['due']} call-backs due on {day}")
        artifacts.table(f"visits-callback-{day}", title, rows)
    return result
