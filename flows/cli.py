"""The command `tuoqi`: what a person or a script asks for -> the flow or register behind it -> one clear answer.

Exit 0 done, 1 refused or failed with one line on stderr, 2 wrong usage. Heavy parts are imported by the command that
needs them, so that --help is quick.
"""

import sys
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Literal

import typer

from flows.cli_allowance import allowance
from flows.cli_audit import audit
from flows.cli_duty import duty
from flows.cli_exam_slips import exam
from flows.cli_keys import keys
from flows.cli_message import message
from flows.cli_options import Json, PrefectFile, dated, either, of_district
from flows.cli_staff import staff
from flows.cli_visits import issue, visit
from flows.settings import settings
from rules.errors import TuoqiError

app = typer.Typer(
    help=either("托起：区级一老一小公共服务作业", "Tuoqi: the recurring public-service jobs of a city district"),
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.add_typer(duty, name="duty")
app.add_typer(message, name="message")
app.add_typer(visit, name="visit")
app.add_typer(issue, name="issue")
app.add_typer(allowance, name="allowance")
app.add_typer(exam, name="exam")
app.add_typer(staff, name="staff")
app.add_typer(audit, name="audit")
app.add_typer(keys, name="keys")


@app.command(
    "import", help=either("导入一个登记表文件（全部写入或全不写入）", "take in a register file, whole or not at all")
)
@of_district
def imported(
    kind: Annotated[str, typer.Argument(metavar="KIND")],
    file: Annotated[Path, typer.Argument(metavar="FILE")],
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help=either("只检查，不写入", "check only, write nothing"))
    ] = False,
    as_json: Json = False,
) -> None:
    """Take in a register file."""
    from flows import said
    from flows.intake import take_file
    from flows.store import opened

    with opened(settings()) as database:
        said.intake(take_file(database, settings(), kind, file, dry_run=dry_run), as_json=as_json)


@app.command(help=either("生成空白登记表", "write an empty register form"))
@dated
def template(
    kind: Annotated[str, typer.Argument(metavar="KIND")],
    to: Annotated[Path | None, typer.Option("--to", metavar="FILE.xlsx")] = None,
) -> None:
    """Write an empty register form."""
    from flows import said
    from flows.forms import write_form
    from flows.intake_store import register

    form = register(kind)
    path = to or Path(f"{kind}.xlsx")
    write_form(form, path, settings().lang)
    said.done(either("已生成 {}", "wrote {}").format(path))


@app.command(help=either("在本进程中执行一个作业", "run a job in this process"))
@dated
def run(
    job: Annotated[str, typer.Argument(metavar="JOB")],
    on: Annotated[str | None, typer.Option("--on", metavar="DATE", help=either("业务日期", "business date"))] = None,
    param: Annotated[list[str] | None, typer.Option("--param", metavar="NAME=VALUE")] = None,
    as_json: Json = False,
) -> None:
    """Run a job in this process."""
    from flows import said
    from flows.run import run_job

    told = run_job(job, on, param or [])
    if job == "allowance-plan" and not as_json:  # its bands and reasons are no rows of one table
        from flows.allowance_planned import plan_lines

        said.done("\n".join(plan_lines(told["plans"])))
        return
    said.result(told, as_json=as_json)


@app.command(
    help=either(
        "导出登记表、值班表、消息、考试统计等；exam-results 只有考号、没有姓名，但逐人列出，每次都记入审计",
        "export registers, duty, messages, exams and more; exam-results lists all by number, no names: audited",
    )
)
@of_district
def export(
    kind: Annotated[str, typer.Argument(metavar="KIND")],
    to: Annotated[Path, typer.Option("--to", metavar="FILE.csv|.xlsx|.ics")],
    since: Annotated[str | None, typer.Option("--from", metavar="DATE")] = None,
    until: Annotated[str | None, typer.Option("--until", metavar="DATE")] = None,
    month: Annotated[str | None, typer.Option("--month", metavar="2026-03")] = None,
    centre: Annotated[str | None, typer.Option("--centre", metavar="CODE")] = None,
    cadre: Annotated[str | None, typer.Option("--cadre", metavar="NUMBER")] = None,
    elder: Annotated[str | None, typer.Option("--elder", metavar="REF")] = None,
    exam: Annotated[str | None, typer.Option("--exam", metavar="CODE")] = None,
    release: Annotated[
        int | None,
        typer.Option(
            "--release", metavar="N", help=either("考试的第几版；默认当前", "of the exam; default: as it is now")
        ),
    ] = None,
    reveal: Annotated[
        bool, typer.Option("--reveal", help=either("含个人信息（记入审计）", "with personal data (audited)"))
    ] = False,
    as_json: Json = False,
) -> None:
    """Export rows to a file."""
    from flows import said
    from flows.exports import Wish, export_file
    from flows.store import opened

    wish = Wish.read(since, until, month, centre, cadre, reveal=reveal, elder=elder)
    with opened(settings()) as database:
        said.result(
            export_file(database, settings(), kind, replace(wish, exam=exam, release=release), to), as_json=as_json
        )


