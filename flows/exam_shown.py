"""What the jobs of releases leave in the UI: counts by school and subject; nobody's number, name or mark, no code."""

from collections.abc import Sequence
from typing import Any

from flows import artifacts
from notifications.exams import subject_name
from rules.errors import say

Result = dict[str, Any]


def show_forward(result: Result) -> None:
    """Say what waits for approval, what is held or missing in it, and what it changes."""
    text = say(
        f"考试 {result['exam']} 第 {result['version']} 版已提交，等待审批：考生 {result['students']} 人；"
        f"暂不入库 {result['held']} 行，没有报送齐的学校 {result['missing']} 所"
        f"{'（经办人已确认仍然提交）' if result['despite_held'] else ''}。\n\n"
        f"{result['compared']}。\n\n"
        f"审批人 {result['approvers']} 名，本次新发审批表 {result['messages']} 份。"
        "下一步：审批人核对审批表后，在 exam-release 中填写确认码和动态口令。",
        f"Release {result['version']} of {result['exam']} waits for approval: {result['students']} students; "
        f"{result['held']} rows held, {result['missing']} schools with something missing"
        f"{' (the maker said to go on)' if result['despite_held'] else ''}.\n\n"
        f"{result['compared']}.\n\n"
        f"{result['approvers']} approvers, {result['messages']} new sheets. Next: one of them fills in exam-release.",
    )
    artifacts.table("exam-put-forward", say("提交发布", "Put forward"), _open(result["waiting"]), text)
    _show_changes("exam-put-forward-changes", result)


def show_release(result: Result) -> None:
    """Say that an exam is released, and what that changed."""
    done = say("此前已由您批准", "was approved by you before") if result["already"] else say("已发布", "is released")
    text = say(
        f"考试 {result['exam']} 第 {result['version']} 版{done}：考生 {result['students']} 人。"
        "下一步：运行 exam-report，把成绩发给家长和学校。",
        f"Release {result['version']} of {result['exam']} {done}: {result['students']} students. "
        "Next: exam-report sends it to families and schools.",
    )
    artifacts.markdown("exam-release", text)
    _show_changes("exam-release-changes", result)


def _open(waiting: Result) -> list[Result]:
    """What is held or missing, a school a line."""
    schools = sorted({*waiting["held"], *waiting["missing"]})
    return [
        {say("学校代码", "school"): school,
         say("暂不入库（行）", "rows held"): waiting["held"].get(school, 0),
         say("没有报送的科目", "nothing sent of"): say("、", ", ").join(waiting["missing"].get(school, [])) or "—"}
        for school in schools
    ]  # fmt: skip


def _show_changes(key: str, result: Result) -> None:
    """Show what differs from the release before, in counts; a first release differs from nothing."""
    if result["version"] == 1:
        return
    rows: Sequence[Result] = [
        {say("学校代码", "school"): each["school"], say("学科", "subject"): subject_name(each["subject"]),
         say("成绩更正", "own mark"): each["own"], say("仅名次等变动", "only moved"): each["moved"],
         say("新增", "added"): each["added"], say("减少", "removed"): each["removed"]}
        for each in result["changes"]
    ]  # fmt: skip
    title = say(f"与第 {result['version'] - 1} 版相比（人次）", f"Against release {result['version'] - 1}")
    artifacts.table(key, title, rows)
