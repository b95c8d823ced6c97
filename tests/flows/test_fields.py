"""What the fields of forms refuse before Prefect keeps what was typed; test_canaries.py tries them on a server."""

import re

import pytest

from flows.fields import _NO_NUMBER
from rules.free_text import check_note


@pytest.mark.parametrize(
    "note",
    [
        "电话 13800000000",
        "138-0000-0000",
        "138 0000\t0000",
        "138　0000　0000",
        "１３８００００００００",
        "第一行\n第二行",
        "长" * 101,
    ],
)
def test_what_the_form_of_a_note_refuses(note: str) -> None:
    assert re.search(_NO_NUMBER, note) is None


@pytest.mark.parametrize("note", ["", "回单存档 12 号，2026-10-20", "见 F7K3Q9XM1-0000001", "长" * 100])
def test_what_the_form_of_a_note_takes(note: str) -> None:
    assert re.search(_NO_NUMBER, note) is not None
    assert check_note(note) == note
