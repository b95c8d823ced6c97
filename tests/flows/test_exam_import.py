"""Mark files of the inbox: kept once, each school told of its own rows once, the rest told to operators."""

import io
import json
import shutil
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from openpyxl import load_workbook
from openpyxl.worksheet.worksheet import Worksheet
from sqlalchemy import select
from sqlmodel import col

import flows.exam_files
from flows.exam_files import NoSuchMarkFile, import_marks
from flows.exam_import import exam_import
from flows.jobs import Result
from flows.settings import Settings
from models.db import Database, keys_of
from models.drafts import enclosed_in
from models.exam import School
from models.exam_mark import MarkHeld
from models.intake import ImportLog
from models.messages import Message
from tests.flows.allowance_life import ended, in_child
from tests.flows.elders import stored
from tests.flows.exams import NOW, exam_office, give, student, told, workbook
from tests.flows.test_visits_kills import dies_at
from tests.flows.test_visits_together import both

HEAD = ["考试", "考号", "姓名", "科目", "成绩"]
S1_BAD = "考试,考号,姓名,科目,成绩\nE1,101,㐂一,语文,90\nE1,102,张二,语文,九十\nE1,103,李三,语文,80\n"
S2_GOOD = "考试,考号,姓名,学校,科目,成绩\nE1,201,王四,S2,语文,88\n"


class Marks:
    """An exam office whose inbox takes files; its operators have one address."""

    def __init__(self, database: Database, folder: Path) -> None:
        self.database, self.office = database, exam_office(database, folder)
        self.settings: Settings = self.office.at(NOW).model_copy(update={"operators": "ops@example.cn"})
        self.inbox = self.settings.folder("inbox") / "marks"
        self.inbox.mkdir()

    def put(self, name: str, text: str, encoding: str = "utf-8") -> Path:
        path = self.inbox / name
        path.write_bytes(text.encode(encoding))
        return path

    def run(self, name: str | None = None) -> dict[str, Result]:
        return {each["file"]: each for each in import_marks(self.database, self.settings, name)["files"]}

    def mails(self, template: str) -> dict[str, dict[str, Any]]:
        """Variables and files of each mail, by the code of its school or the place of its operator."""
        with self.database.read() as session:
            schools = dict(session.execute(select(col(School.ref), col(School.code))).tuples().all())
            found = {}
            for one in session.scalars(select(Message).where(col(Message.template) == template)):
                key = one.dedupe_key
                assert key.isascii()
                values = json.loads(keys_of(session).open("message.variables", key, one.variables))
                files = [file.content for file in enclosed_in(session, key, one.enclosures)]
                reader = schools.get(one.recipient, one.recipient)
                assert (reader, template) not in found
                found[reader, template] = {**values, "files": files}
            return {reader: values for (reader, _), values in found.items()}

    def returned(self, school: str) -> Any:
        """The workbook a school was sent."""
        (content,) = self.mails("exam-errors")[school]["files"]
        return load_workbook(io.BytesIO(content))


@pytest.fixture
def marks(database: Database, tmp_path: Path) -> Marks:
    return Marks(database, tmp_path)


def said(sheet: Worksheet) -> str:
    return "|".join(str(cell.value) for row in sheet.iter_rows() for cell in row if cell.value is not None)


def test_of_forty_sheets_the_one_bad_row_goes_to_its_own_school_alone(marks: Marks) -> None:
    sheets: dict[str, Any] = {f"{n}班": [HEAD] for n in range(40)}
    sheets["3班"] = [HEAD, ["E1", "101", "㐂一", "语文", 90]]
    sheets["39班"] = [
        HEAD,
        ["E1", "102", "张二", "语文", 91],
        ["E1", "201", "王四", "语文", "九十"],
        ["E1", "103", "李三", "语文", 93],
        ["E1", "201", "王四", "物理", 60],
    ]
    workbook(marks.inbox / "全区.xlsx", sheets)
    read = marks.run()["全区.xlsx"]
    assert read["schools"] == [
        {"exam": "E1", "school": "S1", "taken": 3, "unchanged": 0, "refused": 0, "held": 0},
        {"exam": "E1", "school": "S2", "taken": 1, "unchanged": 0, "refused": 1, "held": 0},
    ]
    mails = marks.mails("exam-errors")
    assert mails.keys() == {"S2"}
    assert (mails["S2"]["accepted"], mails["S2"]["refused"], mails["S2"]["held"]) == (1, 1, 0)
    book = marks.returned("S2")
    assert book.sheetnames == ["39班", "问题汇总"]
    text = said(book["39班"]) + said(book["问题汇总"])
    assert all(each in text for each in ("201", "王四", "九十", "物理"))
    assert not [each for each in ("101", "102", "103", "张二", "李三", "91", "93") if each in text]
    assert book["问题汇总"]["A1"].value == "已收下 1 行，1 行未收下"


