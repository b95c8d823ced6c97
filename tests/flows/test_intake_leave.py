"""Leave sent again changes only what the file says; columns nobody knows are named, misspelt ones refused."""

import json
from datetime import date
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from sqlalchemy import select
from sqlmodel import col

from flows import said
from flows.intake import FileHasErrors, Intake, take_file
from flows.settings import settings
from models.cadre import Leave
from models.db import Database
from tests.flows.test_duty import Office

WHOLE = {"person": "K1", "from": "2026-03-02", "until": "2026-03-06", "type": "sick", "cancelled": "no"}


@pytest.fixture
def office(database: Database, tmp_path: Path) -> Office:
    office = Office(database, settings(), tmp_path)
    office.send("centre", [{"code": "C1", "name": "一中心"}])
    office.send("cadre", [{"number": "K1", "name": "张三", "centre": "C1", "from": "2020-01-01"}])
    return office


def stored(office: Office) -> tuple[Any, ...]:
    with office.database.read() as session:
        query = select(col(Leave.since), col(Leave.until), col(Leave.kind), col(Leave.cancelled))
        return tuple(session.execute(query).one())


def take(office: Office, text: str) -> Intake:
    path = office.folder / "l.csv"
    path.write_text(text, "utf-8")
    return take_file(office.database, office.at("2026-03-01T08:00"), "leave", path)


@pytest.mark.parametrize(
    ("row", "kept"),
    [
        pytest.param({"until": "2026-03-04"}, (date(2026, 3, 4), "sick", False), id="last day only"),
        pytest.param({"until": ""}, (None, "sick", False), id="a blank last day opens it"),
        pytest.param({"cancelled": "yes"}, (date(2026, 3, 6), "sick", True), id="withdrawn only"),
        pytest.param({"type": "annual"}, (date(2026, 3, 6), "annual", False), id="type only"),
        pytest.param({"type": ""}, (date(2026, 3, 6), "personal", False), id="a blank type is personal"),
    ],
)
def test_only_the_columns_of_the_file_change(office: Office, row: dict[str, str], kept: tuple[Any, ...]) -> None:
    office.send("leave", [WHOLE])
    again = {"person": "K1", "from": "2026-03-02", **row}
    assert office.send("leave", [again]) == 1
    assert stored(office)[1:] == kept
    assert office.send("leave", [again]) == 0


def test_a_file_of_keys_alone_changes_nothing(office: Office) -> None:
    office.send("leave", [WHOLE])
    assert office.send("leave", [{"person": "K1", "from": "2026-03-02"}]) == 0
    assert stored(office) == (date(2026, 3, 2), date(2026, 3, 6), "sick", False)


@pytest.mark.parametrize("type_", [{}, {"type": ""}])
def test_new_leave_without_a_type_is_personal_and_again_the_same(office: Office, type_: dict[str, str]) -> None:
    row = {"person": "K1", "from": "2026-03-02", "until": "2026-03-06", **type_}
    assert office.send("leave", [row]) == 1
    assert stored(office)[2] == "personal"
    assert office.send("leave", [row]) == 0


def test_unknown_columns_are_named(office: Office, capsys: pytest.CaptureFixture[str]) -> None:
    text = (
        "序号,人员编号,姓名,部门,起始日期,截止日期,登记日期,备注\n1,K1,张三,中心,2026-03-02,2026-03-06,2026-03-01,x\n"
    )
    taken = take(office, text)
    ignored = ["序号", "姓名", "部门", "登记日期", "备注"]
    assert list(taken.ignored_columns) == ignored
    assert "没有读取这些列：序号、姓名、部门、登记日期、备注。" in taken.remark
    said.intake(taken, as_json=True)
    assert json.loads(capsys.readouterr().out)["ignored_columns"] == ignored
    said.intake(taken, as_json=False)
    assert "登记日期" in capsys.readouterr().out


@pytest.mark.parametrize("header", ["截止曰期", "截止", "离岗截止日"])
def test_a_misspelt_last_day_is_refused_instead_of_open_ended(office: Office, header: str) -> None:
    with pytest.raises(FileHasErrors, match=f"{header}.*截止日期"):
        take(office, f"人员编号,起始日期,{header}\nK1,2026-03-02,2026-03-06\n")


@pytest.mark.parametrize("header", ["结束日", "结束时间", "终止日期", "到期日期", "截至日期", "止"])
def test_other_words_for_the_last_day_are_known(office: Office, header: str) -> None:
    assert take(office, f"人员编号,开始时间,{header}\nK1,2026-03-02,2026-03-06\n").ignored_columns == ()
    assert stored(office)[1] == date(2026, 3, 6)


def test_the_problem_column_of_our_own_error_workbook_is_not_mentioned(office: Office) -> None:
    with pytest.raises(FileHasErrors) as refused:
        take(office, "人员编号,起始日期,截止日期\nK1,2026-13-02,2026-03-06\n")
    book = openpyxl.load_workbook(refused.value.marked)
    book.worksheets[0].cell(2, 2, "2026-03-02")
    book.save(office.folder / "again.xlsx")
    taken = take_file(office.database, office.at("2026-03-01T08:00"), "leave", office.folder / "again.xlsx")
    assert (taken.taken.added, taken.ignored_columns) == (1, ())
