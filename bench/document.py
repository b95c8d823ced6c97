"""The one table of all figures, with the machine they were measured on: lines -> a page of Markdown."""

from collections.abc import Iterator, Mapping, Sequence

from bench.jobs import NOT_MEASURED
from bench.machine import Machine
from bench.timing import Cost, Line

COLUMNS = {
    "job": "job",
    "size": "size",
    "ours": "CPU / wall",
    "floor": "floor, CPU / wall",
    "ratio": "ratio",
    "bar": "bar",
    "memory": "peak memory",
    "growth": "growth",
}


def document(machine: Machine, lines: Sequence[Line], took: Mapping[str, float], small: Mapping[str, str]) -> str:
    """Return the page.

    Args:
        machine: where it was measured.
        lines: of the table, in order.
        took: seconds each module took.
        small: modules that were measured in a small size, with what their full size is.
    """
    return "\n".join([*_head(machine), *_table(lines), "", *_foot(took, small), ""])


def _head(machine: Machine) -> Iterator[str]:
    yield from ("# Tuoqi beside its floors", "")
    yield "Written by `make bench`; what each floor is stands in the docstrings of `bench/`, what was learnt of the"
    yield "figures in [figures.md](figures.md). CPU is of all processes that took part, the database's included."
    yield "Growth is the exponent of CPU from the size before: 1 is linear."
    yield from ("", "| machine | |", "|---|---|")
    yield from (f"| {name} | {fact} |" for name, fact in machine.facts.items())
    yield ""
    if not machine.quiet:
        yield f"**The machine was not quiet**: others used {machine.busy_percent:.0f} % of its cores at the start. Wall"
        yield "times include waiting for them, and CPU times are some tenths higher than on a quiet one."
        yield ""


def _table(lines: Sequence[Line]) -> Iterator[str]:
    yield "| " + " | ".join(COLUMNS.values()) + " |"
    yield "|" + "".join("---|" if name in {"job", "size"} else "---:|" for name in COLUMNS)
    for line in lines:
        yield "| " + " | ".join(_text(getattr(line, name)) for name in COLUMNS) + " |"


def _foot(took: Mapping[str, float], small: Mapping[str, str]) -> Iterator[str]:
    if small:
        yield "Measured in a small size here; `python -m bench --full NAME` measures:"
        yield from ("", *(f"- `{name}`: {full}" for name, full in small.items()), "")
    yield "Jobs without a line:"
    yield from ("", *(f"- `{job}`: {why}" for job, why in NOT_MEASURED.items()), "")
    yield "Seconds that each module took: " + ", ".join(f"{name} {each:.0f}" for name, each in took.items()) + "."


def _text(value: Cost | str) -> str:
    if isinstance(value, Cost):
        return f"{_seconds(value.cpu_s)} / {_seconds(value.wall_s)}"
    return value.replace("  ", "· ", 1) if value.startswith("  ") else value.replace("|", "/")


def _seconds(seconds: float) -> str:
    return f"{seconds:.2f} s" if seconds >= 0.995 else f"{seconds * 1000:.0f} ms"
