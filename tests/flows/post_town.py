"""A town on the wire: its notices go out by SMS, to providers rehearsed on loopback, with one clock for everybody."""

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import yaml
from sqlalchemy import select
from sqlmodel import col

from flows import artifacts, demo_messages, messages, outlets
from flows import deliver as deliver_job
from flows.answer_page.__main__ import callbacks_of
from flows.settings import Settings, settings
from models.db import Database
from models.messages import Message
from notifications.channels import aliyun, tencent
from notifications.rehearsal.server import Rehearsal
from rules.errors import LANGUAGE
from tests.flows.answer_page.conftest import Telephone, Town

ZONE = ZoneInfo("Asia/Shanghai")
SECRET = demo_messages.SECRET
EVENING = datetime(2026, 3, 9, 17, 5, tzinfo=ZONE)
"""When the notice of the duty of 10 March is due."""
Result = dict[str, Any]


@dataclass
class Shown:
    """A page that a run left for a clerk: key, title and content."""

    key: str
    title: str
    content: Any


class PostTown:
    """The town, the rehearsed providers, and the clock of both; jobs run as Prefect would run them."""

    def __init__(self, town: Town, rehearsal: Rehearsal, monkeypatch: pytest.MonkeyPatch) -> None:
        self.town, self.rehearsal, self.monkeypatch = town, rehearsal, monkeypatch
        self.now = EVENING
        self.pages: list[Shown] = []

    @property
    def database(self) -> Database:
        return self.town.database

    @property
    def settings(self) -> Settings:
        return settings()

    @property
    def ledger(self) -> list[tuple[str, str]]:
        """Provider and last digit of the phone of all that was accepted."""
        return [(entry.provider, entry.phone[-1]) for entry in self.rehearsal.ledger.entries]

    def later(self, **span: float) -> None:
        self.now += timedelta(**span)

    def set(self, **changed: str) -> None:
        """Set TUOQI_ variables."""
        for name, value in changed.items():
            self.monkeypatch.setenv(f"TUOQI_{name.upper()}", value)
        settings.cache_clear()
        settings()

    def impatient(self) -> None:
        """Nobody waits long for an answer: for providers that say nothing."""
        for provider in (aliyun, tencent):
            self.monkeypatch.setattr(provider, "GATEWAY", replace(provider.GATEWAY, answer_s=2))

    def notice(self) -> None:
        """The notices of the evening are written."""
        self.town.office.watch(f"{self.now:%Y-%m-%dT%H:%M}")

    def deliver(self) -> Result:
        result: Result = deliver_job.deliver.fn(at=self.now)
        return result

    def reconcile(self) -> Result:
        result: Result = messages.reconcile_messages.fn(at=self.now)
        return result

    def report(self, month: str | None = None) -> Result:
        """The report of today, made on the morning after."""
        with self._standing() as today:
            result: Result = messages.message_report.fn(month=month, as_of=today + timedelta(days=1))
        return result

    def redact(self) -> Result:
        with self._standing() as today:
            result: Result = messages.redact.fn(as_of=today)
        return result

    @contextmanager
    def _standing(self) -> Iterator[date]:
        """The clock of the settings stands at our moment, for jobs of a day."""
        self.set(at=self.now.isoformat())
        yield self.now.date()
        self.monkeypatch.delenv("TUOQI_AT")
        settings.cache_clear()
        settings()

    def states(self, template: str = "duty-notice") -> dict[str, str]:
        """The state of each message, by channel and, for successors, their number."""
        query = select(col(Message.dedupe_key), col(Message.channel), col(Message.state)).order_by(col(Message.id))
        with self.database.read() as session:
            rows = session.execute(query.where(col(Message.template) == template)).all()
        return {channel + ("~" + key.partition("~")[2] if "~" in key else ""): state for key, channel, state in rows}

    def message(self, template: str = "duty-notice") -> Message:
        with self.database.read() as session:
            found = select(Message).where(col(Message.template) == template).order_by(col(Message.id))
            return session.execute(found).scalars().first()  # type: ignore[return-value]

    def stuck(self, minutes: float = 31) -> None:
        """The account is empty with both providers, and nobody noticed for a while; there are two operators."""
        self.set(operators="ops@example.cn,robot:ops")
        self.rehearsal.faults.no_balance = True
        self.deliver()
        self.later(minutes=minutes)

    def page(self) -> Telephone:
        """The answer page, where providers call, too."""
        return self.town.telephone(
            f"{self.now:%Y-%m-%dT%H:%M:%S}",
            callbacks=callbacks_of(self.settings),
            callback_secret=self.settings.callback_secret,
        )

    def shown(self, key: str) -> Shown:
        """The last page of a job."""
        return [page for page in self.pages if page.key == key][-1]


@contextmanager
def post_town(town: Town, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, **changed: str) -> Iterator[PostTown]:
    """Open the post office: every duty message goes by SMS, to Alibaba first and then to Tencent."""
    channels = {
        purpose: ["sms", "email"] for purpose in ("notice", "reminder", "head", "office", "change", "published")
    }
    policy = tmp_path / "by-sms.yaml"
    version = {"since": date(2026, 1, 1), "channels": channels}
    policy.write_text(yaml.safe_dump({"duty": {"versions": [version]}}), "utf-8")
    known = demo_messages.with_providers(settings(), 4201)
    account = demo_messages.account(known)
    with Rehearsal(account, clock=lambda: opened.now.timestamp()) as rehearsal:  # noqa: PLW0108 - it moves
        opened = PostTown(town, rehearsal, monkeypatch)
        given = {
            "policy": str(policy),
            "sms": "aliyun,tencent",
            "sms_templates": str(known.sms_templates),
            "sms_replies": "true",
            "aliyun_url": rehearsal.url,
            "tencent_url": rehearsal.url,
            "http_hosts": "127.0.0.1",
            "answer_url": known.answer_url,
            "callback_secret": SECRET,
            **{f"{name}_key_id": account.key_id for name in ("aliyun", "tencent")},
            **{f"{name}_secret": account.secret for name in ("aliyun", "tencent")},
            "tencent_app_id": account.app_id,
        }
        for module in (messages, deliver_job):
            monkeypatch.setattr(module, "opened", lambda _: nullcontext(town.database))
        monkeypatch.setattr(outlets, "real_now", lambda: opened.now.astimezone(UTC))
        monkeypatch.setattr(artifacts, "markdown", lambda *told: opened.pages.append(_shown(*told)))
        monkeypatch.setattr(artifacts, "table", lambda *told: opened.pages.append(_table(*told)))
        opened.set(**given | changed)
        town.office.base = settings()
        yield opened


def _shown(key: str, text: str, title: str = "") -> Shown:
    return Shown(key, title, text)


def _table(key: str, title: str, rows: Any, note: str = "") -> Shown:
    return Shown(key, title, {"rows": rows, "note": note})


@pytest.fixture
def post(town: Town, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[PostTown]:
    """The notice of K1's duty waits to go by SMS; in the end nobody was told twice."""
    with post_town(town, tmp_path, monkeypatch) as opened:
        opened.notice()
        token = LANGUAGE.set("zh")  # settings set it for good
        yield opened
        LANGUAGE.reset(token)
        twice = opened.rehearsal.ledger.duplicates()
        assert twice == {"by_call": {}, "by_content": {}}
