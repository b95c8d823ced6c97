"""Accounts of elders from their register: each row against what stands from its date; a correction is a new row.

What looks wrong but may be right is a doubt, never a refusal: passbooks have no check digit, a couple shares a card.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import insert, select
from sqlmodel import Session, col

from models.account import PayeeAccount
from models.db import keys_of
from models.elder import Elder, batches, elder_ids
from models.intake import Refused, Scope, Taken
from models.intake_cadres import IN_ONE
from models.seal import KeyRing
from rules.bank_card import card_doubt
from rules.registers import Row
from rules.registers.payees import PROXY

SEALED = ("account", "holder", "proxy_name", "proxy_document")
"""Columns that are sealed under payee_account.COLUMN and the elder's reference."""
CELLS = ("bank", "account", "holder", *PROXY)
_DOUBTS = {
    "length": ("账号长度不像银行卡(存折请核对)", "the number is not as long as a card's; compare it with the passbook"),
    "check_digit": ("账号校验位不符，可能写错一位", "the check digit of the card does not fit: a digit may be wrong"),
}
_STRANGER = ("户名既不是老人本人，也不是代领人", "the holder is neither the elder nor the proxy")
_EXPIRED = ("代领已过期，不会发放", "the proxy has expired; nothing will be paid")
_SHARED = ("账号也登记在另一位老人名下", "the account is another elder's too")
_NEXT = timedelta(microseconds=1)


class Told(NamedTuple):
    """What a row says of an account; its repr shows nothing of it."""

    bank: str
    account: str
    holder: str
    proxy_name: str | None = None
    proxy_reason: str | None = None
    proxy_document: str | None = None
    proxy_until: date | None = None

    def __repr__(self) -> str:
        return "Told(...)"


Known = dict[tuple[int, date], tuple[datetime, Told]]
"""Elder and first day to what was recorded last of it, and when."""


def store_accounts(session: Session, scope: Scope, rows: Sequence[Row]) -> Taken:
    """Store what differs from what stands; rows are only added."""
    taken, keys = Taken(), keys_of(session)
    elders = elder_ids(session, scope.district, {str(row.values["elder"]) for row in rows})
    ids = {number for number, _ in elders.values()}
    known, names = _known(session, ids), _names(session, ids)
    given: dict[tuple[int, date], Row] = {}
    fresh: list[dict[str, Any]] = []
    doubted: list[tuple[Row, int, bytes]] = []
    for row in rows:
        try:
            number, ref, since = _whose(scope, row, elders)
            _alone(scope, row, (number, since), given)
            before = known.get((number, since))
            told = _told(scope, row, before[1] if before else None)
        except Refused as refusal:
            taken.errors.append(refusal.error)
            continue
        _doubt(taken, scope, row, told, names[number])
        card = card_index(keys, told.account)
        doubted.append((row, number, card))
        if before and before[1] == told:
            taken.unchanged += 1
            continue
        taken.add()
        at = max(scope.now, before[0] + _NEXT) if before else scope.now  # of one date the one recorded last holds
        fresh.append({"elder_id": number, "since": since, **_sealed(keys, ref, told), "recorded_at": at})
    _doubt_shared(session, taken, doubted)
    if fresh and not taken.errors:
        session.execute(
            insert(PayeeAccount), [{**row, "actor": scope.actor} for row in fresh], execution_options=IN_ONE
        )
    return taken


def card_index(keys: KeyRing, number: str) -> bytes:
    """Return the blind index of an account's number alone."""
    return keys.blind("card", number)


def account_index(keys: KeyRing, told: Told) -> bytes:
    """Return the blind index of what money goes by: bank, number and holder."""
    return keys.blind("account", f"{told.bank}|{told.account}|{told.holder}")


def _whose(scope: Scope, row: Row, elders: Mapping[str, tuple[int, str]]) -> tuple[int, str, date]:
    elder, since = elders.get(str(row.values["elder"])), row.values["from"]
    if elder is None:
        raise Refused(scope.unknown(row, "elder"))
    assert isinstance(since, date)
    return *elder, since


def _alone(scope: Scope, row: Row, matter: tuple[int, date], given: dict[tuple[int, date], Row]) -> None:
    """Refuse a second row of one file on the same elder and date, who may be written in two ways."""
    other = given.setdefault(matter, row)
    if other is not row:
        problem = (f"与第 {other.number} 行是同一位老人、同一日期", f"same elder and date as row {other.number}")
        raise Refused(scope.wrong(row, "from", problem, ("请只保留一行", "keep only one of them")))


