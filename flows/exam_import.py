"""Importing marks as Prefect runs it: the form's file name -> the files -> a page of counts by file and school."""

from typing import Any

from prefect import flow

from flows import artifacts, fields
from flows.districts import by_district
from flows.exam_files import import_marks, summed
from flows.failures import safely
from flows.settings import settings
from flows.store import opened
from rules.errors import say

Result = dict[str, Any]
_STATES = {
    "unreadable": ("读不了，已告知值守人员", "unreadable; operators were told"),
    "nothing": ("没有可收的行", "nothing could be taken"),
    "read": ("已读", "read"),
}


@flow(name="exam-import", retries=2, retry_delay_seconds=30, log_prints=False, persist_result=False)
@by_district
@safely
def exam_import(file: fields.MarkFile = None) -> Result:
    """Take in mark files; send each school what is wrong with its own rows.

    Args:
        file: a name in inbox/marks; all new files when left open.
    """
    chosen = settings()
    with opened(chosen) as database:
        result = import_marks(database, chosen, file)
    _show(result)
    return result


def _show(result: Result) -> None:
    files, sums = result["files"], summed(result["files"])
    rows = [row for each in files for row in _rows(each)]
    note = say(
        f"文件 {len(files)} 个；收下 {sums['taken']} 行，已有 {sums['unchanged']} 行，有误 {sums['refused']} 行，"
        f"暂不入库 {sums['held']} 行；发信 {sum(each.get('mails', 0) for each in files)} 封。",
        f"{len(files)} files; {sums['taken']} rows taken, {sums['unchanged']} known, {sums['refused']} refused, "
        f"{sums['held']} held; {sum(each.get('mails', 0) for each in files)} mails.",
    )
    artifacts.table("exam-import", say("成绩导入", "Marks imported"), rows, note)


def _rows(file: Result) -> list[dict[str, Any]]:
    state = file.get("note") or say(*_STATES[file["state"]])
    blank = dict.fromkeys(("exam", "school", "taken", "unchanged", "refused", "held"), "—")
    heads = {
        "exam": say("考试", "exam"),
        "school": say("学校代码", "school"),
        "taken": say("收下", "taken"),
        "unchanged": say("已有", "known"),
        "refused": say("有误", "refused"),
        "held": say("暂不入库", "held"),
    }
    return [
        {say("文件", "file"): file["file"], say("情况", "state"): state}
        | {head: row[name] for name, head in heads.items()}
        for row in file.get("schools") or [blank]
    ]
