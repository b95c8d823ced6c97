"""Group robots 群机器人 of WeCom and DingTalk: a message -> markdown or text of their size -> one webhook call.

They answer HTTP 200 to everything; what counts is `errcode`. A webhook address is a secret: it is in no repr, no log,
no exception and no frozen request, nor is DingTalk's signature, which is made when the request leaves.
"""

import base64
import hmac
import json
from bisect import bisect_right
from collections import defaultdict, deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal

from notifications.channels.contract import ChannelDown, Letter, Outcome, Request
from notifications.channels.fates import ACCEPTED, LATER, REJECTED, UNKNOWN, Fate, Fates, by_status
from notifications.channels.gateway import BadGateway, Gateway
from notifications.channels.http import Answer, InDoubt, Line
from notifications.errors import NotificationError
from notifications.rendering import Mail

Kind = Literal["wecom", "dingtalk"]
HOSTS = frozenset({"qyapi.weixin.qq.com", "oapi.dingtalk.com"})
"""Where the public robots live; a government edition has hosts of its own."""

A_MINUTE = 20
"""Messages that a robot may send in a minute, with either provider."""

_SIZES: Mapping[tuple[Kind, str], int] = {
    ("wecom", "markdown"): 4096,
    ("wecom", "text"): 2048,
    ("dingtalk", "markdown"): 19_000,  # of 20,000 for the whole body
    ("dingtalk", "text"): 19_000,
}
_TITLE = 400
_ELLIPSIS = "…"
_MARKS = str.maketrans("*`<>[]", "＊｀＜＞［］")
"""Names like 李** or [x](http://y) must not become bold or a link; full-width signs look alike and mean nothing."""

_SOON = Fate("defer", wait=60)
_PAUSE = Fate("stop", wait=60)
_CODES: Mapping[Kind, Fates] = {
    "wecom": {
        "0": ACCEPTED,
        "-1": _SOON,  # busy
        "45009": _PAUSE,  # more than 20 a minute
        "45033": _PAUSE,
        "40058": REJECTED,  # not what they allow, too long for one
    },
    "dingtalk": {
        "0": ACCEPTED,
        "-1": _SOON,
        "130101": _PAUSE,
        "410100": _PAUSE,
        "400105": REJECTED,
        "430101": REJECTED,  # content that DingTalk does not let through
        "430102": REJECTED,
        "430103": REJECTED,
        "430104": REJECTED,
        "460101": REJECTED,  # too long
    },
}
"""What we know; a refusal by any other code waits, and dies after its attempts with the code on it.

So does what concerns one webhook alone (no such key, left the group, switched off): if it stopped the channel, the
message of a robot that is gone would stand before all others, each time that the channel is tried again.
"""


@dataclass(eq=False)
class NoSuchRobot(NotificationError):
    """A message for a robot that the settings do not know."""

    name: str
    setting: str
    zh = "设置中没有名为 {name} 的群机器人；请在 {setting} 中补充，或更正消息的收件机器人。"
    en = "no group robot named {name!r}; add it to {setting}, or correct the address of the message."


@dataclass(frozen=True, slots=True)
class Robot:
    """One robot in one group.

    Attributes:
        kind: whose robot.
        url: its webhook, a secret.
        secret: what DingTalk signs with (SEC...), when the robot was set up so.
    """

    kind: Kind
    url: str = field(repr=False)
    secret: str = field(default="", repr=False)