def test_a_returned_workbook_is_corrected_and_sent_as_it_is(marks: Marks) -> None:
    marks.put("一中.csv", S1_BAD)
    marks.run()
    book = marks.returned("S1")
    sheet = book.worksheets[0]
    (bad,) = [cell for row in sheet.iter_rows() for cell in row if cell.value == "九十"]
    assert bad.comment is not None
    bad.value = "90"
    book.save(marks.inbox / "一中-改.xlsx")
    (row,) = marks.run()["一中-改.xlsx"]["schools"]
    assert (row["taken"], row["unchanged"], row["refused"]) == (1, 2, 0)
    assert len(marks.mails("exam-errors")) == 1


def test_the_same_file_again_changes_nothing_and_is_told_once(marks: Marks) -> None:
    marks.put("一中.csv", S1_BAD)
    assert marks.run()["一中.csv"]["mails"] == 1
    before = told(marks.office)
    assert marks.run() == {}
    shutil.copy(marks.inbox / "一中.csv", marks.inbox / "又.csv")
    assert marks.run() == {}
    again = marks.run("一中.csv")["一中.csv"]
    assert (again["mails"], again["schools"][0]["taken"], again["schools"][0]["unchanged"]) == (0, 0, 2)
    assert told(marks.office) == before
    assert (len(marks.mails("exam-errors")), len(stored(marks.office, ImportLog.id))) == (1, import_logs(marks))


def import_logs(marks: Marks) -> int:
    """How many files the office took in before, and one mark file."""
    return len([kind for (kind,) in stored(marks.office, ImportLog.kind) if kind != "mark"]) + 1


def test_two_triggers_at_once_take_a_file_once(marks: Marks) -> None:
    marks.put("一中.csv", S1_BAD)
    marks.put("二中.csv", S2_GOOD)
    assert both(marks.run, marks.run) == []
    assert {number: len(versions) for number, versions in told(marks.office).items()} == {"101": 1, "103": 1, "201": 1}
    assert len(marks.mails("exam-errors")) == 1


@pytest.mark.parametrize(("point", "call"), [("_take", 2), ("log_rows", 1)])
def test_killed_between_files_or_before_the_commit_the_next_run_does_the_rest(
    marks: Marks, point: str, call: int
) -> None:
    marks.put("一中.csv", S1_BAD)
    marks.put("二中.csv", S2_GOOD.replace("88", "888"))
    marks.database.engine.dispose()

    def work() -> None:
        dies_at(flows.exam_files, point, call)
        marks.run()

    assert ended(in_child(work)) == -signal.SIGKILL
    assert len(marks.mails("exam-errors")) == len(told(marks.office)) // 2  # marks and mail of a file, or neither
    marks.run()
    assert told(marks.office).keys() == {"101", "103"}
    assert marks.mails("exam-errors").keys() == {"S1", "S2"}


def test_a_number_that_two_schools_send_is_held_and_shown_to_who_sent_it(marks: Marks) -> None:
    marks.put("一中.csv", "考试,考号,姓名,学校,科目,成绩\nE1,101,㐂一,S1,语文,90\n")
    marks.put("二中.csv", S2_GOOD + "E1,101,赵某,S2,语文,70\n")
    read = marks.run()
    assert read["二中.csv"]["schools"][0] | {"held": 1, "taken": 1} == read["二中.csv"]["schools"][0]
    assert told(marks.office)["101"] == [("valid", 180)]
    assert marks.mails("exam-errors").keys() == {"S2"}
    text = said(marks.returned("S2").worksheets[0])
    assert ("另一所学校" in text, "㐂一" in text) == (True, False)


