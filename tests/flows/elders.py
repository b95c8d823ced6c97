"""What the tests of follow-up visits share: valid ID numbers, and a district with two communities and two helpers."""

from datetime import date, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import select
from sqlmodel import col

from flows.intake import Intake, take_file
from flows.settings import settings
from models.db import Database
from models.elder import Elder
from rules.identity import check_character
from tests.flows.test_duty import Office

NOW = "2026-03-10T09:00"
ALL = (date(1900, 1, 1), date(2100, 1, 1))


def number(born: str = "1949-12-31", serial: int = 2, area: str = "990112") -> str:
    """A valid ID number of an area that was never given out; an even serial is a woman's."""
    body = f"{area}{born.replace('-', '')}{serial:03}"
    return body + check_character(body)


def elder(born: str = "1949-12-31", serial: int = 2, **more: Any) -> dict[str, Any]:
    """A row of the elder register."""
    whole = {"name": "龚䶮", "community": "翠湖社区", "tier": "yellow", "registered_on": "2026-01-05"}
    return {"id_number": number(born, serial), **whole, **more}


def visits_office(database: Database, folder: Path) -> Office:
    """Two communities of two sub-districts, each with a centre, and two helpers."""
    office = Office(database, settings(), folder)
    centres = (("C1", "翠湖街道", "翠湖社区"), ("C2", "马街街道", "普坪社区"))
    office.send("centre", [{"code": c, "name": c, "subdistrict": s, "community": n} for c, s, n in centres])
    office.send("cadre", [{"number": "K1", "name": "张三", "centre": "C1", "from": "2020-01-01"}])
    people = {"name": "李四", "community": "翠湖社区", "role": "building", "capacity": 6}
    office.send("helper", [{"number": n, **people} for n in ("H1", "H2")])
    return office


def take(office: Office, kind: str, path: Path, moment: str = NOW) -> Intake:
    """Send a file as it is."""
    return take_file(office.database, office.at(moment), kind, path)


def refs(office: Office) -> list[str]:
    """The references of the elders in the order in which they came."""
    with office.database.read() as session:
        return list(session.execute(select(col(Elder.ref)).order_by(col(Elder.id))).scalars())


def ref(office: Office) -> str:
    """The reference of the only elder."""
    (only,) = refs(office)
    return only


def stored(office: Office, *columns: Any) -> list[tuple[Any, ...]]:
    """Columns of a table in the order of its rows."""
    with office.database.read() as session:
        table = columns[0].class_
        return [tuple(row) for row in session.execute(select(*map(col, columns)).order_by(col(table.id)))]


def utc(moment: str) -> datetime:
    """An instant given as wall-clock time of the district."""
    return datetime.fromisoformat(f"{moment}+08:00")
