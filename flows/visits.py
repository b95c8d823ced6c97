"""The jobs of follow-up visits as Prefect runs them: the form's values -> the job -> an artifact a clerk looks at."""

from typing import Any

from prefect import flow

from flows import artifacts, fields
from flows.failures import safely
from flows.settings import NotYet, settings
from flows.store import opened
from flows.visits_day import visits_morning
from rules.errors import say

Result = dict[str, Any]

_RETRY: dict[str, Any] = {"retries": 2, "retry_delay_seconds": 30, "log_prints": False, "persist_result": False}


@flow(name="visits-day", **_RETRY)
@safely
def visits_day(as_of: fields.AsOf = None) -> Result:
    """Plan every elder's visits, make today's list under capacity, and send each helper one digest.

    Args:
        as_of: the day; the scheduled day when left open. A late run works for the present day.
    """
    chosen = settings()
    day = as_of or max(artifacts.as_of(None, chosen), chosen.today())
    if day > chosen.today():
        raise NotYet(day)
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
