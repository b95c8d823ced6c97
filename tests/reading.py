"""A file read in this process, for tests that are about what stands in it; its child costs 0.1 s of CPU each time."""

import json
import marshal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from flows import bank_returns, bank_returns_child, tables, tables_child
from flows.bank_returns_child import ReportLimits
from flows.frames_child import refusal
from flows.tables import Limits
from rules.errors import TuoqiError


def read_here(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the child's own code read in this process, whose memory and CPU stay without limits."""
    monkeypatch.setattr(tables_child, "limit", lambda *_: None)
    monkeypatch.setattr(tables, "_frames", lambda request, _wall: _said(_table(json.loads(request))))
    monkeypatch.setattr(bank_returns, "_frames", lambda request, _wall: _said(_report(json.loads(request))))


def _table(asked: dict[str, Any]) -> Iterator[Any]:
    return tables_child._read(Path(asked["path"]), Limits(**asked["limits"]), asked["needed"], every=asked["every"])


def _report(asked: dict[str, Any]) -> Iterator[Any]:
    return bank_returns_child._read(Path(asked["path"]), ReportLimits(**asked["limits"]))


def _said(frames: Iterator[Any]) -> Iterator[Any]:
    try:
        for frame in frames:
            yield marshal.loads(marshal.dumps(frame))
    except TuoqiError as refused:
        yield refusal(refused)
