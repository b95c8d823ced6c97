"""`tuoqi exam ...`: releasing a joint exam: put forward, approve, what was released, and what a release changed."""

from typing import Annotated

import typer

from flows.cli_allowance import Code, Staff, asked_code
from flows.cli_options import Json, either, of_district
from flows.settings import settings

exam = typer.Typer(
    help=either(
        "联考：提交发布、审批、版本与变动", "joint exams: put forward, approve, releases and what they changed"
    ),
    no_args_is_help=True,
)

Which = Annotated[str, typer.Argument(metavar="EXAM", help=either("考试编号", "code of the exam"))]


@exam.command(
    "put-forward",
    help=either("经办人提交发布，并请审批人审批", "put an exam forward for release, and ask its approvers"),
)
@of_district
def put_forward(
    which: Which,
    staff: Staff,
    reason: Annotated[
        str, typer.Option("--reason", help=either("原因，不写个人信息；第二版起必填", "why; needed from the second on"))
    ] = "",
    despite_held: Annotated[
        bool,
        typer.Option(
            "--despite-held",
            help=either("有暂不入库的行或没有报送的学校，仍然提交（记录在案）", "go on despite held rows; recorded"),
        ),
    ] = False,
    as_json: Json = False,
) -> None:
    """Put an exam forward."""
    from flows import exam_release, said
    from flows.store import opened

    with opened(settings()) as database:
        told = exam_release.put_forward(database, settings(), which, staff, reason, despite_held=despite_held)
        said.result(told, as_json=as_json)


@exam.command(help=either("审批发布：工号、审批表上的确认码、动态口令", "approve: number, the sheet's code, your code"))
@of_district
def approve(
    which: Which,
    staff: Staff,
    confirmation: Annotated[
        str, typer.Option("--confirmation", metavar="CODE", help=either("审批表上的确认码", "on the sheet"))
    ],
    code: Code = None,
    as_json: Json = False,
) -> None:
    """Release an exam."""
    from flows import exam_release, said
    from flows.allowance_approve import Yes
    from flows.store import opened

    yes = Yes(staff, confirmation, asked_code(code), "cli")
    with opened(settings()) as database:
        said.result(exam_release.approve(database, settings(), which, yes), as_json=as_json)


@exam.command(help=either("列出已发布的版本和待审批的版本", "list the releases, and what waits for approval"))
@of_district
def releases(which: Which, as_json: Json = False) -> None:
    """List the releases of an exam."""
    from flows import exam_release, said
    from flows.store import opened

    with opened(settings()) as database:
        said.result(exam_release.listed(database, settings(), which), as_json=as_json)


@exam.command(help=either("两个版本之间的变动，按学校和科目计数", "what changed between two releases, counted"))
@of_district
def diff(
    which: Which,
    before: Annotated[int, typer.Argument(metavar="BEFORE", help=either("旧版本号", "the older version"))],
    after: Annotated[int, typer.Argument(metavar="AFTER", help=either("新版本号", "the newer version"))],
    as_json: Json = False,
) -> None:
    """Count what changed between two releases."""
    from flows import exam_release, said
    from flows.store import opened

    with opened(settings()) as database:
        said.result(exam_release.diff(database, settings(), which, before, after), as_json=as_json)
