"""Care teams, helpers and who is away or on duty, as the rules of today's list read them."""

from datetime import date
from pathlib import Path

import pytest

from models.care import cadres_on_duty, care_teams, carers, helpers_away, list_helpers
from models.db import Database
from rules.five_helps import Carer
from rules.visits_list import Helper, Pairing
from tests.flows.elders import elder, number, ref, visits_office
from tests.flows.test_duty import Office

DAY = date(2026, 3, 10)


@pytest.fixture
def office(database: Database, tmp_path: Path) -> Office:
    office = visits_office(database, tmp_path)
    office.send("elder", [elder()])
    office.send("helper", [{"number": "H3", "name": "王五", "role": "police", "capacity": "0", "community": ""}])
    return office


def test_helpers_have_their_community_and_capacity(office: Office) -> None:
    with office.database.read() as session:
        assert list_helpers(session, 1) == [Helper("H1", "1", 6), Helper("H2", "1", 6), Helper("H3", "", 0)]
        assert carers(session, 1)[2] == Carer("H3", "", "police", 0)


@pytest.mark.parametrize(
    ("since", "until", "there"),
    [
        pytest.param("2026-03-10", "2026-03-10", True, id="that day only"),
        pytest.param("2026-01-01", "", True, id="lasting"),
        pytest.param("2026-01-01", "2026-03-09", False, id="until the day before"),
        pytest.param("2026-03-11", "", False, id="from the day after"),
    ],
)
def test_a_care_team_is_who_is_paired_on_the_day(office: Office, since: str, until: str, there: bool) -> None:
    pair = {"elder": number(), "helper": "H1", "role": "party", "primary": "yes", "from": since, "until": until}
    office.send("pairing", [pair])
    with office.database.read() as session:
        assert care_teams(session, 1, DAY) == [Pairing(ref(office), "H1", "party", True)] * there


def test_who_is_on_leave_is_away_and_a_withdrawn_leave_is_none(office: Office) -> None:
    leave = {"from": "2026-03-10", "until": "2026-03-10"}
    rows = [{"person": "H1", **leave, "cancelled": "no"}, {"person": "H2", **leave, "cancelled": "yes"}]
    office.send("leave", rows)
    with office.database.read() as session:
        assert helpers_away(session, 1, DAY) == {"H1"}
        assert helpers_away(session, 1, date(2026, 3, 11)) == set()


def test_the_cadre_on_duty_is_known_by_community_once_published(office: Office) -> None:
    office.send("slot", [{"date": DAY, "centre": "C1", "cadre": "K1", "state": "draft"}])
    with office.database.read() as session:
        assert cadres_on_duty(session, 1, DAY) == {}
    office.send("slot", [{"date": DAY, "centre": "C1", "cadre": "K1", "state": "published"}])
    with office.database.read() as session:
        assert cadres_on_duty(session, 1, DAY) == {"1": "K1"}