class Robots:
    """All robots by name; a message's address is the name.

    Args:
        robots: by name.
        clock: real time, aware, for signatures and the limit of a minute.
        setting: name of the setting that holds the robots.
        hosts: hosts that may be called.
        development: a loopback among them may be called.
    """

    provider = "robot"
    batch = A_MINUTE

    def __init__(
        self,
        robots: Mapping[str, Robot],
        clock: Callable[[], datetime],
        *,
        setting: str = "TUOQI_ROBOTS",
        hosts: frozenset[str] = HOSTS,
        development: bool = False,
    ) -> None:
        self._robots, self._clock, self._setting = dict(robots), clock, setting
        self._hosts, self._development = hosts, development
        self._lines: dict[str, Line] = {}
        self._sent: defaultdict[str, deque[datetime]] = defaultdict(lambda: deque(maxlen=A_MINUTE))

    @property
    def names(self) -> set[str]:
        """The robots that can be addressed."""
        return {*self._robots}

    def carries(self, _template: str, _language: str) -> bool:
        """A robot takes any text."""
        return True

    def open(self) -> None:
        """Begin anew; a line is opened when its robot has something to say, so a broken one harms no other."""
        self.close()

    def compose(self, letter: Letter) -> str:
        """Return the JSON body that will be frozen; enclosures and HTML do not travel this way.

        Raises:
            NoSuchRobot: the address is no robot of ours.
        """
        robot = self._robots.get(letter.address)
        if robot is None:
            raise NoSuchRobot(letter.address, self._setting)
        content = letter.content
        if not isinstance(content, Mail):
            said = {"content": _shortened(content.text, _SIZES[robot.kind, "text"])}
            return json.dumps({"msgtype": "text", "text": said}, ensure_ascii=False)
        subject, text = content.subject.translate(_MARKS), content.text.strip().translate(_MARKS)
        whole = f"**{subject}**\n\n{text}"
        if robot.kind == "dingtalk":  # which shows a line break only after two spaces
            whole = whole.replace("\n", "  \n")
        whole = _shortened(whole, _SIZES[robot.kind, "markdown"])
        shown = (
            {"title": _shortened(subject, _TITLE), "text": whole} if robot.kind == "dingtalk" else {"content": whole}
        )
        return json.dumps({"msgtype": "markdown", "markdown": shown}, ensure_ascii=False)

    def send(self, _call_id: str, requests: Sequence[Request]) -> list[Outcome]:
        """Call one webhook after the other; trouble with one robot does not keep the others from theirs."""
        return [self._send(request) for request in requests]

    def _send(self, request: Request) -> Outcome:
        robot = self._robots.get(request.address)
        if robot is None:
            return Outcome(request.out_id, "rejected", code="no such robot")
        wait = self._full_for(request.address)
        if wait:
            return Outcome(request.out_id, "stop", code=f"{A_MINUTE} a minute", wait=wait)
        headers = {"Content-Type": "application/json; charset=utf-8"}
        try:
            line = self._line(request.address, robot)
            self._sent[request.address].append(self._clock())
            answer = line.post(self._signed(robot), headers, request.body.encode())
        except InDoubt as doubt:
            return Outcome(request.out_id, "unknown", code=doubt.code)
        except BadGateway as wrong:
            return LATER.outcome(request.out_id, wrong.code)
        except ChannelDown as down:
            return Outcome(request.out_id, "stop", code=down.code)
        return _outcome(request.out_id, robot.kind, answer, self._clock())

    def _full_for(self, name: str) -> float:
        """Return the seconds until the robot may speak again, 0 when it may."""
        times = self._sent[name]
        if len(times) < A_MINUTE:
            return 0
        return max((times[0] + timedelta(minutes=1) - self._clock()).total_seconds(), 0)

    def _line(self, name: str, robot: Robot) -> Line:
        if name not in self._lines:
            gateway = Gateway(robot.kind, self._setting, robot.url, self._hosts, self._development)
            line = Line(gateway)
            line.open()
            self._lines[name] = line
        return self._lines[name]

    def _signed(self, robot: Robot) -> dict[str, str]:
        """Return DingTalk's signature of this moment, good for an hour."""
        if robot.kind != "dingtalk" or not robot.secret:
            return {}
        now = str(int(self._clock().timestamp() * 1000))
        mac = hmac.digest(robot.secret.encode(), f"{now}\n{robot.secret}".encode(), "sha256")
        return {"timestamp": now, "sign": base64.b64encode(mac).decode()}

    def close(self) -> None:
        """Let go of connections; how much each robot has said lately is kept."""
        for line in self._lines.values():
            line.close()
        self._lines.clear()


def _shortened(text: str, limit: int) -> str:
    """Cut a text to `limit` bytes of UTF-8, as escaped in JSON, after a whole character; … says that it was cut."""
    text = text.encode("utf-8", "replace").decode()
    if _weight(text) <= limit:
        return text
    fits = bisect_right(range(len(text)), limit, key=lambda length: _weight(text[:length] + _ELLIPSIS)) - 1
    return text[: max(fits, 0)] + _ELLIPSIS


def _weight(text: str) -> int:
    return len(json.dumps(text, ensure_ascii=False).encode()) - 2


def _outcome(out_id: str, kind: Kind, answer: Answer, now: datetime) -> Outcome:
    if answer.status != 200:
        return _without_word(answer, now).outcome(out_id, f"http {answer.status}")
    code = (answer.json() or {}).get("errcode")
    if not isinstance(code, int):
        return UNKNOWN.outcome(out_id, "no errcode")
    return _CODES[kind].get(str(code), LATER).outcome(out_id, str(code))


def _without_word(answer: Answer, now: datetime) -> Fate:
    """Decide by HTTP status; what refuses concerns the webhook, for the body is always of our making."""
    if answer.status == 429:
        return Fate("stop", wait=answer.retry_after(now) or 60)
    return UNKNOWN if by_status(answer.status) is UNKNOWN else LATER
