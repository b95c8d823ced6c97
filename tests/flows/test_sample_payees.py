"""The made-up payees: always the same, nobody's numbers, as untidy as real ones, and taken in without an error."""

from collections import Counter
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from flows.intake import take_file
from flows.sample import district, register_rows
from flows.sample_payees import SEND, make_staff, payee_rows, write_payee_files
from flows.sample_visits import Visits, visit_rows, visits
from flows.settings import settings
from models.db import Database
from models.staff import ROLES
from rules.bank_card import card_doubt
from tests.flows.test_duty import Office

TODAY = date(2026, 2, 20)
Tables = dict[str, list[dict[str, Any]]]


@pytest.fixture(scope="module")
def made() -> Visits:
    return visits(district(), days=2)


@pytest.fixture(scope="module")
def tables(made: Visits) -> Tables:
    return {kind: list(rows) for kind, rows in payee_rows(made, TODAY).items()}


def test_most_elders_of_eighty_have_an_account_and_are_certified(made: Visits, tables: Tables) -> None:
    old = {elder.id_number for elder in made.elders if elder.birth_date <= date(1946, 2, 20)}
    for kind, fewest in (("account", 0.95), ("certification", 0.93)):
        whose = {row["elder"] for row in tables[kind]}
        assert whose < old
        assert len(whose) > fewest * len(old)
    assert tables == {kind: list(rows) for kind, rows in payee_rows(made, TODAY).items()}


def test_it_has_the_cases_that_a_register_has(made: Visits, tables: Tables) -> None:
    accounts, names = tables["account"], {elder.id_number: elder.name for elder in made.elders}
    assert sorted(Counter(row["account"] for row in accounts).values())[-2:] == [1, 2]
    proxies = [row for row in accounts if row["proxy_name"]]
    assert any(row["proxy_until"] < TODAY for row in proxies)
    assert any(row["holder"] == row["proxy_name"] for row in proxies)
    assert {card_doubt(row["account"]) for row in accounts} == {None, "length", "check_digit"}
    assert any(row["certified_on"] < date(2025, 2, 1) for row in tables["certification"])
    rare = {name for name in names.values() if "䶮" in name or max(name) > "\uffff"}
    assert len(rare) == 2
    assert all(row["account"].startswith("00") for row in accounts)
    assert all(row["certified_on"] < TODAY for row in tables["certification"])


def test_the_importer_takes_the_files_and_taking_them_again_changes_nothing(database: Database, tmp_path: Path) -> None:
    made = visits(district(), elders=300, days=2)
    office = Office(database, settings(), tmp_path)
    for kind in ("subdistrict", "centre"):
        office.send(kind, register_rows(made.made)[kind])
    (elders,) = ([*rows] for kind, rows in visit_rows(made).items() if kind == "elder")
    office.send("elder", [{**row, "categories": "、".join(row["categories"])} for row in elders])
    files = write_payee_files(made, tmp_path, TODAY)
    for kind in SEND:
        first, again = (take_file(database, office.at("2026-02-20T09:00"), kind, files[kind][0]).taken for _ in "12")
        assert (first.added, first.changed, first.unchanged) == (again.unchanged, 0, 0)
        assert (again.added, again.changed) == (0, 0)
        assert (kind == "account") == bool(first.doubts)


def test_the_staff_has_somebody_for_each_part() -> None:
    people = make_staff(530112)
    assert {person.role for person in people} == set(ROLES)
    assert people == make_staff(530112)
    assert len({person.phone for person in people}) == len(people)
