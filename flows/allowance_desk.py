"""Allowances at the command line: what was typed, understood -> lists, payments and bank files -> one clear answer.

What cannot be understood is never repeated: it may be a code, a name or a number of a person.
"""

import getpass
import hashlib
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from sqlmodel import Session

from flows.allowance_claims import wrong_claims
from flows.allowance_settle import STATES
from flows.allowance_sheet import period_said, read_sheet
from flows.allowance_sheet_workbook import REASONS, write_sheet
from flows.allowance_shown import MORE
from flows.forms_rows import whole_file
from flows.jobs import Result
from flows.settings import Settings
from flows.staff_desk import NotUnderstood
from models import approvals, audit, payments
from models.allowance_figures import total
from models.allowance_open import KeptFile, OpenPayment, kept_file, open_receivables, unknown_payments
from models.allowance_waiting import Elsewhere, cancelled_elsewhere
from models.bank_files import content_of
from models.db import Database
from models.district import district_id
from models.intake_returns import OUTCOMES
from models.objections import open_ones, waiting_lists
from models.payees import WHY
from models.receivables import Claimed
from rules.bank import file_ref
from rules.errors import TuoqiError, say
from rules.programmes import programme_name
from rules.refs import canonical, is_ref
from rules.registers.days import day_of
from rules.registers.spelling import BadCell


@dataclass(eq=False)
class NoFile(TuoqiError):
    """The district froze no such file."""

    ref: str
    zh = "没有编号为 {ref} 的银行文件；编号见 outbox/bank 中的文件名或 allowance-release 的结果。"
    en = "there is no bank file {ref}; its reference is in the names in outbox/bank."


@dataclass(eq=False)
class FileDiffers(TuoqiError):
    """The bytes that are kept are not those that were frozen."""

    ref: str
    zh = "银行文件 {ref} 与定稿时的校验值不符，未写出；请勿使用，立即告知管理员并运行 tuoqi audit verify。"
    en = (
        "bank file {ref} is not what was frozen, nothing was written; tell the administrator, run `tuoqi audit verify`."
    )


def reference(said: str, prefix: str, option: str) -> str:
    """Read the reference of a list (B) or a bank file (F).

    Raises:
        NotUnderstood: it is none; what was typed is not repeated.
    """
    if not is_ref(said) or not canonical(said).startswith(f"{prefix}-"):
        problem = say("不是编号，或校验码不符", "not a reference, or its check character is wrong")
        raise NotUnderstood(
            option, problem, say(f"请照原文填写，形如 {prefix}-5W2N-8GKX", f"such as {prefix}-5W2N-8GKX")
        )
    return canonical(said)


def payment_key(said: str, option: str = "KEY") -> str:
    """Read the key of a payment; `option` is where it was typed.

    Raises:
        NotUnderstood: it is none; what was typed is not repeated.
    """
    key = said.strip().upper()
    if not is_ref(file_ref(key)):
        problem = say("不是支付流水号", "not the key of a payment")
        raise NotUnderstood(
            option, problem, say("请照银行文件填写，形如 F7K3Q9XM1-0000001", "such as F7K3Q9XM1-0000001")
        )
    return key


def line_number(said: str, option: str = "LINE") -> int:
    """Read the number of a bank line that fits nothing; `option` is where it was typed.

    Raises:
        NotUnderstood: it is none; what was typed is not repeated.
    """
    number = said.strip()
    if not (number.isascii() and number.isdigit() and len(number) < 10):
        problem = say("不是差异的编号", "not the number of an exception")
        raise NotUnderstood(
            option, problem, say("编号见结果页 allowance-to-settle", "see the page allowance-to-settle")
        )
    return int(number)


def booking_day(said: str) -> date:
    """Read the day on which the bank booked a payment.

    Raises:
        NotUnderstood: it is no day.
    """
    try:
        return day_of(said)
    except BadCell as bad:
        raise NotUnderstood("--booked-on", bad.problem, bad.remedy) from None


def sheet(database: Database, settings: Settings, ref: str, to: Path | None) -> Result:
    """Write the approval sheet of a list as it is now, and tell its confirmation code.

    Raises:
        NoList: there is none of this reference.
        CannotWrite: the file cannot be put there.
    """
    with database.read() as session:
        read = read_sheet(session, settings, ref)
    path = to or Path(f"{ref}-{read.code}.xlsx")
    write_sheet(path, read, settings.today())
    amount = total(read.groups)
    return {
        "batch": ref, "code": read.code, "people": amount.payments, "fen": amount.fen, "needed": read.needed,
        "exceptions": len(read.exceptions), "file": str(path),
    }  # fmt: skip