@app.command(help=either("查一个编号是谁（记入审计）", "look a reference up (audited)"))
@of_district
def who(ref: Annotated[str, typer.Argument(metavar="REF")], as_json: Json = False) -> None:
    """Look a reference up."""
    from flows import said
    from flows.exports import look_up
    from flows.store import opened

    with opened(settings()) as database:
        said.result(look_up(database, settings(), ref), as_json=as_json)


@app.command(help=either("升级数据库（先备份）", "upgrade the database, after a backup"))
@dated
def migrate() -> None:
    """Upgrade the database."""
    from flows import said
    from flows.keep import migrate_database

    said.done(migrate_database(settings()))


@app.command(help=either("备份数据库", "back the database up"))
@dated
def backup(
    to: Annotated[Path | None, typer.Option("--to", metavar="FILE")] = None, prefect: PrefectFile = None
) -> None:
    """Back the database up."""
    from flows import said
    from flows.keep import backup_database
    from flows.keep_prefect import backup_prefect

    said.done(backup_database(settings(), to))
    if prefect:
        said.done(backup_prefect(settings(), prefect))


@app.command(help=either("从备份恢复（先备份现状）", "restore a backup, after backing up what is there"))
@dated
def restore(file: Annotated[Path, typer.Argument(metavar="FILE")], prefect: PrefectFile = None) -> None:
    """Restore a backup."""
    from flows import said
    from flows.keep import restore_database
    from flows.keep_prefect import check_prefect, restore_prefect

    if prefect:
        check_prefect(settings(), prefect)  # what cannot be restored is refused before anything is touched
    said.done(restore_database(settings(), file))
    if prefect:
        said.done(restore_prefect(settings(), prefect))


@app.command(
    help=either("检查配置、密钥、数据库、日历、消息与调度", "check settings, keys, database, calendar and more")
)
@dated
def doctor(as_json: Json = False) -> None:
    """Check the installation."""
    from flows import said
    from flows.doctor import examine

    findings = examine(settings())
    said.findings(findings, as_json=as_json)
    if any(finding.state == "bad" for finding in findings):
        raise typer.Exit(1)


@app.command(help=either("输出监控指标（Prometheus 格式，不含个人信息）", "print figures for a monitor (Prometheus)"))
@dated
def metrics(to: Annotated[Path | None, typer.Option("--to", metavar="FILE.prom")] = None) -> None:
    """Print figures for a monitor."""
    from flows import said
    from flows.metrics import metrics, text_of, write_metrics
    from flows.store import opened

    with opened(settings()) as database:
        if to:
            said.done(either("已写入 {}", "wrote {}").format(write_metrics(database, settings(), to)))
        else:
            typer.echo(text_of(metrics(database, settings())), nl=False)


@app.command(
    help=either(
        "启动服务或其中一部分，Ctrl-C 停止",
        "run the service or one part of it until Ctrl-C",
    )
)
@dated
def up(
    part: Annotated[
        Literal["server", "services", "worker", "watcher", "ringer", "answers"] | None, typer.Argument(metavar="[PART]")
    ] = None,
) -> None:
    """Run the service, or one part of it."""
    from flows.parts import run_part
    from flows.up import stay_up

    if part:
        run_part(settings(), part)
    stay_up(settings())


@app.command(help=either("升级数据库并向调度服务登记作业", "upgrade the database, register the jobs with the server"))
@dated
def register() -> None:
    """Bring database and jobs to this program's version."""
    from flows import said
    from flows.registering import register as bring

    said.done(bring(settings()))


@app.command(help=either("用虚构区演示全部作业", "show every job at work on a made-up district"))
@dated
def demo() -> None:
    """Show every job at work."""
    from flows.demo import show

    raise typer.Exit(show())


def main() -> None:
    """Run the command; an error ends with one sentence for the user and 1, what nobody foresaw with its number."""
    try:
        app()
    except TuoqiError as error:
        told = error
    except Exception as error:  # noqa: BLE001 - the border: its text may hold values and goes to the log alone
        from flows.failures import incident

        told = incident(error)
    else:
        return
    sys.stderr.write(f"tuoqi: {told}\n")
    sys.exit(1)


if __name__ == "__main__":
    main()