def _told(scope: Scope, row: Row, before: Told | None) -> Told:
    """Read a row; columns that the file does not have stay as they stand."""
    stood: Mapping[str, Any] = before._asdict() if before else {}
    cells = {name: row.values[name] if name in row.values else stood.get(name) for name in CELLS}
    told = Told(**{name: value or None for name, value in cells.items()})  # type: ignore[arg-type]
    blank = [name for name in PROXY if cells[name] in (None, "")]
    if blank and len(blank) < len(PROXY):
        problem = ("代领信息不全", "the proxy is told in part only")
        remedy = (
            "请补齐代领人、原因、凭证、截止日期，或全部留空",
            "fill in name, reason, document and last day, or none",
        )
        raise Refused(scope.wrong(row, blank[0], problem, remedy))
    since = row.values["from"]
    assert isinstance(since, date)
    if told.proxy_until is not None and told.proxy_until < since:
        problem = (f"早于起始日期 {since}", f"before the first day {since}")
        raise Refused(scope.wrong(row, "proxy_until", problem, ("请改正其中一个日期", "correct one of the two days")))
    return told


def _doubt(taken: Taken, scope: Scope, row: Row, told: Told, name: str) -> None:
    if doubt := card_doubt(told.account):
        taken.doubt(_DOUBTS[doubt], row.number)
    if told.holder not in {name, told.proxy_name}:
        taken.doubt(_STRANGER, row.number)
    if told.proxy_until is not None and told.proxy_until < scope.today:
        taken.doubt(_EXPIRED, row.number)


def _doubt_shared(session: Session, taken: Taken, doubted: Sequence[tuple[Row, int, bytes]]) -> None:
    """Point at numbers that another elder has too, in this file or stored."""
    owners: dict[bytes, set[int]] = defaultdict(set)
    for _, elder, card in doubted:
        owners[card].add(elder)
    query = select(col(PayeeAccount.card_index), col(PayeeAccount.elder_id))
    for some in batches([*owners]):
        for card, elder in session.execute(query.where(col(PayeeAccount.card_index).in_(some))):
            owners[card].add(elder)
    for row, _, card in doubted:
        if len(owners[card]) > 1:
            taken.doubt(_SHARED, row.number)


def _sealed(keys: KeyRing, ref: str, told: Told) -> dict[str, Any]:
    sealed = {name: keys.seal(f"payee_account.{name}", ref, getattr(told, name)) for name in SEALED}
    plain = {name: getattr(told, name) for name in ("bank", "proxy_reason", "proxy_until")}
    indexes = {"account_index": account_index(keys, told), "card_index": card_index(keys, told.account)}
    return {**sealed, **plain, **indexes, "tail": told.account[-4:]}


def _names(session: Session, elders: set[int]) -> dict[int, str]:
    keys, found = keys_of(session), {}
    query = select(col(Elder.id), col(Elder.ref), col(Elder.name))
    for some in batches(sorted(elders)):
        for number, ref, name in session.execute(query.where(col(Elder.id).in_(some))):
            found[number] = keys.open("elder.name", ref, name)
    return found


def _known(session: Session, elders: set[int]) -> Known:
    """What was recorded last of each elder and date."""
    keys, found = keys_of(session), {}
    columns = [col(getattr(PayeeAccount, name)) for name in CELLS]
    key = (col(Elder.ref), col(PayeeAccount.elder_id), col(PayeeAccount.since), col(PayeeAccount.recorded_at))
    query = select(*key, *columns).join(Elder, col(Elder.id) == col(PayeeAccount.elder_id))
    query = query.order_by(col(PayeeAccount.recorded_at), col(PayeeAccount.id))
    for some in batches(sorted(elders)):
        for ref, elder, since, at, *cells in session.execute(query.where(col(PayeeAccount.elder_id).in_(some))):
            found[elder, since] = (at, opened(keys, ref, cells))
    return found


def opened(keys: KeyRing, ref: str, cells: Sequence[Any]) -> Told:
    """Open the cells of an account, given in the order of Told."""
    values: dict[str, Any] = dict(zip(CELLS, cells, strict=True))
    for name in SEALED:
        values[name] = keys.open(f"payee_account.{name}", ref, values[name]) or None
    return Told(**values)
