"""The call list: whom neither SMS nor e-mail reaches, what to say as it stands, by when; personal only if revealed."""

import csv
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from sqlalchemy import select, update
from sqlmodel import col

from flows.call_list import COLUMNS, ON_PAPER, PERSONAL, write_call_list
from flows.exports import Wish, export_file
from models.audit import AuditEntry
from models.consent import prefer
from models.drafts import Draft
from models.messages import Message
from notifications.outbox import enqueue
from rules.errors import LANGUAGE
from tests.flows.answer_page.conftest import CANARY, MINE, ON_SQLITE, PHONE, THEIRS, THIRD, Town, town

assert town  # the fixture
NOTICE, LATER = "2026-03-09T17:05", "2026-03-09T17:30"


@pytest.fixture
def callers(town: Town) -> Town:
    """Everybody wants to be called; K1's notice is due."""
    with town.database.write() as session:
        for day in (MINE, THEIRS, THIRD):
            prefer(session, town.slot(day).ref or "", ["call"], "staff", town.office.at(NOTICE).now())
    town.office.watch(NOTICE)
    return town


def listed(town: Town, folder: Path, at: str = LATER, *, reveal: bool = True, **changed: Any) -> list[dict[str, str]]:
    path = folder / "calls.csv"
    with town.database.read() as session:
        chosen = town.office.at(at).model_copy(update=changed)
        number = write_call_list(session, chosen, path, reveal=reveal)
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    assert number == len(rows)
    return rows


def sheet(town: Town, folder: Path, at: str = LATER, *, reveal: bool = True) -> list[list[Any]]:
    path = folder / "calls.xlsx"
    with town.database.read() as session:
        write_call_list(session, town.office.at(at), path, reveal=reveal)
    (only,) = openpyxl.load_workbook(path).worksheets
    return [[cell.value for cell in line] for line in only.iter_rows()]


def test_a_caller_learns_whom_to_call_what_to_say_and_by_when(callers: Town, tmp_path: Path) -> None:
    (row,) = listed(callers, tmp_path)
    slot = callers.slot(MINE)
    assert row == {
        "key": f"duty-notice:{slot.id}:{slot.ref}:r0",
        "recipient": slot.ref,
        "name": f"{CANARY}1",
        "phone": f"{PHONE}1",
        "message": "值班通知",
        "say": f"{CANARY}1您好，3月10日（周二）您在马街街道养老服务中心值班，请于今天20:00前确认。",
        "until": "03-09 20:00",
        "reached": "",
        "note": "",
    }


@ON_SQLITE
def test_nobody_is_told_on_the_telephone_to_tap_a_link_or_to_reply(callers: Town, tmp_path: Path) -> None:
    (row,) = listed(callers, tmp_path, answer_url="https://answers.example.cn", sms_replies=True)
    assert "http" not in row["say"]
    assert "回复" not in row["say"]
    assert row["say"].endswith("请于今天20:00前确认。")


@ON_SQLITE
def test_unrevealed_it_names_references_only(callers: Town, tmp_path: Path) -> None:
    (row,) = listed(callers, tmp_path, reveal=False)
    assert list(row) == [name for name in COLUMNS if name not in PERSONAL]
    everything = (tmp_path / "calls.csv").read_text("utf-8-sig") + repr(sheet(callers, tmp_path, reveal=False))
    assert [word for word in (CANARY, PHONE, "您好") if word in everything] == []
    assert "--reveal" in everything


@ON_SQLITE
def test_on_paper_what_a_caller_needs_comes_first(callers: Town, tmp_path: Path) -> None:
    title, guide, _, heads, row = sheet(callers, tmp_path)
    assert title[0] == "电话名单"
    assert "2026-03-09 17:30" in title
    assert "tuoqi message called" in guide[0]
    assert heads == ["最晚", "姓名", "电话", "事项", "怎么说", "接通", "备注", "编号", "消息键"]
    assert row[:4] == ["03-09 20:00", f"{CANARY}1", f"{PHONE}1", "值班通知"]
    assert len(ON_PAPER) == len(COLUMNS)


@ON_SQLITE
def test_with_nobody_to_call_it_says_so(town: Town, tmp_path: Path) -> None:
    assert listed(town, tmp_path) == []
    assert sheet(town, tmp_path)[4][0] == "没有人需要打电话"


@ON_SQLITE
def test_english_heads_and_texts(callers: Town, tmp_path: Path) -> None:
    token = LANGUAGE.set("en")
    try:
        title, guide, _, heads, _ = sheet(callers, tmp_path)
    finally:
        LANGUAGE.reset(token)
    assert title[0] == "People to call"
    assert guide[0].isascii()
    assert heads[0] == "by"


def test_whose_duty_moved_is_not_called_any_more(callers: Town, tmp_path: Path) -> None:
    callers.give("K3", MINE, LATER)
    rows = listed(callers, tmp_path, "2026-03-09T17:40")
    told = {row["key"].split(":")[0]: row["name"] for row in rows}
    assert told == {"duty-assigned": f"{CANARY}3", "duty-released": f"{CANARY}1"}


@ON_SQLITE
def test_who_acknowledged_meanwhile_is_not_called_any_more(callers: Town, tmp_path: Path) -> None:
    callers.office.send("ack", [{"date": MINE, "centre": "C1", "cadre": "K1", "at": "2026-03-09 17:20"}], LATER)
    assert listed(callers, tmp_path) == []


