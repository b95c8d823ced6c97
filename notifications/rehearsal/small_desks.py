"""Three small desks for tests and the demo: a plain JSON gateway, and the group robots of WeCom and DingTalk."""

import json
from typing import Any
from urllib.parse import parse_qsl

from notifications.rehearsal.calls import Answer, Call, Refusal, as_json
from notifications.rehearsal.ledger import Entry
from notifications.rehearsal.stage import Stage


class Gateway:
    """A city's own gateway: {"phone", "text", "out_id"} -> {"code": 0, "id"}; /gateway/query asks by phone and id."""

    name = "gateway"
    busy = "429"

    def __init__(self, stage: Stage) -> None:
        self.stage = stage

    def sends(self, call: Call) -> bool:
        """Everything but the query sends."""
        return call.path == "/gateway"

    def answer(self, call: Call) -> Answer:
        """Send free text, or say what became of it; a number of anything but 11 digits is code 3."""
        given = _object(call)
        phone = str(given.get("phone", ""))
        if not (phone.isdecimal() and len(phone) == 11):
            return self.refusal(Refusal("3", "bad number"))
        return self._send(given, phone) if self.sends(call) else self._query(given, phone)

    def _send(self, given: dict[str, Any], phone: str) -> Answer:
        text, ref = str(given.get("text", "")), str(self.stage.ledger.reference())
        call_id, now = str(given.get("out_id", "")), self.stage.clock()
        self.stage.book([Entry(self.name, call_id, phone, "", "", {"text": text}, text, ref, now)])
        return Answer(as_json({"code": 0, "id": ref}))

    def _query(self, given: dict[str, Any], phone: str) -> Answer:
        wanted = {str(given[name]) for name in ("id", "out_id") if given.get(name)}
        for receipt in reversed(self.stage.receipts.about(self.name, phone)):
            if wanted & {receipt.entry.ref, receipt.entry.call_id}:
                found = {"code": 0, "id": receipt.entry.ref, "state": receipt.state, "error": receipt.code}
                return Answer(as_json(found))
        return self.refusal(Refusal("404", "unknown"))

    def refusal(self, refusal: Refusal) -> Answer:
        """A code that is not 0."""
        code = int(refusal.code) if refusal.code.lstrip("-").isdecimal() else -1
        return Answer(as_json({"code": code, "message": refusal.message}), refusal.status)

    def empty(self, _call: Call) -> Answer:
        """An object with nothing in it."""
        return Answer(b"{}")


class Robot:
    """A group robot: HTTP 200 and errcode, which is 0 only when the group saw it."""

    busy = "45009"

    def __init__(self, stage: Stage, name: str) -> None:
        self.stage, self.name = stage, name

    def sends(self, _call: Call) -> bool:
        """A robot does nothing else."""
        return True

    def answer(self, call: Call) -> Answer:
        """Take text or markdown with a key in the address."""
        given = _object(call)
        kind = given.get("msgtype")
        body = given.get(kind) if kind in ("text", "markdown") else None
        said = body.get("content") or body.get("text") if isinstance(body, dict) else None
        key = dict(parse_qsl(call.query)).get("key" if self.name == "wecom" else "access_token")
        if not key or not said:
            return self.refusal(Refusal("93000" if not key else "40008", "invalid webhook url or message"))
        ref = str(self.stage.ledger.reference())
        self.stage.book([Entry(self.name, "", "", "", str(kind), {"text": said}, said, ref, self.stage.clock())])
        return Answer(as_json({"errcode": 0, "errmsg": "ok"}))

    def refusal(self, refusal: Refusal) -> Answer:
        """An errcode that is not 0."""
        code = int(refusal.code) if refusal.code.isdecimal() else -1
        return Answer(as_json({"errcode": code, "errmsg": refusal.message}), refusal.status)

    def empty(self, _call: Call) -> Answer:
        """An object with nothing in it."""
        return Answer(b"{}")


def _object(call: Call) -> dict[str, Any]:
    try:
        given = json.loads(call.body)
    except ValueError:
        return {}
    return given if isinstance(given, dict) else {}
