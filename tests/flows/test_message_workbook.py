"""The workbook of the delivery report, read back: tiles, what to do, charts with their data, details, doubts."""

import zipfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import openpyxl
import pytest
from openpyxl.worksheet.worksheet import Worksheet

from flows import message_workbook
from flows.message_figures import Report
from flows.message_workbook import write_message_report
from flows.settings import Settings
from models.message_views import InDoubt, Volume
from models.providers import Health
from rules.errors import LANGUAGE

AT = datetime(2026, 3, 2, 8, 30, tzinfo=ZoneInfo("Asia/Shanghai"))
VOLUMES = [
    Volume("duty-notice", "sms", "aliyun", "delivered", 30, 60),
    Volume("duty-notice", "sms", "tencent", "delivered", 3, 6),
    Volume("duty-notice", "email", "smtp", "accepted", 900, 0),
    Volume("duty-gap", "sms", "aliyun", "unknown", 2, 4),
    Volume("duty-gap", "sms", "aliyun", "undeliverable", 5, 10),
    Volume("duty-gap", "sms", None, "pending", 7, 14),
    Volume("duty-gap", "call", None, "pending", 1, 0),
]
DOUBT = InDoubt("duty-gap:7:S-1:r0", "duty-gap", "sms", "S-1", "aliyun", AT - timedelta(hours=12), None, "ReadTimeout")
DOWN = Health("sms:tencent", "", None, 7, AT, AT, "FailedOperation.InsufficientBalanceInSmsPackage")
BUSY = Report(
    date(2026, 3, 1),
    date(2026, 3, 1),
    AT,
    VOLUMES,
    [DOUBT],
    {"sms": AT - timedelta(minutes=31), "email": AT - timedelta(minutes=1)},
    timedelta(minutes=30),
    1,
    [DOWN],
)
QUIET_DAY = Report(date(2026, 2, 1), date(2026, 2, 28), AT, [], [], {}, timedelta(minutes=30), 0, [])
Write = Callable[[Report], Any]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def written(report: Report) -> Any:
        path = tmp_path / "messages.xlsx"
        write_message_report(path, report, Settings(var_dir=tmp_path / "var"))
        return openpyxl.load_workbook(path)

    return written


@pytest.fixture
def english() -> Iterator[None]:
    token = LANGUAGE.set("en")
    yield
    LANGUAGE.reset(token)


def row(sheet: Worksheet, number: int) -> list[Any]:
    """What stands in a row, without empty cells; rows count from 0 as in the code."""
    return [cell.value for cell in sheet[number + 1] if cell.value is not None]


def rows(sheet: Worksheet, first: int) -> list[list[Any]]:
    return [row(sheet, number) for number in range(first, sheet.max_row)]


def pointed(sheet: Worksheet, reference: str) -> list[Any]:
    """What stands where a chart looks."""
    return [cell.value for (cell,) in sheet[reference.partition("!")[2].replace("$", "")]]


def text(sheet: Worksheet) -> str:
    return "\n".join(str(cell.value) for line in sheet.iter_rows() for cell in line if cell.value is not None)


def test_the_overview_begins_with_what_it_is_and_six_tiles(write: Write) -> None:
    overview = write(BUSY)["概览"]
    assert row(overview, 0) == ["消息送达报告", "2026-03-01"]
    assert row(overview, 2) == [948, 933, 5, 1, 1, 80]
    assert row(overview, 3) == ["消息", "已发出或送达", "未送达", "结果不明", "待打电话", "短信计费条数"]


def test_it_says_in_words_what_is_to_be_done(write: Write) -> None:
    tasks = [str(line[0]) for line in rows(write(BUSY)["概览"], message_workbook.TASKS)[:6] if line]
    assert tasks[0] == "需要处理"
    begin = ("▪ 1 人短信", "▪ 1 条结果不明", "▪ 短信自 03-02 07:59", "▪ 通道 sms:tencent", "▪ 5 条未送达")
    assert [task.startswith(each) for task, each in zip(tasks[1:], begin, strict=True)] == [True] * 5
    assert "tuoqi export call-list --reveal" in tasks[1]
    assert "InsufficientBalance" in tasks[4]


def test_what_waits_a_minute_is_no_task(write: Write) -> None:
    assert "邮件自" not in text(write(BUSY)["概览"])


def test_a_quiet_day_has_nothing_to_do_and_no_charts(write: Write) -> None:
    book = write(QUIET_DAY)
    overview = book["概览"]
    assert row(overview, 0)[1] == "2026-02-01 — 2026-02-28"
    assert "没有需要处理的事。" in text(overview)
    assert "这段时间没有消息。" in text(overview)
    assert overview._charts == []
    assert "没有" in text(book["结果不明"])
    assert len(rows(book["明细"], 3)) == 0


