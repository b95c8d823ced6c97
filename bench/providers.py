"""The outbox over the wire: SMS in batches and one by one, e-mail, and asking what became of messages.

Everything goes over loopback to another process: the rehearsal of the providers, which checks every signature and keeps
a ledger, or aiosmtpd. Ours is the whole outbox on SQLite, from rows to rows: claim, recheck, render, freeze, send,
record. What is sent is written down on the way, and the floor sends just that again: the same bodies, ready made,
signed by the same signer, with a bare httpx client on one connection in a loop; the same mails with smtplib's
`sendmail`. The floor has no database, renders nothing and remembers nothing.

The wall clock holds both processes and is what the bar is of; CPU is ours and the server's together. On loopback a call
is answered in 2 ms; a real provider is some 50 ms away, so the batches are measured once more with as slow a server.
"""

import smtplib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any
from unittest.mock import patch

import httpx
import psutil
from sqlalchemy import select, update
from sqlmodel import col

from bench.databases import Store, store
from bench.outbox import TEMPLATE, drafts, drained, one_round
from bench.sinks import mail_server, rehearsal
from bench.timing import Cost, Line, mb, measured, quickest, ratio
from flows.jobs import real_now
from models.db import Database
from models.messages import Message
from notifications.catalogue import template
from notifications.channels import aliyun, tencent
from notifications.channels.aliyun import Aliyun
from notifications.channels.contract import Channel
from notifications.channels.email import Smtp
from notifications.channels.gateway import Gateway
from notifications.channels.http import Answer
from notifications.channels.http import Line as Wire
from notifications.channels.signers import Acs3, Tc3
from notifications.channels.tencent import Tencent
from notifications.outbox import enqueue
from notifications.reconcile import reconcile
from notifications.sms_form import Provider, provider_text

KEY_ID, SECRET, APP_ID, SIGN, SENDER = "testKeyId", "testSecret", "1400006666", "托起", "tuoqi@example.org"
_IDS: Mapping[Provider, str] = {"aliyun": "SMS_100001", "tencent": "2000001"}
_ANSWER_S = 0.05
Calls = list[tuple[Mapping[str, str], Mapping[str, str], bytes]]
"""Query, headers and body of each call."""


def figures(*, quick: bool) -> list[Line]:
    """Measure each way out beside its floor."""
    many, some, asked, repeats = (2_000, 200, 100, 1) if quick else (20_000, 2_000, 1_000, 3)
    templates: dict[str, Any] = {provider: {code: _text(provider)} for provider, code in _IDS.items()}
    with store("SQLite") as here:
        here.create("empty", 1, 3, kinds=())
        with rehearsal({"signs": [SIGN], **templates}) as (server, url):
            wires = _Wires(here, server, url, repeats)
            lines = [
                wires.figure("SMS at Alibaba, 100 a call", wires.aliyun, wires.acs3, many, "3"),
                wires.figure("SMS at Tencent, a call each", wires.tencent, wires.tc3, some, "3"),
                wires.reconciled(asked),
                wires.far(many),
            ]
        return [*lines, _mails(here, some, repeats)]


def _text(provider: Provider) -> str:
    return provider_text(template(TEMPLATE), "zh-CN", provider)


