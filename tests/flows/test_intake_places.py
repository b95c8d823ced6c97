"""Centres from their register: what a file leaves blank stays as it is known."""

import pytest

from flows.intake_store import store_rows
from flows.settings import settings
from models.db import Database
from models.intake import Taken
from rules.registers import REGISTERS, parse


def send(database: Database, **row: str) -> Taken:
    parsed = parse(REGISTERS["centre"], [[*row], [*row.values()]])
    assert not parsed.errors
    return store_rows(database, settings(), "centre", parsed.rows, "test")


@pytest.mark.parametrize("blank", ["subdistrict", "community"])
def test_a_place_left_blank_stays_and_is_no_change(database: Database, blank: str) -> None:
    whole = {"code": "C1", "name": "中心", "subdistrict": "街道", "community": "社区"}
    assert send(database, **whole).added == 1
    again = send(database, **whole | {blank: ""})
    assert (again.added, again.changed, again.unchanged) == (0, 0, 1)
    assert send(database, **whole).unchanged == 1
