"""Who may see what of an exam: nothing of another school in a school's view, and no way to work out a small one."""

from collections.abc import Iterator, Sequence
from dataclasses import fields, is_dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from models.db import Database
from models.exam_findings import findings
from models.exam_releases import inputs_of
from models.exam_views import school_view
from models.exam_whole import AskedLine, Whole
from models.exam_wholes import whole_of
from policies.exams import exams
from tests.flows.elders import utc
from tests.flows.exams import LATER, NOW, exam_office, give, give_marks, mark, student
from tests.flows.test_duty import Office


def small_exam(database: Database, folder: Path, sizes: Sequence[int]) -> Office:
    """An exam of schools S1, S2, ...; student i of school s is s*1000+i, with 60+i in 语文 and 30, 20, 10 in 物理."""
    office = exam_office(database, folder)
    give(office, "school", [{"code": f"S{s}", "name": f"第{s}中学"} for s in range(1, len(sizes) + 1)], NOW)
    people = [(s, i, f"{s * 1000 + i}") for s, n in enumerate(sizes, start=1) for i in range(n)]
    give(office, "student", [student(n, f"S{s}", f"名{n}", **{"class": f"{i % 2 + 1}班"}) for s, i, n in people], NOW)
    rows = [mark(n, 60 + i, school=f"S{s}") for s, i, n in people]
    items = {"q1": 30, "q2": 20, "q3": 10}
    rows += [mark(n, "", "物理", school=f"S{s}", **items) for s, i, n in people]
    give_marks(office, rows, LATER)
    return office


def read(office: Office, asked: Sequence[AskedLine] = ()) -> Whole:
    with office.database.read() as session:
        found = replace(findings(session, 1, exams(date(2026, 4, 22))), release=1)
        return replace(whole_of(session, found, inputs_of(session, 1), utc(LATER)), asked=asked)


def leaves(value: Any) -> Iterator[Any]:
    """Walk everything a view holds."""
    if isinstance(value, pl.DataFrame):
        for row in value.rows():
            yield from leaves(row)
    elif is_dataclass(value):
        for each in fields(value):
            yield from leaves(getattr(value, each.name))
    elif isinstance(value, list | tuple | dict):
        for each in value.values() if isinstance(value, dict) else value:
            yield from leaves(each)
    else:
        yield value


def test_a_school_sees_nothing_that_belongs_to_another(database: Database, tmp_path: Path) -> None:
    office = small_exam(database, tmp_path, [6, 7, 8])
    told = read(office, [AskedLine("none", "本科线", mark=130)])
    with office.database.read() as session:
        view = school_view(session, told, "S1")
    theirs = told.found.entered.students.filter(pl.col("school") != "S1")
    foreign = {*theirs["number"], *theirs["ref"], "S2", "S3", "第二中学", "第2中学", "第3中学", "王四"}
    foreign |= {f"名{number}" for number in theirs["number"]}
    held = {each for each in leaves(view) if isinstance(each, str)}
    assert not held & foreign
    assert not any("S2/" in each or "S3/" in each for each in held)
    assert "名1003" in held
    assert "rank" not in view.students.columns
    assert set(view.others["letter"]) == {"甲校", "乙校"}
    assert view.students.select("class", "number").unique(maintain_order=True).rows() == sorted(
        view.students.select("class", "number").unique().rows()
    )


@pytest.mark.parametrize(
    ("sizes", "shown"),
    [
        pytest.param([6, 3], False, id="joint less own would be three of the other school"),
        pytest.param([6, 8], True, id="eight others, of one school: joint, but no letter, which would be its name"),
        pytest.param([6, 2, 2], False, id="four others of two schools"),
        pytest.param([6, 3, 3], True, id="six others of two schools, neither of them by itself"),
    ],
)
def test_joint_less_own_is_never_a_few(database: Database, tmp_path: Path, sizes: list[int], shown: bool) -> None:
    office = small_exam(database, tmp_path, sizes)
    with office.database.read() as session:
        view = school_view(session, read(office), "S1")
    physics = view.joint.filter(pl.col("subject") == "物理").to_dicts()[0]
    assert (physics["mean"] is not None) == shown
    assert view.others.is_empty()
    own = view.students.filter((pl.col("subject") == "物理") & (pl.col("status") == "valid"))
    assert own.height == 6
    assert (own["percentile"].null_count() == 6) is not (sum(sizes[1:]) >= 20)
    assert ("joint" in view.quartiles.filter(pl.col("subject") == "物理")["who"]) == (sum(sizes[1:]) >= 20)


def test_a_hidden_other_is_no_difference_of_shown_ones(database: Database, tmp_path: Path) -> None:
    """10, 3 and 30: were S3 shown, joint less own less S3 would be the three of S2."""
    office = small_exam(database, tmp_path, [10, 3, 30])
    with office.database.read() as session:
        views = [school_view(session, read(office), code) for code in ("S1", "S2")]
    assert views[0].others.filter(pl.col("subject") == "物理").is_empty()
    assert views[1].others.filter(pl.col("subject") == "物理").height == 2  # who is small itself may read the others


def test_letters_are_stable_and_not_the_order_of_codes(database: Database, tmp_path: Path) -> None:
    office = small_exam(database, tmp_path, [5, 6, 7, 8, 9])
    with office.database.read() as session:
        told = read(office)
        means = [school_view(session, told, f"S{at}").others.filter(pl.col("subject") == "语文") for at in (1, 2, 3, 1)]
    assert means[0].equals(means[3])
    orders = [each["mean"].to_list() == sorted(each["mean"].to_list()) for each in means[:3]]
    assert not all(orders)


def test_an_exam_of_one_school_hides_nothing_from_it(database: Database, tmp_path: Path) -> None:
    office = small_exam(database, tmp_path, [1])
    with office.database.read() as session:
        view = school_view(session, read(office), "S1")
    physics = view.joint.filter(pl.col("subject") == "物理").to_dicts()[0]
    assert (physics["n"], physics["mean"], view.others.height) == (1, 60.0, 0)
