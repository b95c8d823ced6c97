"""SECURITY.md names tests that exist, and every line of its table has one."""

import ast
import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
LINES = [line for line in (ROOT / "SECURITY.md").read_text("utf-8").splitlines() if line.startswith("| ")][1:]
NAMED = re.compile(r"`([a-z0-9_/]+\.py)::(test_[a-z0-9_]+)`")


@cache
def names_in(file: str) -> set[str]:
    tree = ast.parse((ROOT / "tests" / file).read_text("utf-8"))
    return {each.name for each in tree.body if isinstance(each, ast.FunctionDef)}


@pytest.mark.parametrize("line", [pytest.param(line, id=str(n)) for n, line in enumerate(LINES)])
def test_every_threat_has_a_proof_that_exists(line: str) -> None:
    named = NAMED.findall(line)
    assert named
    assert line.count("::") == len(named)
    assert [name for file, name in named if name not in names_in(file)] == []
