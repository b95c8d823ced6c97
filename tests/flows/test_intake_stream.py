"""A large file piece by piece gives the rows that reading it as a whole gives, or nothing at all."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from flows import intake_stream
from flows.intake_stream import NotClean, Stream
from flows.tables import read_table, table_frames
from rules.registers import REGISTERS, parse
from tests.flows.elders import number

pytestmark = pytest.mark.child
FORM = REGISTERS["elder"]
HEAD = ["某区登记表,,", ",,", "备注,身份证号码,姓名"]


@pytest.fixture(autouse=True)
def small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    """Frames of three rows."""

    def cut(path: Path, register: Any) -> Iterator[Any]:
        for table in table_frames(path, register):
            for start in range(0, len(table.grid), 3):
                yield type(table)(table.name, table.kind, table.sheet, table.grid[start : start + 3])

    monkeypatch.setattr(intake_stream, "table_frames", cut)


def written(folder: Path, lines: list[str]) -> Path:
    path = folder / "e.csv"
    path.write_text("\n".join([*HEAD, *lines]), "utf-8")
    return path


def lines(count: int) -> list[str]:
    return [f"x,{number(serial=2 * n)},张三" for n in range(1, count + 1)]


@pytest.mark.parametrize("count", [0, 1, 2, 3, 10])
def test_pieces_give_the_rows_and_numbers_of_the_whole(tmp_path: Path, count: int) -> None:
    path = written(tmp_path, lines(count))
    stream = Stream(path, FORM)
    rows = [row for batch in stream.batches() for row in batch]
    assert rows == list(parse(FORM, read_table(path, FORM).grid).rows)
    assert (stream.rows, stream.unknown_columns) == (count, {0: "备注"})


def test_a_row_again_in_a_later_piece_is_one_row(tmp_path: Path) -> None:
    path = written(tmp_path, [*lines(7), *lines(1)])
    assert sum(len(batch) for batch in Stream(path, FORM).batches()) == 7


def test_blank_rows_and_repeated_headers_between_pieces_are_no_rows(tmp_path: Path) -> None:
    path = written(tmp_path, [*lines(3), ",,", HEAD[-1], *lines(6)[3:]])
    assert [row.number for batch in Stream(path, FORM).batches() for row in batch] == [4, 5, 6, 9, 10, 11]


@pytest.mark.parametrize(
    "bad",
    [
        pytest.param(f"x,{number(serial=2)},李四", id="the key of an earlier piece with another meaning"),
        pytest.param("x,123,张三", id="a bad cell"),
    ],
)
def test_anything_wrong_in_a_later_piece_ends_it(tmp_path: Path, bad: str) -> None:
    with pytest.raises(NotClean):
        list(Stream(written(tmp_path, [*lines(7), bad]), FORM).batches())


def test_a_file_without_headers_ends_it(tmp_path: Path) -> None:
    path = tmp_path / "e.csv"
    path.write_text("甲,乙\n1,2\n", "utf-8")
    with pytest.raises(NotClean):
        list(Stream(path, FORM).batches())
