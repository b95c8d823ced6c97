"""The file channels: complete, single, and readable by any mail program."""

import email
import json
import stat
from datetime import UTC, datetime
from email.message import EmailMessage
from email.policy import default
from pathlib import Path

import pytest

from notifications.catalogue import template
from notifications.channels.contract import ChannelDown, Letter, Request
from notifications.channels.file import MailFiles, SmsFile
from notifications.rendering import Mail, Sms, render_mail, render_sms

NOW = datetime(2026, 7, 11, 9, 0, tzinfo=UTC)


def _letter(content: Mail | Sms, out_id: str = "a1", address: str = "li@example.org") -> Letter:
    return Letter(out_id, address, "duty-notice-C-7K3Q-9XM2", "duty-notice", "zh-CN", content, NOW)


def _mail() -> Mail:
    notice = template("duty-notice")
    return render_mail(notice, "zh-CN", notice.sample("zh-CN"))


def _sms(out_id: str) -> Request:
    notice = template("duty-notice")
    sms = render_sms(notice, "zh-CN", notice.sample("zh-CN"))
    letter = _letter(sms, out_id, "13800138000")
    return _frozen(letter, SmsFile(Path()))


def _frozen(letter: Letter, channel: MailFiles | SmsFile) -> Request:
    envelope = letter.out_id, letter.address, letter.label, letter.template, letter.language
    return Request(*envelope, channel.compose(letter))


def _request(channel: MailFiles) -> Request:
    letter = _letter(_mail())
    return _frozen(letter, channel)


def test_an_eml_reads_back_with_chinese_subject_text_and_html(tmp_path: Path) -> None:
    channel = MailFiles(tmp_path / "outbox", "tuoqi@xishan.example.cn")
    channel.open()
    assert [outcome.verdict for outcome in channel.send("call", [_request(channel)])] == ["accepted"]
    path = tmp_path / "outbox" / "duty-notice-C-7K3Q-9XM2-a1.eml"
    message = email.message_from_bytes(path.read_bytes(), policy=default)
    assert isinstance(message, EmailMessage)
    assert message["Subject"] == "值班通知：7月12日（周日），马街街道养老服务中心"
    assert message["From"].addresses[0].display_name == "托起"
    assert message["Message-ID"] == "<a1@xishan.example.cn>"
    assert message["List-Unsubscribe"].startswith("<mailto:tuoqi@xishan.example.cn")
    assert message.get_content_type() == "multipart/alternative"
    text, html = message.get_body(("plain",)), message.get_body(("html",))
    assert text is not None
    assert html is not None
    assert "李建国" in text.get_content()
    assert "7月12日" in html.get_content()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_sending_the_same_mail_again_is_one_file(tmp_path: Path) -> None:
    channel = MailFiles(tmp_path, "tuoqi@localhost")
    for _ in range(2):
        channel.send("call", [_request(channel)])
    assert len(list(tmp_path.iterdir())) == 1


def test_the_same_sms_again_is_one_line_whoever_wrote_it(tmp_path: Path) -> None:
    first, second = SmsFile(tmp_path), SmsFile(tmp_path)
    first.send("call", [_sms("a"), _sms("b")])
    second.send("call", [_sms("b"), _sms("c")])
    first.send("call", [_sms("c"), _sms("a")])
    lines = [json.loads(line) for line in (tmp_path / "sms.jsonl").read_text(encoding="utf-8").splitlines()]
    assert [line["out_id"] for line in lines] == ["a", "b", "c"]
    assert lines[0]["phone"] == "13800138000"


def test_a_line_cut_by_a_kill_is_written_again_whole(tmp_path: Path) -> None:
    SmsFile(tmp_path).send("call", [_sms("a")])
    path = tmp_path / "sms.jsonl"
    path.write_bytes(path.read_bytes() + _sms("b").body.encode()[:40])
    SmsFile(tmp_path).send("call", [_sms("b")])
    assert [json.loads(line)["out_id"] for line in path.read_text(encoding="utf-8").splitlines()] == ["a", "b"]


def test_a_file_that_was_put_aside_begins_anew(tmp_path: Path) -> None:
    channel = SmsFile(tmp_path)
    channel.send("call", [_sms("a")])
    (tmp_path / "sms.jsonl").unlink()
    channel.send("call", [_sms("b")])
    assert (tmp_path / "sms.jsonl").read_text(encoding="utf-8").count("\n") == 1


def test_a_folder_that_cannot_be_made_is_a_channel_that_is_down(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ChannelDown, match="ENOTDIR"):
        SmsFile(tmp_path / "file" / "outbox").open()


@pytest.mark.parametrize("kind", ["mail", "sms"])
def test_a_folder_that_is_gone_stops_the_channel(tmp_path: Path, kind: str) -> None:
    channel = MailFiles(tmp_path / "gone", "a@b.cn") if kind == "mail" else SmsFile(tmp_path / "gone")
    request = _request(channel) if isinstance(channel, MailFiles) else _sms("a")
    assert [(outcome.verdict, outcome.code) for outcome in channel.send("call", [request])] == [("stop", "ENOENT")]