def waiting(database: Database, settings: Settings) -> Result:
    """List what waits for people; references and sums only."""
    with database.read() as session:
        district = district_id(session, settings.district)
        return {
            "to_put_forward": [
                {"batch": ref, **_cycle(name, period), "people": people, "since": settings.local(at).date()}
                for ref, name, period, at, people in waiting_lists(session, district)
            ],
            "objections": [
                {"elder": ref, **_cycle(name, period), "listed": listed}
                for name, period, ref, listed in open_ones(session, district)
            ],
            "to_approve": [
                _asked(session, settings, ref) for ref in approvals.approvable(session, district, settings.today())
            ],
            "to_release": [{"batch": ref} for ref in approvals.batches_in(session, district, "approved")],
            **_to_settle(session, settings, district),
            "duplicates": [_elsewhere(each) for each in cancelled_elsewhere(session, district)],
        }


def to_settle(database: Database, settings: Settings, most: int) -> Result:
    """List what approvers settle, of each kind up to `most`; references and sums only."""
    with database.read() as session:
        return _to_settle(session, settings, district_id(session, settings.district), most)


def _to_settle(session: Session, settings: Settings, district: int, most: int | None = None) -> Result:
    wrong = wrong_claims(session, settings, district)
    twice = {one.key for one, _ in wrong}
    return {
        "exceptions": [
            {
                "line": line.id, "payment": line.key, "what": say(*OUTCOMES[line.finding]), "fen": line.fen,
                "said": say(*STATES[line.result]), "booked_on": line.booked_on,
            }
            for line in payments.exceptions(session, district, most)
        ],
        "unknown": [_open(settings, each) for each in unknown_payments(session, district, most)],
        "receivables": [
            {**_open(settings, each), "why": say(*WHY[each.why])}
            for each in open_receivables(session, district, most)
            if each.key not in twice
        ],
        "wrong_claims": [_wrong(one, due) for one, due in wrong[:most]],
    }  # fmt: skip


def _cycle(programme: str, period: str) -> Result:
    return {"cycle": f"{programme_name(programme)} {period_said(period)}"}


def _asked(session: Session, settings: Settings, ref: str) -> Result:
    read = read_sheet(session, settings, ref)
    amount = total(read.groups)
    given = len(approvals.approvers(session, read.head.id, read.content))
    told = {"people": amount.payments, "fen": amount.fen, "given": given, "needed": read.needed}
    return {"batch": ref, **_cycle(read.head.programme, read.head.period), **told}


def _wrong(one: Claimed, due: int) -> Result:
    """A claim that is not of what the register now says is not owed, with both amounts and what to do."""
    told = {"payment": one.key, **_cycle(one.programme, one.period)}
    told |= {"paid_fen": one.fen, "claimed_fen": one.claimed, "not_owed_fen": due}
    if one.settled:
        told["settled"] = True
        todo = say(
            "已追回，与现应追回金额不符；由人工与家属、财政结清", "given back already; settle it with the family"
        )
    else:
        todo = say("登记已更正，可由审批人撤销", "the register was put right: an approver can withdraw it")
    return {**told, "todo": todo}


def _elsewhere(each: Elsewhere) -> Result:
    """Somebody left out as a duplicate whose entitlement on the other register was cancelled."""
    todo = say(
        "该待遇已由该区取消，且每人每期只能由一处发放：请与该区核对；应发的由该区更正登记后补发",
        "cancelled there, and one district alone pays a person a period: let that one put its register right and pay",
    )
    where, why = f"{each.district} {each.code}", say(*(REASONS.get(each.reason) or MORE[each.reason]))
    return {"elder": each.ref, **_cycle(each.programme, each.period), "other": where, "state": why, "todo": todo}


def _open(settings: Settings, each: OpenPayment) -> Result:
    since = settings.local(each.since).date() if each.since else None
    return {"payment": each.key, **_cycle(each.programme, each.period), "fen": each.fen, "since": since}


def file_again(database: Database, settings: Settings, ref: str, to: Path) -> Result:
    """Write a frozen bank file again, byte for byte; the audit keeps who asked.

    Raises:
        NoFile: the district has none of this reference.
        FileDiffers: it is not what was frozen; nothing is written.
        CannotWrite: the file cannot be put there.
    """
    with database.read() as session:
        kept = kept_file(session, district_id(session, settings.district), ref)
        if kept is None:
            raise NoFile(ref)
        content = content_of(session, ref)
    if hashlib.sha256(content).hexdigest() != kept.sha256:
        raise FileDiffers(ref)
    with database.write() as session:
        told = {"file": ref, "sha256": kept.sha256, "payments": kept.payments, "fen": kept.fen}
        audit.record(session, settings.district, getpass.getuser(), "allowance.file-again", settings.now(), **told)
    with whole_file(to) as part:
        part.write_bytes(content)
    return {**told, "to": str(to), "note": _warning(kept)}


def _warning(kept: KeptFile) -> str:
    if kept.sent_at is None:
        return say("尚未送银行，由 allowance-release 送出", "not sent yet; allowance-release sends it")
    return say(
        "已送过银行：再次提交前须先向银行确认没有收到，否则会重复支付",
        "it was sent: hand it in again only if the bank says it never came, or people are paid twice",
    )
