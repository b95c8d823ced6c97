"""Lines of exams from files: a mark or a number of places; out as they went in; at the scale of the totals."""

from datetime import date
from pathlib import Path
from typing import Any

import pytest

from models.db import Database
from models.exam_line import Drawn, lines_of
from models.register_rows import ROWS
from tests.flows.exams import LATER, exam_office, give
from tests.flows.test_duty import Office


@pytest.fixture
def office(database: Database, tmp_path: Path) -> Office:
    return exam_office(database, tmp_path)


def line(track: str, name: str, **said: Any) -> dict[str, Any]:
    return {"exam": "E1", "track": track, "name": name, **said}


GIVEN = [
    line("物理类", "特控线", mark="430.3"),
    line("physics", "本科线", places="120"),
    line("none", "本科线", mark=400),
]


def test_a_line_is_a_mark_at_the_totals_scale_or_places_and_comes_out_as_it_went_in(office: Office) -> None:
    assert give(office, "line", GIVEN).added == 3
    with office.database.read() as session:
        # 430.3 is 860.6 halves: who has at least that has 861
        assert lines_of(session, 1, 2) == [
            Drawn("本科线", "none", 800, None),
            Drawn("特控线", "physics", 861, None),
            Drawn("本科线", "physics", None, 120),
        ]
        assert [each.mark for each in lines_of(session, 1, 10)] == [4000, 4303, None]
        rows = list(ROWS["line"](session, 1, date(2000, 1, 1), date(2100, 1, 1)))
    assert give(office, "line", [{n: "" if v is None else v for n, v in row.items()} for row in rows]).unchanged == 3


def test_a_line_given_again_is_changed(office: Office) -> None:
    give(office, "line", GIVEN)
    again = give(office, "line", [line("physics", "特控线", mark="", places=50)], LATER)
    assert (again.changed, again.changes[0][2]) == (1, ("mark", "places"))


@pytest.mark.parametrize(
    "said",
    [
        pytest.param({"mark": 430, "places": 5}, id="both"),
        pytest.param({"mark": "", "places": ""}, id="neither"),
        pytest.param({"mark": "430.25"}, id="finer than a tenth"),
        pytest.param({"mark": 0}, id="nought"),
        pytest.param({"places": 0}, id="no places"),
        pytest.param({"exam": "E9", "mark": 430}, id="an exam nobody registered"),
        pytest.param({}, id="without the columns"),
    ],
)
def test_a_line_that_cannot_be_is_refused(office: Office, said: dict[str, Any]) -> None:
    assert len(give(office, "line", [line("none", "本科线") | said]).errors) == 1
