"""The made-up joint exam: always the same, nobody's, as untidy as schools are, and taken in but for what it says."""

from collections import Counter
from pathlib import Path

import pytest

from flows.demo_exam_check import own_changes, ranks, rescored_answers, totals
from flows.intake import take_file
from flows.sample import district
from flows.sample_exam_files import (
    BAD,
    STRANGE,
    of_school,
    rescored,
    write_correction,
    write_earlier_marks,
    write_exam_registers,
    write_mark_files,
    write_rescore,
)
from flows.sample_exam_papers import FULL, ITEMS, KEY
from flows.sample_exams import EXAM, SEND, Exams, exams
from flows.settings import settings
from models.db import Database
from tests.flows.test_duty import Office

AT = "2026-04-27T09:00"


@pytest.fixture(scope="module")
def made() -> Exams:
    return exams(district(centres=3, cadres=24), 350)


def test_items_add_up_to_the_full_marks_of_their_papers() -> None:
    assert {subject: sum(each.full for each in items) for subject, items in ITEMS.items()} == {
        subject: FULL[subject] for subject in ITEMS
    }
    assert all(item.kind == "one" for item in ITEMS["数学"][: len(KEY)])


def test_everybody_sits_six_papers_and_half_marks_stay_within_full_marks(made: Exams) -> None:
    assert set(Counter(number for number, _ in made.answers).values()) == {6}
    assert {each.school for each in made.candidates} == set(made.schools)
    assert {each.track for each in made.candidates} == {"physics", "history"}
    for (_, subject), said in made.answers.items():
        assert (said.mark is None) == (said.status != "valid")
        assert said.mark is None or 0 <= said.mark <= 2 * FULL[subject]
        assert not said.items or sum(said.items) == said.mark
    assert any(said.mark is not None and said.mark % 2 for said in made.answers.values())


def test_most_families_are_verified_some_are_not_and_all_addresses_reach_nobody(made: Exams) -> None:
    shares = Counter((bool(each.email), each.verified) for each in made.candidates)
    assert shares[True, True] > 0.8 * len(made.candidates)
    assert set(shares) == {(True, True), (True, False), (False, False)}
    assert all(each.email.endswith(".example") for each in made.candidates if each.email)


def test_same_seed_gives_the_same_bytes(made: Exams, tmp_path: Path) -> None:
    again = exams(district(centres=3, cadres=24), 350)
    both = [(one, write_mark_files(one, tmp_path / name)) for one, name in ((made, "a"), (again, "b"))]
    (_, first), (_, second) = both
    assert {code: path.read_bytes() for code, path in first.items()} == {c: p.read_bytes() for c, p in second.items()}
    assert again.candidates == made.candidates


def test_the_importer_takes_all_but_the_rows_that_are_meant_to_come_back(
    made: Exams, database: Database, tmp_path: Path
) -> None:
    chosen = Office(database, settings(), tmp_path).at(AT)
    registers = write_exam_registers(made, tmp_path)
    assert list(registers) == list(SEND)
    for kind, path in registers.items():
        assert take_file(database, chosen, kind, path).taken.added == len(made.rows()[kind])
    earlier = take_file(database, chosen, "mark", write_earlier_marks(made, tmp_path))
    assert (earlier.taken.added, earlier.left_out) == (len(made.earlier), 0)
    taken = {code: take_file(database, chosen, "mark", path) for code, path in write_mark_files(made, tmp_path).items()}
    assert {code: each.left_out for code, each in taken.items() if each.left_out} == {"S04": BAD + STRANGE}
    assert {code for code, each in taken.items() if each.taken.doubts} == {"S05"}
    for code, each in taken.items():
        missing = BAD if code == "S04" else 0
        assert each.taken.added == 6 * len(of_school(made, code)) - missing
    assert take_file(database, chosen, "mark", write_correction(made, tmp_path)).taken.added == BAD
    again = take_file(database, chosen, "mark", write_rescore(made, tmp_path)).taken
    assert (again.changed, again.added, again.left_out) == (3, 0, [])


def test_second_marking_changes_three_papers_and_their_totals(made: Exams) -> None:
    papers, own = rescored(made), own_changes(made)
    assert len(papers) == 3
    assert set(papers) <= own
    assert {(number, "total") for number, _ in papers} <= own
    before, after = totals(made, made.answers), totals(made, rescored_answers(made))
    assert set(before) == set(after)
    assert min(ranks(made, before).values()) == 1
    assert EXAM == "2026春-高二"
