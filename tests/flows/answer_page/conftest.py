"""One centre with four cadres and three published duties, and a telephone that opens links."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from urllib.parse import urlencode

import httpx
import pytest
from starlette.applications import Starlette

from flows.answer_page.app import answer_app
from flows.answer_page.callbacks import Callbacks
from flows.settings import settings
from models.db import Database
from models.duty_record import Held
from notifications.links import Ticket, make
from tests.flows.test_duty import Office

CENTRE = "马街街道养老服务中心"
CANARY = "甄金雀"
PHONE = "1389999000"
MINE, THEIRS, THIRD = date(2026, 3, 10), date(2026, 3, 20), date(2026, 3, 25)
EVENING = "2026-03-09T18:00"
MORNING = "2026-03-10T08:20"
ON_SQLITE = pytest.mark.parametrize("database", ["sqlite"], indirect=True)
"""For what does not depend on the database."""
FAR = datetime(2026, 4, 1, tzinfo=UTC)


@dataclass
class Telephone:
    """A cadre's telephone: each call is a connection of its own."""

    app: Starlette
    address: str = "203.0.113.7"

    def get(self, path: str, method: str = "GET", **headers: str) -> httpx.Response:
        return self._call(method, path, None, headers)

    def post(self, path: str, form: Mapping[str, str] | bytes, **headers: str) -> httpx.Response:
        body = form if isinstance(form, bytes) else urlencode(form).encode()
        return self._call("POST", path, body, {"content-type": "application/x-www-form-urlencoded", **headers})

    def _call(self, method: str, path: str, body: bytes | None, headers: Mapping[str, str]) -> httpx.Response:
        async def call() -> httpx.Response:
            transport = httpx.ASGITransport(self.app, client=(self.address, 50_000))
            async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:4201") as client:
                return await client.request(method, path, content=body, headers=dict(headers))

        return asyncio.run(call())


@dataclass
class Town:
    """The office, and the ways of its cadres to the answer page."""

    office: Office

    @property
    def database(self) -> Database:
        return self.office.database

    def slot(self, day: date = MINE) -> Held:
        (slot,) = self.office.slots(day, day)
        return slot

    def link(self, day: date = MINE, *, person: int | None = None, until: datetime = FAR) -> str:
        slot = self.slot(day)
        ticket = Ticket("duty", slot.id, person or slot.cadre_id or 0, slot.revision, until)
        return f"/a/{make(self.database.keys, ticket)}"

    def telephone(
        self,
        at: str = EVENING,
        *,
        callbacks: Callbacks | None = None,
        clock: Callable[[], float] = lambda: 0.0,
        address: str = "203.0.113.7",
        **changed: object,
    ) -> Telephone:
        chosen = self.office.at(at).model_copy(update=changed)
        return Telephone(answer_app(self.database, chosen, callbacks=callbacks, clock=clock), address)

    def give(self, cadre: str, day: date = MINE, at: str = EVENING) -> None:
        """Give a duty to somebody else, as the office does."""
        self.office.send("slot", [{"date": day, "centre": "C1", "cadre": cadre, "state": "published"}], at)


@pytest.fixture
def town(database: Database, tmp_path: Path) -> Town:
    """K1 serves on 10 March, K2 on the 20th, K3 on the 25th; K4 heads the centre."""
    office = Office(database, settings(), tmp_path)
    office.send("centre", [{"code": "C1", "name": CENTRE}])
    people = [
        {"number": f"K{n}", "name": f"{CANARY}{n}", "phone": f"{PHONE}{n}", "email": f"canary{n}@example.cn"}
        for n in (1, 2, 3, 4)
    ]
    places = {"centre": "C1", "from": "2020-01-01"}
    office.send("cadre", [{**each, **places, "head": each["number"] == "K4"} for each in people])
    days = {MINE: "K1", THEIRS: "K2", THIRD: "K3"}
    rows = [{"date": day, "centre": "C1", "cadre": cadre, "state": "published"} for day, cadre in days.items()]
    office.send("slot", rows, "2026-03-02T08:00")
    return Town(office)
