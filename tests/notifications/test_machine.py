"""The outbox as a state machine: whatever comes in whatever order, nothing leaves twice, and no end is undone.

Jobs write, drains fly and die, time passes on both clocks, receipts come in any order, providers are asked, people opt
out, facts change. What is checked at each call stands in `_look`, what is checked after each step in laws.py.
"""

import shutil
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import event
from sqlmodel import Session, select

from models.consent import opt_in, opt_out
from models.db import Database
from models.drafts import Class, SameKeyOtherPayload, insert_drafts
from models.messages import Message, cancel
from models.successors import base_of
from notifications.channels.contract import Request
from notifications.drain import drain
from notifications.parcels import Parcel
from notifications.receipts import store_reports
from notifications.reconcile import reconcile
from notifications.round import Round
from policies.messages import Caps
from rules.messages import Rate, may_leave
from tests.notifications import laws
from tests.notifications.fallible import ASKING, FLYING, Carrier, Death, Fuse, Mortal, mine
from tests.notifications.office import BOOK, DRAFT, ZONE, here

CHUNK = 3
CAPS = Caps(number_day=3, run=6, day=9)
POLICY = replace(BOOK, caps=CAPS, rates={"first": Rate(per_s=1, burst=5)}, receipts=timedelta(days=999))
PHONES = tuple(f"1380000000{n}" for n in range(5))
MAIL = "li@example.org"
WORDS = ("accepted", "accepted", "rejected", "defer", "stop", "not approved", "timeout", "lost", "slow")
_numbers = count()


