"""`tuoqi allowance ...`: approving a list, and what only people can settle of payments; a code proves who says it."""

from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from flows.cli_options import Json, either, of_district
from flows.settings import settings

allowance = typer.Typer(
    help=either("津贴：审批、待办、银行差异与追回", "allowances: approving, what waits, bank lines, money given back"),
    no_args_is_help=True,
)

Listed = Annotated[
    str, typer.Argument(metavar="LIST", help=either("名单编号，如 B-5W2N-8GKX", "the list, such as B-5W2N-8GKX"))
]
Key = Annotated[
    str, typer.Argument(metavar="KEY", help=either("支付流水号，如 F7K3Q9XM1-0000001", "key of the payment"))
]
Staff = Annotated[str, typer.Option("--staff", metavar="NUMBER", help=either("您自己的工号", "your own staff number"))]
Code = Annotated[
    str | None,
    typer.Option(
        "--code",
        help=either("动态口令；不写则隐藏输入（推荐）", "one-time code; asked for, hidden, if left out: better"),
    ),
]


def asked_code(given: str | None) -> str:
    """Ask for the six digits where nobody can read them, unless a script gave them."""
    if given is not None:
        return given
    asked = either("验证器上的六位动态口令", "the six digits of your authenticator")
    return str(typer.prompt(asked, hide_input=True, err=True))


def _person(staff: str, code: str | None) -> Any:
    from flows.allowance_settle import Person

    return Person(staff, asked_code(code))


@allowance.command(
    help=either("审批一份名单：工号、审批表上的确认码、动态口令", "approve a list: number, the sheet's code, your code")
)
@of_district
def approve(
    listed: Listed,
    staff: Staff,
    confirmation: Annotated[
        str,
        typer.Option("--confirmation", metavar="CODE", help=either("审批表首页的确认码", "on the sheet's first page")),
    ],
    code: Code = None,
    as_json: Json = False,
) -> None:
    """Approve a list."""
    from flows import allowance_desk, said
    from flows.allowance_approve import Yes
    from flows.allowance_approve import approve as approved
    from flows.store import opened

    ref = allowance_desk.reference(listed, "B", "LIST")
    yes = Yes(staff, confirmation, asked_code(code), "cli")
    with opened(settings()) as database:
        said.result(approved(database, settings(), ref, yes), as_json=as_json)


@allowance.command(help=either("生成审批表（含确认码）", "write the approval sheet with its confirmation code"))
@of_district
def sheet(
    listed: Listed,
    to: Annotated[Path | None, typer.Option("--to", metavar="FILE.xlsx")] = None,
    as_json: Json = False,
) -> None:
    """Write the approval sheet."""
    from flows import allowance_desk, said
    from flows.store import opened

    ref = allowance_desk.reference(listed, "B", "LIST")
    with opened(settings()) as database:
        said.result(allowance_desk.sheet(database, settings(), ref, to), as_json=as_json)


@allowance.command(
    "open",
    help=either(
        "待办：提交、审批、发放、差异、未知、追回", "what waits: lists, objections, exceptions, unknown, receivables"
    ),
)
@of_district
def waiting(as_json: Json = False) -> None:
    """List what waits for people."""
    from flows import allowance_desk, said
    from flows.store import opened

    with opened(settings()) as database:
        found = allowance_desk.waiting(database, settings())
    if as_json or any(found.values()):
        said.result({name: rows for name, rows in found.items() if rows or as_json}, as_json=as_json)
    else:
        said.done(either("没有待办事项", "nothing waits"))


@allowance.command(
    help=either(
        "认定一笔“未知”的结果，两人一致后生效", "say what became of an unknown payment; two who agree settle it"
    )
)
@of_district
def vouch(
    key: Key,
    result: Annotated[
        Literal["paid", "returned"],
        typer.Option("--result", help=either("已入账或已退回", "which")),
    ],
    booked_on: Annotated[
        str, typer.Option("--booked-on", metavar="DATE", help=either("银行记账日期", "day on which the bank booked it"))
    ],
    evidence: Annotated[
        str, typer.Option("--evidence", help=either("凭证存放处，不写个人信息", "where the proof is; nothing personal"))
    ],
    staff: Staff,
    code: Code = None,
    as_json: Json = False,
) -> None:
    """Say what became of an unknown payment."""
    from flows import allowance_desk, allowance_settle, said
    from flows.store import opened

    payment, day = allowance_desk.payment_key(key), allowance_desk.booking_day(booked_on)
    person = _person(staff, code)
    with opened(settings()) as database:
        told = allowance_settle.vouch(database, settings(), person, payment, result, day, evidence)
        said.result(told, as_json=as_json)


