"""`tuoqi exam slips`: slips to print for families that get no e-mail."""

from pathlib import Path
from typing import Annotated

import typer

from flows.cli_exam import exam
from flows.cli_options import Json, either, of_district
from flows.settings import settings

__all__ = ["exam"]


@exam.command(
    help=either(
        "为没有已核实邮箱的家长写成绩单，一人一个文件（记入审计）",
        "write slips for families without a verified address, a file each (audited)",
    )
)
@of_district
def slips(
    code: Annotated[str, typer.Argument(metavar="EXAM")],
    school: Annotated[str, typer.Option("--school", metavar="CODE")],
    to: Annotated[Path, typer.Option("--to", metavar="DIR")],
    reveal: Annotated[bool, typer.Option("--reveal", help=either("显示姓名和成绩", "show names and marks"))] = False,
    everyone: Annotated[
        bool, typer.Option("--everyone", help=either("包括有邮箱的家长", "also for those with e-mail"))
    ] = False,
    as_json: Json = False,
) -> None:
    """Write slips to print."""
    from flows import said
    from flows.exam_slip_files import write_slips
    from flows.store import opened

    with opened(settings()) as database:
        said.result(
            write_slips(database, settings(), code, school, to, reveal=reveal, everyone=everyone), as_json=as_json
        )