class Outbox(RuleBasedStateMachine):
    """One outbox, two SMS providers and one for e-mail."""

    template: Path
    folder: Path
    keys: Any
    fuse: Fuse

    @initialize()
    def open(self) -> None:
        path = self.folder / f"{next(_numbers)}.db"
        shutil.copy(self.template, path)
        self.fuse.light("", 0)
        self.now = self.real = here("2026-07-11 20:30")
        self.mortal = _quick(Mortal(f"sqlite:///{path}", self.keys, self.fuse))
        self.truth = _quick(Database(f"sqlite:///{path}", self.keys))
        life: Any = (self.fuse, self._clock, self._look, lambda: self.time_passes(2, "both"))
        self.sms = [Carrier(name, *life) for name in ("first", "second")]
        self.mail = Carrier("mail", *life)
        self.deaths, self.owners, self.enqueued, self.tries = 0, ["host:0"], 0, 0
        self.gone: dict[str, str] = {}
        self.refusing: set[str] = set()
        self.before: dict[str, str] = {}

    def _clock(self) -> datetime:
        return self.now

    # What comes in

    @rule(
        kind=st.sampled_from(["notice", "notice", "urgent", "payment", "promotional"]),
        audience=st.sampled_from(["staff", "public"]),
        phones=st.lists(st.sampled_from(PHONES), min_size=2, max_size=6),
        minutes=st.sampled_from([None, None, 30, 600]),
        routed=st.booleans(),
    )
    def enqueue(self, kind: str, audience: str, phones: list[str], minutes: int | None, routed: bool) -> None:
        until = None if minutes is None else self.now + timedelta(minutes=minutes)
        told = [
            replace(
                DRAFT,
                key=f"m:{self.enqueued + n}",
                address=phone,
                others=(("email", MAIL), ("call", "")) if routed else (),
                expires_at=until,
                priority=n,
            )
            for n, phone in enumerate(phones)
        ]
        classes = {DRAFT.template: Class(1, kind, audience)}
        with self.truth.write() as session:
            assert insert_drafts(session, told, classes, self.now) == len(told)
        with self.truth.write() as session:
            assert insert_drafts(session, told, classes, self.now) == 0, "the same once more"
        with pytest.raises(SameKeyOtherPayload), self.truth.write() as session:
            insert_drafts(session, [replace(told[0], recipient="C-0000-0000")], classes, self.now)
        self.enqueued += len(told)

    @rule(phone=st.sampled_from(PHONES[:2]))
    def somebody_opts_out_or_comes_back(self, phone: str) -> None:
        with self.truth.write() as session:
            if phone in self.refusing:
                assert opt_in(session, "sms", phone, self.now)
            else:
                assert opt_out(session, "sms", phone, "reply", self.now)
        self.refusing ^= {phone}

    @rule(number=st.integers(0, 30), how=st.sampled_from(["cancelled", "false", "silent"]))
    def a_fact_changes(self, number: int, how: str) -> None:
        key = f"m:{number}"
        self.gone[key] = how
        if how == "cancelled":
            with self.truth.write() as session:
                cancel(session, [key], "fact changed", self.now)

    @rule(
        minutes=st.sampled_from([1, 2, 5, 16, 16, 61, 61, 720, 1440]),
        clocks=st.sampled_from(["both", "both", "both", "real", "business"]),
    )
    def time_passes(self, minutes: int, clocks: str) -> None:
        self.now += timedelta(minutes=minutes if clocks != "real" else 0)
        self.real += timedelta(minutes=minutes if clocks != "business" else 0)

    # What goes out

    @rule()
    def drain(self) -> None:
        self._drain([], "", 0)

    @rule(script=st.lists(st.sampled_from(WORDS), min_size=1, max_size=8))
    def drain_in_trouble(self, script: list[str]) -> None:
        self._drain(script, "", 0)

    @rule(
        point=st.sampled_from(FLYING),
        nth=st.sampled_from([1, 1, 2, 3]),
        script=st.lists(st.sampled_from(WORDS), max_size=3),
    )
    def drain_and_die(self, point: str, nth: int, script: list[str]) -> None:
        self._drain(script, point, nth)

    def _drain(self, script: list[str], point: str, nth: int) -> None:
        for carrier in (*self.sms, self.mail):
            carrier.script.clear()
        self.sms[0].script.extend(script)
        self.sms[1].script.extend(reversed(script))
        self.mail.script.extend(script[2:4])
        channels: Any = {"sms": self.sms, "email": [self.mail]}
        if self._lives(lambda: drain(self._round(), channels), point, nth):
            left = self._rows("SELECT 1 FROM message WHERE state IN ('claimed', 'sending')")
            assert not left, "what dead owners left is taken over"

    @rule(point=st.sampled_from(ASKING), nth=st.sampled_from([0, 0, 1]))
    def ask(self, point: str, nth: int) -> None:
        self._lives(lambda: reconcile(self._round(), self.sms, lambda *_: None), point, nth)

    @precondition(lambda self: any(carrier.books for carrier in self.sms))
    @rule(
        places=st.lists(st.integers(0, 100), min_size=1, max_size=4),
        state=st.sampled_from(["delivered", "undeliverable"]),
        by_call=st.booleans(),
        nth=st.sampled_from([0, 0, 0, 1]),
    )
    def receipts(self, places: list[int], state: str, by_call: bool, nth: int) -> None:
        for carrier in self.sms:
            if carrier.books:
                booked = [carrier.books[place % len(carrier.books)] for place in places]
                told = [carrier.report(one, state, by_call=by_call) for one in booked]
                carrier.fates |= {one.ref: state for one in booked if carrier.fates.get(one.ref) != "delivered"}
                self._lives(lambda told=told, carrier=carrier: self._tell(carrier, told), "receipts settled", nth)

    def _tell(self, carrier: Carrier, told: Sequence[Any]) -> None:
        with self.mortal.write() as session:
            store_reports(session, carrier.provider, told, self.now)

    def _lives(self, work: Any, point: str, nth: int) -> bool:
        """Work as a process that dies at the n-th hit of a point, or lives when nth is 0."""
        self.fuse.light(point, nth)
        try:
            work()
        except Death:
            self.deaths += 1
            self.owners.append(f"host:{self.deaths}")
            return False
        finally:
            self.fuse.light("", 0)
        return True

    def _round(self) -> Round:
        clocks: dict[str, Any] = {"now": lambda: self.now, "real_now": lambda: self.real}
        facts: dict[str, Any] = {"still_true": {DRAFT.template: self._true}, "late": {DRAFT.template: self._late}}
        dead = {*self.owners[:-1]}
        return Round(
            self.mortal, POLICY, ZONE, owner=self.owners[-1], chunk=CHUNK, dead=dead.__contains__, **clocks, **facts
        )

    def _true(self, _session: Session, parcels: Sequence[Parcel]) -> set[str]:
        return {parcel.key for parcel in parcels if self.gone.get(base_of(parcel.key)) != "false"}

    def _late(self, _session: Session, parcels: Sequence[Parcel]) -> dict[str, dict[str, Any]]:
        told = {"name": f"{self.now:%H%M}"}
        return {parcel.key: told for parcel in parcels if self.gone.get(base_of(parcel.key)) != "silent"}

    # What must hold at each call

    def _look(self, provider: str, call_id: str, requests: Sequence[Request]) -> None:
        assert len({request.address for request in requests}) == len(requests) <= CHUNK
        with self.truth.read() as session:
            ids = [request.out_id for request in requests]
            found = {one.out_id: one for one in session.exec(select(Message).where(Message.out_id.in_(ids)))}  # type: ignore[attr-defined]
        for request in requests:
            message = found[request.out_id]
            assert (message.state, message.provider, message.call_id) == ("sending", provider, call_id)
            frozen = self.keys.open("message.request", message.dedupe_key, message.request)
            assert frozen == request.body
            assert message.request_hash == self.keys.blind("message.request", request.body)
            assert message.flown_at is not None
            assert message.expires_at is None or message.expires_at > message.flown_at
            assert self.now - message.flown_at < self._round().lease, "a call that begins too late"
            assert self.gone.get(base_of(message.dedupe_key), "cancelled") == "cancelled"
            assert message.channel == "email" or request.address not in self.refusing
            local = message.flown_at.astimezone(ZONE)
            kind: Any = message.kind
            audience: Any = message.audience
            assert may_leave(kind, audience, local, POLICY.quiet, POLICY.promotional) == local, "quiet hours"
            if message.kind != "urgent":
                self._within_caps(message.channel, request.address)

    def _within_caps(self, channel: str, address: str) -> None:
        carriers = self.sms if channel == "sms" else [self.mail]
        today = self.now.astimezone(ZONE).date()
        booked = [one for carrier in carriers for one in carrier.books if one.at.astimezone(ZONE).date() == today]
        assert len(booked) < CAPS.day
        assert sum(one.phone == address for one in booked) < CAPS.number_day

    # What must hold after each step

    @invariant()
    def everything_holds(self) -> None:
        rows = self._rows("SELECT id, dedupe_key, out_id, state, follows FROM message")
        carriers = (*self.sms, self.mail)
        laws.nothing_is_accepted_twice_and_everything_accepted_is_known_or_in_doubt(rows, carriers)
        self.before = laws.no_end_is_undone(self.before, rows)
        laws.rows_are_what_was_enqueued_and_one_successor_each_of_what_did_not_get_through(rows, self.enqueued)
        doubts = self.deaths + sum(carrier.doubts for carrier in carriers)
        laws.at_most_one_chunk_is_in_doubt_each_time(rows, CHUNK * doubts)
        ((tries,),) = self._rows("SELECT count(*) FROM attempt")
        assert tries >= self.tries, "tries are only added"
        self.tries = tries

    def _rows(self, query: str) -> list[Any]:
        with self.truth.read() as session:
            return [*session.connection().exec_driver_sql(query)]

    def teardown(self) -> None:
        """In the end, with providers that answer, nothing is in doubt but what waits for a person."""
        for _ in range(2):
            self._drain([], "", 0)
            self.everything_holds()
            self.now, self.real = self.now + timedelta(hours=2), self.real + timedelta(hours=2)
            self.ask("", 0)
            self.everything_holds()
        left = self._rows("SELECT kind, error_code FROM message WHERE state = 'unknown' AND channel = 'sms'")
        assert {tuple(row) for row in left} <= {("payment", "absent"), ("promotional", "absent")}
        self.mortal.close()
        self.truth.close()


