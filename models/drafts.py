"""Drafts of messages: checked by the outbox -> what the person prefers -> pending rows, single by business key."""

import hashlib
import json
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import LargeBinary, UniqueConstraint, select
from sqlmodel import Field, Session, SQLModel, col

from models.db import Instant, insert_for, keys_of
from models.messages import BATCH, ChannelKind, Message
from models.seal import KeyRing, SealError
from rules.errors import TuoqiError

Route = tuple[ChannelKind, str]
"""A channel and the address on it; a call may have no number."""


@dataclass(eq=False)
class SameKeyOtherPayload(TuoqiError):
    """Two different messages claim the same business key; one of them would be lost silently."""

    key: str
    zh = "消息 {key} 已登记过，但内容不同；请检查消息键是否缺少修订号，本次业务未写入。"
    en = "message {key} exists with another payload; its key probably lacks a revision. Nothing of this was written."


@dataclass(eq=False)
class FileGone(SealError):
    """A file that goes with a message is no longer kept: its time was over."""

    digest: str
    zh = "随消息发送的文件 {digest} 已按保存期限清除；请重新生成该文件并重新登记消息。"
    en = "the enclosed file {digest} was removed when its time was over; make it again and enqueue the message anew."


class EnclosedFile(SQLModel, table=True):
    """A file that goes with messages, kept once however many carry it."""

    __tablename__ = "enclosed_file"
    __table_args__ = (UniqueConstraint("digest"),)
    id: int | None = Field(default=None, primary_key=True)
    digest: str = Field(description="SHA-256 of the content, hexadecimal, keyed")
    content: bytes | None = Field(default=None, sa_type=LargeBinary, description="sealed")
    created_at: datetime = Field(sa_type=Instant, description="when it was last enclosed")


@dataclass(frozen=True, slots=True)
class Enclosure:
    """A file that goes with an e-mail; name and content hold references only, unless it is for this person alone.

    Attributes:
        name: file name as the reader sees it, any script; folders before it are cut off, control characters refused.
        media_type: such as application/pdf, or text/calendar; charset=utf-8; method=PUBLISH.
        content: its bytes, as they are.
        cid: set for a picture that the HTML shows as `cid:` this; letters, digits and ._+@- only.
    """

    name: str
    media_type: str
    content: bytes = field(repr=False)
    cid: str | None = None


@dataclass(frozen=True, slots=True)
class Draft:
    """A message as a job writes it.

    Attributes:
        key: business key, unique for ever, made of references; one for each channel when both are used.
        template: folder name under notifications/templates.
        channel: email, sms, robot, or call for people with neither (never sent; listed for a telephone call).
        recipient: reference of the person, such as C-7K3Q-9XM2.
        address: e-mail address, mobile number or name of a robot; a telephone number or "" for calls.
        variables: the template's declared variables, all that are not late and no others.
        district: code of the district.
        language: zh-CN or en.
        priority: 0 (most urgent) to 9.
        not_before: when it may leave; None means at once.
        expires_at: from then on it is useless and is not sent; None means never.
        others: the person's other routes, in order; the next one is taken when this one cannot reach them.
        enclosed: files, for e-mail.
    """

    key: str
    template: str
    channel: ChannelKind
    recipient: str
    address: str = field(repr=False)
    variables: Mapping[str, Any] = field(repr=False)
    district: str
    language: str = "zh-CN"
    priority: int = 5
    not_before: datetime | None = None
    expires_at: datetime | None = None
    others: tuple[Route, ...] = field(default=(), repr=False)
    enclosed: tuple[Enclosure, ...] = ()


@dataclass(frozen=True, slots=True)
class Class:
    """What a template says of its messages, kept with each: version, kind and audience."""

    version: int
    kind: str
    audience: str


def insert_drafts(session: Session, drafts: Sequence[Draft], classes: Mapping[str, Class], now: datetime) -> int:
    """Store checked drafts as pending rows; one that is there already with the same payload is left alone.

    Args:
        session: the writing session of the business transaction.
        drafts: already checked; variables are plain JSON values.
        classes: of each template used.
        now: the business clock.

    Returns:
        How many were new.

    Raises:
        SameKeyOtherPayload: a key exists, or appears twice, with another template, recipient or variables.
    """
    if not drafts:
        return 0
    rows = message_rows(session, drafts, classes, now)
    table = Message.metadata.tables["message"]
    insert = insert_for(session, table).on_conflict_do_nothing(index_elements=["dedupe_key"])
    counted = {"preserve_rowcount": True}  # RETURNING would put 27,000 parameters into a statement: twice the time
    new = session.connection().execute(insert, rows, execution_options=counted).rowcount
    if new < len(rows):
        _compare(session, rows)
    return new