def test_what_no_school_can_mend_goes_to_operators_and_keeps_no_file_out(marks: Marks) -> None:
    marks.put("0坏.xlsx", "PK\x03\x04 no workbook")
    marks.put("考试.csv", S1_BAD.replace("E1", "E9"))
    marks.put("二中.csv", S2_GOOD)
    for _ in range(2):
        with_keys = marks.run()
    assert (with_keys["0坏.xlsx"]["state"], with_keys["考试.csv"]["state"]) == ("unreadable", "nothing")
    assert told(marks.office) == {"201": [("valid", 176)]}
    assert marks.mails("exam-errors") == {}
    with marks.database.read() as session:
        sent = list(session.scalars(select(col(Message.dedupe_key)).where(col(Message.template) == "exam-file")))
    assert sorted(key.split(":")[2] for key in sent) == ["unknown-exam", "unreadable"]
    give(marks.office, "exam", [{"code": "E9", "name": "补考", "date": "2026-04-22", "group": "senior"}])
    give(marks.office, "student", [student(n, "S1", "某") | {"exam": "E9"} for n in ("101", "102", "103")])
    give(marks.office, "paper", [{"exam": "E9", "subject": "语文", "full": 150}])
    assert marks.run()["考试.csv"]["schools"][0]["taken"] == 2  # looked at again, now that it can be taken
    assert marks.mails("exam-errors").keys() == {"S1"}


def test_rows_nobody_can_place_are_shown_to_no_school(marks: Marks) -> None:
    marks.put("x.csv", "考试,考号,姓名,科目,成绩\nE1,5.30111E+13,张二,语文,90\nE1,5.30112E+13,李三,语文,80\n")
    assert marks.run()["x.csv"]["state"] == "nothing"
    (mail,) = marks.mails("exam-file").values()
    assert ("2 行" in mail["what"], mail["files"], marks.mails("exam-errors")) == (True, [], {})


def test_a_school_without_an_address_is_named_to_operators_and_told_later(marks: Marks) -> None:
    give(marks.office, "school", [{"code": "S1", "name": "第一中学", "contact_email": ""}])
    with marks.database.write() as session:
        session.execute(School.__table__.update().values(contact_email=None))  # type: ignore[attr-defined]
    marks.put("一中.csv", S1_BAD)
    marks.run()
    (mail,) = marks.mails("exam-file").values()
    assert "第一中学" in mail["what"]
    give(marks.office, "school", [{"code": "S1", "name": "第一中学", "contact_email": "new@example.cn"}])
    marks.run("一中.csv")
    assert marks.mails("exam-errors").keys() == {"S1"}


def test_a_name_outside_gbk_comes_back_as_it_was_sent(marks: Marks) -> None:
    marks.put("一中.csv", S1_BAD.replace("E1,101,㐂一,语文,90", "E1,101,㐂一,语文,151"), "gb18030")
    marks.run()
    assert "㐂一" in said(marks.returned("S1").worksheets[0])


def test_an_old_xls_with_merged_headers_is_read_sheet_by_sheet(marks: Marks) -> None:
    shutil.copy(Path(__file__).parent.parent / "data" / "exams" / "marks.xls", marks.inbox / "一中.xls")
    (row,) = marks.run()["一中.xls"]["schools"]
    assert (row["taken"], row["refused"]) == (4, 1)
    assert told(marks.office, "物理") == {"101": [("valid", 121)], "102": [("absent", None)]}
    book = marks.returned("S1")
    assert book.sheetnames == ["语文", "问题汇总"]
    assert "超过满分" in said(book["语文"])


def test_zero_files_and_a_name_that_leads_elsewhere(marks: Marks) -> None:
    assert marks.run() == {}
    outside = marks.office.folder / "x.csv"
    outside.write_text(S2_GOOD, "utf-8")
    (marks.inbox / "link.csv").symlink_to(outside)
    assert marks.run() == {}
    for name in ("link.csv", "../x.csv", str(outside), "no.csv"):
        with pytest.raises(NoSuchMarkFile):
            marks.run(name)


def test_the_page_shows_counts_and_nobody(marks: Marks, monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[Any] = []
    marks.put("一中.csv", S1_BAD + "E1,999,无名,语文,60\n")
    marks.put("坏.xlsx", "no")
    show: Callable[..., None] = lambda *what: shown.append(what)  # noqa: E731
    monkeypatch.setattr("flows.artifacts.table", show)
    result = exam_import.fn()
    text = json.dumps([result, shown], ensure_ascii=False)
    assert "收下" in text
    assert not [each for each in ("101", "999", "张二", "无名", "第一中学") if each in text]
    assert stored(marks.office, MarkHeld.reason) == [("off_roster",)]
