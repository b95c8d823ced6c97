"""The audit log: one HMAC chain per district, one entry per batch, the head row locked last before the commit."""

import hashlib
import hmac
import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import UniqueConstraint, update
from sqlmodel import JSON, Column, Field, Session, SQLModel, col, select

from models.db import Instant, insert_for, keys_of

_GENESIS = "0" * 64


class AuditHead(SQLModel, table=True):
    """The end of a district's chain."""

    __tablename__ = "audit_head"
    district: str = Field(primary_key=True)
    seq: int = 0
    mac: str = _GENESIS


class AuditEntry(SQLModel, table=True):
    """What was done, by whom, to what; references and counts only, never personal data."""

    __tablename__ = "audit_entry"
    __table_args__ = (UniqueConstraint("district", "seq"),)
    id: int | None = Field(default=None, primary_key=True)
    district: str
    seq: int
    at: datetime = Field(sa_type=Instant)
    actor: str
    action: str
    detail: dict[str, Any] = Field(sa_column=Column(JSON, nullable=False))
    previous: str
    mac: str


@dataclass(frozen=True, slots=True)
class Break:
    """The first place where a chain does not hold."""

    district: str
    seq: int
    what: str


def record(session: Session, district: str, actor: str, action: str, at: datetime, **detail: Any) -> None:
    """Append one entry; call it as the last statement of the transaction, for it locks the head row."""
    session.flush()
    session.execute(insert_for(session, AuditHead).values(district=district).on_conflict_do_nothing())
    head = update(AuditHead).where(col(AuditHead.district) == district).values(seq=col(AuditHead.seq) + 1)
    seq, previous = session.execute(head.returning(col(AuditHead.seq), col(AuditHead.mac))).one()
    mac = _mac(keys_of(session).audit, previous, (district, seq, at, actor, action, detail))
    entry = {"district": district, "seq": seq, "at": at, "actor": actor, "action": action, "detail": detail}
    session.execute(insert_for(session, AuditEntry).values(**entry, previous=previous, mac=mac))
    session.execute(update(AuditHead).where(col(AuditHead.district) == district).values(mac=mac))


def verify(session: Session, district: str) -> Break | None:
    """Walk a district's chain; return the first break, or None when every entry and the head hold."""
    key, previous, seq = keys_of(session).audit, _GENESIS, 0
    entries = select(AuditEntry).where(col(AuditEntry.district) == district).order_by(col(AuditEntry.seq))
    for entry in session.exec(entries.execution_options(yield_per=1000)):
        seq += 1
        if entry.seq != seq:
            return Break(district, seq, "missing")
        fields = (district, seq, entry.at, entry.actor, entry.action, entry.detail)
        if entry.previous != previous or not hmac.compare_digest(entry.mac, _mac(key, previous, fields)):
            return Break(district, seq, "altered")
        previous = entry.mac
    head = session.get(AuditHead, district)
    if head and (head.seq, head.mac) != (seq, previous):
        return Break(district, seq + 1, "cut")
    return None


def _mac(key: bytes, previous: str, fields: tuple[str, int, datetime, str, str, dict[str, Any]]) -> str:
    district, seq, at, actor, action, detail = fields
    told = [previous, district, seq, at.timestamp(), actor, action, detail]
    return hmac.new(key, json.dumps(told, sort_keys=True, default=str).encode(), hashlib.sha256).hexdigest()
