"""The rehearsal: a call > its desk, by its headers or path > the fault drawn for it > the answer."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from threading import Thread
from time import time
from types import TracebackType
from typing import Self

from notifications.rehearsal.account import Account
from notifications.rehearsal.aliyun import Aliyun
from notifications.rehearsal.calls import Answer, Call, Desk, as_json
from notifications.rehearsal.control import PREFIX, control
from notifications.rehearsal.faults import Faults, spoiled
from notifications.rehearsal.ledger import Ledger
from notifications.rehearsal.lines import Server
from notifications.rehearsal.pushes import push_replies, push_reports
from notifications.rehearsal.receipts import Receipts
from notifications.rehearsal.small_desks import Gateway, Robot
from notifications.rehearsal.stage import Stage
from notifications.rehearsal.tencent import Tencent
from rules.errors import TuoqiError

_PATIENCE_S = 5


@dataclass(eq=False)
class NotInProduction(TuoqiError):
    """A rehearsal would swallow every message."""

    zh = "当前为生产环境，不能启动短信演练服务；请在开发或测试环境运行（TUOQI_ENVIRONMENT=development）。"
    en = "this is production: no rehearsal of SMS providers; run it with TUOQI_ENVIRONMENT=development."


class Rehearsal:
    """The providers, rehearsed: `with Rehearsal(account) as rehearsal:` and send to `rehearsal.url`.

    Attributes:
        account: keys, signs and templates that the providers know.
        ledger: what was accepted.
        faults: what goes wrong.
        receipts: what became of messages, and what people answered.
        url: http://127.0.0.1:port once entered, the same for all providers.
    """

    def __init__(
        self,
        account: Account | None = None,
        *,
        ledger: Path | None = None,
        port: int = 0,
        clock: Callable[[], float] = time,
    ) -> None:
        if os.environ.get("TUOQI_ENVIRONMENT", "").strip().lower() == "production":
            raise NotInProduction
        self.account = account or Account()
        self.ledger, self.faults = Ledger(ledger), Faults()
        self.receipts = Receipts(self.ledger, clock)
        self._stage = stage = Stage(self.account, self.ledger, self.faults, self.receipts, clock)
        self._aliyun, self._tencent = Aliyun(stage), Tencent(stage)
        gateway = Gateway(stage)
        self._paths: dict[str, Desk] = {
            "/gateway": gateway,
            "/gateway/query": gateway,
            "/wecom": Robot(stage, "wecom"),
            "/dingtalk": Robot(stage, "dingtalk"),
        }
        self._port, self.url = port, ""

    def __enter__(self) -> Self:
        self._server = Server(self._port, self.answer)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = Thread(target=self._server.serve_forever, args=(0.02,), name="rehearsal", daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.stop()
        self._thread.join(_PATIENCE_S)
        self.ledger.close()

    def answer(self, call: Call) -> Answer:
        """Answer one call, as the faults will have it."""
        if call.path.startswith(PREFIX):
            return control(self._stage, call)
        desk = self._desk(call)
        if desk is None:
            return Answer(as_json({"error": "no provider speaks like this"}), 404)
        fault = self.faults.draw(desk.name, sends=desk.sends(call))
        return desk.answer(call) if fault is None else spoiled(fault, desk, call)

    def _desk(self, call: Call) -> Desk | None:
        if "x-acs-action" in call.headers:
            return self._aliyun
        if "x-tc-action" in call.headers:
            return self._tencent
        return self._paths.get(call.path)

    def reply(self, phone: str, text: str, provider: str | None = None) -> None:
        """Let somebody answer by SMS; see Receipts.reply."""
        self.receipts.reply(phone, text, provider)

    def push_reports(self, provider: str, url: str) -> int:
        """POST due reports to a callback; see pushes.push_reports."""
        return push_reports(self.receipts, provider, url)

    def push_replies(self, provider: str, url: str) -> int:
        """POST answers of people to a callback; see pushes.push_replies."""
        return push_replies(self.receipts, provider, url)