def message_rows(
    session: Session, drafts: Sequence[Draft], classes: Mapping[str, Class], now: datetime, follows: int | None = None
) -> list[dict[str, Any]]:
    """Seal drafts into rows of the message table, their files stored; `follows` is the message they succeed."""
    keys = keys_of(session)
    files = _store_files(session, drafts, now)
    return [_row(draft, classes[draft.template], files, keys, now) | {"follows": follows} for draft in drafts]


def _store_files(session: Session, drafts: Sequence[Draft], now: datetime) -> dict[bytes, str]:
    """Keep each distinct file once; return digests by content."""
    keys = keys_of(session)
    digests = {file.content: file_digest(keys, file.content) for draft in drafts for file in draft.enclosed}
    rows = [
        {"digest": digest, "content": keys.seal_bytes("enclosed_file.content", digest, content), "created_at": now}
        for digest, content in sorted((digest, content) for content, digest in digests.items())
    ]
    if rows:
        kept = insert_for(session, EnclosedFile)
        again = {"created_at": kept.excluded.created_at, "content": kept.excluded.content}
        session.execute(kept.on_conflict_do_update(index_elements=["digest"], set_=again), rows)
    return digests


def file_digest(keys: KeyRing, content: bytes) -> str:
    """Return the name of a file by its content; keyed, so that it tells nothing of it."""
    return keys.blind("enclosed_file", hashlib.sha256(content).hexdigest()).hex()


def enclosed_in(session: Session, key: str, sealed: bytes | None) -> tuple[Enclosure, ...]:
    """Open the files that go with a message.

    Raises:
        FileGone, WrongSeal: one cannot be had any more.
    """
    if sealed is None:
        return ()
    keys = keys_of(session)
    named = json.loads(keys.open("message.enclosures", key, sealed))
    query = select(col(EnclosedFile.digest), col(EnclosedFile.content))
    stored = dict(session.execute(query.where(col(EnclosedFile.digest).in_([n[0] for n in named]))).tuples().all())
    return tuple(
        Enclosure(name, media_type, _content(keys, digest, stored.get(digest)), cid)
        for digest, name, media_type, cid in named
    )


def _content(keys: KeyRing, digest: str, sealed: bytes | None) -> bytes:
    if sealed is None:
        raise FileGone(digest)
    return keys.open_bytes("enclosed_file.content", digest, sealed)


def _row(draft: Draft, known: Class, files: Mapping[bytes, str], keys: KeyRing, now: datetime) -> dict[str, Any]:
    told = json.dumps(draft.variables, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    enclosures = _json([(files[f.content], f.name, f.media_type, f.cid) for f in draft.enclosed])
    routes = _json([list(route) for route in draft.others])
    return {
        "dedupe_key": draft.key,
        "channel": draft.channel,
        "template": draft.template,
        "template_version": known.version,
        "kind": known.kind,
        "audience": known.audience,
        "language": draft.language,
        "district": draft.district,
        "recipient": draft.recipient,
        "address": keys.seal("message.address", draft.key, draft.address),
        "address_index": address_index(keys, draft.channel, draft.address) if draft.address else None,
        "routes": keys.seal("message.routes", draft.key, routes),
        "variables": keys.seal("message.variables", draft.key, told),
        "enclosures": keys.seal("message.enclosures", draft.key, enclosures),
        "variables_hash": keys.blind("message.variables", f"{draft.template}|{draft.recipient}|{told}{enclosures}"),
        "priority": draft.priority,
        "not_before": draft.not_before or now,
        "expires_at": draft.expires_at,
        "out_id": secrets.token_hex(12),
        "created_at": now,
    }


def _json(entries: Sequence[Any]) -> str:
    return json.dumps(entries, ensure_ascii=False, separators=(",", ":")) if entries else ""


def _compare(session: Session, rows: Sequence[Mapping[str, Any]]) -> None:
    stored: dict[str, bytes] = {}
    for start in range(0, len(rows), BATCH):
        keys = [row["dedupe_key"] for row in rows[start : start + BATCH]]
        query = select(col(Message.dedupe_key), col(Message.variables_hash)).where(col(Message.dedupe_key).in_(keys))
        stored.update(session.execute(query).tuples().all())
    for row in rows:
        if stored[row["dedupe_key"]] != row["variables_hash"]:
            raise SameKeyOtherPayload(row["dedupe_key"])


def address_index(keys: KeyRing, channel: str, address: str) -> bytes:
    """Return the blind index of a normalised address, by which opt-outs, caps and receipts know it."""
    return keys.blind(f"message.{channel}", address.casefold())
