"""`tuoqi visit ...` and `tuoqi issue ...`: recording a visit, a change of status, and what becomes of a problem."""

from typing import Annotated

import typer

from flows.cli_options import Json, either, of_district
from flows.settings import settings

visit = typer.Typer(help=either("登记探访和老人状态", "record visits and statuses of elders"), no_args_is_help=True)
issue = typer.Typer(help=either("诉求与报修的办理", "issues and facility tickets"), no_args_is_help=True)

Elder = Annotated[
    str,
    typer.Option("--elder", metavar="REF", help=either("系统编号，如 E-7K3Q-9XM1", "reference, such as E-7K3Q-9XM1")),
]
By = Annotated[
    str, typer.Option("--by", metavar="NUMBER", help=either("登记人：干部或帮扶人编号，或 office", "who reports"))
]
Time = Annotated[
    str | None,
    typer.Option("--time", metavar="INSTANT", help=either("发生的日期或时刻，默认现在", "day or moment, default now")),
]
Note = Annotated[str | None, typer.Option("--note", help=either("备注（加密保存）", "a note, kept sealed"))]
Number = Annotated[str, typer.Option("--number", metavar="ISSUE", help=either("诉求编号", "number of the issue"))]


def _desk(kind: str, by: str, /, *, as_json: bool, **values: str | None) -> None:
    from flows import said
    from flows.store import opened
    from flows.visit_desk import new_number, now_as_text, record

    with opened(settings()) as database:
        for name in ("occurred_at", "at"):
            if name in values and values[name] is None:
                values[name] = now_as_text(settings())
        if kind == "issue" and values["number"] is None:
            values["number"] = new_number(database, settings())
        named = {name.rstrip("_"): value for name, value in values.items()}
        said.result(record(database, settings(), kind, by, named), as_json=as_json)


@visit.command(help=either("登记一次探访或联系", "record a contact or an attempt"))
@of_district
def record(
    elder: Elder,
    helper: Annotated[str, typer.Option("--helper", metavar="NUMBER")],
    channel: Annotated[str, typer.Option("--channel", metavar="home|phone|video")],
    outcome: Annotated[str, typer.Option("--outcome", metavar="MET|PHONE|VIDEO|NO_ANSWER|REFUSED|AWAY")],
    time: Time = None,
    note: Note = None,
    by: Annotated[
        str | None, typer.Option("--by", metavar="NUMBER", help=either("默认为帮扶人", "default the helper"))
    ] = None,
    as_json: Json = False,
) -> None:
    """Record a contact or an attempt."""
    told = {"elder": elder, "helper": helper, "channel": channel, "outcome": outcome, "note": note}
    _desk("contact", by or helper, as_json=as_json, occurred_at=time, **told)


@visit.command(help=either("登记住院、外出、迁居、去世等", "record hospital, away, a move, a death"))
@of_district
def status(
    elder: Elder,
    status: Annotated[str, typer.Option("--status", metavar="ACTIVE|HOSPITAL|AWAY|REFUSED|MOVED|INSTITUTION|DEAD")],
    by: By,
    since: Annotated[
        str | None, typer.Option("--from", metavar="DATE", help=either("默认今天", "default today"))
    ] = None,
    community: Annotated[str | None, typer.Option("--community", help=either("区内迁居", "a move inside"))] = None,
    subdistrict: Annotated[str | None, typer.Option("--subdistrict")] = None,
    reoffer_on: Annotated[str | None, typer.Option("--reoffer-on", metavar="DATE")] = None,
    as_json: Json = False,
) -> None:
    """Record a change of status."""
    place = {"community": community, "subdistrict": subdistrict, "reoffer_on": reoffer_on}
    first = since or settings().today().isoformat()
    _desk("status", by, as_json=as_json, elder=elder, status=status, from_=first, **place)


@issue.command("open", help=either("登记一件诉求或报修", "open an issue of an elder or a centre"))
@of_district
def opened(
    kind: Annotated[str, typer.Option("--kind", metavar="urgent|consult|help|other")],
    by: By,
    elder: Annotated[str | None, typer.Option("--elder", metavar="REF")] = None,
    centre: Annotated[str | None, typer.Option("--centre", metavar="CODE")] = None,
    number: Annotated[str | None, typer.Option("--number", help=either("默认自动编号", "default the next"))] = None,
    time: Time = None,
    note: Note = None,
    as_json: Json = False,
) -> None:
    """Open an issue."""
    subject = {"elder": elder, "centre": centre, "kind": kind, "note": note}
    _desk("issue", by, as_json=as_json, number=number, event="open", actor=by, at=time, **subject)


@issue.command(help=either("派给经办人", "give it to somebody"))
@of_district
def assign(
    number: Number,
    to: Annotated[str, typer.Option("--to", metavar="NUMBER", help=either("接单人编号", "who gets it"))],
    by: By,
    time: Time = None,
    note: Note = None,
    as_json: Json = False,
) -> None:
    """Give an issue to somebody."""
    _desk("issue", by, as_json=as_json, number=number, event="assign", actor=to, at=time, note=note)


@issue.command(help=either("回访老人，问是否满意", "call back and ask"))
@of_district
def verify(
    number: Number,
    by: By,
    satisfied: Annotated[
        str | None,
        typer.Option(
            "--satisfied", metavar="yes|no", help=either("老人去世或无法询问时不填", "leave out if the elder died")
        ),
    ] = None,
    time: Time = None,
    note: Note = None,
    as_json: Json = False,
) -> None:
    """Note the answer to the call-back."""
    told = {"actor": by, "satisfied": satisfied, "note": note}
    _desk("issue", by, as_json=as_json, number=number, event="verify", at=time, **told)


def _step(event: str, zh: str, en: str) -> None:
    @issue.command(event, help=either(zh, en))
    @of_district
    def step(number: Number, by: By, time: Time = None, note: Note = None, as_json: Json = False) -> None:
        """Take an issue one step on."""
        _desk("issue", by, as_json=as_json, number=number, event=event, actor=by, at=time, note=note)


_step("wait", "申请等待", "ask for time to wait")
_step("approve", "批准等待", "approve the waiting")
_step("resume", "恢复办理", "end the waiting")
_step("resolve", "办理完成", "it is resolved")
_step("reopen", "重新打开", "open it again")
_step("close", "办结", "close it")
