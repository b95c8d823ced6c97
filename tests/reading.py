"""A file read in this process, for tests that are about what stands in it; its child costs 0.1 s of CPU each time."""

import json
import marshal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from flows import tables, tables_child
from flows.tables import Limits
from rules.registers.refusals import FileRefused


def read_here(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the child's own code read in this process, whose memory and CPU stay without limits."""
    monkeypatch.setattr(tables_child, "_limit", lambda *_: None)
    monkeypatch.setattr(tables, "_frames", _frames)


def _frames(_name: str, request: str, _wall_seconds: int) -> Iterator[Any]:
    asked = json.loads(request)
    try:
        limits = Limits(**asked["limits"])
        for frame in tables_child._read(Path(asked["path"]), limits, asked["needed"], every=asked["every"]):
            yield marshal.loads(marshal.dumps(frame))
    except FileRefused as refused:
        fields = {key: value for key, value in vars(refused).items() if key != "name"}
        yield {"refused": type(refused).__name__, "fields": fields}
