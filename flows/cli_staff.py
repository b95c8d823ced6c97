"""`tuoqi staff ...`: who makes payment lists and who approves them, and the authenticators that prove it."""

import sys
from typing import Annotated

import typer

from flows.cli_options import Json, either, of_district
from flows.settings import settings

staff = typer.Typer(
    help=either("经办人、审批人与动态验证码", "makers, approvers and their authenticators"), no_args_is_help=True
)
Number = Annotated[str, typer.Argument(metavar="NUMBER", help=either("工号", "staff number"))]
_TRIES = 3


@staff.command(help=either("登记一位工作人员", "add a member of staff"))
@of_district
def add(
    number: Number,
    name: Annotated[str, typer.Option("--name", help=either("姓名（加密保存）", "name, kept sealed"))],
    role: Annotated[
        str, typer.Option("--role", metavar="maker|approver|both", help=either("权限", "what they may do"))
    ],
    phone: Annotated[str | None, typer.Option("--phone", help=either("手机（加密保存）", "kept sealed"))] = None,
    email: Annotated[str | None, typer.Option("--email", help=either("邮箱（加密保存）", "kept sealed"))] = None,
    as_json: Json = False,
) -> None:
    """Add a member of staff."""
    from flows import said, staff_desk
    from flows.store import opened

    values = {"number": number, "name": name, "role": role, "phone": phone, "email": email}
    with opened(settings()) as database:
        said.result(staff_desk.add(database, settings(), values), as_json=as_json)


@staff.command("list", help=either("列出工作人员（不含个人信息）", "list staff, without anything personal"))
@of_district
def listed(as_json: Json = False) -> None:
    """List staff."""
    from flows import said, staff_desk
    from flows.store import opened

    with opened(settings()) as database:
        said.result(staff_desk.listed(database, settings()), as_json=as_json)


@staff.command(help=either("登记离任", "set the last day of office"))
@of_district
def retire(
    number: Number,
    until: Annotated[str, typer.Option("--until", metavar="DATE", help=either("任职最后一天", "last day of office"))],
    as_json: Json = False,
) -> None:
    """Set the last day of office."""
    from flows import said, staff_desk
    from flows.store import opened

    with opened(settings()) as database:
        said.result(staff_desk.retire(database, settings(), number, until), as_json=as_json)


@staff.command(
    help=either(
        "绑定手机动态验证码：显示二维码，输入一次验证码后生效；重新绑定即替换",
        "bind an authenticator: scan the QR code, type one code; again replaces it",
    )
)
@of_district
def enrol(number: Number, as_json: Json = False) -> None:
    """Bind an authenticator; it counts only after its first right code."""
    import segno

    from flows import said, staff_desk
    from flows.store import opened
    from rules.staff_refusals import WrongFirstCode

    screen = sys.stderr if as_json else sys.stdout
    with opened(settings()) as database:
        waiting = staff_desk.begin_enrolment(database, settings(), number)
        segno.make(waiting.uri, error="l").terminal(out=screen, compact=True)
        key = " ".join(waiting.secret[at : at + 4] for at in range(0, len(waiting.secret), 4))
        screen.write(either(f"用验证器应用扫码，或手工输入密钥：{key}\n", f"Scan it, or type this key: {key}\n"))
        for left in reversed(range(_TRIES)):
            code = typer.prompt(either("应用显示的 6 位验证码", "the 6 digits that it shows"), err=True)
            try:
                said.result(staff_desk.finish_enrolment(database, settings(), waiting, code), as_json=as_json)
            except WrongFirstCode:
                if not left:
                    raise
                sys.stderr.write(either("不对，请等下一个验证码再试。\n", "wrong; wait for the next one.\n"))
            else:
                return