@allowance.command(help=either("办结一条对不上的银行回盘", "close a line of the bank that fits nothing"))
@of_district
def close(
    line: Annotated[int, typer.Argument(metavar="LINE", help=either("tuoqi allowance open 中的编号", "see `open`"))],
    note: Annotated[
        str, typer.Option("--note", help=either("查明的情况，不写个人信息", "what was found out; nothing personal"))
    ],
    staff: Staff,
    code: Code = None,
    as_json: Json = False,
) -> None:
    """Close a line of the bank that fits nothing."""
    from flows import allowance_settle, said
    from flows.store import opened

    person = _person(staff, code)
    with opened(settings()) as database:
        said.result(allowance_settle.close(database, settings(), person, line, note), as_json=as_json)


@allowance.command(help=either("登记一笔应收款已追回", "record that the money of a receivable was given back"))
@of_district
def recovered(
    key: Key,
    note: Annotated[
        str, typer.Option("--note", help=either("凭证存放处，不写个人信息", "where the proof is; nothing personal"))
    ],
    staff: Staff,
    code: Code = None,
    as_json: Json = False,
) -> None:
    """Record that money was given back."""
    from flows import allowance_desk, allowance_settle, said
    from flows.store import opened

    payment, person = allowance_desk.payment_key(key), _person(staff, code)
    with opened(settings()) as database:
        said.result(allowance_settle.recovered(database, settings(), person, payment, note), as_json=as_json)


@allowance.command(
    "withdraw-claim",
    help=either("撤销一笔登记有误的追回（登记更正后）", "withdraw a claim that was wrong, once the register is right"),
)
@of_district
def withdraw_claim(
    key: Key,
    reason: Annotated[
        str, typer.Option("--reason", help=either("为什么有误，不写个人信息", "why it was wrong; nothing personal"))
    ],
    staff: Staff,
    code: Code = None,
    as_json: Json = False,
) -> None:
    """Withdraw a claim that was wrong."""
    from flows import allowance_claims, allowance_desk, said
    from flows.store import opened

    payment, person = allowance_desk.payment_key(key), _person(staff, code)
    with opened(settings()) as database:
        said.result(allowance_claims.withdraw(database, settings(), person, payment, reason), as_json=as_json)


@allowance.command(
    help=either("原样再写出一份已定稿的银行文件（记入审计）", "write a frozen bank file again, byte for byte (audited)")
)
@of_district
def file(
    ref: Annotated[str, typer.Argument(metavar="REF", help=either("文件编号，如 F-7K3Q-9XM1", "such as F-7K3Q-9XM1"))],
    to: Annotated[Path, typer.Option("--to", metavar="FILE")],
    as_json: Json = False,
) -> None:
    """Write a frozen bank file again."""
    from flows import allowance_desk, said
    from flows.store import opened

    meant = allowance_desk.reference(ref, "F", "REF")
    with opened(settings()) as database:
        said.result(allowance_desk.file_again(database, settings(), meant, to), as_json=as_json)


@allowance.command(
    help=either(
        "恢复备份后：登记备份之后已送银行的文件，不再发送",
        "after a restore: enter files that went to the bank since the backup; nothing is sent",
    )
)
@of_district
def adopt(
    listed: Listed,
    files: Annotated[list[Path], typer.Argument(metavar="FILE...", help=either("该名单的全部文件", "all of its"))],
    staff: Staff,
    code: Code = None,
    as_json: Json = False,
) -> None:
    """Enter files that went to the bank since the backup."""
    from flows import allowance_desk, allowance_restored, said
    from flows.store import opened

    ref, person = allowance_desk.reference(listed, "B", "LIST"), _person(staff, code)
    with opened(settings()) as database:
        said.result(allowance_restored.adopt(database, settings(), person, ref, files), as_json=as_json)


@allowance.command(help=either("立即暂停本区县的一切发放", "stop all payments of the district at once"))
@of_district
def hold(
    note: Annotated[str, typer.Option("--note", help=either("原因，不写个人信息", "why; nothing personal"))],
    staff: Staff,
    code: Code = None,
    as_json: Json = False,
) -> None:
    """Stop all payments of the district."""
    from flows import allowance_restored, said
    from flows.store import opened

    person = _person(staff, code)
    with opened(settings()) as database:
        said.result(allowance_restored.hold(database, settings(), person, note), as_json=as_json)


@allowance.command(
    help=either(
        "恢复发放：确认已查清、银行收到的文件都已登记，两人确认后生效",
        "let money leave again: all is found out, every file of the bank is entered; it takes two",
    )
)
@of_district
def resume(
    note: Annotated[
        str, typer.Option("--note", help=either("如何核对的，不写个人信息", "how it was found out; nothing personal"))
    ],
    staff: Staff,
    code: Code = None,
    as_json: Json = False,
) -> None:
    """Say that every file the bank has had is entered."""
    from flows import allowance_restored, said
    from flows.store import opened

    person = _person(staff, code)
    with opened(settings()) as database:
        said.result(allowance_restored.resume(database, settings(), person, note), as_json=as_json)
