"""What travels over SMTP arrives byte for byte, and a mail program reads it."""

import socket
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import Envelope

from notifications.catalogue import template
from notifications.channels.contract import Letter, Request
from notifications.channels.email import Smtp
from notifications.rendering import Enclosure, Mail, render_mail

NOW = datetime(2026, 7, 11, 9, 0, tzinfo=UTC)


class Server:
    """Keeps what it got."""

    def __init__(self) -> None:
        self.got: list[bytes] = []

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Envelope) -> str:  # noqa: N802 - aiosmtpd's name
        assert isinstance(envelope.content, bytes)
        self.got.append(envelope.content)
        return "250 OK"


@pytest.fixture
def line() -> Iterator[tuple[Smtp, Server]]:
    """An open channel, and the server at its other end."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    server = Server()
    controller = Controller(server, hostname="127.0.0.1", port=port)
    controller.start()
    channel = Smtp("127.0.0.1", port, "none", "tuoqi@xishan.example.cn", timeout_s=5)
    channel.open()
    yield channel, server
    channel.close()
    controller.stop()


def _frozen(channel: Smtp, mail: Mail) -> Request:
    letter = Letter("id", "li@example.org", "l", "duty-published", "zh-CN", mail, NOW)
    return Request("id", letter.address, letter.label, letter.template, letter.language, channel.compose(letter))


def _sent(line: tuple[Smtp, Server], request: Request) -> bytes:
    channel, server = line
    assert [outcome.verdict for outcome in channel.send("call", [request])] == ["accepted"]
    (content,) = server.got
    return content


def _read(line: tuple[Smtp, Server], mail: Mail) -> EmailMessage:
    message = message_from_bytes(_sent(line, _frozen(line[0], mail)), policy=default)
    assert isinstance(message, EmailMessage)
    return message


def test_lone_dots_arrive_as_they_are_and_end_nothing(line: tuple[Smtp, Server]) -> None:
    dotted = "Subject: dots\r\n\r\n.\r\n..\r\n.a\r\n\r\n.\r\nend\r\n"
    assert _sent(line, replace(_frozen(line[0], Mail("a", "b", "c")), body=dotted)) == dotted.encode()


def test_a_nul_in_a_text_travels_inside_its_base64(line: tuple[Smtp, Server]) -> None:
    plain = _read(line, Mail("值班", "a\x00b", "<p>")).get_body(("plain",))
    assert plain is not None
    assert plain.get_content() == "a\x00b"


def test_a_mail_of_many_pieces_arrives_whole(line: tuple[Smtp, Server]) -> None:
    request = _frozen(line[0], Mail("a", "b", "c", (Enclosure("名单.zip", "application/zip", bytes(1_000_000)),)))
    assert _sent(line, request) == request.body.encode()


def test_a_real_message_with_enclosures_is_read_back_whole(line: tuple[Smtp, Server]) -> None:
    kind = template("duty-published")
    mail = render_mail(kind, "zh-CN", kind.sample("zh-CN"))
    png = b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 40
    enclosures = (
        Enclosure("2026年10月值班表（马街街道养老服务中心）.xlsx", "application/vnd.ms-excel", b"PK" * 3000),
        Enclosure("值班日历.ics", "text/calendar; charset=utf-8; method=PUBLISH", "SUMMARY:值班\r\n".encode()),
        Enclosure("徽标.png", "image/png", png, cid="logo"),
    )
    html = mail.html + '<img src="cid:logo">\n'
    message = _read(line, replace(mail, html=html, enclosures=enclosures, unsubscribe="https://tuoqi.example.cn/u/abc"))
    attached = [(part.get_filename(), part.get_payload(decode=True)) for part in message.iter_attachments()]
    assert attached == [(one.name, one.content) for one in enclosures[:2]]
    (picture,) = [part for part in message.walk() if part["Content-ID"] == "<logo>"]
    assert (picture.get_payload(decode=True), picture.get_filename()) == (png, "徽标.png")
    plain, rich = message.get_body(("plain",)), message.get_body(("html",))
    assert plain is not None
    assert rich is not None
    assert [part.get_content().replace("\r\n", "\n") for part in (plain, rich)] == [mail.text, html]
    assert message["Subject"] == mail.subject
    assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
