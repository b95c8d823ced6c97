"""The evening look at exams as Prefect runs it: the form's exam -> board and joint figures -> two pages an exam."""

from typing import Any

from prefect import flow

from flows import artifacts, fields
from flows.districts import by_district
from flows.exam_progress import aggregate
from flows.failures import safely
from flows.settings import settings
from flows.store import opened
from notifications.exams import subject_name
from rules.errors import say
from rules.registers.exams import TRACK_NAMES

Result = dict[str, Any]


@flow(name="exam-aggregate", retries=2, retry_delay_seconds=30, log_prints=False, persist_result=False)
@by_district
@safely
def exam_aggregate(exam: fields.AnyExam = None) -> Result:
    """Show who has sent what, and the joint figures so far; tell makers when all is in.

    Args:
        exam: its code; all that are not yet released when left open.
    """
    chosen = settings()
    with opened(chosen) as database:
        result = aggregate(database, chosen, exam)
    for each in result["exams"]:
        if "exam" in each:
            _show(each)
    return result


def _show(one: Result) -> None:
    state = say("全部到齐", "all are in") if one["complete"] else say("阶段性", "provisional")
    title = say(f"{one['exam']} 报送进度（{state}）", f"{one['exam']}: who has sent what ({state})")
    artifacts.table(f"exam-board-{one['id']}", title, [_board(row) for row in one["board"]])
    note = say(
        f"**{state}**：考生 {one['students']} 人。未经审批发布，不得外传；“—”为无有效成绩或人数过少不显示。",
        f"**{state}**: {one['students']} students. Not released, not to be passed on; —: no valid result, or too few.",
    )
    title = say(f"{one['exam']} 联考总体（{state}）", f"{one['exam']}: joint figures ({state})")
    artifacts.table(f"exam-figures-{one['id']}", title, [_figures(row) for row in one["figures"]], note)


def _board(row: Result) -> dict[str, Any]:
    return {
        say("学校代码", "school"): row["school"],
        say("科目", "subject"): row["subject"],
        say("应报", "expected"): row["expected"],
        say("已收", "received"): row["received"],
        say("暂不入库", "held"): row["held"],
        say("缺", "missing"): row["missing"],
        say("名册外", "strangers"): row["strangers"],
        say("最近报送", "last file"): row["last_file"] or "—",
    }


def _figures(row: Result) -> dict[str, Any]:
    track = "" if row["track"] == "none" else say(f"（{TRACK_NAMES[row['track']]}）", f" ({row['track']})")
    return {
        say("科目", "subject"): subject_name(row["subject"]) + track,
        say("应考", "enrolled"): _count(row["enrolled"]),
        say("有效", "valid"): _count(row["n"]),
        say("缺考", "absent"): _count(row["absent"]),
        say("违纪", "disqualified"): _count(row["violation"]),
        say("平均分", "mean"): _number(row["mean"]),
        say("标准差", "SD"): _number(row["sd"]),
        say("优秀率", "excellent"): _share(row["excellent_rate"]),
        say("及格率", "pass"): _share(row["pass_rate"]),
        say("低分率", "low"): _share(row["low_rate"]),
    }


def _count(value: int | None) -> int | str:
    return "—" if value is None else value


def _number(value: float | None) -> str:
    return "—" if value is None else f"{value:.2f}"


def _share(value: float | None) -> str:
    return "—" if value is None else f"{100 * value:.1f}%"
