"""The recording form of the Prefect UI takes no prose: Prefect would keep it in plain."""

from datetime import date, datetime
from pathlib import Path
from typing import Literal

import pytest
from prefect.utilities.callables import parameter_schema
from pydantic import TypeAdapter, ValidationError
from sqlalchemy import select

from flows import fields
from flows.duty_desk import UnknownReporter
from flows.duty_record import duty_record
from flows.settings import settings
from models.db import Database
from models.duty import Handover
from tests.flows.test_duty import Office

DAY = date(2026, 3, 10)


@pytest.fixture
def office(database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Office:
    office = Office(database, settings(), tmp_path)
    office.send("centre", [{"code": "C1", "name": "一中心"}])
    office.send("cadre", [{"number": "K1", "name": "张三", "centre": "C1", "from": "2020-01-01"}])
    office.send("slot", [{"date": DAY, "centre": "C1", "cadre": "K1", "state": "published"}], "2026-03-09T08:00")
    office.send("checkin", [{"date": DAY, "centre": "C1", "at": f"{DAY} 08:30"}], "2026-03-10T08:30")
    monkeypatch.setenv("TUOQI_AT", "2026-03-10T18:00")
    settings.cache_clear()
    return office


def test_the_form_offers_the_items_and_no_text() -> None:
    shown = parameter_schema(duty_record).properties["problem"]
    assert shown["enum"] == ["无", "功能室", "用餐告知", "环境卫生", "设施设备"]
    assert shown["default"] == "无"


def test_only_the_items_are_accepted() -> None:
    problem = TypeAdapter[str](fields.Problem)
    assert [problem.validate_python(each) for each in ("无", "功能室", "facilities")] == ["none", "rooms", "facilities"]
    with pytest.raises(ValidationError):
        problem.validate_python("张大爷家的空调坏了")


@pytest.mark.parametrize(
    ("problem", "found"),
    [
        pytest.param("none", {}, id="nothing"),
        pytest.param("meals", {"meals": "problem"}, id="one item"),
    ],
)
def test_a_handover_by_form_keeps_the_item_and_a_fixed_note(
    office: Office, problem: Literal["none", "meals"], found: dict[str, str]
) -> None:
    duty_record.fn("handover", "C1", DAY, "K1", problem=problem)
    with office.database.read() as session:
        stored = session.execute(select(Handover)).scalar_one()
        note = office.database.keys.open("duty_handover.note", f"C1/{DAY}", stored.note)
    items = {item: getattr(stored, item) for item in ("rooms", "meals", "cleaning", "facilities")}
    assert items == dict.fromkeys(items, "ok") | found
    assert note == ("见表单登记，详情由负责人补充" if found else "")


def test_the_form_refuses_an_unknown_reporter(office: Office) -> None:
    with pytest.raises(UnknownReporter, match="office"):
        duty_record.fn("handover", "C1", DAY, "王五", at=datetime.fromisoformat("2026-03-10T17:30+08:00"))
    with office.database.read() as session:
        assert session.execute(select(Handover)).first() is None
