"""Any SMS gateway that speaks JSON: its form -> frozen bodies -> calls on pooled lines -> what the answers mean.

Where there is no batch call, `connections` lines of one connection each work side by side. Behind a call in doubt, or a
channel in trouble, nothing more flies.
"""

import json
import math
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime
from queue import SimpleQueue
from typing import Any

from jinja2 import TemplateError

from notifications.channels import json_gateway_body as body
from notifications.channels.contract import ChannelDown, Letter, Outcome, Request
from notifications.channels.gateway import Gateway
from notifications.channels.http import Answer, InDoubt, Line
from notifications.channels.json_gateway_fates import judge
from notifications.channels.json_gateway_form import BadGatewayFile, GatewayForm, MissingSecret
from notifications.channels.sms import LONGEST_S
from notifications.rendering import SIGN, Sms

SETTING = "TUOQI_GATEWAY_FILE"
_CHUNK = 50
_LONGEST_CHUNK_S = 60


class JsonGateway:
    """A city's SMS gateway.

    Args:
        form: as `read_gateway` gave it.
        secrets: environment variables by name; those that the form names must be there.
        hosts: hosts that may be called.
        clock: real time, aware, for a Retry-After that names an instant.
        sign: of every SMS, with its brackets.
        development: a loopback among `hosts` may be called.

    Raises:
        MissingSecret: an environment variable is not there, or cannot stand in a header.
        BadGateway: the gateway may not be called.
    """

    def __init__(
        self,
        form: GatewayForm,
        secrets: Mapping[str, str],
        hosts: frozenset[str],
        clock: Callable[[], datetime],
        *,
        sign: str = SIGN,
        development: bool = False,
    ) -> None:
        self._sign, self._ends = sign, math.inf
        self.provider, self.rate = form.provider, form.rate
        self.batch = form.batch if form.batch > 1 else _chunk(form)
        self._form, self._clock, self._pace = form, clock, Pace(form.rate).wait
        self._secrets = {name: _secret(name, secrets) for name in form.secrets}
        fixed = {name: body.with_secrets(text, self._secrets) for name, text in form.headers.items()}
        self._headers = {"Content-Type": "application/json; charset=utf-8", **fixed}
        self._hosts, self._development = hosts, development
        self._lines = [self._line(form.url) for _ in range(form.connections if form.batch == 1 else 1)]
        self._free: SimpleQueue[Line] = SimpleQueue()
        self._workers: ThreadPoolExecutor | None = None

    def _line(self, url: str) -> Line:
        wait = self._form.timeout_s
        return Line(Gateway(self.provider, SETTING, url, self._hosts, self._development, min(wait, 5), wait))

    def carries(self, template: str, language: str) -> bool:
        """Tell whether the gateway has a number for this template, if it wants one."""
        return not self._form.templates or language in self._form.templates.get(template, {})

    def open(self) -> None:
        """Look the gateway up.

        Raises:
            ChannelDown: it has no address, or one that may not be called.
        """
        self.close()
        for line in self._lines:
            line.open()
            self._free.put(line)
        self._workers = ThreadPoolExecutor(len(self._lines), "gateway")

    def compose(self, letter: Letter) -> str:
        """Return what is personal to a message as JSON, ready to be frozen.

        Raises:
            BadGatewayFile: a placeholder of the form does not fit this message.
        """
        assert isinstance(letter.content, Sms)
        values = {
            "phone": letter.address,
            "text": letter.content.text,
            "out_id": letter.out_id,
            "sign": self._sign,
            "template_id": self._form.templates.get(letter.template, {}).get(letter.language, ""),
            "values": list(letter.content.values),
        }
        one = self._form.body if self._form.messages is None else self._form.messages
        try:
            filled = body.early(one, values)
        except (TemplateError, ArithmeticError, LookupError, TypeError, ValueError) as error:
            raise BadGatewayFile(SETTING, letter.template, type(error).__name__) from None
        return _json(filled).decode()

    def send(self, call_id: str, requests: Sequence[Request]) -> list[Outcome]:
        """Make one call for all, or one for each."""
        assert self._workers is not None, "open the gateway first"
        trouble: list[Outcome] = []
        self._ends = time.monotonic() + LONGEST_S
        if self._form.batch > 1:
            return self._call(call_id, requests, trouble)
        calls = self._workers.map(lambda request: self._call(call_id, [request], trouble), requests)
        return [outcome for outcomes in calls for outcome in outcomes]

    def _call(self, call_id: str, requests: Sequence[Request], trouble: list[Outcome]) -> list[Outcome]:
        """Make one call; one that was refused on account of some message is made again in halves.

        None begins so late that the lease of these messages might end: somebody else might send them meanwhile.
        """
        if not trouble:
            self._pace()
        if not trouble and time.monotonic() > self._ends:
            trouble.append(Outcome("", "stop", code="slow"))
        if trouble:
            return [replace(trouble[0], out_id=request.out_id) for request in requests]
        outcomes = self._outcomes(call_id, requests)
        if outcomes is None:
            middle = len(requests) // 2
            return [
                outcome
                for half in (requests[:middle], requests[middle:])
                for outcome in self._call(call_id, half, trouble)
            ]
        for outcome in outcomes:
            if outcome.verdict == "stop":
                trouble.append(outcome)
            elif outcome.verdict == "unknown":
                trouble.append(Outcome("", "stop", code="not tried"))
        return outcomes

    def _outcomes(self, call_id: str, requests: Sequence[Request]) -> list[Outcome] | None:
        content = _json(self._content(call_id, requests))
        line = self._free.get()
        try:
            answer = line.post({}, self._headers, content)
        except InDoubt as doubt:
            return [Outcome(request.out_id, "unknown", code=doubt.code) for request in requests]
        except ChannelDown as down:
            return [Outcome(request.out_id, "stop", code=down.code) for request in requests]
        finally:
            self._free.put(line)
        return judge(self._form.answer, answer, requests, self._clock())

    def _content(self, call_id: str, requests: Sequence[Request]) -> Any:
        form = self._form
        one = form.body if form.messages is None else form.messages
        filled = []
        for request in requests:
            values = {"call_id": call_id, "phone": request.address, "out_id": request.out_id}
            filled.append(body.late(one, json.loads(request.body), values, self._secrets))
        if form.messages is None:
            return filled[0]
        return body.fill(form.body, {"call_id": call_id, "messages": filled}, self._secrets)

    def _ask(self, line: Line, question: Any, values: Mapping[str, str]) -> Answer:
        self._pace()
        return line.post({}, self._headers, _json(body.fill(question, values, self._secrets)))

    def close(self) -> None:
        """Let go of connections and threads."""
        workers, self._workers = self._workers, None
        if workers is not None:
            workers.shutdown()
        self._free = SimpleQueue()
        for line in self._lines:
            line.close()


