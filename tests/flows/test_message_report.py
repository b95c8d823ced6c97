"""The delivery report and redaction as jobs: counts, workbook, what waits; and nothing personal anywhere."""

import json
from typing import Any

import openpyxl
import pytest
from sqlalchemy import func, select
from sqlmodel import col

from flows import messages
from models.answers import ReplyTaken
from models.receipts import Receipt
from notifications.rehearsal.faults import Fault
from rules.errors import LANGUAGE
from tests.flows.answer_page.conftest import CANARY, ON_SQLITE, PHONE, town
from tests.flows.post_town import SECRET, PostTown, post

assert town
assert post  # the fixtures


@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_report_tells_what_became_of_messages(post: PostTown, language: str) -> None:
    post.set(lang=language)
    post.rehearsal.faults.then("accept-reset")
    post.deliver()
    token = LANGUAGE.set(language)  # type: ignore[arg-type]
    try:
        result = post.report()
    finally:
        LANGUAGE.reset(token)
    assert result == {
        "from": "2026-03-09",
        "until": "2026-03-09",
        "messages": 1,
        "delivered": 0,
        "accepted": 0,
        "failed": 0,
        "unknown": 1,
        "calls": 0,
        "sms_parts": 1,
        "file": "reports/messages-2026-03-09.xlsx",
    }
    page = post.shown("message-report")
    row = list(page.content["rows"][0].values())
    assert row == (
        ["值班通知", "短信", "阿里云短信", "结果不明", 1, 1]
        if language == "zh"
        else ["Duty notice", "SMS", "Alibaba Cloud", "unknown", 1, 1]
    )
    assert "aliyun" in page.content["note"]
    assert page.title.replace("·", "").isascii() == (language == "en")
    book = openpyxl.load_workbook(post.settings.folder("reports") / "messages-2026-03-09.xlsx")
    assert len(book.sheetnames) >= 2


@ON_SQLITE
def test_the_report_of_a_month_counts_all_its_days(post: PostTown) -> None:
    post.deliver()
    assert post.report(month="2026-03")["messages"] >= 1
    assert post.report(month="2026-02")["messages"] == 0
    assert post.report(month="2026-03")["file"] == "reports/messages-2026-03-01-2026-03-31.xlsx"


@ON_SQLITE
def test_the_report_says_what_waits(post: PostTown) -> None:
    post.stuck()
    post.report()
    assert "短信：最久的一条自 03-09 17:05 起待发。" in post.shown("message-report").content["note"]
    assert "通道 sms:tencent 暂停中" in post.shown("message-report").content["note"]


def test_long_after_its_end_nothing_personal_is_left_of_a_message(post: PostTown) -> None:
    post.set(sms="tencent")
    post.deliver()
    post.later(minutes=1)
    post.rehearsal.reply(f"{PHONE}1", "请叫我王姐", "tencent")
    post.reconcile()
    post.later(days=89)
    assert post.redact() == {"messages": 0, "replies": 0, "receipts": 0, "files": 0}
    post.later(days=2)
    gone = post.redact()
    assert (gone["messages"] >= 1, gone["replies"], gone["receipts"]) == (True, 1, 1)
    message = post.message()
    assert (message.address, message.address_index, message.variables, message.request) == (None, None, None, None)
    assert (message.state, message.recipient[:2]) == ("delivered", "C-")
    with post.database.read() as session:
        assert session.execute(select(func.count()).select_from(Receipt)).scalar_one() == 0
        assert session.execute(select(col(ReplyTaken.text))).scalars().all() == [None]
    assert "1 条回复、1 条回执" in post.shown("redact-messages").content
    assert post.redact()["messages"] == 0


@ON_SQLITE
def test_redaction_goes_on_until_nothing_is_due(post: PostTown, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(messages, "_ONE_BATCH", 1)
    post.later(hours=3)
    post.notice()
    post.deliver()
    post.later(days=91)
    assert post.redact()["messages"] == 2


@ON_SQLITE
def test_nothing_personal_in_results_pages_reports_and_logs(
    post: PostTown, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(0)
    results = [post.deliver()]
    post.later(minutes=1)
    post.rehearsal.reply(f"{PHONE}1", "我妈住院了", "tencent")
    post.rehearsal.faults.then(Fault("500", on="both"))
    results += [post.reconcile(), post.report()]
    post.stuck()
    results += [post.reconcile(), post.report(), post.redact()]
    told = json.dumps(results, ensure_ascii=False) + repr(post.pages) + caplog.text + "".join(capsys.readouterr())
    reports = post.settings.folder("reports")
    for path in reports.glob("*.xlsx"):
        book = openpyxl.load_workbook(path)
        told += repr([[cell.value for cell in row] for sheet in book for row in sheet.iter_rows()])
    assert [word for word in (CANARY, PHONE, "canary", "住院", "ops@", "您好", SECRET) if word in told] == []


@ON_SQLITE
def test_an_unexpected_error_shows_none_of_its_values(post: PostTown, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise ZeroDivisionError(f"{PHONE}1 {CANARY}")

    monkeypatch.setattr(messages, "reconcile", fail)
    with pytest.raises(Exception, match="事件编号") as told:
        post.reconcile()
    assert PHONE not in f"{told.value!r} {told.value.__context__!r} {told.value.__cause__!r}"
