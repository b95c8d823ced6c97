"""A list to be shown to everybody: masked lines -> a workbook and a page for each community, and a page of all."""

from collections.abc import Mapping, Sequence
from functools import cache
from itertools import groupby
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template

from flows.allowance_sheet import period_said
from flows.forms_rows import whole_file, write_rows
from models.allowance_public import PublicLine
from rules.allowances_due import Window
from rules.errors import LANGUAGE, say
from rules.money import yuan

HEADS = (
    ("序号", "No."), ("姓名", "Name"), ("身份证号", "ID number"), ("发放期", "Period"), ("档次", "Band"),
    ("金额（元）", "Yuan"),
)  # fmt: skip


def publish(
    folder: Path,
    title: str,
    window: Window | None,
    lines: Sequence[PublicLine],
    places: Mapping[int, str],
    bands: Mapping[str, str],
) -> dict[int, Path]:
    """Write the lists of all communities.

    Args:
        folder: where to; made if it is not there.
        title: of the pages, such as 高龄保健金 2026年10月 公示名单.
        window: the days for objections; None for a list of what was paid.
        lines: in the order of communities.
        places: names of communities.
        bands: names of bands.

    Returns:
        The workbook of each community; beside it stands the page of the community alone, to print and pin up there,
        and folder/公示名单.html holds them all.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    shown, files = [], {}
    for home, some in groupby(lines, key=lambda line: line.community_id):
        rows = [
            (line.name, line.number, period_said(line.period), bands.get(line.band, line.band), yuan(line.fen))
            for line in some
        ]
        place = places.get(home, str(home))
        files[home] = folder / f"{_safe(place)}.xlsx"
        numbered = [(number, *row) for number, row in enumerate(rows, start=1)]
        write_rows(files[home], [say(*head) for head in HEADS], numbered, LANGUAGE.get())
        shown.append((place, rows))
        _write_page(files[home].with_suffix(".html"), title, window, shown[-1:])
    _write_page(folder / say("公示名单.html", "list.html"), title, window, shown)
    return files


def _write_page(path: Path, title: str, window: Window | None, places: Sequence[tuple[str, list[Any]]]) -> None:
    heads = [say(*head) for head in HEADS]
    page = _template().render(lang=LANGUAGE.get(), title=title, note=_note(window), places=places, heads=heads)
    with whole_file(path) as part:
        part.write_text(page, "utf-8")


def _note(window: Window | None) -> str:
    if window is None:
        return say("本名单为已入账名单。", "These payments have reached their accounts.")
    return say(
        "公示期 {} 至 {}（含首尾两日）。对名单有异议的，请在公示期内向社区或区民政部门反映，我们会核实答复。",
        "On public notice from {} to {}, both included. Whoever objects, please tell the community or the "
        "civil-affairs office in that time.",
    ).format(window.first, window.last)


def _safe(place: str) -> str:
    return "".join("_" if letter in '\\/:*?"<>|. ' else letter for letter in place)


@cache
def _template() -> Template:
    loader = FileSystemLoader(Path(__file__).parent)
    return Environment(loader=loader, autoescape=True, undefined=StrictUndefined).get_template("allowance_public.html")