def _quick(database: Any) -> Any:
    """Logic, not disks."""
    event.listen(database.engine, "connect", lambda connection, _: connection.execute("PRAGMA synchronous=OFF"))
    return database


def _machine(template: Path, folder: Path, keys: Any, fuse: Fuse) -> type[Outbox]:
    return type("OutboxAt", (Outbox,), {"template": template, "folder": folder, "keys": keys, "fuse": fuse})


@pytest.mark.parametrize(
    ("examples", "steps"),
    [pytest.param(40, 40, id="quick"), pytest.param(1500, 60, id="long", marks=pytest.mark.proof)],
)
def test_no_order_of_events_sends_twice_or_undoes_an_end(
    sqlite_template: Path, tmp_path: Path, configured: Any, monkeypatch: pytest.MonkeyPatch, examples: int, steps: int
) -> None:
    fuse = Fuse()
    mine(monkeypatch, fuse)
    run_state_machine_as_test(
        _machine(sqlite_template, tmp_path, configured.keys(), fuse),
        settings=settings(
            max_examples=examples,
            stateful_step_count=steps,
            deadline=None,
            suppress_health_check=[*HealthCheck],
            phases=[Phase.explicit, Phase.generate],  # shrinking runs for minutes; the steps of a failure are printed
        ),
    )
