"""One mail as it travels: texts -> alternative -> related pictures -> attachments -> one RFC 5322 message in ASCII.

Written out by hand, ten times as fast as an EmailMessage, with only the levels that a mail needs:
mixed(related(alternative(text, html), pictures ...), attachments ...).
"""

import re
from binascii import b2a_base64
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from email.header import Header
from email.headerregistry import Address
from email.utils import format_datetime
from functools import cache
from urllib.parse import quote

from notifications.channels.contract import Letter
from notifications.errors import NotificationError
from notifications.rendering import SIGN, Enclosure, Mail

LARGEST = 10_000_000
"""Bytes of a whole message, encoded; many servers here take no more."""

_CRLF = "\r\n"
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_PLAIN_NAME = re.compile(r"[A-Za-z0-9._()-]([A-Za-z0-9 ._()-]{0,58}[A-Za-z0-9._()-])?")
_MEDIA_TYPE = re.compile(r"(?!multipart/|message/)[a-z0-9-]+/[a-z0-9.+-]+(; ?[a-z]+=[A-Za-z0-9._-]+)*")
_CID = re.compile(r"[A-Za-z0-9._+@-]{1,78}")
_HTTPS = re.compile(r"https://[A-Za-z0-9._~:/?#@!$&'()*+;=%\[\]-]{1,900}")
_OVERRIDES = frozenset("\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
"""They show gnp.exe as exe.png."""


@dataclass(eq=False)
class BadMail(NotificationError):
    """A part of a mail cannot be sent as it is."""

    label: str
    what: str
    zh = "邮件 {label} 的 {what} 不合要求；请更正模板或附件后重新登记。"
    en = "mail {label}: its {what} is not allowed; correct the template or the enclosure and enqueue it again."


@dataclass(eq=False)
class MailTooLarge(NotificationError):
    """A mail that servers would send back."""

    label: str
    size: int
    largest: int
    zh = "邮件 {label} 编码后共 {size} 字节，超过上限 {largest} 字节；请缩小或减少附件。"
    en = "mail {label} has {size} bytes when encoded, the limit is {largest}; enclose less, or smaller files."


def compose(letter: Letter, sender: str, largest: int = LARGEST) -> str:
    """Return the whole message as ASCII text with CRLF, ready to be frozen.

    Args:
        letter: its content is a `Mail`.
        sender: our address; also takes what people write to unsubscribe.
        largest: bytes of the whole message.

    Raises:
        BadMail: subject, texts, an enclosure or the unsubscribe address cannot travel.
        MailTooLarge: more than `largest`.
    """
    mail = letter.content
    assert isinstance(mail, Mail)
    try:
        lines = [
            f"From: {_from(sender)}",
            f"To: {letter.address}",
            f"Subject: {_subject(letter.label, mail.subject)}",
            f"Date: {format_datetime(letter.at)}",
            f"Message-ID: <{letter.out_id}@{sender.rpartition('@')[2]}>",
            "Auto-Submitted: auto-generated",
            *_unsubscribe(letter, mail.unsubscribe, sender),
            "MIME-Version: 1.0",
            *_tree(letter, mail),
            "",
        ]
    except UnicodeEncodeError:  # half of a surrogate pair, from broken JSON
        raise BadMail(letter.label, "text") from None
    body = _CRLF.join(lines)
    if len(body) > largest:
        raise MailTooLarge(letter.label, len(body), largest)
    return body


@cache
def _from(sender: str) -> str:
    """Encode the sender once, which also refuses a malformed one."""
    return f"{Header(SIGN.strip('【】'), 'utf-8').encode()} <{Address(addr_spec=sender).addr_spec}>"


def _subject(label: str, subject: str) -> str:
    if _UNPRINTABLE.search(subject):
        raise BadMail(label, "subject")
    plain = subject.isascii() and "=?" not in subject and subject == subject.strip()
    return Header(subject, None if plain else "utf-8", header_name="Subject").encode(linesep=_CRLF)


def _unsubscribe(letter: Letter, address: str, sender: str) -> Iterator[str]:
    """RFC 2369 for people who write, RFC 8058 for the button of the mail program."""
    by_mail = f"<mailto:{sender}?subject=unsubscribe-{letter.out_id}>"
    if not address:
        yield f"List-Unsubscribe: {by_mail}"
        return
    if not _HTTPS.fullmatch(address):
        raise BadMail(letter.label, "unsubscribe (https)")
    yield f"List-Unsubscribe: <{address}>,{_CRLF} {by_mail}"
    yield "List-Unsubscribe-Post: List-Unsubscribe=One-Click"


def _tree(letter: Letter, mail: Mail) -> list[str]:
    """Return header lines, an empty line and the body of the outermost entity."""
    boundary = f"=_{letter.out_id}"
    texts = [_text("plain", mail.text), _text("html", mail.html)]
    entity = _multipart("alternative", boundary, texts)
    if not mail.enclosures:
        return entity
    _check(letter.label, mail.enclosures)
    pictures = [_enclosed(one, "inline") for one in mail.enclosures if one.cid]
    if pictures:
        entity = _multipart('related; type="multipart/alternative"', f"{boundary}.r", [entity, *pictures])
    attached = [_enclosed(one, "attachment") for one in mail.enclosures if not one.cid]
    return _multipart("mixed", f"{boundary}.m", [entity, *attached]) if attached else entity


def _multipart(kind: str, boundary: str, entities: Sequence[Sequence[str]]) -> list[str]:
    """Put entities between boundaries, which no base64 line can look like."""
    lines = [f'Content-Type: multipart/{kind};{_CRLF} boundary="{boundary}"', ""]
    for entity in entities:
        lines.append(f"--{boundary}")
        lines.extend(entity)
    lines.append(f"--{boundary}--")
    return lines


def _text(subtype: str, text: str) -> list[str]:
    """Base64 of the canonical form, whose line breaks are CRLF (RFC 2045, 6.8)."""
    head = f'Content-Type: text/{subtype}; charset="utf-8"', "Content-Transfer-Encoding: base64"
    if "\r" in text:
        text = text.replace(_CRLF, "\n").replace("\r", "\n")
    return [*head, "", *_base64(text.replace("\n", _CRLF).encode())]


def _base64(content: bytes) -> list[str]:
    encoded = b2a_base64(content, newline=False).decode("ascii")
    return [encoded[start : start + 76] for start in range(0, len(encoded), 76)]


def _check(label: str, enclosures: Sequence[Enclosure]) -> None:
    uses = Counter(one.cid for one in enclosures if one.cid is not None)
    for number, one in enumerate(enclosures, 1):
        if not _name(one.name):
            raise BadMail(label, f"enclosure {number}: name")
        if not _MEDIA_TYPE.fullmatch(one.media_type):
            raise BadMail(label, f"enclosure {number}: media type")
        if one.cid is not None and (not _CID.fullmatch(one.cid) or uses[one.cid] > 1):
            raise BadMail(label, f"enclosure {number}: cid")


def _name(given: str) -> str:
    """Return the file name without folders; "" when nobody should see such a name."""
    name = re.split(r"[/\\]", given)[-1].strip()
    wrong = name in (".", "..") or len(name) > 200 or _UNPRINTABLE.search(name) or _OVERRIDES & {*name}
    return "" if wrong else name


def _enclosed(one: Enclosure, disposition: str) -> list[str]:
    """One file; its name twice, for QQ Mail and old Outlooks look only for the second way.

    RFC 2231 belongs in the disposition, as EmailMessage writes it; an encoded word in the type's `name` is no standard,
    but what those readers have understood for thirty years.
    """
    name = _name(one.name)
    plain = f'"{name}"' if _PLAIN_NAME.fullmatch(name) else ""
    word = plain or f'"{Header(name, "utf-8", header_name="name=").encode(linesep=_CRLF)}"'
    shown = [f'filename="{name}"'] if plain else _rfc2231(name)
    return [
        f"Content-Type: {one.media_type};{_CRLF} name={word}",
        "Content-Transfer-Encoding: base64",
        f"Content-Disposition: {disposition};{_CRLF} " + f";{_CRLF} ".join(shown),
        *([f"Content-ID: <{one.cid}>"] if one.cid else ()),
        "",
        *_base64(one.content),
    ]


def _rfc2231(name: str) -> list[str]:
    """Return the parameter in pieces that each fit a line and end with a whole character."""
    pieces = ["utf-8''"]
    for character in name:
        escaped = quote(character, safe="")
        if len(pieces[-1]) + len(escaped) > 60:
            pieces.append("")
        pieces[-1] += escaped
    if len(pieces) == 1:
        return [f"filename*={pieces[0]}"]
    return [f"filename*{number}*={piece}" for number, piece in enumerate(pieces)]