class Pace:
    """Lets calls leave evenly, `rate` a second, however many threads ask."""

    def __init__(
        self, rate: float, clock: Callable[[], float] = time.monotonic, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        self._gap, self._clock, self._sleep = 1 / rate, clock, sleep
        self._next = 0.0
        self._lock = threading.Lock()

    def wait(self) -> None:
        """Wait for one's turn."""
        with self._lock:
            now = self._clock()
            turn = max(self._next, now)
            self._next = turn + self._gap
        if turn > now:
            self._sleep(turn - now)


def _chunk(form: GatewayForm) -> int:
    """Return how many messages to send at a time where each is a call of its own.

    Full waves of the connections, for the last wave holds up all; but no more than the rate lets through in a minute,
    for the lease of a chunk is five.
    """
    waves = -(-_CHUNK // form.connections)
    return max(1, min(waves * form.connections, int(form.rate * _LONGEST_CHUNK_S)))


def _secret(name: str, secrets: Mapping[str, str]) -> str:
    """Return a secret; a line break in one would break a header, and its text an error message."""
    value = secrets.get(name, "")
    if not value or not value.isascii() or not value.isprintable():
        raise MissingSecret(name)
    return value


def _json(structure: Any) -> bytes:
    return json.dumps(structure, ensure_ascii=False).encode("utf-8", "replace")
