"""Tencent Cloud's API 3.0 for SMS: an action and its fields -> one signed request -> its answer, or its list."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from notifications.channels.contract import ChannelDown
from notifications.channels.fates import of_call
from notifications.channels.http import Answer, Line
from notifications.channels.tencent_codes import FATES

Entries = list[Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Api:
    """The API, for one application.

    Attributes:
        line: signed.
        app_id: SmsSdkAppId.
        region: whose gateway serves us.
        clock: real time, aware.
    """

    line: Line
    app_id: str
    region: str
    clock: Callable[[], datetime]

    def call(self, action: str, fields: Mapping[str, Any]) -> Answer:
        """Make one call.

        Raises:
            NotSent, InDoubt: as `Line.post`.
        """
        headers = {
            "Content-Type": "application/json",
            "X-TC-Action": action,
            "X-TC-Version": "2021-01-11",
            "X-TC-Region": self.region,
        }
        body = json.dumps({"SmsSdkAppId": self.app_id, **fields}, ensure_ascii=False)
        return self.line.post({}, headers, body.encode())

    def ask(self, action: str, fields: Mapping[str, Any]) -> Entries:
        """Ask one of the Pull actions.

        Raises:
            ChannelDown: there is no answer that could be used.
        """
        answer = self.call(action, fields)
        found, error = listed(answer, f"{action.removesuffix('ByPhoneNumber')}Set"), error_code(answer)
        if answer.status != 200 or found is None or error is not None:
            raise ChannelDown("tencent", of_call(answer, error, FATES, self.clock())[1])
        return found


def listed(answer: Answer, name: str) -> Entries | None:
    """Return a list of objects in an answer; None when there is none of that name."""
    told = _response(answer).get(name)
    return told if isinstance(told, list) and all(isinstance(entry, dict) for entry in told) else None


def error_code(answer: Answer) -> str | None:
    """Return the code of an error; an error without a code is one all the same."""
    told = _response(answer).get("Error")
    if told is None:
        return None
    code = told.get("Code") if isinstance(told, dict) else None
    return code if isinstance(code, str) and code else "unreadable code"


def _response(answer: Answer) -> Mapping[str, Any]:
    told = (answer.json() or {}).get("Response")
    return told if isinstance(told, dict) else {}
