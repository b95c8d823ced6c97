"""What the command line says: results as tables or JSON on stdout, one line when something is done."""

import json
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.table import Table

from flows.doctor import Finding
from flows.intake import Intake
from rules.errors import say

_SHOWN = 40  # rows of a list shown on a terminal; --json gives all

_WIDEST = 10_000


def done(line: str) -> None:
    """Say that something is done."""
    sys.stdout.write(line + "\n")


def result(values: Any, *, as_json: bool) -> None:
    """Show what a job, an export or a record gave."""
    if as_json:
        sys.stdout.write(json.dumps(values, ensure_ascii=False, default=str) + "\n")
        return
    console = Console()
    facts = {key: value for key, value in values.items() if not isinstance(value, list | Mapping)}
    console.print("  ".join(f"{key}={value}" for key, value in facts.items()), highlight=False, soft_wrap=True)
    for key, value in values.items():
        if isinstance(value, list) and value and isinstance(value[0], Mapping):
            _table(console, key, value)
        elif isinstance(value, Mapping) and any(isinstance(rows, list) for rows in value.values()):
            for name, rows in value.items():
                if rows:
                    _table(console, name, rows)
        elif value and isinstance(value, list | Mapping):
            _line(key, value)


def _line(key: str, value: list[Any] | Mapping[str, Any]) -> None:
    """Say a list, or names with what they stand for; what is empty is left out."""
    named = value.items() if isinstance(value, Mapping) else ((each, "") for each in value)
    told = [str(name) if what == "" else f"{name} ({what})" for name, what in named if what not in ({}, [])]
    if told:
        done(f"{key}: " + ", ".join(told))


def _table(console: Console, title: str, rows: Sequence[Mapping[str, Any]]) -> None:
    """Show rows as a table, or one below the other where the terminal is too narrow: a cut key is good for nothing."""
    table = Table(title=f"{title} ({len(rows)})", title_justify="left")
    for column in rows[0]:
        table.add_column(str(column))
    for row in rows[:_SHOWN]:
        table.add_row(*(_cell(value) for value in row.values()))
    if console.measure(table, options=console.options.update_width(_WIDEST)).maximum <= console.width:
        console.print(table)
    else:
        done(f"{title} ({len(rows)})")
        for row in rows[:_SHOWN]:
            head, *rest = ((name, _cell(value)) for name, value in row.items() if _cell(value))
            done(f"- {head[0]}={head[1]}\n    " + "  ".join(f"{name}={told}" for name, told in rest))
    if len(rows) > _SHOWN:
        console.print(say(f"……共 {len(rows)} 行，--json 可看全部", f"... {len(rows)} rows in all; --json shows them"))


def _cell(value: object) -> str:
    return "" if value is None else str(value)


def intake(taken: Intake, *, as_json: bool) -> None:
    """Show what a file changed."""
    counts = {"added": taken.taken.added, "changed": taken.taken.changed, "unchanged": taken.taken.unchanged}
    if as_json:
        changes = [{"row": row, "key": key, "columns": list(columns)} for row, key, columns in taken.taken.changes]
        told = {"kind": taken.kind, "rows": taken.rows, **counts, "dry_run": taken.dry_run, "changes": changes}
        told["left_out"] = taken.left_out
        lists = {name: list(getattr(taken, name)) for name in ("ignored_columns", "affected", "replanned")}
        result({**told, **lists}, as_json=True)
        return
    if taken.remark:
        done(taken.remark)
    head = say("检查通过（未写入）", "checked, nothing written") if taken.dry_run else say("已导入", "taken in")
    done(
        say(
            "{}: {} 行，新增 {added}，变更 {changed}，无变化 {unchanged}",
            "{}: {} rows, {added} new, {changed} changed, {unchanged} as before",
        ).format(head, taken.rows, **counts)
    )
    for row, key, columns in taken.taken.changes[:_SHOWN]:
        done(
            say(f"  第 {row} 行 {key}: {'、'.join(columns)} 已更新", f"  row {row} {key}: {', '.join(columns)} changed")
        )
    if taken.replanned:
        months = "、".join(taken.replanned)
        done(
            say(
                f"草稿已按新日历重排：{months}（已发布的日子不变）",
                f"drafts planned anew: {months}; published days stay",
            )
        )
    if taken.affected:
        centres = "、".join(taken.affected[:10])
        done(
            say(
                f"有已发布的值班受影响（中心 {centres}）；06:00 的 duty-day 会安排替班，或现在执行 tuoqi run duty-day",
                f"published duties are affected (centres {centres}); duty-day mends them at 06:00, or run it now",
            )
        )


def findings(found: Sequence[Finding], *, as_json: bool) -> None:
    """Show what the doctor found, the worst first."""
    if as_json:
        result({"findings": [vars(finding) for finding in found]}, as_json=True)
        return
    signs = {"ok": say("正常", "ok"), "warn": say("注意", "warn"), "bad": say("故障", "BAD")}
    for finding in sorted(found, key=lambda each: ("bad", "warn", "ok").index(each.state)):
        done(f"[{signs[finding.state]}] {finding.name}: {finding.text} {finding.remedy}".rstrip())
