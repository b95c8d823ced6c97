"""What the approval of a release binds: content, version, reason and what is left open -> one hash, and so its code.

The code ties the approver's yes to the sheet that was read; it is no secret, and not enough by itself.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

MOST = 100
"""Characters of a reason."""


def release_hash(content: str, version: int, reason: str, waiting: Mapping[str, Any]) -> str:
    """Return the SHA-256, in hex, of what an approver is asked to say yes to."""
    told = json.dumps([content, version, reason, waiting], sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(told.encode()).hexdigest()


def waiting(board: Sequence[Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """Return what is not settled, from rows of models.exam_board.board.

    Returns:
        held: school to the number of its rows held out, numbers off the roster among them; missing: school to those of
        its papers, sorted, of which somebody is expected and nothing has come. Nobody's number.
    """
    held: dict[str, int] = {}
    missing: dict[str, list[str]] = {}
    for row in board:
        if count := row["held"] + row["strangers"]:
            held[row["school"]] = held.get(row["school"], 0) + count
        if row["expected"] and not row["received"] + row["held"]:
            missing.setdefault(row["school"], []).append(row["subject"])
    return {"held": dict(sorted(held.items())), "missing": {each: sorted(missing[each]) for each in sorted(missing)}}
