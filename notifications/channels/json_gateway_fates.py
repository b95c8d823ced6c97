"""What a gateway's answer means, by its form: HTTP status and code -> one outcome for each message.

A code that the form does not list is a refusal all the same: the message waits, and dies after its attempts with the
code on it. Not so on a 5xx, which may come from a relay after the gateway took the message: that is unknown.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from notifications.channels.contract import Outcome, Request
from notifications.channels.fates import (
    ACCEPTED,
    BLOCKED,
    LATER,
    NOT_TODAY,
    REJECTED,
    STOP,
    UNKNOWN,
    Fate,
    by_status,
    plain,
)
from notifications.channels.http import Answer
from notifications.channels.json_gateway_form import AnswerForm, Results, word
from notifications.channels.receipts import mainland, reference

_PAUSE_S = 60.0


def judge(form: AnswerForm, answer: Answer, requests: Sequence[Request], now: datetime) -> list[Outcome] | None:
    """Return an outcome for each message; None when one of several is at fault and nobody says which."""
    told = answer.json()
    fate, code = _of_call(form, answer, word(dig(told, form.code)), now)
    if fate.verdict == "rejected" and len(requests) > 1:
        return None
    if fate is ACCEPTED and form.results is not None:
        return _each(form, form.results, told, requests)
    ref = _ref(told, form.ref)
    return [fate.outcome(request.out_id, code, ref if fate is ACCEPTED else None) for request in requests]


def _of_call(form: AnswerForm, answer: Answer, code: str | None, now: datetime) -> tuple[Fate, str]:
    """Decide on the call as a whole, and on the code to keep."""
    status, wait = answer.status, answer.retry_after(now)
    kept = plain(code) if code else f"http {status}"
    if status == 429 or (status == 503 and wait is not None):
        return Fate("stop", wait=_PAUSE_S if wait is None else wait), kept
    fate = _listed(form).get(code or "")
    if 200 <= status < 300:
        return (fate or LATER, kept) if code else (UNKNOWN, "no code")
    if fate is ACCEPTED:  # an error that says it was accepted
        return UNKNOWN, f"http {status}"
    return fate or by_status(status), kept


def _listed(form: AnswerForm) -> dict[str, Fate]:
    fates = {
        ACCEPTED: form.accepted,
        LATER: form.defer,
        NOT_TODAY: form.tomorrow,
        STOP: form.stop,
        REJECTED: form.rejected,
        BLOCKED: form.blocked,
        UNKNOWN: form.unknown,
    }
    return {code: fate for fate, codes in fates.items() for code in codes}


def _each(form: AnswerForm, results: Results, told: Any, requests: Sequence[Request]) -> list[Outcome]:
    """Find each message in the list of results; one that is missing there is unknown."""
    found: dict[str | None, Any] = {}
    listed = dig(told, results.entries)
    for entry in listed if isinstance(listed, list) else ():
        key = word(dig(entry, results.out_id)) if results.out_id else phone_of(dig(entry, results.phone or ""))
        found[key] = entry
    outcomes = []
    for request in requests:
        entry = found.get(request.out_id if results.out_id else request.address)
        code = word(dig(entry, results.code))
        fate = _listed(form).get(code, LATER) if code else UNKNOWN
        ref = _ref(entry, results.ref) if fate is ACCEPTED else None
        outcomes.append(fate.outcome(request.out_id, plain(code) if code else "no result", ref))
    return outcomes


def dig(told: Any, path: str) -> Any:
    """Follow a dotted path; None where it leads nowhere."""
    for step in path.split("."):
        if isinstance(told, Mapping):
            told = told.get(step)
        elif isinstance(told, list) and step.isdecimal() and int(step) < len(told):
            told = told[int(step)]
        else:
            return None
    return told


def phone_of(value: object) -> str | None:
    """Return a mobile number as 11 digits; None for what is none, such as a masked one."""
    return mainland(word(value) or "")


def _ref(told: Any, path: str | None) -> str | None:
    return reference(word(dig(told, path))) if path else None
