"""What only people can settle: unknown payments, lines of the bank that fit nothing, money that is given back.

Each needs the staff number and one-time code of who says it; an unknown payment needs two who say the same.
"""

from dataclasses import dataclass
from datetime import date

from sqlmodel import Session

from flows.allowance_approve import code_time
from flows.jobs import Result
from flows.settings import Settings
from models import approvals, audit, payments, receivables
from models.db import Database
from models.district import district_id
from models.payments import Sent
from models.proof import Path, authenticate
from rules.errors import TuoqiError, say
from rules.free_text import check_note


@dataclass(eq=False)
class NoPayment(TuoqiError):
    """No payment of the district has this key."""

    key: str
    zh = "没有流水号为 {key} 的发放记录；请核对银行文件中的流水号。"
    en = "there is no payment with the key {key}; check it against the bank file."


@dataclass(eq=False)
class NotUnknown(TuoqiError):
    """Persons may only settle what the bank has left open."""

    key: str
    state: str
    zh = "发放记录 {key} 目前为“{state}”，不能人工认定；只有“未知”的，或银行先退回、后又报成功的才可以。"
    en = "payment {key} is {state}; only an unknown one, or one the bank returned and then called paid, can be settled."


@dataclass(eq=False)
class NothingOpen(TuoqiError):
    """There is no such open exception or receivable."""

    what: str
    zh = "没有待处理的 {what}；要办的列在结果页 allowance-to-settle，也可用 tuoqi allowance open 查看。"
    en = "nothing open is called {what}; see the page allowance-to-settle, or `tuoqi allowance open`."


@dataclass(eq=False)
class MaybePaid(TuoqiError):
    """The line is all that keeps a payment from being sent again of which the bank said last that it is paid."""

    line: int
    zh = (
        "差异 {line}：这一笔银行先退回、后又报成功，可能已经入账，办结后就会重新发放，所以没有办结。"
        "请先由两位审批人凭证据认定：已入账，或确认没有入账（认定已退回），再办结。"
    )
    en = (
        "exception {line}: the bank returned it and then called it paid; closed, it would be paid again, so it was "
        "not. Two approvers say first what became of it by the evidence: paid, or returned."
    )


STATES = {
    "frozen": ("待送银行", "frozen"), "sent": ("已送银行", "sent"), "paid": ("已入账", "paid"),
    "returned": ("已退回", "returned"), "unknown": ("未知", "unknown"),
}  # fmt: skip


@dataclass(frozen=True, slots=True, repr=False)
class Person:
    """Who says it: staff number and one-time code; never shown."""

    staff: str
    one_time_code: str
    path: Path = "cli"


def vouch(
    database: Database, settings: Settings, person: Person, key: str, result: str, booked_on: date, evidence: str
) -> Result:
    """Say what became of a payment that is unknown, or that the bank returned and then called paid.

    The second person who says the same settles it. Who says otherwise than before takes the earlier word back; the
    audit log keeps both.

    Returns:
        `persons` who say the same, whether it is `settled`, and whether others `differ`.

    Raises:
        NoPayment, NotUnknown: nothing was recorded.
        NumberOfAPerson: the evidence holds a number that may be a person's.
    """
    evidence = check_note(evidence)
    who = proved(database, settings, person)
    verdict = {"result": result, "booked_on": booked_on, "evidence": evidence}
    with database.write() as session:
        sent = payment_of(session, settings, key)
        if sent.state != "unknown" and not payments.contradicted(session, sent):
            raise NotUnknown(key, say(*STATES[sent.state]))
        agreed, others = payments.vouch(session, sent, who, verdict, settings.now())
        settled, off_list = len(agreed) >= 2, None
        if settled and result != sent.state:  # a return that stands moves nothing: its line may be closed now
            vouched = f"staff:{agreed[0]}+{agreed[1]}"
            if sent.state == "returned":
                off_list = _take_off_list(session, settings, sent, vouched)
            payments.settle(session, sent, result, booked_on, evidence, settings.now(), vouched)
        told = {**verdict, "payment": key, "settled": settled, "off_list": off_list}
        audit.record(session, settings.district, f"staff:{who}", "allowance.vouch", settings.now(), **told)
    return {"payment": key, "result": result, "persons": len(agreed), "differ": others > 0, "settled": settled}


def _take_off_list(session: Session, settings: Settings, sent: Sent, actor: str) -> str | None:
    """Take what is paid after all off the list that would send it again; its approval is void. Return its reference."""
    ref = payments.waits_on(session, sent)
    batch = approvals.lock_batch(session, district_id(session, settings.district), ref) if ref else None
    if batch is None:
        return None
    if batch.state == "approved":
        document = f"paid-{sent.key}/{approvals.rounds(session, batch.id)}"
        approvals.reopen(session, batch, document, settings.now(), actor)
    payments.move_back(session, sent, settings.now(), actor)
    return batch.ref


def close(database: Database, settings: Settings, person: Person, line: int, note: str) -> Result:
    """Close a bank line that fits nothing, with what was found out.

    Raises:
        NothingOpen: there is no such line, or it is closed.
        MaybePaid: it would let a payment be sent again that may well be paid.
        NumberOfAPerson: the note holds a number that may be a person's.
    """
    note = check_note(note)
    with database.read() as session:  # before the code is used up
        district = district_id(session, settings.district)
        _insist_not_paid(session, district, line)
    who = proved(database, settings, person)
    with database.write() as session:
        _insist_not_paid(session, district, line)
        if not payments.close_line(session, district, line, note, settings.now(), f"staff:{who}"):
            raise NothingOpen(str(line))
        audit.record(
            session, settings.district, f"staff:{who}", "allowance.close", settings.now(), line=line, note=note
        )
    return {"line": line, "closed": True}


def _insist_not_paid(session: Session, district: int, line: int) -> None:
    if payments.holds_back(session, district, line):
        raise MaybePaid(line)


def recovered(database: Database, settings: Settings, person: Person, key: str, note: str) -> Result:
    """Record that the money of a receivable was given back, and where the proof of it is.

    Raises:
        NoPayment, NothingOpen: nothing was recorded.
        NumberOfAPerson: the note holds a number that may be a person's.
    """
    note = check_note(note)
    who = proved(database, settings, person)
    with database.write() as session:
        sent = payment_of(session, settings, key)
        fen = receivables.recovered(session, sent, settings.now(), f"staff:{who}")
        if fen is None:
            raise NothingOpen(key)
        told = {"payment": key, "fen": fen}
        audit.record(
            session, settings.district, f"staff:{who}", "allowance.recovered", settings.now(), **told, note=note
        )
    return {**told, "recovered": True}


def proved(database: Database, settings: Settings, person: Person) -> int:
    """Return the id of the approver whose number and code these are.

    Raises:
        NotProved, CodeUsed, NotAnApprover: see models/proof.py.
    """
    with database.read() as session:
        district = district_id(session, settings.district)
    return authenticate(database, district, person.staff, person.one_time_code, person.path, code_time(settings))


def payment_of(session: Session, settings: Settings, key: str) -> Sent:
    """Lock and read a payment of the district.

    Raises:
        NoPayment: there is none of this key.
    """
    found = payments.payment(session, district_id(session, settings.district), key.strip().upper())
    if found is None:
        raise NoPayment(key)
    return found
