"""`tuoqi audit ...`: whether the audit log is what it was, and its anchor outside the database."""

from collections.abc import Callable
from functools import partial
from typing import Annotated, Any

import typer

from flows.cli_options import Json, dated, either
from flows.in_turn import in_turn
from flows.settings import Settings, settings

audit = typer.Typer(help=either("审计日志的核对与外部锚", "the audit log and its anchor"), no_args_is_help=True)


@audit.command(help=either("核对审计日志与全部锚", "compare the log with itself and with every anchor"))
@dated
def verify(as_json: Json = False) -> None:
    """Compare the audit log with itself and with its anchors."""
    from flows import audit_anchor, said
    from flows.store import opened

    with opened(settings()) as database:
        said.result(_of_each(partial(audit_anchor.verify, database)), as_json=as_json)


@audit.command("anchor", help=either("核对后写下今天的锚（数据库之外的文件）", "verify, then add today's anchor"))
@dated
def anchored(
    restart: Annotated[
        str,
        typer.Option(
            "--restart", metavar="WHY", help=either("恢复了较早的备份后重新起锚，写明原因", "after a restore: say why")
        ),
    ] = "",
    as_json: Json = False,
) -> None:
    """Add today's anchor."""
    from flows import audit_anchor, said
    from flows.store import opened

    with opened(settings()) as database:
        add = partial(audit_anchor.add_anchor, database, restart=restart)
        said.result(_of_each(add), as_json=as_json)


def _of_each(work: Callable[[Settings], dict[str, Any]]) -> dict[str, Any]:
    """Of a city every district's log, of a district its own."""
    return {"districts": in_turn(settings(), work)} if settings().districts else work(settings())
