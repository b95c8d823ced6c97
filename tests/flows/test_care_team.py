"""The coverage report of 五帮一: who lacks whom, who could help, who has too many; names only if revealed.

翠湖社区 has H1 and H2 as building heads and P1 as party member; P1 takes one visit a day, so 20 elders. A (3 栋) has H1
and P1, B (3 栋) nobody, C has no special difficulty, D moved away. So A lacks women, police and gate, for whom nobody
is there; B lacks five roles: H1 is proposed as building head, for H1 is in building 3 already, and P1 as party member.
"""

import csv
from pathlib import Path
from typing import Any

import pytest
from python_calamine import CalamineWorkbook
from sqlalchemy import select
from sqlmodel import col

from flows.exports import Wish, export_file
from models.audit import AuditEntry
from models.db import Database
from tests.flows.elders import elder, number, refs, visits_office
from tests.flows.test_duty import Office

AT = "2026-03-10T09:00"


@pytest.fixture
def office(database: Database, tmp_path: Path) -> Office:
    office = visits_office(database, tmp_path)
    party = {"number": "P1", "name": "王五", "community": "翠湖社区", "role": "party", "capacity": 1}
    office.send("helper", [party], "2026-01-02T09:00")
    homes = (("3 栋", "独居"), ("3 栋", "失能"), ("5 栋", ""), ("5 栋", "独居"))
    people = [
        elder(serial=serial, name=name, building=building, categories=special)
        for serial, name, (building, special) in zip((2, 4, 6, 8), ("龚䶮", "赵六", "钱七", "孙八"), homes, strict=True)
    ]
    office.send("elder", people, "2026-01-05T09:00")
    team = [
        {"elder": number(serial=2), "helper": h, "role": r, "primary": p}
        for h, r, p in (("H1", "building", "是"), ("P1", "party", "否"))
    ]
    office.send("pairing", team, "2026-01-06T09:00")
    office.send("status", [{"elder": number(serial=8), "from": "2026-02-01", "status": "迁出"}], "2026-02-01T09:00")
    return office


def export(office: Office, to: Path, *, reveal: bool = False) -> int:
    wish = Wish.read(None, None, None, None, None, reveal=reveal)
    rows: int = export_file(office.database, office.at(AT), "care-team", wish, to)["rows"]
    return rows


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def sheet(path: Path, name: str) -> list[list[Any]]:
    return CalamineWorkbook.from_path(str(path)).get_sheet_by_name(name).to_python()


def test_missing_roles_come_with_who_could_fill_them(office: Office, tmp_path: Path) -> None:
    assert export(office, tmp_path / "care.csv") == 8
    a, b, *_ = refs(office)
    told = [
        (row["老人编号"], row["缺少角色"], row["建议帮扶人"], row["依据"]) for row in rows_of(tmp_path / "care.csv")
    ]
    nobody = ("", "本社区无人有余力")
    rest = ("巾帼志愿者", "民警", "门卫")
    assert [row[1:] for row in told if row[0] == a] == [(role, *nobody) for role in rest]
    assert [row[1:] for row in told if row[0] == b] == [
        ("党员", "P1", "同楼栋"),
        ("楼栋长", "H1", "同楼栋"),
        *[(role, *nobody) for role in rest],
    ]


def test_a_community_s_line_counts_those_who_are_owed_a_team(office: Office, tmp_path: Path) -> None:
    export(office, tmp_path / "care.xlsx")
    lines = {row[0]: row[1:] for row in sheet(tmp_path / "care.xlsx", "各社区")}
    assert lines["翠湖街道 · 翠湖社区"] == [2, 0, 0, 1, 1, 2, 2, 2]
    assert lines["马街街道 · 普坪社区"][:3] == [0, 0, ""]
    assert lines["合计"] == [2, 0, 0, 1, 1, 2, 2, 2]


def test_a_helper_with_more_than_capacity_allows_is_listed(office: Office, tmp_path: Path) -> None:
    people = [{"number": "P1", "name": "王五", "community": "翠湖社区", "role": "party", "capacity": 0}]
    office.send("helper", people, "2026-03-01T09:00")
    export(office, tmp_path / "care.xlsx")
    assert sheet(tmp_path / "care.xlsx", "超负荷")[1:] == [["P1", 1, 0]]


def test_names_stay_hidden_and_diagnoses_too(office: Office, tmp_path: Path) -> None:
    export(office, tmp_path / "care.xlsx")
    book = CalamineWorkbook.from_path(str(tmp_path / "care.xlsx"))
    told = repr([book.get_sheet_by_name(name).to_python() for name in book.sheet_names])
    for secret in ("龚䶮", "赵六", "王五", "失能", "独居", number()):
        assert secret not in told


def test_revealed_names_leave_an_entry_in_the_audit(office: Office, tmp_path: Path) -> None:
    export(office, tmp_path / "care.csv", reveal=True)
    row = next(row for row in rows_of(tmp_path / "care.csv") if row["建议帮扶人"] == "P1")
    assert (row["老人姓名"], row["建议帮扶人姓名"]) == ("赵六", "王五")
    with office.database.read() as session:
        assert session.execute(select(col(AuditEntry.id)).where(col(AuditEntry.action) == "export.care-team")).one()


def test_a_district_without_elders_gives_an_empty_report(database: Database, tmp_path: Path) -> None:
    office = visits_office(database, tmp_path)
    assert export(office, tmp_path / "care.xlsx") == 0
    assert len(sheet(tmp_path / "care.xlsx", "缺岗与建议")) == 1