@ON_SQLITE
@pytest.mark.parametrize(("at", "number"), [pytest.param("19:59", 1, id="before"), pytest.param("20:00", 0, id="at")])
def test_what_is_too_late_to_say_is_left_out(callers: Town, tmp_path: Path, at: str, number: int) -> None:
    assert len(listed(callers, tmp_path, f"2026-03-09T{at}")) == number


@ON_SQLITE
def test_the_days_of_a_month_are_said_as_they_stand(callers: Town, tmp_path: Path) -> None:
    slot = callers.slot(MINE)
    put(callers, month_of(callers))
    (row,) = [row for row in listed(callers, tmp_path) if row["message"] == "月度值班表"]
    assert "10日" in row["say"]
    callers.give("K1", THEIRS, LATER)
    (row,) = [row for row in listed(callers, tmp_path) if row["message"] == "月度值班表"]
    assert "10日、20日" in row["say"]
    assert row["recipient"] == slot.ref


@ON_SQLITE
def test_a_month_without_any_day_left_is_not_said(callers: Town, tmp_path: Path) -> None:
    put(callers, month_of(callers))
    callers.give("K2", MINE, LATER)
    assert "月度值班表" not in [row["message"] for row in listed(callers, tmp_path)]


@ON_SQLITE
def test_the_most_urgent_comes_first_then_who_waits_longest(callers: Town, tmp_path: Path) -> None:
    person, now = callers.slot(MINE).ref or "", callers.office.at(LATER).now()
    variables = {"what": "试验", "pending": 1, "oldest": "1小时", "remedy": "请检查"}
    put(
        callers,
        Draft("b:late", "alarm", "call", person, "110", variables, "530112", not_before=now - timedelta(minutes=1)),
        Draft("a:early", "alarm", "call", person, "110", variables, "530112", not_before=now - timedelta(minutes=3)),
        Draft("c:urgent", "alarm", "call", person, "110", variables, "530112", priority=0, not_before=now),
    )
    assert [row["key"] for row in listed(callers, tmp_path) if row["message"] == "系统告警"] == [
        "c:urgent",
        "a:early",
        "b:late",
    ]


@ON_SQLITE
def test_who_has_no_number_is_looked_up_by_reference(callers: Town, tmp_path: Path) -> None:
    variables = {"what": "试验", "pending": 1, "oldest": "1小时", "remedy": "请检查"}
    put(callers, Draft("a:1", "alarm", "call", "S-1", "", variables, "530112"))
    (row,) = [row for row in listed(callers, tmp_path) if row["key"] == "a:1"]
    assert (row["phone"], row["note"]) == ("", "没有号码，请按编号查找")


def test_a_damaged_row_is_listed_by_reference_and_hides_no_other(callers: Town, tmp_path: Path) -> None:
    put(callers, month_of(callers))
    with callers.database.write() as session:
        broken = update(Message).where(col(Message.template) == "duty-notice")
        session.execute(broken.values(variables=b"broken"))
    rows = listed(callers, tmp_path)
    assert [(row["message"], row["note"]) for row in rows] == [
        ("值班通知", "内容已损坏，请按编号查找"),
        ("月度值班表", ""),
    ]
    assert rows[0]["recipient"] == callers.slot(MINE).ref


@ON_SQLITE
@pytest.mark.parametrize("name", ["=1+1", "@SUM(A1)", "-2", "<r>x"])
def test_a_name_never_becomes_a_formula(callers: Town, tmp_path: Path, name: str) -> None:
    variables = {"name": name, "month": "2026-03", "centre": "中心"}
    put(callers, month_of(callers, variables=variables))
    (row,) = [row for row in listed(callers, tmp_path) if row["message"] == "月度值班表"]
    assert row["name"] == f"'{name}"
    assert f"'{name}" in [line[1] for line in sheet(callers, tmp_path)]


@ON_SQLITE
def test_the_export_counts_and_revealing_is_audited(callers: Town, tmp_path: Path) -> None:
    chosen = callers.office.at(LATER)
    before = len(entries(callers))
    result = export_file(callers.database, chosen, "call-list", Wish(), tmp_path / "a.xlsx")
    assert len(entries(callers)) == before
    export_file(callers.database, chosen, "call-list", Wish(reveal=True), tmp_path / "b.xlsx")
    entry: AuditEntry = entries(callers)[-1]
    assert entry.action == "export.call-list"
    assert CANARY not in str(entry.detail)
    assert result["rows"] == 1
    assert (tmp_path / "b.xlsx").stat().st_mode & 0o077 == 0


def entries(town: Town) -> list[AuditEntry]:
    with town.database.read() as session:
        return list(session.execute(select(AuditEntry).order_by(col(AuditEntry.id))).scalars())


def month_of(town: Town, **changed: Any) -> Draft:
    slot = town.slot(MINE)
    variables = {"name": f"{CANARY}1", "month": "2026-03", "centre": "马街街道养老服务中心"}
    given = {"variables": variables, **changed}
    key = f"duty-month:{slot.id}:{slot.ref}:r0"
    return Draft(key, "duty-published", "call", slot.ref or "", f"{PHONE}1", district="530112", **given)


def put(town: Town, *drafts: Draft) -> None:
    told: Sequence[Draft] = drafts
    with town.database.write() as session:
        enqueue(session, told, town.office.at("2026-03-09T17:10").now())
