"""Mails as bytes: whatever goes in comes out of the standard library's parser, and nothing else comes with it."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import SMTP, default

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifications.channels.contract import Letter
from notifications.channels.mime import BadMail, MailTooLarge, compose
from notifications.rendering import Enclosure, Mail

SENDER = "tuoqi@xishan.example.cn"
NOW = datetime(2026, 7, 11, 9, 0, tzinfo=UTC)
TABLE = Enclosure("值班表.xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", b"PK\x03\x04")
LOGO = Enclosure("徽标.png", "image/png", b"\x89PNG\r\n\x1a\n", cid="logo")
BROKEN = "\x00\x07\t\n\r\x0b\x0c\x1c\x7f\x85\u2028\u2029"
texts = st.text(max_size=400)
lines = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Zl", "Zp"]), max_size=120)
names = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cf", "Zl", "Zp"]), max_size=200)


def _compose(*enclosures: Enclosure, subject: str = "值班通知", unsubscribe: str = "") -> str:
    mail = Mail(subject, "您好\n", "<p>您好</p>\n", enclosures, unsubscribe)
    return compose(Letter("a1", "li@example.org", "duty-C-7K3Q", "duty", "zh-CN", mail, NOW), SENDER)


def _read(body: str) -> EmailMessage:
    message = message_from_bytes(body.encode("ascii"), policy=default)
    assert isinstance(message, EmailMessage)
    assert not [part.defects for part in message.walk() if part.defects]
    return message


def _shape(message: EmailMessage) -> str:
    subtype = message.get_content_subtype()
    if not message.is_multipart():
        return subtype
    return f"{subtype}({', '.join(_shape(part) for part in message.iter_parts() if isinstance(part, EmailMessage))})"


def _named(name: str) -> str | None:
    (part,) = _read(_compose(Enclosure(name, "application/pdf", b"1"))).iter_attachments()
    return part.get_filename()


@pytest.mark.parametrize(
    ("enclosures", "shape"),
    [
        pytest.param((), "alternative(plain, html)", id="texts alone"),
        pytest.param((LOGO,), "related(alternative(plain, html), png)", id="a picture"),
        pytest.param((TABLE,), "mixed(alternative(plain, html), vnd.openxmlformats-officedocument.spreadsheetml.sheet)",
                     id="an attachment"),
        pytest.param((Enclosure("a.pdf", "application/pdf", b""), LOGO, Enclosure("b.csv", "text/csv", b"")),
                     "mixed(related(alternative(plain, html), png), pdf, csv)", id="both, in any order"),
    ],
)  # fmt: skip
def test_a_mail_has_only_the_levels_it_needs(enclosures: tuple[Enclosure, ...], shape: str) -> None:
    assert _shape(_read(_compose(*enclosures))) == shape


def test_a_picture_is_found_by_the_cid_of_the_html_and_never_listed_as_an_attachment() -> None:
    message = _read(_compose(LOGO, TABLE))
    assert [part.get_filename() for part in message.iter_attachments()] == ["值班表.xlsx"]
    html = message.get_body(("html",))
    assert html is not None
    (picture,) = [part for part in message.walk() if part["Content-ID"] == "<logo>"]
    assert (picture.get_content_disposition(), picture.get_payload(decode=True)) == ("inline", LOGO.content)
    related = next(message.iter_parts())
    assert related["Content-Type"].params["type"] == "multipart/alternative"


@given(subject=lines, text=texts, html=texts, name=names, content=st.binary(max_size=300))
def test_whatever_goes_in_comes_out(subject: str, text: str, html: str, name: str, content: bytes) -> None:
    shown = re.split(r"[/\\]", name)[-1].strip()
    enclosed = (Enclosure(name, "application/octet-stream", content),) if shown not in ("", ".", "..") else ()
    mail = Mail(subject, text, html, (*enclosed, LOGO))
    body = compose(Letter("a1", "li@example.org", "duty-C-7K3Q", "duty", "zh-CN", mail, NOW), SENDER)
    message = _read(body)
    assert message["Subject"] == subject
    plain, rich = message.get_body(("plain",)), message.get_body(("html",))
    assert plain is not None
    assert rich is not None
    assert [plain.get_content(), rich.get_content()] == [_canonical(text), _canonical(html)]
    found = [(part.get_filename(), part.get_payload(decode=True)) for part in message.walk() if part.get_filename()]
    assert found == [(LOGO.name, LOGO.content), *((shown, one.content) for one in enclosed)]
    assert set(message.keys()) == set(_read(_compose(TABLE)).keys())
    assert all(len(line) <= 78 for line in _lines(body))


def _canonical(text: str) -> str:
    return re.sub(r"\r\n?|\n", "\r\n", text)


def _lines(body: str) -> Iterator[str]:
    assert body.isascii()
    assert "\r" not in body.replace("\r\n", "")
    assert "\n" not in body.replace("\r\n", "")
    yield from body.split("\r\n")


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("值班表.xlsx", id="Chinese"),
        pytest.param("二〇二六年七月西山区养老服务中心" * 8 + ".xlsx", id="long"),
        pytest.param("l" * 190 + ".pdf", id="long English"),
        pytest.param("👨‍👩‍👧 全家福.png", id="emoji"),
        pytest.param('他说"好"\'; filename=x.exe.pdf', id="quotes and semicolon"),
        pytest.param("=?utf-8?B?aGk=?=.pdf", id="looks encoded"),
        pytest.param("100%25.pdf", id="looks escaped"),
        pytest.param("report (final).pdf", id="plain"),
        pytest.param("a  b.pdf", id="two spaces"),
        pytest.param("龘𠮷.txt", id="beyond the basic plane"),
    ],
)
def test_a_file_keeps_its_name(name: str) -> None:
    assert _named(name) == name


def test_a_chinese_name_stands_twice_for_readers_that_know_only_one_way() -> None:
    body = _compose(TABLE)
    assert "Content-Disposition: attachment;\r\n filename*=utf-8''%E5%80%BC%E7%8F%AD%E8%A1%A8.xlsx\r\n" in body
    assert ';\r\n name="=?utf-8?b?5YC854+t6KGoLnhsc3g=?="\r\n' in body


def test_the_disposition_is_what_the_standard_library_writes() -> None:
    theirs = EmailMessage(policy=SMTP)
    theirs.set_content("x")
    theirs.add_attachment(b"PK", maintype="application", subtype="pdf", filename="值班表.xlsx")
    (written,) = re.findall(rb"Content-Disposition: attachment;\r\n .*\r\n", theirs.as_bytes())
    assert written.decode() in _compose(TABLE)


def test_each_piece_of_a_long_name_ends_with_a_whole_character() -> None:
    pieces = re.findall(r"filename\*\d+\*=(?:utf-8'')?([^;\r]+)", _compose(Enclosure("值班" * 40, "image/png", b"")))
    assert len(pieces) > 5
    for piece in pieces:
        bytes.fromhex(piece.replace("%", "")).decode("utf-8")


@pytest.mark.parametrize(
    ("given_name", "shown"),
    [
        pytest.param("../../etc/passwd", "passwd", id="dots"),
        pytest.param("C:\\temp\\值班表.xlsx", "值班表.xlsx", id="Windows"),
        pytest.param("/a.pdf", "a.pdf", id="root"),
        pytest.param(" a.pdf ", "a.pdf", id="spaces around"),
    ],
)
def test_folders_before_a_name_are_cut_off(given_name: str, shown: str) -> None:
    assert _named(given_name) == shown


@pytest.mark.parametrize(
    "enclosure",
    [
        pytest.param(Enclosure("a.pdf\r\nBcc: all@example.org", "application/pdf", b""), id="header in a name"),
        pytest.param(Enclosure("a\x00.pdf", "application/pdf", b""), id="NUL in a name"),
        pytest.param(Enclosure("a\u2028b.pdf", "application/pdf", b""), id="line separator in a name"),
        pytest.param(Enclosure("gnp.\u202eexe", "application/pdf", b""), id="name that reads backwards"),
        pytest.param(Enclosure("", "application/pdf", b""), id="no name"),
        pytest.param(Enclosure("a/..", "application/pdf", b""), id="a folder"),
        pytest.param(Enclosure("长" * 201, "application/pdf", b""), id="endless name"),
        pytest.param(Enclosure("\ud800.pdf", "application/pdf", b""), id="half a character"),
        pytest.param(Enclosure("a.pdf", "application/pdf\r\nBcc: all@example.org", b""), id="header in a type"),
        pytest.param(Enclosure("a.pdf", "pdf", b""), id="half a type"),
        pytest.param(Enclosure("a.eml", "message/rfc822", b""), id="a mail, which may not be base64"),
        pytest.param(Enclosure("a.pdf", "multipart/mixed", b""), id="a multipart"),
        pytest.param(Enclosure("a.png", "image/png", b"", cid="a>\r\nBcc: all@example.org"), id="header in a cid"),
        pytest.param(Enclosure("a.png", "image/png", b"", cid=""), id="empty cid"),
        pytest.param(Enclosure("a.png", "image/png", b"", cid="logo"), id="cid given twice"),
    ],
)
def test_an_enclosure_that_could_mislead_is_refused(enclosure: Enclosure) -> None:
    with pytest.raises(BadMail, match="duty-C-7K3Q"):
        _compose(LOGO, enclosure)


@pytest.mark.parametrize("character", [pytest.param(one, id=f"U+{ord(one):04X}") for one in BROKEN])
def test_a_subject_of_more_than_one_line_is_refused(character: str) -> None:
    with pytest.raises(BadMail, match="subject"):
        _compose(subject=f"值班{character}Bcc: all@example.org")


def test_a_text_that_is_no_unicode_is_refused() -> None:
    mail = Mail("值班", "\ud800", "<p></p>")
    with pytest.raises(BadMail, match="text"):
        compose(Letter("a1", "li@example.org", "duty-C-7K3Q", "duty", "zh-CN", mail, NOW), SENDER)


@pytest.mark.parametrize(
    "subject",
    [
        pytest.param("西山区养老服务中心值班表" * 10, id="120 Chinese characters"),
        pytest.param("Duty roster of the elder care centre " * 3 + "today", id="long English"),
        pytest.param("👨‍👩‍👧" * 20, id="emoji"),
        pytest.param("=?utf-8?q?hi?=", id="looks encoded"),
        pytest.param("", id="empty"),
    ],
)
def test_a_long_subject_is_folded_and_read_back(subject: str) -> None:
    body = _compose(subject=subject)
    assert _read(body)["Subject"] == subject
    assert all(len(line) <= 78 for line in _lines(body))


def test_text_parts_hold_crlf_inside_their_base64() -> None:
    plain = _read(_compose()).get_body(("plain",))
    assert plain is not None
    assert plain.get_payload(decode=True) == "您好\r\n".encode()


def test_a_mail_over_the_limit_says_how_much_over_it_is() -> None:
    with pytest.raises(MailTooLarge, match=r"上限 10000000 字节；请缩小或减少附件"):
        _compose(Enclosure("a.zip", "application/zip", bytes(7_400_000)))


def test_a_mail_within_the_limit_may_be_large() -> None:
    assert 9_900_000 < len(_compose(Enclosure("a.zip", "application/zip", bytes(7_300_000)))) <= 10_000_000


def test_unsubscribing_by_mail_is_always_there() -> None:
    message = _read(_compose())
    assert message["List-Unsubscribe"] == f"<mailto:{SENDER}?subject=unsubscribe-a1>"
    assert message["List-Unsubscribe-Post"] is None


def test_unsubscribing_by_one_click_names_both_ways() -> None:
    url = "https://tuoqi.example.cn/u/" + "eyJ0eXAi._-" * 12
    message = _read(_compose(unsubscribe=url))
    assert message["List-Unsubscribe"] == f"<{url}>, <mailto:{SENDER}?subject=unsubscribe-a1>"
    assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"


@pytest.mark.parametrize(
    "url",
    [
        pytest.param("http://tuoqi.example.cn/u", id="not encrypted"),
        pytest.param("mailto:a@example.org", id="another scheme"),
        pytest.param("https://x/\r\nBcc: all@example.org", id="header"),
        pytest.param("https://x/>,<https://y/", id="two addresses"),
        pytest.param("https://托起.cn/", id="not ASCII"),
        pytest.param("https://x/" + "a" * 1000, id="longer than a line"),
    ],
)
def test_an_unsubscribe_address_that_no_button_can_use_is_refused(url: str) -> None:
    with pytest.raises(BadMail, match="unsubscribe"):
        _compose(unsubscribe=url)


def test_the_content_of_an_enclosure_is_in_no_repr() -> None:
    assert "PK" not in repr(Mail("a", "b", "c", (TABLE,)))
