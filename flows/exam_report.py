"""The report of a release as Prefect runs it: the form's values -> the mails -> a page of counts."""

from typing import Any

from prefect import flow

from flows import artifacts, fields
from flows.districts import by_district
from flows.exam_telling import report_exam
from flows.failures import safely
from flows.settings import settings
from flows.store import opened
from rules.errors import say

Result = dict[str, Any]


@flow(name="exam-report", retries=2, retry_delay_seconds=30, log_prints=False, persist_result=False)
@by_district
@safely
def exam_report(exam: fields.ExamCode, version: fields.ReleaseVersion = None, to: fields.ToWhom = "all") -> Result:
    """Send what a release says: a slip to each family, books to schools and officers.

    Args:
        exam: its code.
        version: must be the latest; the latest when left open.
        to: all, or only officers, schools or families.
    """
    chosen = settings()
    with opened(chosen) as database:
        result = report_exam(database, chosen, exam, version, to)
    _show(result)
    return result


def _show(result: Result) -> None:
    if "exam" not in result:
        artifacts.markdown("exam-report", str(result["note"]))
        return
    title = say(f"成绩发送：第{result['version']}版", f"Results sent: release {result['version']}")
    heads = {
        "school": say("学校代码", "school"),
        "slips": say("本次成绩单", "slips now"),
        "corrected": say("其中更正", "corrected"),
        "unverified": say("家长邮箱未核实", "no verified address"),
    }
    rows = [{heads[name]: value for name, value in row.items()} for row in result.get("schools", [])]
    silent = say("、", ", ").join(result.get("schools_without_contact", [])) or "—"
    note = say(
        f"学校邮件 {result.get('school_mails', 0)} 封，经办邮件 {result.get('officer_mails', 0)} 封；"
        f"没有联系邮箱的学校：{silent}",
        f"{result.get('school_mails', 0)} mails to schools, {result.get('officer_mails', 0)} to officers; "
        f"schools without contact: {silent}",
    )
    artifacts.table("exam-report", title, rows, note)
