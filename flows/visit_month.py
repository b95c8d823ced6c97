"""The monthly report of visits as Prefect runs it: the form's values -> the months owed -> pages a clerk looks at."""

from typing import Any

from prefect import flow

from flows import artifacts, fields
from flows.districts import by_district
from flows.failures import safely
from flows.settings import settings
from flows.store import opened
from flows.visit_month_report import owed, report_month
from rules.errors import say

Result = dict[str, Any]


@flow(name="visits-month", retries=2, retry_delay_seconds=30, log_prints=False, persist_result=False)
@by_district
@safely
def visits_month(month: fields.Month = None, as_of: fields.AsOf = None) -> Result:
    """Report a month of visits to the district and to each sub-district, in both faces of the month.

    Args:
        month: such as 2026-03; when left open the month before `as_of`, and those missed before it.
        as_of: the day on which this is done; the scheduled day when left open.
    """
    chosen = settings()
    day = artifacts.as_of(as_of, chosen)
    with opened(chosen) as database:
        months = [month] if month else owed(database, chosen, day)
        results = [report_month(database, chosen, each) for each in months]
    for result in results:
        _show(result)
    return results[-1]


def _show(result: Result) -> None:
    if "tables" not in result:
        artifacts.markdown(f"visits-month-{result.get('month', 'run')}", result["note"])
        return
    titles = {
        "visits": say("各单位月探访率与按时率", "Visit rates and punctuality"),
        "left-out": say("未计入与绿色", "Left out, and green"),
        "issues": say("诉求（工作日）", "Issues (workdays)"),
        "categories": say("特殊困难类别", "Categories"),
    }
    silent = say("；没有邮箱的街道：{}", "; offices without e-mail: {}").format(
        say("、", ", ").join(result["no_email"])
    )
    note = say(
        f"截至 {result['as_known']} 已知；补录后另列“重算”。工作簿 {result['file']}，邮件 {result['letters']} 封",
        f"As known on {result['as_known']}; restated where late paper changed it. Workbook {result['file']}, "
        f"{result['letters']} letters",
    )
    for name, rows in result["tables"].items():
        title = say(f"{result['month']} 探访月报 · {titles[name]}", f"Visits {result['month']} · {titles[name]}")
        artifacts.table(
            f"visits-month-{result['month']}-{name}", title, rows, note + (silent if result["no_email"] else "")
        )
