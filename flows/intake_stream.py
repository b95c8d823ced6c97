"""A large file piece by piece: frames of the child -> each parsed against the register -> batches of rows.

Only a file without any error gets through here, for all that is wrong can be told only of a whole file.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

from flows.tables import table_frames
from rules.registers import Register, Row, find_header, parse


class NotClean(Exception):
    """Something is wrong in the file; read it as a whole to say what."""


class Stream:
    """One file on its way in; what is known of it grows with each batch.

    Attributes:
        rows: good rows so far, identical ones once.
        remark: how the file was read, as flows.tables says it.
        unknown_columns: position to header of columns that are not read.
    """

    def __init__(self, path: Path, register: Register) -> None:
        self.rows = 0
        self.remark = ""
        self.unknown_columns: dict[int, str] = {}
        self._path, self._register = path, register
        self._seen: dict[tuple[object, ...], int] = {}

    def batches(self) -> Iterator[list[Row]]:
        """Yield the rows of the file, a few thousand at a time.

        Raises:
            NotClean: a bad cell, missing headers, or one key with two meanings.
            FileRefused: from flows.tables.
        """
        top: list[list[str]] = []
        before = 0
        for piece in table_frames(self._path, self._register):
            self.remark = piece.remark
            parsed = parse(self._register, [*top, *piece.grid])
            if parsed.errors:
                raise NotClean
            self.unknown_columns = parsed.unknown_columns
            shift = before - len(top)
            rows = [Row(row.number + shift, row.values) for row in parsed.rows] if shift else list(parsed.rows)
            before += len(piece.grid)
            if not top:
                header = find_header(self._register, piece.grid)
                assert header is not None
                top = piece.grid[: header + 1]
            yield self._new(rows)

    def _new(self, rows: Sequence[Row]) -> list[Row]:
        """Leave out rows that an earlier piece had, unless every row counts."""
        if self._register.every:
            self.rows += len(rows)
            return list(rows)
        kept = []
        identity = self._register.identity
        for row in rows:
            key = tuple([row.values.get(name) for name in identity])
            said = hash(tuple(row.values.values()))
            if key not in self._seen:
                self._seen[key] = said
                kept.append(row)
            elif self._seen[key] != said:
                raise NotClean
        self.rows += len(kept)
        return kept
