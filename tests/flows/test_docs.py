"""What the documents tell people to type exists: commands, options, jobs, registers, exports, links."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command

from flows import automations
from flows.cli import app
from flows.exports import WRITERS
from flows.pages import DOCS
from flows.run import JOBS
from models.register_rows import ROWS
from rules.registers import REGISTERS

ROOT = DOCS.parent
PAGES = [*ROOT.glob("*.md"), *DOCS.rglob("*.md"), *(ROOT / "deploy").glob("*.md")]
_SPAN = re.compile(r"`([^`\n]+)`|^ {4,}(.+)$", re.MULTILINE)
_COMMAND = re.compile(r"(?:^|[ /])(?<!-[ogu] )tuoqi ((?:[^#|;&）)]|\|(?=[a-z]))+)")
ARGUMENT = {"run": set(JOBS), "export": {*ROWS, *WRITERS}, "import": set(REGISTERS), "template": set(REGISTERS)}


def _typed(page: Path) -> Iterator[list[str]]:
    """Yield what stands in code after `tuoqi`, as words; alternatives such as new|rotate each."""
    for span in _SPAN.finditer(page.read_text("utf-8")):
        for found in _COMMAND.finditer(span[1] or span[2]):
            words = found[1].split()
            places = [n for n, word in enumerate(words[:2]) if re.fullmatch(r"[a-z|-]+", word) and "|" in word]
            for choice in words[places[0]].split("|") if places else [None]:
                yield [choice if choice and n == places[0] else word for n, word in enumerate(words)]


def _found(words: list[str]) -> tuple[Any, list[str]]:
    """Return the command that words call, and those after its name."""
    command: Any = get_command(app)
    rest = list(words)
    while hasattr(command, "commands") and rest and re.fullmatch(r"[a-z][a-z-]+", rest[0]):
        assert rest[0] in command.commands, f"tuoqi {' '.join(words)}"
        command = command.commands[rest.pop(0)]
    return command, rest


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_command_in_the_documents_exists(page: Path) -> None:
    for words in _typed(page):
        command, rest = _found(words)
        known = {option for each in command.params for option in each.opts} | {"--help"}
        told = {word.strip("[],.") for word in rest if word.lstrip("[").startswith("--")}
        assert told <= known, f"{page.name}: tuoqi {' '.join(words)}"
        if rest and words[0] in ARGUMENT and re.fullmatch(r"[a-z-]+", rest[0]):
            assert rest[0] in ARGUMENT[words[0]], f"{page.name}: tuoqi {' '.join(words)}"


def test_commands_are_found_where_people_read_them(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("run `tuoqi keys new|list`, or\n\n    .venv/bin/tuoqi backup --to FILE   # a copy\n", "utf-8")
    assert list(_typed(page)) == [["keys", "new"], ["keys", "list"], ["backup", "--to", "FILE"]]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_leads_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", page.read_text("utf-8")):
        if not target.startswith("http"):
            assert (page.parent / target).exists(), target


def test_the_page_of_alarms_names_every_automation_that_the_doctor_looks_for() -> None:
    (row,) = re.findall(r"^\| `automations` \|.+$", (DOCS / "alarms.md").read_text("utf-8"), re.MULTILINE)
    assert set(re.findall("`(tuoqi-[a-z-]+)`", row)) == set(automations.NAMES)


def test_every_picture_is_small_and_shown_somewhere() -> None:
    told = "".join(page.read_text("utf-8") for page in PAGES)
    for picture in (DOCS / "pictures").iterdir():
        assert f"pictures/{picture.name})" in told, picture.name
        assert picture.stat().st_size <= 150_000, picture.name
