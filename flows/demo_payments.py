"""The demo's payments: released, answered by a bank that errs, sent again, settled by two persons, equal to the fen."""

from pathlib import Path
from typing import Any

from sqlalchemy import select
from sqlmodel import col

from flows import allowance_settle, audit_anchor, fields
from flows.allowance_desk import file_again
from flows.allowance_notice import morning
from flows.allowance_reconcile import reconcile
from flows.allowance_reissue import reissue
from flows.allowance_release import release
from flows.allowance_restored import resume
from flows.allowance_settle import Person
from flows.demo_allowance_stage import (
    AGAIN,
    ANSWERED,
    APPROVED_AGAIN,
    CLOSED,
    CORRECTED,
    HELD,
    LATE,
    LET_GO,
    ON_FORM,
    PERIOD,
    PROGRAMME,
    RELEASED,
    REPORTED,
    SENT_AGAIN,
    SILENT,
    VOUCHED,
    Chapter,
)
from flows.demo_payees import CHECKER, MAKER, OTHER
from flows.demo_stage import short, ui
from models.ledger import agree
from models.payment import Payment
from rules.allowance_refusals import MoneyHeld
from rules.bank import file_ref
from rules.bank_card import luhn_digit
from rules.errors import say
from rules.money import yuan
from rules.registers.days import day_of

Files = list[dict[str, Any]]


def _hold(chapter: Chapter) -> None:
    """One approver stops all money by the form; two let it go on."""
    stage = chapter.stage
    proof = {"staff": CHECKER, "code": chapter.phones.code(CHECKER, HELD)}
    why = say("名单需再核对", "the list is looked at once more")
    done = stage.run("allowance-hold", HELD, what=fields.HOLD_STEPS["hold"], note=why, **proof)
    refused = False
    try:
        release(stage.database, chapter.at(HELD), chapter.batch)
    except MoneyHeld:
        refused = True
    for staff in (CHECKER, OTHER):
        person = Person(staff, chapter.phones.code(staff, LET_GO))
        told = resume(stage.database, chapter.at(LET_GO), person, say("已核对", "looked at"))
    chapter.note(
        "allowance-hold",
        ("审批人暂停一切发放，两人确认后恢复", "an approver stops all payments, two let them go on"),
        ("暂停期间不发放", "nothing left meanwhile"),
        ui(),
        good=done and refused and told["resumed"],
    )


def _release(chapter: Chapter) -> None:
    stage, chosen = chapter.stage, chapter.at(RELEASED)
    sent, same = chapter.twice(lambda: release(stage.database, chosen, chapter.batch))
    chapter.bank.take(RELEASED)
    copy = stage.settings.var_dir / "bank" / "again"
    again = file_again(stage.database, chosen, file_ref(next(iter(chapter.bank.lines))), copy)
    identical = copy.read_bytes() == chapter.bank.content
    (only,) = sent["released"]
    chapter.note(
        "allowance-release",
        ("银行文件先定稿再写出；再写一份，字节相同", "the file is frozen, then written; once more: the same bytes"),
        (
            f"{only['people']} 笔 {yuan(only['fen'])} 元，sha256 {again['sha256'][:8]}…",
            f"{only['people']} payments, {yuan(only['fen'])} yuan, sha256 {again['sha256'][:8]}…",
        ),
        short(stage.settings.folder("outbox") / "bank"),
        good=same and identical and only["people"] == len(chapter.bank.lines),
    )


def _answers(chapter: Chapter) -> None:
    stage = chapter.stage
    chapter.bank.answer(ANSWERED)
    first, same = chapter.twice(lambda: reconcile(stage.database, chapter.at(ANSWERED)))
    chapter.bank.answer(LATE, later=True)
    late, same_late = chapter.twice(lambda: reconcile(stage.database, chapter.at(LATE)))
    chapter.deliver(LATE)
    new, more = _new(first["files"]), _new(late["files"])
    odd, told = (
        len(late["exceptions"]),
        stage.messages("allowance-paid", "delivered") + stage.messages("allowance-paid"),
    )
    chapter.note(
        "allowance-reconcile",
        (
            "银行回盘逐笔核对：3 笔退回，差 1 分、重复各 1 条",
            "answers matched: 3 returned, one 1 fen off, one said twice",
        ),
        (
            f"回盘 {new} 条，迟到 {more} 条，差异 {odd} 条待办，短信 {told} 条",
            f"{new} lines, {more} late, {odd} exceptions for a person, {told} SMS",
        ),
        ui(),
        good=same and same_late and more == 1 and odd == 2 and told > 0,
    )


def _new(files: Files) -> int:
    return sum(each["new"] for each in files)