class _Wires:
    """The figures of one rehearsal."""

    def __init__(self, here: Store, server: psutil.Process, url: str, repeats: int) -> None:
        self.here, self.server, self.url, self.repeats = here, server, url, repeats
        self.acs3, self.tc3 = Acs3(KEY_ID, SECRET, real_now), Tc3(KEY_ID, SECRET, "sms", real_now)

    def aliyun(self) -> Aliyun:
        """Alibaba, rehearsed."""
        return Aliyun(KEY_ID, SECRET, SIGN, self._ids("aliyun"), clock=real_now, gateway=self._gateway(aliyun.GATEWAY))

    def tencent(self) -> Tencent:
        """Tencent, rehearsed."""
        gateway = self._gateway(tencent.GATEWAY)
        return Tencent(KEY_ID, SECRET, APP_ID, SIGN, self._ids("tencent"), clock=real_now, gateway=gateway)

    def _ids(self, provider: Provider) -> dict[str, dict[str, str]]:
        return {TEMPLATE: {"zh-CN": _IDS[provider]}}

    def _gateway(self, real: Gateway) -> Gateway:
        return replace(real, url=self.url, hosts=frozenset({"127.0.0.1"}), development=True)

    def figure(self, job: str, channel: Callable[[], Channel], signer: httpx.Auth, number: int, bar: str) -> Line:
        """Drain messages, then make the same calls again, bare."""
        rounds = [self._sent(channel, signer, number) for _ in range(self.repeats)]
        ours, bare, calls = zip(*rounds, strict=True)
        return _line(job, f"{number} messages, {calls[0]} calls", quickest(ours), quickest(bare), bar)

    def _sent(self, channel: Callable[[], Channel], signer: httpx.Auth, number: int) -> tuple[Cost, Cost, int]:
        with _filled(self.here, number, "sms") as database, _written_down() as made:
            cost, _ = measured(lambda: drained(database, channel(), "sms", number, real_now), self.server)
        return cost, self._floor(made, signer), len(made)

    def _floor(self, made: Calls, signer: httpx.Auth) -> Cost:
        def post() -> None:
            with httpx.Client(auth=signer, trust_env=False) as client:
                for query, headers, body in made:
                    assert client.post(self.url, params=query, headers=headers, content=body).status_code == 200

        return measured(post, self.server)[0]

    def far(self, number: int) -> Line:
        """Drain through a provider that takes its time, as a real one does."""
        slow = {"rate": 1, "among": [{"kind": "slow", "seconds": _ANSWER_S}]}
        httpx.post(f"{self.url}/control/faults", json=slow, trust_env=False).raise_for_status()
        return self.figure(f"  at Alibaba, {_ANSWER_S * 1000:.0f} ms a call", self.aliyun, self.acs3, number, "")

    def reconciled(self, number: int) -> Line:
        """Ask about unknown messages that were accepted, then ask the same again, bare."""
        ours, bare = zip(*(self._asked(number) for _ in range(self.repeats)), strict=True)
        return _line("reconcile at Alibaba", f"{number} unknown messages", quickest(ours), quickest(bare), "")

    def _asked(self, number: int) -> tuple[Cost, Cost]:
        with _filled(self.here, number, "sms") as database:
            drained(database, self.aliyun(), "sms", number, real_now)
            _forget(database)
            one = one_round(database, "aliyun", real_now)
            with _written_down() as made:
                cost, found = measured(lambda: reconcile(one, [self.aliyun()], _ignore, limit=number), self.server)
        assert sum(found.moves.values()) == number == len(made), found
        return cost, self._floor(made, self.acs3)


def _ignore(*_: object) -> None:
    """Nobody answers."""


def _forget(database: Database) -> None:
    """Let every message be in doubt since ten minutes ago."""
    doubt = {"state": "unknown", "provider_ref": None, "flown_at": real_now() - timedelta(minutes=10)}
    with database.write() as session:
        session.execute(update(Message).values(**doubt))


@contextmanager
def _filled(here: Store, number: int, channel: str) -> Iterator[Database]:
    with here.copied("empty") as (_, database):
        with database.write() as session:
            enqueue(session, drafts(number, channel=channel), real_now())
        yield database


@contextmanager
def _written_down() -> Iterator[Calls]:
    """Keep every call as it is made."""
    made: Calls = []
    post = Wire.post

    def kept(self: Wire, query: Mapping[str, str], headers: Mapping[str, str], body: bytes) -> Answer:
        made.append((query, headers, body))
        return post(self, query, headers, body)

    with patch.object(Wire, "post", kept):
        yield made


def _mails(here: Store, number: int, repeats: int) -> Line:
    with mail_server() as (server, port):
        ours, bare = zip(*(_mailed(here, number, server, port) for _ in range(repeats)), strict=True)
    return _line("e-mail over SMTP", f"{number} mails", quickest(ours), quickest(bare), "1.5")


def _mailed(here: Store, number: int, server: psutil.Process, port: int) -> tuple[Cost, Cost]:
    with _filled(here, number, "email") as database:
        channel = Smtp("127.0.0.1", port, "none", SENDER)
        cost, _ = measured(lambda: drained(database, channel, "email", number, real_now), server)
        mails = _composed(database)
    return cost, measured(lambda: _handed_over(port, mails), server)[0]


def _composed(database: Database) -> Sequence[tuple[str, bytes]]:
    """Return address and text of every mail that left."""
    query = select(col(Message.dedupe_key), col(Message.address), col(Message.request))
    with database.read() as session:
        return [
            (database.keys.open("message.address", key, to), database.keys.open("message.request", key, body).encode())
            for key, to, body in session.execute(query)
        ]


def _handed_over(port: int, mails: Sequence[tuple[str, bytes]]) -> None:
    with smtplib.SMTP("127.0.0.1", port) as line:
        for to, body in mails:
            assert not line.sendmail(SENDER, to, body)


def _line(job: str, size: str, ours: Cost, floor: Cost, bar: str) -> Line:
    return Line(job, size, ours, floor, ratio(ours, floor, wall=True), bar and f"{bar} wall", mb(ours))
