"""Releases as clerks and approvers meet them: the forms and their pages, the commands, the mail and its sheet."""

import json
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select
from typer.testing import CliRunner

from flows import artifacts
from flows.cli import app
from flows.run import run_job
from flows.settings import settings
from models.db import Database, keys_of
from models.drafts import EnclosedFile
from models.exam_releases import latest_release
from models.proof import TRIES
from notifications.catalogue import template
from notifications.rendering import render_mail
from rules.errors import LANGUAGE
from rules.exam_refusals import NothingForward, StillWaiting
from rules.staff_refusals import NotProved
from tests.flows.exam_releases import NUMBERS, Releasing
from tests.flows.exams import NOW
from tests.flows.test_cli_allowance import tuoqi
from tests.flows.test_exam_report import mails

pytestmark = pytest.mark.parametrize("database", ["sqlite"], indirect=True)
"""What is decided is proven on both databases in test_exam_release.py; here it is how it is asked and told."""
REASON = "作文复核"


@pytest.fixture
def office(database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Releasing:
    monkeypatch.setenv("TUOQI_AT", f"{NOW}:00")  # so that what commands set is undone after the test
    settings.cache_clear()
    made = Releasing(database, tmp_path)
    made.all_in()
    return made


@pytest.fixture
def pages(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    left: dict[str, str] = {}
    monkeypatch.setattr(artifacts, "markdown", lambda key, text, _title="": left.update({key: text}))
    return left


@pytest.fixture(autouse=True)
def _in_a_run(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pages are left only under a run."""
    monkeypatch.setattr("flows.artifacts.FlowRunContext.get", object)


def form(office: Releasing, monkeypatch: pytest.MonkeyPatch, staff: str = "A1", wrong: str = "") -> Any:
    """Submit the form of exam-release."""
    at, once = office.once(staff)
    monkeypatch.setenv("TUOQI_AT", at.isoformat())
    settings.cache_clear()
    code = wrong or once
    return run_job("exam-release", None, ["exam=E1", f"staff={staff}", f"confirmation={office.code()}", f"code={code}"])


def test_forms_put_forward_and_release_and_their_pages_name_nobody(
    office: Releasing, pages: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    told = run_job("exam-put-forward", None, ["exam=E1", "staff=M1"])
    assert (told["version"], told["students"], told["approvers"], told["changes"]) == (1, 4, 2, [])
    assert not told.keys() & {"code", "hash", "reason"}
    assert "exam-put-forward-changes" not in pages
    assert form(office, monkeypatch)["already"] is False
    assert "第 1 版已发布：考生 4 人" in pages["exam-release"]
    office.marks({"201": 100, "199": 5})
    with pytest.raises(StillWaiting):
        run_job("exam-put-forward", None, ["exam=E1", "staff=M1", f"reason={REASON}"])
    told = run_job("exam-put-forward", None, ["exam=E1", "staff=M1", f"reason={REASON}", "despite_held=yes"])
    assert (told["version"], told["held"], told["despite_held"]) == (2, 1, True)
    code = office.code()
    result = form(office, monkeypatch)
    assert result["changes"] == told["changes"]
    assert "考生 4 人；暂不入库 1 行" in pages["exam-put-forward"]
    assert "| S1 | 1 | — |" in pages["exam-put-forward"]
    for page in ("exam-put-forward-changes", "exam-release-changes"):
        assert "| S1 | 总分 | 0 | 3 | 0 | 0 |" in pages[page]
        assert "| S2 | 语文 | 1 | 0 | 0 | 0 |" in pages[page]
    all_told = "".join(pages.values()) + json.dumps([told, result], ensure_ascii=False)
    assert not [each for each in (*NUMBERS, "199", "㐂一", code, REASON, "T-A1", "A1@") if each in all_told]


def test_wrong_codes_close_the_form_and_nothing_else(office: Releasing, monkeypatch: pytest.MonkeyPatch) -> None:
    office.put()
    for _ in range(TRIES):
        with pytest.raises(NotProved):
            form(office, monkeypatch, wrong="abcdef")
    with pytest.raises(NotProved):
        form(office, monkeypatch)  # the right code
    with office.database.read() as session:
        assert latest_release(session, 1) is None
    assert office.yes()["already"] is False  # by the command line
    with pytest.raises(NothingForward):  # nor is it closed to others
        form(office, monkeypatch, staff="A2")


def test_the_commands_from_putting_forward_to_what_changed(office: Releasing) -> None:
    def proved(*words: str) -> Any:
        at, once = office.once()
        return tuoqi(at.isoformat(), "exam", *words, "--staff", "A1", typed=f"{once}\n")

    told = tuoqi(NOW, "exam", "put-forward", "E1", "--staff", "M1")
    assert tuoqi(NOW, "exam", "releases", "E1") == {"exam": "E1", "waits": 1, "releases": []}
    assert proved("approve", "E1", "--confirmation", told["code"].lower())["version"] == 1
    office.marks({"201": 100, "199": 5})
    told = tuoqi(NOW, "exam", "put-forward", "E1", "--staff", "M1", "--reason", REASON, "--despite-held")
    assert (told["held"], told["waiting"]) == (1, {"held": {"S1": 1}, "missing": {}})
    proved("approve", "E1", "--confirmation", told["code"])
    listed = tuoqi(NOW, "exam", "releases", "E1")
    assert [(each["version"], each["reason"]) for each in listed["releases"]] == [(1, "首次发布"), (2, REASON)]
    assert tuoqi(NOW, "exam", "diff", "E1", "1", "2")["changes"] == told["changes"]
    shown = CliRunner().invoke(app, ["exam", "diff", "E1", "1", "2", "--at", NOW])
    assert shown.exit_code == 0
    assert not [each for each in (*NUMBERS, "㐂一") if each in shown.output]


def test_the_mail_and_its_sheet_say_what_is_approved_and_name_nobody(office: Releasing) -> None:
    office.release()
    office.earlier()
    office.marks({"201": 100, "199": 5})
    told = office.put(REASON, despite_held=True)
    kind = template("exam-approval")
    mail = list(mails(office.office, "exam-approval").values())[-1]
    given = {name: value for name, value in mail.items() if name in kind.variables}
    zh, en = (render_mail(kind, lang, kind.complete("x", given, {})) for lang in ("zh-CN", "en"))
    for line in ("高二期中联考的成绩等您审批发布。", "版本：第2版", f"原因：{REASON}", "考生：4人",
                 "暂不入库的行：1行", "没有报送的学校：0所", "附件审批表上的确认码"):  # fmt: skip
        assert line in zh.text
    for line in ("release 2 of 高二期中联考 waits", f"Reason: {REASON}", "Students: 4", "Rows held out: 1",
                 "the confirmation code on the sheet"):  # fmt: skip
        assert line in en.text
    assert told["code"] not in zh.text + zh.html + en.text + en.html  # it proves that the sheet was read
    sheet = _sheets(office)[-1]
    for line in ("版本：第 2 版", "S1: 暂不入库 1", "E0 尚未发布，本版不作进退步和增值比较",
                 "  S2  语文  1  0  0  0", "  S1  总分  0  3  0  0", f"确认码：{told['code']}"):  # fmt: skip
        assert line in sheet
    means = [line.split()[-1] for line in sheet.splitlines() if line.startswith("  语文  ")]
    assert means == ["—"]  # of four, fewer than five
    texts = zh.text + zh.html + en.text + sheet
    assert not [each for each in (*NUMBERS, "199", "㐂一", "张二") if each in texts.replace(told["hash"], "")]


def test_the_sheet_can_be_read_in_english(office: Releasing) -> None:
    before = LANGUAGE.set("en")
    try:
        office.put()
    finally:
        LANGUAGE.reset(before)
    for line in ("approval of a release", "Students: 4", "Nothing is held out", "Compared with no other exam"):
        assert line in _sheets(office)[-1]
    with office.database.read() as session:
        assert latest_release(session, 1) is None


def _sheets(office: Releasing) -> list[str]:
    with office.database.read() as session:
        keys = keys_of(session)
        rows = session.scalars(select(EnclosedFile).order_by(EnclosedFile.id))  # type: ignore[arg-type]
        return [keys.open_bytes("enclosed_file.content", row.digest, row.content or b"").decode() for row in rows]
