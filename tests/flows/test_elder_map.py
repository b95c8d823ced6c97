"""The elder map: who stands on which card in which shape, and what must never be on it.

On 10 March: A red, met on the 4th (6 days: in time). B red, met on the 2nd (8 days: late). C yellow in hospital (grey).
D green, never met (late). A, B and D live in 3 栋, C in 12 栋; A is owed a care team and has one of five.
"""

import re
from pathlib import Path

import pytest
from python_calamine import CalamineWorkbook
from sqlalchemy import select
from sqlmodel import col

from flows.exports import BadWish, Wish, export_file
from models.audit import AuditEntry
from models.db import Database
from tests.flows.elders import elder, number, refs, visits_office
from tests.flows.test_duty import Office

AT = "2026-03-10T09:00"


@pytest.fixture
def empty(database: Database, tmp_path: Path) -> Office:
    return visits_office(database, tmp_path)


@pytest.fixture
def office(empty: Office) -> Office:
    people = [
        elder(serial=2, name="龚䶮", tier="red", building="3 栋", categories="独居"),
        elder(serial=4, name="赵六", tier="red", building="3 栋", categories=""),
        elder(serial=6, name="钱七", tier="yellow", building="12 栋", categories=""),
        elder(serial=8, name="孙八", tier="green", building="3 栋", categories=""),
    ]
    empty.send("elder", people, "2026-01-05T09:00")
    pairing = {"elder": number(serial=2), "helper": "H1", "role": "building", "primary": "是"}
    empty.send("pairing", [pairing], "2026-01-06T09:00")
    for serial, day in ((4, "02"), (2, "04")):
        met = {"elder": number(serial=serial), "helper": "H1", "channel": "上门", "outcome": "见到本人"}
        empty.send("contact", [met | {"occurred_at": f"2026-03-{day}"}], f"2026-03-{day}T18:00")
    empty.send("status", [{"elder": number(serial=6), "from": "2026-03-05", "status": "住院"}], "2026-03-05T09:00")
    return empty


def export(office: Office, to: Path, *, reveal: bool = True) -> int:
    wish = Wish.read(None, None, None, None, None, reveal=reveal)
    rows: int = export_file(office.database, office.at(AT), "elder-map", wish, to)["rows"]
    return rows


def cards(page: str) -> dict[str, str]:
    return dict(re.findall(r'<div class="card">\s*<h2>(.*?)<span>(.*?)</div>', page, re.DOTALL))


def test_each_building_shows_its_elders_those_most_in_need_first(office: Office, tmp_path: Path) -> None:
    assert export(office, tmp_path / "map.html") == 4
    found = cards((tmp_path / "map.html").read_text("utf-8"))
    shapes = {name: re.findall(r'href="#([a-z-]+)"', card) for name, card in found.items()}
    assert list(shapes) == ["3 栋", "12 栋"]
    assert shapes == {"3 栋": ["red-late", "red", "short", "green-late"], "12 栋": ["yellow-away"]}


def test_a_card_names_by_reference_who_was_not_seen_for_longest(office: Office, tmp_path: Path) -> None:
    export(office, tmp_path / "map.html")
    card = cards((tmp_path / "map.html").read_text("utf-8"))["3 栋"]
    _, b, _, d = refs(office)
    assert re.findall(r"<span>(E-[^<]*)</span>", card) == [f"{d}（从未）", f"{b}（8天）"]


def test_a_folder_gets_a_page_for_each_community(office: Office, tmp_path: Path) -> None:
    assert export(office, tmp_path / "maps") == 4
    names = sorted(path.name for path in (tmp_path / "maps").iterdir())
    assert len(names) == 2
    assert {name[3:] for name in names} == {"翠湖街道·翠湖社区.html", "马街街道·普坪社区.html"}


def test_the_workbook_counts_each_building_and_all(office: Office, tmp_path: Path) -> None:
    export(office, tmp_path / "map.xlsx")
    book = CalamineWorkbook.from_path(str(tmp_path / "map.xlsx"))
    name = next(name for name in book.sheet_names if "翠湖" in name)
    rows = [row[:8] for row in book.get_sheet_by_name(name).to_python()[3:]]
    assert rows == [
        ["3 栋", 2, 0, 1, 3, 2, "从未", "0/1"],
        ["12 栋", 0, 1, 0, 1, 0, "—", "—"],
        ["合计", 2, 1, 1, 4, 2, "从未", "0/1"],
    ]


def test_it_is_refused_unless_revealed_and_then_audited(office: Office, tmp_path: Path) -> None:
    with pytest.raises(BadWish):
        export(office, tmp_path / "map.html", reveal=False)
    assert not (tmp_path / "map.html").exists()
    export(office, tmp_path / "map.html")
    with office.database.read() as session:
        assert session.execute(select(col(AuditEntry.id)).where(col(AuditEntry.action) == "export.elder-map")).one()


def test_no_name_number_or_diagnosis_and_nothing_from_outside(office: Office, tmp_path: Path) -> None:
    export(office, tmp_path / "map.html")
    page = (tmp_path / "map.html").read_text("utf-8")
    for secret in ("龚䶮", "赵六", "钱七", "独居", "alone", number(), "李四"):
        assert secret not in page
    assert not re.search(r"https?:|src=|url\(|<script|@import|<link", page)
    assert (tmp_path / "map.html").stat().st_mode & 0o077 == 0


def test_names_of_places_stay_text(empty: Office, tmp_path: Path) -> None:
    hostile = {"subdistrict": "翠湖街道", "community": "<b>社区", "building": "=1+1</h2><script>"}
    empty.send("elder", [elder() | hostile], "2026-01-05T09:00")
    export(empty, tmp_path / "map.html")
    page = (tmp_path / "map.html").read_text("utf-8")
    assert "<script>" not in page
    assert "&lt;b&gt;社区" in page
    export(empty, tmp_path / "map.xlsx")
    book = CalamineWorkbook.from_path(str(tmp_path / "map.xlsx"))
    cells = [row[0] for name in book.sheet_names for row in book.get_sheet_by_name(name).to_python()]
    assert "'=1+1</h2><script>" in cells


def test_a_district_without_elders_has_empty_sheets(empty: Office, tmp_path: Path) -> None:
    assert export(empty, tmp_path / "map.html") == 0
    assert (tmp_path / "map.html").read_text("utf-8").count("本社区没有登记的老人") == 2
