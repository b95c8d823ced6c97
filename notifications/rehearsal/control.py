"""The control interface for tests whose processes may hold no threads: look at the ledger, set faults, push, reply.

GET  /control/ledger?since=N  count, duplicates, and the entries from N on
POST /control/faults          as Faults.set; GET shows what is left of the script
POST /control/receipts        as Receipts.set
POST /control/push-reports    {"provider", "url"} -> {"taken"}
POST /control/push-replies    {"provider", "url"} -> {"taken"}
POST /control/replies         {"phone", "text", "provider"?}
"""

import json
from collections.abc import Callable
from dataclasses import asdict
from http.client import HTTPException
from typing import Any
from urllib.parse import parse_qsl

from notifications.rehearsal.calls import Answer, Call, as_json
from notifications.rehearsal.pushes import push_replies, push_reports
from notifications.rehearsal.stage import Stage

PREFIX = "/control/"


def control(stage: Stage, call: Call) -> Answer:
    """Do what a test asks; a wrong wish is 400 with the reason, a receiver that does not answer 502."""
    wishes: dict[tuple[str, str], Callable[[Stage, dict[str, Any]], Any]] = {
        ("GET", "ledger"): _ledger,
        ("GET", "faults"): _left,
        ("POST", "faults"): lambda stage, wish: stage.faults.set(wish),
        ("POST", "receipts"): lambda stage, wish: stage.receipts.set(wish),
        ("POST", "push-reports"): lambda stage, wish: {"taken": push_reports(stage.receipts, **wish)},
        ("POST", "push-replies"): lambda stage, wish: {"taken": push_replies(stage.receipts, **wish)},
        ("POST", "replies"): lambda stage, wish: stage.receipts.reply(**wish),
    }
    act = wishes.get((call.method, call.path.removeprefix(PREFIX)))
    if act is None:
        return Answer(as_json({"error": "no such control"}), 404)
    try:
        wish = json.loads(call.body) if call.method == "POST" else dict(parse_qsl(call.query))
        return Answer(as_json(act(stage, wish) or {}))
    except (ValueError, TypeError, AttributeError) as error:
        return Answer(as_json({"error": str(error)}), 400)
    except (OSError, HTTPException) as error:
        return Answer(as_json({"error": type(error).__name__}), 502)


def _ledger(stage: Stage, wish: dict[str, str]) -> dict[str, Any]:
    entries = stage.ledger.entries
    twice = {way: [[*key, times] for key, times in found.items()] for way, found in stage.ledger.duplicates().items()}
    shown = entries[int(wish.get("since", 0)) :]
    return {"count": len(entries), "duplicates": twice, "entries": [entry.plain() for entry in shown]}


def _left(stage: Stage, _wish: dict[str, str]) -> dict[str, Any]:
    return {"script": [asdict(fault) for fault in stage.faults.script]}
