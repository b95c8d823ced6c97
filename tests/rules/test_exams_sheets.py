"""Rows on the roster, subjects taken and totals, and what a new release changes."""

from collections.abc import Sequence

import numpy as np
import polars as pl
import pytest

from rules.exams import (
    ABSENT,
    EXEMPT,
    HELD,
    STATUSES,
    VALID,
    VIOLATION,
    Paper,
    Roster,
    Sheet,
    by_track,
    graded,
    laid,
    roster,
    settled,
    total,
)
from rules.exams_figures import stats
from rules.exams_lines import line_at_places
from rules.exams_policy import Choice, Lines, Scaling
from rules.exams_release import changes
from rules.exams_standings import standings


def them(*students: tuple[str, str, str]) -> Roster:
    """Make a roster of (school, class, track); students are numbered from 0."""
    frame = pl.DataFrame(students, schema=["school", "class", "track"], orient="row")
    return roster(frame.with_row_index("student").with_columns(pl.col("student").cast(pl.Int64)))


def sheet_of(subject: str, marks: Sequence[int | str | None], scale: int = 2, full: int = 300) -> Sheet:
    """Write a sheet: whole numbers are valid, None is absent, words are statuses."""
    words = ["absent" if mark is None else mark if isinstance(mark, str) else "valid" for mark in marks]
    values = [mark if isinstance(mark, int) else 0 for mark in marks]
    codes = [STATUSES.index(word) for word in words]
    return Sheet(subject, scale, full, np.array(codes, np.int8), np.array(values, np.int32))


def rows_of(rows: list[tuple[int, str, int | None]]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema={"student": pl.Int64, "status": pl.String, "mark": pl.Int64}, orient="row")


def test_rows_of_students_who_are_not_on_the_roster_are_left_out() -> None:
    entered = them(("S1", "1", "none"))
    sheet = laid(entered, Paper("数学", 300), rows_of([(7, "valid", 100), (0, "valid", 90)]))
    assert (sheet.mark.tolist(), sheet.status.tolist()) == ([90], [VALID])


def test_a_mark_beside_another_status_is_not_taken() -> None:
    sheet = laid(them(("S1", "1", "none")), Paper("数学", 300), rows_of([(0, "violation", 300)]))
    assert (sheet.mark.tolist(), sheet.status.tolist()) == ([0], [VIOLATION])


def test_the_same_number_in_two_schools_is_refused_as_a_roster() -> None:
    twice = pl.DataFrame({"student": ["1", "1"], "school": ["S1", "S2"], "class": ["1", "1"], "track": ["none"] * 2})
    with pytest.raises(ValueError, match="every student once"):
        roster(twice)


def test_an_unknown_track_is_refused() -> None:
    with pytest.raises(ValueError, match="track"):
        them(("S1", "1", "arts"))


class TestTotals:
    """A total adds scaled marks where scaled, else raw; null unless all papers taken are valid."""

    def test_scales_and_full_marks_may_differ(self) -> None:
        """120.5 of 150 in halves and 80.3 of 100 in tenths: 200.8 of 250, in tenths."""
        found = total([sheet_of("语文", [241], 2, 300), sheet_of("生物", [803], 10, 1000)])
        assert (found.scale, found.full, found.mark.tolist()) == (10, 2500, [2008])

    def test_the_scaled_mark_takes_the_place_of_the_raw_one(self) -> None:
        papers = [Paper("语文", 300), Paper("化学", 200, 2, scaled=True)]
        sheets = graded(papers, [sheet_of("语文", [200, 100]), sheet_of("化学", [120, 60], full=200)], Scaling())
        found = total(sheets)
        assert sheets[1].scaled is not None
        assert sheets[1].scaled.tolist() == [93, 63]  # half above half: A alone, and 50 % is C
        assert (found.mark.tolist(), found.full) == ([200 + 186, 100 + 126], 500)

    @pytest.mark.parametrize(
        ("second", "status", "mark"),
        [
            pytest.param(100, VALID, 300, id="both valid"),
            pytest.param("exempt", VALID, 200, id="over the subjects taken"),
            pytest.param(None, ABSENT, 0, id="absent from one"),
            pytest.param("violation", VIOLATION, 0, id="a violation in one"),
            pytest.param("held", HELD, 0, id="one held"),
        ],
    )
    def test_it_is_valid_only_if_all_are(self, second: int | str | None, status: int, mark: int) -> None:
        found = total([sheet_of("语文", [200, "exempt"]), sheet_of("数学", [second, "exempt"])])
        assert (found.status[0], found.mark[0], found.status[1]) == (status, mark, EXEMPT)

    def test_who_is_exempt_from_a_paper_is_measured_by_the_full_marks_of_the_others(self) -> None:
        """A has 240 of 300, B 125 of 150 without the second paper: both excellent; C has 200 of 300."""
        entered = them(*[("S1", "1", "none")] * 3)
        sheets = [sheet_of("语文", [240, 250, 200]), sheet_of("数学", [240, "exempt", 200])]
        row = stats(entered, [total(sheets)], Lines()).to_dicts()[0]
        assert (row["excellent_count"], row["pass_count"]) == (2, 3)

    def test_totals_stand_within_their_track(self) -> None:
        entered = them(("S1", "1", "physics"), ("S1", "1", "history"), ("S2", "1", "physics"), ("S2", "1", "history"))
        sheet = total([sheet_of("语文", [200, 190, 100, 80])])
        found = standings(entered, sheet)
        assert found["rank"].to_list() == [1, 1, 2, 2]
        assert found["percentile"].to_list() == [75, 75, 25, 25]
        rows = stats(entered, [sheet], Lines()).filter(pl.col("scope") == "joint")
        assert rows.select("track", "n", "mean").rows() == [("physics", 2, 75.0), ("history", 2, 67.5)]


