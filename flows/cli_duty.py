"""`tuoqi duty ...`: recording for a cadre what the centre head or the office was told."""

from typing import Annotated

import typer

from flows.cli_options import Json, either, of_district
from flows.settings import settings

duty = typer.Typer(
    help=either("代值班人登记确认、签到、交接、换班", "record for a cadre: ack, checkin, handover, swap"),
    no_args_is_help=True,
)

By = Annotated[
    str, typer.Option("--by", metavar="NUMBER", help=either("登记人：本人或负责人编号，或 office", "who reports"))
]
Centre = Annotated[str, typer.Option("--centre", metavar="CODE")]
Day = Annotated[str, typer.Option("--date", metavar="DATE")]
Cadre = Annotated[str | None, typer.Option("--cadre", metavar="NUMBER")]
Time = Annotated[
    str | None, typer.Option("--time", metavar="INSTANT", help=either("发生时刻，默认现在", "when, default now"))
]
Check = Annotated[str, typer.Option(metavar="ok|problem")]


def _desk(kind: str, by: str, *, as_json: bool, **values: str | None) -> None:
    from flows import said
    from flows.duty_desk import record
    from flows.store import opened

    with opened(settings()) as database:
        said.result(record(database, settings(), kind, by, values), as_json=as_json)


@duty.command(help=either("确认知晓值班", "acknowledge a duty"))
@of_district
def ack(date: Day, centre: Centre, by: By, cadre: Cadre = None, time: Time = None, as_json: Json = False) -> None:
    """Acknowledge a duty."""
    _desk("ack", by, as_json=as_json, date=date, centre=centre, cadre=cadre, at=time)


@duty.command(help=either("到岗签到", "check in"))
@of_district
def checkin(date: Day, centre: Centre, by: By, cadre: Cadre = None, time: Time = None, as_json: Json = False) -> None:
    """Check in."""
    _desk("checkin", by, as_json=as_json, date=date, centre=centre, cadre=cadre, at=time)


@duty.command(help=either("交接班清单", "hand a duty over"))
@of_district
def handover(
    date: Day,
    centre: Centre,
    by: By,
    rooms: Check = "ok",
    meals: Check = "ok",
    cleaning: Check = "ok",
    facilities: Check = "ok",
    note: Annotated[str | None, typer.Option()] = None,
    cadre: Cadre = None,
    time: Time = None,
    as_json: Json = False,
) -> None:
    """Hand a duty over."""
    items = {"rooms": rooms, "meals": meals, "cleaning": cleaning, "facilities": facilities, "note": note}
    _desk("handover", by, as_json=as_json, date=date, centre=centre, cadre=cadre, at=time, **items)


@duty.command(help=either("换班申请与确认", "ask for or confirm a swap"))
@of_district
def swap(
    centre: Centre,
    date_a: Annotated[str, typer.Option(metavar="DATE")],
    cadre_a: Annotated[str, typer.Option(metavar="NUMBER")],
    date_b: Annotated[str, typer.Option(metavar="DATE")],
    cadre_b: Annotated[str, typer.Option(metavar="NUMBER")],
    by: By,
    confirmed_a: Annotated[str | None, typer.Option(metavar="NUMBER")] = None,
    confirmed_b: Annotated[str | None, typer.Option(metavar="NUMBER")] = None,
    as_json: Json = False,
) -> None:
    """Ask for or confirm a swap."""
    sides = {"date_a": date_a, "cadre_a": cadre_a, "date_b": date_b, "cadre_b": cadre_b}
    agreed = {"confirmed_a": confirmed_a, "confirmed_b": confirmed_b}
    _desk("swap", by, as_json=as_json, centre=centre, **sides, **agreed)