def test_each_chart_reads_rows_that_are_there(write: Write) -> None:
    overview = write(BUSY)["概览"]
    read = []
    for chart in overview._charts:
        (series,) = chart.series
        names = pointed(overview, (series.cat.strRef or series.cat.numRef).f)
        read.append(dict(zip(names, pointed(overview, series.val.numRef.f), strict=True)))
    assert read == [
        {"待发": 8, "已发出": 900, "已送达": 33, "未送达": 5, "结果不明": 2},
        {"值班通知": 66, "值班空缺": 14},
    ]


def test_only_what_a_provider_may_have_taken_costs(write: Write) -> None:
    assert BUSY.parts == 80  # the 14 parts that wait are not paid for yet
    unpaid = [Volume("duty-gap", "sms", None, "expired", 3, 6), Volume("duty-gap", "sms", "aliyun", "dead", 1, 2)]
    assert replace(BUSY, volumes=unpaid).parts == 0
    assert len(write(replace(BUSY, volumes=unpaid))["概览"]._charts) == 1


def test_the_chart_of_cost_shows_the_dearest_and_the_table_all(write: Write) -> None:
    names = [
        "duty-notice", "duty-gap", "duty-reminder", "duty-assigned", "duty-released", "duty-absent", "duty-published",
        "duty-unacknowledged", "visit-digest", "visit-overdue",
    ]  # fmt: skip
    many = [Volume(name, "sms", "aliyun", "delivered", 1, number) for number, name in enumerate(names, 1)]
    overview = write(replace(BUSY, volumes=many))["概览"]
    (_, cost) = overview._charts
    assert pointed(overview, cost.series[0].val.numRef.f) == [10, 9, 8, 7, 6, 5, 4, 3]
    assert [[cell for cell in line if cell != ""][-1] for line in rows(overview, message_workbook.TABLE + 1)] == [
        10,
        9,
        8,
        7,
        6,
        5,
        4,
        3,
        2,
        1,
    ]


def test_details_have_a_line_for_each_message_channel_provider_and_result(write: Write) -> None:
    details = write(BUSY)["明细"]
    assert row(details, 2) == ["消息", "通道", "服务商", "结果", "条数", "计费条数"]
    assert rows(details, 3)[0] == ["值班通知", "短信", "阿里云短信", "已送达", 30, 60]
    assert rows(details, 3)[-1] == ["值班空缺", "电话", "—", "待发", 1, 0]
    assert details.auto_filter.ref == f"A3:F{3 + len(VOLUMES)}"
    assert details.freeze_panes == "A4"


def test_doubts_say_what_to_ask_about_and_how_to_settle_it(write: Write) -> None:
    doubts = write(BUSY)["结果不明"]
    assert "tuoqi message settle" in row(doubts, 1)[0]
    assert rows(doubts, 4) == [["duty-gap:7:S-1:r0", "值班空缺", "短信", "S-1", "阿里云短信", "03-01 20:30", "—"]]


@pytest.mark.usefixtures("english")
def test_english_is_english(write: Write) -> None:
    book = write(BUSY)
    assert book.sheetnames == ["Overview", "Details", "In doubt"]
    told = "".join(text(sheet) for sheet in book)
    assert told.translate(dict.fromkeys(map(ord, "—▪"))).isascii()
    assert len(book["Overview"]._charts) == 2


@pytest.mark.parametrize("starter", ["=", "+", "-", "@", "\t=", "<r>", "＝"])
def test_no_text_becomes_a_formula(write: Write, starter: str, tmp_path: Path) -> None:
    evil = f"{starter}cmd|'/c calc'!A1"
    book = write(
        replace(
            BUSY,
            volumes=[Volume(evil, evil, evil, evil, 1, 1)],
            doubt=[InDoubt(evil, evil, "sms", evil, evil, None, None, None)],
            troubles=[replace(DOWN, provider=evil, code=evil)],
        )
    )
    for sheet in book:
        assert [cell.data_type for line in sheet.iter_rows() for cell in line if cell.data_type == "f"] == []
        assert [
            c.value for line in sheet.iter_rows() for c in line if str(c.value).startswith(("=", "+", "-", "@"))
        ] == []
    with zipfile.ZipFile(tmp_path / "messages.xlsx") as packed:
        sheets = [packed.read(name).decode() for name in packed.namelist() if name.startswith("xl/worksheets/sheet")]
    assert [each for each in sheets if "<f>" in each] == []


def test_it_is_readable_by_its_owner_only(write: Write, tmp_path: Path) -> None:
    write(BUSY)
    assert (tmp_path / "messages.xlsx").stat().st_mode & 0o077 == 0
    assert [path.name for path in tmp_path.iterdir() if path.suffix == ".part"] == []


def test_the_overview_prints_on_one_page_across(write: Write) -> None:
    for sheet in write(BUSY):
        assert sheet.sheet_properties.pageSetUpPr.fitToPage
        assert sheet.page_setup.orientation == "landscape"
        assert sheet.max_column <= 12