class TestTaken:
    """A student without a row is absent, unless 3+1+2 shows that the paper is not taken."""

    PAPERS = (
        Paper("物理", 200),
        Paper("历史", 200),
        *(Paper(name, 200, scaled=True) for name in ("化学", "生物", "政治", "地理")),
    )

    def statuses(self, track: str, **rows: str) -> list[str]:
        entered = them(("S1", "1", track))
        sheets = []
        for paper in self.PAPERS:
            word = rows.get(paper.subject)
            sent = [(0, word, 100 if word == "valid" else None)] if word else []
            sheets.append(laid(entered, paper, rows_of(sent)))
        return [STATUSES[sheet.status[0]] for sheet in settled(entered, self.PAPERS, sheets, Choice())]

    def test_the_other_tracks_subject_and_the_electives_not_chosen_need_no_row(self) -> None:
        found = self.statuses("physics", 物理="valid", 化学="valid", 地理="absent")
        assert found == ["valid", "exempt", "valid", "exempt", "exempt", "absent"]

    def test_with_one_elective_known_the_others_are_absences(self) -> None:
        found = self.statuses("history", 历史="valid", 化学="valid")
        assert found == ["exempt", "valid", "valid", "absent", "absent", "absent"]

    def test_an_exempt_row_chooses_nothing(self) -> None:
        found = self.statuses("history", 历史="valid", 化学="exempt", 生物="exempt", 政治="valid")
        assert found == ["exempt", "valid", "exempt", "exempt", "valid", "absent"]

    def test_without_a_track_every_missing_row_is_an_absence(self) -> None:
        assert self.statuses("none", 化学="valid", 地理="valid") == [
            "absent", "absent", "valid", "absent", "absent", "valid",
        ]  # fmt: skip


def test_a_violation_that_becomes_valid_after_release_moves_others_and_says_so() -> None:
    entered = them(*[("S1", "1", "none")] * 4)
    before = standings(entered, sheet_of("数学", [200, "violation", 100, None]))
    after = standings(entered, sheet_of("数学", [200, 150, 100, None]))
    found = {row["student"]: row for row in changes(before, after).to_dicts()}
    assert {student: row["kind"] for student, row in found.items()} == {0: "moved", 1: "own", 2: "moved"}
    assert (found[2]["rank_before"], found[2]["rank_after"]) == (2, 3)
    assert (found[1]["status_before"], found[1]["status_after"], found[1]["mark_after"]) == ("violation", "valid", 75)


def test_nothing_changes_between_a_release_and_itself() -> None:
    entered, sheet = them(("S1", "1", "none"), ("S2", "1", "none")), sheet_of("数学", [200, None])
    assert changes(standings(entered, sheet), standings(entered, sheet)).height == 0


def test_who_is_in_one_release_only_is_named() -> None:
    small, large = them(("S1", "1", "none")), them(("S1", "1", "none"), ("S1", "1", "none"))
    one, two = standings(small, sheet_of("数学", [200])), standings(large, sheet_of("数学", [200, None]))
    assert changes(one, two).select("student", "kind").rows() == [(1, "added")]
    assert changes(two, one).select("student", "kind").rows() == [(1, "removed")]


def test_totals_are_divided_by_track_and_lines_are_drawn_within() -> None:
    """Physics 200 and 100, history 150: the first place of history is 150, and k of n is 1 of 1 there."""
    entered = them(("S1", "1", "physics"), ("S1", "1", "history"), ("S1", "1", "physics"))
    sheet = total([sheet_of("语文", [200, 150, 100])])
    lines = {track: line_at_places("本科线", part, 1) for track, part in by_track(entered, sheet)}
    assert {track: line and (line.mark, line.reached, line.n) for track, line in lines.items()} == {
        "physics": (200, 1, 2),
        "history": (150, 1, 1),
    }
    subject = sheet_of("语文", [200, 150, 100])
    assert [track for track, _ in by_track(entered, subject)] == ["none"]
