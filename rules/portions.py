"""Rows too many to hold at once, cut into lists."""

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TypeVar

Row = TypeVar("Row")


def portions(rows: Iterable[Row], size: int) -> Iterator[list[Row]]:
    """Yield the rows in order, `size` at a time and the rest in the end; each list is read when it is asked for."""
    walk = iter(rows)
    while some := list(islice(walk, size)):
        yield some
