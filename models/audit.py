"""The audit log: one HMAC chain per district, one entry per batch, the head row locked last before the commit.

The head holds a seal over the last entry, and the next entry is bound to that seal. The seal stands nowhere else and is
overwritten, so that who cuts the tail cannot write the head that belonged to what is left, nor have us go on from it.
"""

import hashlib
import hmac
import json
from collections.abc import Collection
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import UniqueConstraint, exists, func, select, update
from sqlmodel import JSON, Column, Field, Session, SQLModel, col

from models.db import Instant, insert_for, keys_of

_GENESIS = "0" * 64
_SOME = 1000  # values of one IN


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
    told = json.loads(json.dumps(detail, default=str))  # as verify will read it: dates and keys are text, tuples lists
    session.execute(insert_for(session, AuditHead).values(district=district).on_conflict_do_nothing())
    head = update(AuditHead).where(col(AuditHead.district) == district).values(seq=col(AuditHead.seq) + 1)
    seq, seal = session.execute(head.returning(col(AuditHead.seq), col(AuditHead.mac))).one()
    mine = (col(AuditEntry.district) == district, col(AuditEntry.seq) == seq - 1)
    previous = session.scalar(select(col(AuditEntry.mac)).where(*mine)) or _GENESIS
    key = keys_of(session).audit
    mac = _mac(key, seal, (district, seq, at, actor, action, told))
    entry = {"district": district, "seq": seq, "at": at, "actor": actor, "action": action, "detail": told}
    session.execute(insert_for(session, AuditEntry).values(**entry, previous=previous, mac=mac))
    session.execute(update(AuditHead).where(col(AuditHead.district) == district).values(mac=_seal(key, seq, mac)))


def verify(session: Session, district: str) -> Break | None:
    """Walk a district's chain; return the first break, or None when every entry and the head hold.

    Entries and head are read by one statement, so that a writer in between is no false alarm.
    """
    key, previous, seal, seq = keys_of(session).audit, _GENESIS, _GENESIS, 0
    head = _lonely_head(session, district)
    with closing(session.execute(_chain(district))) as rows:
        for number, at, actor, action, detail, before, mac, *head_now in rows:
            seq, head = seq + 1, tuple(head_now)
            if number != seq:
                return Break(district, seq, "missing")
            good = _mac(key, seal, (district, seq, at, actor, action, detail))
            if before != previous or not hmac.compare_digest(mac, good):
                return Break(district, seq, "altered")
            previous, seal = mac, _seal(key, seq, mac)
    return None if head == (seq, seal) else Break(district, seq + 1, "cut")


def macs_at(session: Session, district: str, seqs: Collection[int]) -> tuple[int, dict[int, str]]:
    """Return the number of a chain's last entry, and the seals of the entries with these numbers that are there."""
    mine = col(AuditEntry.district) == district
    last = session.scalar(select(func.max(col(AuditEntry.seq))).where(mine)) or 0
    wanted = sorted(set(seqs))
    found: dict[int, str] = {}
    for start in range(0, len(wanted), _SOME):
        some = mine & col(AuditEntry.seq).in_(wanted[start : start + _SOME])
        found |= dict(session.execute(select(col(AuditEntry.seq), col(AuditEntry.mac)).where(some)).tuples().all())
    return last, found


def first_at(session: Session, district: str) -> datetime | None:
    """Return when a chain began; None if it has not."""
    query = select(col(AuditEntry.at)).where(col(AuditEntry.district) == district).order_by(col(AuditEntry.seq))
    return session.scalar(query.limit(1))  # by the index: a minimum would read the whole log


def _chain(district: str) -> Any:
    names = ("seq", "at", "actor", "action", "detail", "previous", "mac")
    columns = [col(getattr(AuditEntry, name)) for name in names]
    query = (
        select(*columns, col(AuditHead.seq), col(AuditHead.mac))
        .outerjoin(AuditHead, col(AuditHead.district) == col(AuditEntry.district))
        .where(col(AuditEntry.district) == district)
        .order_by(col(AuditEntry.seq))
    )
    return query.execution_options(yield_per=1000)


def _lonely_head(session: Session, district: str) -> tuple[int, str]:
    """Return the head of a chain without entries."""
    entries = exists().where(col(AuditEntry.district) == district)
    query = select(col(AuditHead.seq), col(AuditHead.mac)).where(col(AuditHead.district) == district, ~entries)
    row = session.execute(query).first()
    return (row[0], row[1]) if row else (0, _GENESIS)


def _seal(key: bytes, seq: int, mac: str) -> str:
    return hmac.new(key, f"head|{seq}|{mac}".encode(), hashlib.sha256).hexdigest()


def _mac(key: bytes, seal: str, fields: tuple[str, int, datetime, str, str, dict[str, Any]]) -> str:
    district, seq, at, actor, action, detail = fields
    told = [seal, district, seq, at.timestamp(), actor, action, detail]
    return hmac.new(key, json.dumps(told, sort_keys=True).encode(), hashlib.sha256).hexdigest()