def _mend(chapter: Chapter) -> None:
    """The accounts of who was returned are corrected; they are paid again after a new approval."""
    stage = chapter.stage
    waiting = reissue(stage.database, chapter.at(LATE), PROGRAMME, None)["waiting"]
    stage.take("account", CORRECTED, [_corrected(chapter, each) for each in waiting])
    made, same = chapter.twice(lambda: reissue(stage.database, chapter.at(AGAIN), PROGRAMME, MAKER))
    (asked,) = morning(stage.database, chapter.at(AGAIN))["sheets"]
    given = chapter.yes(made["batch"], asked["code"], APPROVED_AGAIN, OTHER)
    sent, same_sent = chapter.twice(lambda: release(stage.database, chapter.at(SENT_AGAIN), made["batch"]))
    chapter.bank.take(SENT_AGAIN)
    chapter.bank.answer(SILENT)
    chapter.note(
        "allowance-reissue",
        ("更正账户后另做名单，再审批，再送银行", "accounts corrected: a list of its own, approved and sent again"),
        (f"{made['people']} 人 {yuan(made['fen'])} 元", f"{made['people']} people, {yuan(made['fen'])} yuan"),
        short(stage.settings.folder("outbox") / "bank"),
        good=same and same_sent and made["people"] == 3 and given["approved"] and bool(sent["released"]),
    )


def _corrected(chapter: Chapter, waiting: dict[str, Any]) -> dict[str, Any]:
    """A row of the register: the same holder, a new account of which no bank has any."""
    line = chapter.bank.lines[waiting["payment"]]
    body = f"00{int(line.account) % 10**15 + 1:016d}"
    told = {"bank": "富滇银行西山支行", "account": body + luhn_digit(body)}
    return {"elder": waiting["elder"], "from": day_of(CORRECTED[:10]), **told, "holder": line.name}


def _settle(chapter: Chapter) -> None:
    """What the bank never answered rightly is unknown; two persons settle it with evidence, and close what is odd."""
    stage = chapter.stage
    found, same = chapter.twice(lambda: reconcile(stage.database, chapter.at(SILENT)))
    key = chapter.bank.key_of(chapter.bank.script.off[0])
    for staff in (CHECKER, OTHER):
        person = Person(staff, chapter.phones.code(staff, VOUCHED))
        word = ("paid", day_of(RELEASED[:10]), say("银行流水，档案 2026-17", "bank statement, file 2026-17"))
        told = allowance_settle.vouch(stage.database, chapter.at(VOUCHED), person, key, *word)
    done = True
    for place, line in enumerate(found["exceptions"]):
        at = f"{CLOSED[:15]}{place}{CLOSED[16:]}"
        form = {"step": fields.SETTLE_STEPS["close"], "item": str(line["line"]), "staff": CHECKER}
        note = say("银行回盘有误，已与银行核实", "the bank's mistake, checked with it")
        done &= stage.run("allowance-settle", at, **form, code=chapter.phones.code(CHECKER, at), note=note)
    left = reconcile(stage.database, chapter.at(REPORTED))
    chapter.deliver(REPORTED)
    chapter.note(
        "allowance-settle",
        ("银行未答复的不当作失败：两人凭证据认定", "no answer is no failure: two persons settle it by evidence"),
        (
            f"未知 {found['unknown']} 笔，认定后 {left['unknown']}；差异 {len(left['exceptions'])} 条",
            f"{found['unknown']} unknown, {left['unknown']} afterwards; {len(left['exceptions'])} exceptions left",
        ),
        ui(),
        good=same
        and done
        and (found["unknown"], left["unknown"]) == (1, 0)
        and told["settled"]
        and not left["exceptions"],
    )


def _equal(chapter: Chapter) -> None:
    stage = chapter.stage
    with stage.database.read() as session:
        columns = select(col(Payment.key), col(Payment.fen)).where(col(Payment.state) == "paid")
        ours = dict(session.execute(columns).tuples().all())
        balances = agree(session, chapter.cycle(session))
    banks = chapter.bank.paid(REPORTED)
    difference = sum(banks.values()) - balances["paid"]
    chapter.note(
        "allowance-reconcile",
        ("银行自己的账与我们的账逐笔相等", "the bank's own books and ours are equal, payment by payment"),
        (
            f"{len(banks)} 笔 {yuan(sum(banks.values()))} 元，相差 {difference} 分",
            f"{len(banks)} payments, {yuan(sum(banks.values()))} yuan, {difference} fen apart",
        ),
        short(stage.settings.var_dir / "bank"),
        good=banks == ours and difference == 0 and balances["in_transit"] == balances["returned"] == 0,
    )


def _report(chapter: Chapter) -> None:
    stage = chapter.stage
    done = stage.run("allowance-report", REPORTED, programme=ON_FORM, period=PERIOD)
    path: Path = stage.settings.folder("outbox") / "reports" / f"allowance-{PROGRAMME}-{PERIOD}.xlsx"
    chapter.note(
        "allowance-report",
        ("名单、银行、付款、账目一致才出报告", "list, bank, payments and ledger agree, or there is no report"),
        ("工作簿 1 份", "1 workbook"),
        short(path),
        good=done and path.exists(),
    )
    anchored = audit_anchor.add_anchor(stage.database, chapter.at(REPORTED))
    proved = audit_anchor.verify(stage.database, chapter.at(REPORTED))
    chapter.note(
        "audit",
        ("审计日志与库外的锚核对一致", "the audit log holds, against its anchor outside the database"),
        (f"{proved['entries']} 条", f"{proved['entries']} entries"),
        short(stage.settings.var_dir / "anchor"),
        good=bool(anchored) and proved["holds"],
    )


STEPS = (_hold, _release, _answers, _mend, _settle, _equal, _report)
