"""The demo's service: what was not done in time is told, and every value is sealed anew -> summary lines."""

from typing import Any

from flows.demo_stage import MIDNIGHT, Stage, short, ui
from flows.keys import list_keys, new_key
from rules.errors import say

LOOKED = "2026-03-01 06:50"


def show(stage: Stage) -> None:
    """Let the watchdog look at the morning of the demo's day, and change the key."""
    _watch(stage)
    _rotate(stage)


def _watch(stage: Stage) -> None:
    done = stage.service.run_deployment("watch-jobs", {"at": LOOKED}, at=MIDNIGHT).done
    figures = stage.settings.folder("metrics") / "tuoqi.prom"
    names = {line.partition("{")[0] for line in figures.read_text("utf-8").splitlines() if not line.startswith("#")}
    stage.note(
        "watch-jobs",
        say("06:50 核对当天作业是否按时完成", "06:50 which of the day's jobs are done, which are late"),
        say("监控指标 {} 种", "{} figures for Prometheus").format(len(names)),
        f"{ui()}, {short(figures)}",
        good=done and bool(names),
    )


def _rotate(stage: Stage) -> None:
    new_key(stage.database, stage.settings)
    done = stage.run("rotate-keys", MIDNIGHT)
    found = list_keys(stage.database, stage.settings)
    rows: list[dict[str, Any]] = found["keys"]
    left = [row for row in rows if row["key"] != found["current"] and row["values"]]
    told = say("{} 个值改用新密钥，旧密钥下 0 个", "{} values under the new key, none under the old one")
    stage.note(
        "rotate-keys",
        say("启用新密钥，全部数据重新加密", "a new key, and everything sealed anew"),
        told.format(sum(row["values"] for row in rows)),
        short(stage.settings.keys_path),
        good=done and not left,
    )
