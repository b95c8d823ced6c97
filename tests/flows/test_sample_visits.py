"""The made-up half-year of visits: nobody in it is real, it is always the same, and the importer takes all of it."""

from collections import Counter, defaultdict
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select
from sqlmodel import col

from flows.intake import take_file
from flows.sample import District, district, register_rows
from flows.sample_elders import AREA
from flows.sample_visits import SEND, Visits, visit_rows, visits, write_visit_files
from flows.settings import settings
from models.contact_flags import flagged_contacts
from models.db import Database
from models.elder import Elder, ElderStatus
from models.visit import VisitContact
from rules.identity import PROVINCES, identity
from rules.registers.visits import ROLES
from tests.flows.test_duty import Office

Tables = dict[str, list[dict[str, Any]]]


@pytest.fixture(scope="module")
def home() -> District:
    return district()


@pytest.fixture(scope="module")
def made(home: District) -> Visits:
    return visits(home)


@pytest.fixture(scope="module")
def tables(made: Visits) -> Tables:
    return {kind: list(rows) for kind, rows in visit_rows(made).items()}


def test_two_thousand_elders_sixty_helpers_and_half_a_year(tables: Tables) -> None:
    assert (len(tables["elder"]), len(tables["helper"])) == (2000, 60)
    days = [str(row["occurred_at"])[:10] for row in tables["contact"]]
    assert (min(days), max(days)) >= ("2025-08-23", "2026-02-19")
    assert 8000 < len(days) < 12000


def test_the_same_seed_gives_the_same_people(home: District, tables: Tables) -> None:
    assert {kind: list(rows) for kind, rows in visit_rows(visits(home)).items()} == tables


def test_every_id_number_is_valid_and_nobody_s(tables: Tables) -> None:
    assert int(AREA[:2]) not in PROVINCES
    numbers = [row["id_number"] for row in tables["elder"]]
    assert len(set(numbers)) == len(numbers)
    for row in tables["elder"]:
        told = identity(row["id_number"], date(2026, 2, 20))
        assert (told.birth_date, told.sex, told.warnings) == (row["birth_date"], row["sex"], ("unknown_area",))


def test_there_are_rare_characters_leap_days_and_missing_contacts(tables: Tables) -> None:
    text = "".join(row["name"] for row in tables["elder"])
    assert all(character in text for character in "䶮𠮷㛃")
    born = [row["birth_date"] for row in tables["elder"]]
    assert sum((day.month, day.day) == (2, 29) for day in born) > 10
    missing = sum(not row["emergency_phone"] for row in tables["elder"])
    assert 100 < missing < 400


def test_tiers_and_categories_have_realistic_shares(tables: Tables) -> None:
    tiers = Counter(row["tier"] for row in tables["elder"])
    assert 80 < tiers["red"] < 160
    assert 400 < tiers["yellow"] < 560
    assert all(row["categories"] for row in tables["elder"] if row["tier"] != "green")
    assert {category for row in tables["elder"] for category in row["categories"]} == {
        "alone", "empty_nest", "left_behind", "disabled", "severely_handicapped", "bereaved_family",
    }  # fmt: skip


def test_care_teams_have_five_roles_or_lack_some(made: Visits, tables: Tables) -> None:
    roles: dict[str, set[str]] = defaultdict(set)
    for row in tables["pairing"]:
        roles[row["elder"]].add(row["role"])
    special = [len(roles[elder.id_number]) for elder in made.elders if elder.tier != "green"]
    assert min(special) < len(ROLES) == max(special)
    assert Counter(row["role"] for row in tables["helper"]) == dict.fromkeys(ROLES, 12)


def test_records_are_late_double_and_contradicting_as_in_real_life(tables: Tables) -> None:
    late = sum(row["recorded_at"].date() > _day(row["occurred_at"]) for row in tables["contact"])
    assert late > 300
    same = Counter((row["elder"], row["helper"], row["channel"], _day(row["occurred_at"])) for row in tables["contact"])
    assert sum(number > 1 for number in same.values()) > 100
    said = Counter(row["status"] for row in tables["status"])
    assert all(said[each] > 3 for each in ("HOSPITAL", "AWAY", "MOVED", "REFUSED", "DEAD", "ACTIVE"))
    assert any(
        (row["recorded_at"].date() - row["from"]).days > 4 for row in tables["status"] if row["status"] == "DEAD"
    )


def _day(moment: Any) -> date:
    return moment.date() if hasattr(moment, "date") else moment  # type: ignore[no-any-return]


def test_the_files_are_taken_whole_and_a_second_time_change_nothing(database: Database, tmp_path: Path) -> None:
    home = district(centres=4, cadres=40)
    office = Office(database, settings(), tmp_path)
    for kind in ("subdistrict", "centre"):
        office.send(kind, register_rows(home)[kind])
    files = write_visit_files(visits(home, elders=400, helpers=20), tmp_path / "in")
    chosen = office.at("2026-02-20T08:00")
    for kind in SEND:
        assert take_file(database, chosen, kind, files[kind][0]).taken.added > 0, kind
    for kind in SEND:
        again = take_file(database, chosen, kind, files[kind][-1]).taken
        assert (again.added, again.changed) == (0, 0), kind
    with database.read() as session:
        counts = [
            session.execute(select(func.count()).select_from(table)).scalar_one() for table in (Elder, ElderStatus)
        ]
        void = select(func.count()).where(col(VisitContact.void_reason) == "duplicate")
        assert counts[0] == 400
        assert session.execute(void).scalar_one() > 5
        list(flagged_contacts(session, 1))


@pytest.mark.parametrize("elders", [0, 1, 7])
def test_it_comes_in_any_size(home: District, elders: int) -> None:
    rows = {kind: list(each) for kind, each in visit_rows(visits(home, elders=elders, helpers=5)).items()}
    assert len(rows["elder"]) == elders
