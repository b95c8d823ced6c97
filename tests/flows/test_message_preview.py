"""Looking at messages: on a terminal, as JSON, as a page, as Markdown for an artifact."""

import json
import re
import sys
from html import unescape
from pathlib import Path

import pytest

from flows import cli
from flows.message_preview import gallery, gallery_markdown, index, language_of_run, lines, listing, shown
from flows.settings import Settings
from notifications.catalogue import LANGUAGES, catalogue
from notifications.rendering import Site, render_mail, render_sms
from rules.errors import LANGUAGE
from tests.room import no_file_beyond

LINKED = Site(answers="https://tuoqi.example.gov.cn/a/", district="西山区")
NAMES = sorted(catalogue())


class Command:
    """Runs `tuoqi message preview ...` in this process."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        self.monkeypatch, self.capsys = monkeypatch, capsys

    def __call__(self, *words: str | Path) -> tuple[int, str, str]:
        self.monkeypatch.setattr(sys, "argv", ["tuoqi", "message", "preview", *map(str, words)])
        code = 0
        try:
            cli.main()
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else 0
        return code, *self.capsys.readouterr()


@pytest.fixture
def preview(configured: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    assert configured
    return Command(monkeypatch, capsys)


def test_without_a_name_all_are_listed_with_whole_names(preview: Command) -> None:
    code, out, _ = preview()
    rows = out.splitlines()
    assert (code, [row.split()[0] for row in rows]) == (0, NAMES)
    assert (
        "到账通知（发给领取人或代领人）  [到账 · 群众 · 短信、邮件、电话 · 1 条]" in rows[NAMES.index("allowance-paid")]
    )


def test_the_list_is_there_as_json(preview: Command) -> None:
    rows = json.loads(preview("--json")[1])["messages"]
    assert [row["name"] for row in rows] == NAMES
    assert set(rows[0]) == {"name", "title", "kind", "audience", "channels", "parts"}


def test_a_message_is_shown_with_its_parts_and_limits(preview: Command) -> None:
    code, out, _ = preview("duty-notice")
    assert code == 0
    assert "发送时才读取：code" in out
    assert "[主题] 值班通知：7月12日（周日），马街街道养老服务中心" in out
    assert "[短信，1 条] 【托起】李建国您好" in out
    assert "  4. centre，最多 35 字，如 马街街道养老服务中心" in out


@pytest.mark.parametrize(
    ("provider", "text"),
    [
        pytest.param("aliyun", "${p1}您好，${p2}（${p3}）您在${p4}值班，请于${p5}前确认。", id="aliyun"),
        pytest.param("tencent", "{1}您好，{2}（{3}）您在{4}值班，请于{5}前确认。", id="tencent"),
    ],
)
def test_what_to_submit_to_a_provider_is_shown(preview: Command, provider: str, text: str) -> None:
    assert preview("duty-notice", "--provider", provider)[1].endswith(f"[报 {provider} 审核的模板] {text}\n")
    assert json.loads(preview("duty-notice", "--provider", provider, "--json")[1])[provider] == text


def test_a_message_without_sms_has_nothing_to_submit(preview: Command) -> None:
    told = json.loads(preview("exam-slip", "--provider", "aliyun", "--json")[1])
    assert not {"aliyun", "sms", "parts"} & set(told)
    assert told["subject"] == "2026年春季联考成绩单"


def test_a_message_without_mail_has_no_subject(preview: Command) -> None:
    code, out, _ = preview("greeting-birthday")
    assert (code, "主题" in out, "拒收请回复R" in out) == (0, False, True)


def test_the_language_of_a_message_is_chosen_apart_from_that_of_the_command(preview: Command) -> None:
    _, out, _ = preview("duty-notice", "--lang", "en")
    assert "[主题] Duty on 12 July (Sunday), Majie Elder Care Centre" in out


def test_in_english_everything_is_english() -> None:
    token = LANGUAGE.set("en")
    try:
        out = "\n".join(lines(shown("duty-notice", language_of_run(), Site(), "aliyun"), "aliyun"))
        page = "\n".join([gallery_markdown(Site()), *index(listing(Site(), language_of_run()))])
    finally:
        LANGUAGE.reset(token)
    assert "read when it is sent: code" in out
    assert "4. centre, at most 35 characters, such as Majie Elder Care Centre" in out
    assert not re.search("[\u4e00-\u9fff]", (out + page).replace("【托起】", "").replace("托起", ""))


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        pytest.param(("duty-notise",), 1, "没有名为 duty-notise 的消息模板", id="unknown message"),
        pytest.param(("duty-notice", "--provider", "acme"), 2, "acme", id="unknown provider"),
        pytest.param(("duty-notice", "--lang", "fr"), 2, "fr", id="unknown language"),
        pytest.param(("--to", "/nowhere/at/all.html"), 1, "all.html", id="a folder that is not there"),
    ],
)
def test_wrong_use_is_refused_with_one_line(preview: Command, words: tuple[str, ...], code: int, said: str) -> None:
    ended, out, err = preview(*words)
    assert (ended, out) == (code, "")
    assert said in err


def test_a_page_of_one_message_is_written(preview: Command, tmp_path: Path) -> None:
    code, out, _ = preview("duty-notice", "--to", tmp_path / "notice.html")
    page = (tmp_path / "notice.html").read_text("utf-8")
    assert (code, "notice.html" in out) == (0, True)
    assert (page.count("<section"), page.count("<iframe")) == (1, 2)


def test_a_page_that_finds_no_room_leaves_the_last_one_and_nothing_beside_it(preview: Command, tmp_path: Path) -> None:
    page = tmp_path / "pages" / "notice.html"
    page.parent.mkdir()
    assert preview("duty-notice", "--to", page)[0] == 0
    before = page.read_text("utf-8")
    with no_file_beyond(512):
        code, out, err = preview("duty-notice", "--to", page)
    assert (code, out, "notice.html" in err) == (1, "", True)
    assert page.read_text("utf-8") == before
    assert list(page.parent.iterdir()) == [page]


def test_the_page_shows_every_message_in_both_languages_and_loads_nothing() -> None:
    page = gallery(LINKED)
    assert re.findall(r'<section id="([a-z-]+)"', page) == list(catalogue())
    for kind in catalogue().values():
        for language in LANGUAGES:
            if "sms" in kind.channels:
                assert render_sms(kind, language, kind.sample(language), site=LINKED).text in unescape(page)
            if "email" in kind.channels:
                assert render_mail(kind, language, kind.sample(language), site=LINKED).html in unescape(page)
    assert not re.search(r"<(script|link|img)|src=|url\(", page)


def test_the_markdown_has_a_table_and_the_texts_of_every_message() -> None:
    page = gallery_markdown(LINKED)
    assert page.count("\n## ") == len(catalogue())
    plain = page.replace("\\", "")
    for name, kind in catalogue().items():
        assert f"`{name}`" in page
        if "sms" in kind.channels:
            assert render_sms(kind, "zh-CN", kind.sample("zh-CN"), site=LINKED).text in plain
    assert all(line.count("|") == 5 for line in page.splitlines() if line.startswith("|"))
