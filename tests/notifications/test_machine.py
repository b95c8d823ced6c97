"""The outbox as a state machine: whatever comes in whatever order, nothing leaves twice, and no end is undone.

Jobs write, drains fly and die, time passes on both clocks, receipts come in any order, providers are asked, people opt
out, facts change. What is checked at each call and after each step stands in `_look` and in the invariants.
"""

import shutil
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import event, text
from sqlmodel import Session, select

from models.consent import opt_in, opt_out
from models.db import Database
from models.drafts import Class, SameKeyOtherPayload, insert_drafts
from models.messages import Message, cancel
from notifications.channels.contract import Request
from notifications.drain import drain
from notifications.parcels import Parcel
from notifications.receipts import store_reports
from notifications.reconcile import reconcile
from notifications.round import Round
from policies.messages import Caps
from rules.messages import Rate, may_leave
from tests.notifications.fallible import POINTS, Carrier, Death, Fuse, Mortal, mine
from tests.notifications.office import BOOK, DRAFT, ZONE, here

CHUNK = 3
CAPS = Caps(number_day=3, run=6, day=12)
POLICY = replace(BOOK, caps=CAPS, rates={"first": Rate(per_s=1, burst=5)})
PHONES = tuple(f"1380000000{n}" for n in range(3))
MAIL = "li@example.org"
WORDS = ("accepted", "accepted", "rejected", "defer", "stop", "not approved", "timeout", "lost")
GOES_ON = {
    "accepted": {"delivered", "undeliverable"},
    "unknown": {"accepted", "delivered", "undeliverable", "pending", "dead"},
    "undeliverable": {"delivered"},
    "delivered": set(),
    "dead": set(),
    "suppressed": set(),
    "expired": set(),
    "cancelled": set(),
}
"""Where a message may go from an end; everything else is no step back."""
ACCEPTED = ("accepted", "delivered", "undeliverable")
NEVER_LEFT = ("pending", "claimed", "dead", "suppressed", "expired", "cancelled")
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
        self.now = self.real = here("2026-07-11 18:00")
        self.mortal = _quick(Mortal(f"sqlite:///{path}", self.keys, self.fuse))
        self.truth = _quick(Database(f"sqlite:///{path}", self.keys))
        self.sms = [Carrier(name, self.fuse, self._clock, self._look) for name in ("first", "second")]
        self.mail = Carrier("mail", self.fuse, self._clock, self._look)
        self.deaths, self.owners, self.enqueued, self.tries = 0, ["host:0"], 0, 0
        self.false: set[str] = set()
        self.silent: set[str] = set()
        self.refusing: set[str] = set()
        self.before: dict[str, str] = {}
        self.drained_from = 0

    def _clock(self) -> datetime:
        return self.now

    # What comes in

    @rule(
        kind=st.sampled_from(["notice", "notice", "urgent", "payment", "promotional"]),
        audience=st.sampled_from(["staff", "public"]),
        phones=st.lists(st.sampled_from(PHONES), min_size=1, max_size=5),
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

    @rule(phone=st.sampled_from(PHONES))
    def opt_out(self, phone: str) -> None:
        with self.truth.write() as session:
            assert opt_out(session, "sms", phone, "reply", self.now) == (phone not in self.refusing)
        self.refusing.add(phone)

    @rule(phone=st.sampled_from(PHONES))
    def opt_in(self, phone: str) -> None:
        with self.truth.write() as session:
            opt_in(session, "sms", phone, self.now)
        self.refusing.discard(phone)

    @precondition(lambda self: self.enqueued)
    @rule(number=st.integers(0, 100))
    def cancel(self, number: int) -> None:
        with self.truth.write() as session:
            cancel(session, [f"m:{number % self.enqueued}"], "fact changed", self.now)

    @precondition(lambda self: self.enqueued)
    @rule(number=st.integers(0, 100), silent=st.booleans())
    def a_fact_changes(self, number: int, silent: bool) -> None:
        (self.silent if silent else self.false).add(f"m:{number % self.enqueued}")

    @rule(
        minutes=st.sampled_from([1, 2, 5, 16, 61, 180, 720, 1440]),
        clocks=st.sampled_from(["both", "both", "real", "business"]),
    )
    def time_passes(self, minutes: int, clocks: str) -> None:
        self.now += timedelta(minutes=minutes if clocks != "real" else 0)
        self.real += timedelta(minutes=minutes if clocks != "business" else 0)

    # What goes out

    @rule(script=st.lists(st.sampled_from(WORDS), max_size=8), point=st.sampled_from(POINTS), nth=st.integers(0, 3))
    def drain(self, script: list[str], point: str, nth: int) -> None:
        for carrier in (*self.sms, self.mail):
            carrier.script.clear()
        self.sms[0].script.extend(script)
        self.sms[1].script.extend(reversed(script))
        self.mail.script.extend(script[2:4])
        self.drained_from = len(self._books())
        channels: Any = {"sms": self.sms, "email": [self.mail]}
        if self._lives(lambda: drain(self._round(), channels), point, nth):
            assert self._states().keys().isdisjoint({"claimed", "sending"}), "what dead owners left is taken over"

    @rule(point=st.sampled_from(POINTS), nth=st.integers(0, 2))
    def ask(self, point: str, nth: int) -> None:
        self._lives(lambda: reconcile(self._round(), self.sms, lambda *_: None), point, nth)

    @precondition(lambda self: any(carrier.books for carrier in self.sms))
    @rule(
        places=st.lists(st.integers(0, 100), min_size=1, max_size=4),
        state=st.sampled_from(["delivered", "undeliverable"]),
        by_call=st.booleans(),
        nth=st.integers(0, 1),
    )
    def receipts(self, places: list[int], state: str, by_call: bool, nth: int) -> None:
        for carrier in self.sms:
            if carrier.books:
                booked = [carrier.books[place % len(carrier.books)] for place in places]
                told = [carrier.report(one, state, by_call=by_call) for one in booked]
                carrier.fates |= {one.ref: state for one in booked if carrier.fates.get(one.ref) != "delivered"}
                self._lives(lambda told=told, carrier=carrier: self._tell(carrier, told), "receipts settled", nth)  # type: ignore[misc]

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
        return {parcel.key for parcel in parcels if parcel.key.partition("~")[0] not in self.false}

    def _late(self, _session: Session, parcels: Sequence[Parcel]) -> dict[str, dict[str, Any]]:
        told = {"name": f"{self.now:%H%M}"}
        return {parcel.key: told for parcel in parcels if parcel.key.partition("~")[0] not in self.silent}

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
            assert (frozen, message.flown_at) == (request.body, self.now)
            assert message.request_hash == self.keys.blind("message.request", request.body)
            assert message.expires_at is None or message.expires_at > self.now
            base = message.dedupe_key.partition("~")[0]
            assert base not in self.false | self.silent
            assert message.channel == "email" or request.address not in self.refusing
            local = self.now.astimezone(ZONE)
            kinds: Any = (message.kind, message.audience)
            assert may_leave(*kinds, local, POLICY.quiet, POLICY.promotional) == local, "quiet hours"
            if message.kind != "urgent":
                self._within_caps(message.channel, request.address)

    def _within_caps(self, channel: str, address: str) -> None:
        carriers = self.sms if channel == "sms" else [self.mail]
        today = self.now.astimezone(ZONE).date()
        booked = [one for carrier in carriers for one in carrier.books if one.at.astimezone(ZONE).date() == today]
        assert len(booked) < CAPS.day
        assert sum(one.phone == address for one in booked) < CAPS.number_day

    # What must hold after each step

    def _books(self) -> list[Any]:
        return [one for carrier in (*self.sms, self.mail) for one in carrier.books]

    def _states(self) -> Counter[str]:
        return Counter(state for _, state in self._rows("SELECT id, state FROM message"))

    def _rows(self, query: str) -> list[Any]:
        with self.truth.read() as session:
            return [*session.connection().execute(text(query))]

    @invariant()
    def nothing_is_accepted_twice_and_everything_accepted_is_known_or_in_doubt(self) -> None:
        taken = Counter(one.out_id for one in self._books())
        assert max(taken.values(), default=0) <= 1
        for out_id, state in self._rows("SELECT out_id, state FROM message"):
            assert taken[out_id] == 1 or state not in ACCEPTED
            assert taken[out_id] == 0 or state not in NEVER_LEFT

    @invariant()
    def no_end_is_undone(self) -> None:
        states = dict(self._rows("SELECT dedupe_key, state FROM message"))
        for key, before in self.before.items():
            assert states[key] == before or states[key] in GOES_ON.get(before, states[key]), (key, before, states[key])
        self.before = states

    @invariant()
    def rows_are_what_was_enqueued_and_one_successor_each_of_what_did_not_get_through(self) -> None:
        followed = Counter(before for (before,) in self._rows("SELECT follows FROM message WHERE follows IS NOT NULL"))
        assert len(self.before) == self.enqueued + followed.total()
        assert max(followed.values(), default=0) <= 1
        states = dict(self._rows("SELECT id, state FROM message"))
        assert {states[before] for before in followed} <= {"suppressed", "dead", "undeliverable", "delivered"}

    @invariant()
    def little_is_in_doubt_and_tries_are_only_added(self) -> None:
        doubts = self.deaths + sum(carrier.doubts for carrier in (*self.sms, self.mail))
        assert self._states()["unknown"] <= CHUNK * doubts
        ((tries,),) = self._rows("SELECT count(*) FROM attempt")
        assert tries >= self.tries
        self.tries = tries

    def teardown(self) -> None:
        """In the end, with providers that answer, nothing is in doubt but what waits for a person."""
        if not hasattr(self, "truth"):
            return
        self._settle()
        self.mortal.close()
        self.truth.close()

    def _settle(self) -> None:
        for _ in range(9):
            self.drain([], "", 0)
            self.now, self.real = self.now + timedelta(hours=4), self.real + timedelta(hours=4)
            self.ask("", 0)
        left = self._rows("SELECT channel, kind, error_code FROM message WHERE state = 'unknown'")
        waiting = {(kind, code) for channel, kind, code in left if channel == "sms"}
        assert waiting <= {("payment", "absent"), ("promotional", "absent")}
        self.nothing_is_accepted_twice_and_everything_accepted_is_known_or_in_doubt()
        self.no_end_is_undone()


def _quick(database: Any) -> Any:
    """Logic, not disks."""
    event.listen(database.engine, "connect", lambda connection, _: connection.execute("PRAGMA synchronous=OFF"))
    return database


def _machine(template: Path, folder: Path, keys: Any, fuse: Fuse) -> type[Outbox]:
    return type("OutboxAt", (Outbox,), {"template": template, "folder": folder, "keys": keys, "fuse": fuse})


@pytest.mark.parametrize(
    ("examples", "steps"),
    [pytest.param(40, 30, id="quick"), pytest.param(1500, 60, id="long", marks=pytest.mark.proof)],
)
def test_no_order_of_events_sends_twice_or_undoes_an_end(
    sqlite_template: Path, tmp_path: Path, configured: Any, monkeypatch: pytest.MonkeyPatch, examples: int, steps: int
) -> None:
    fuse = Fuse()
    mine(monkeypatch, fuse)
    run_state_machine_as_test(
        _machine(sqlite_template, tmp_path, configured.keys(), fuse),
        settings=settings(
            max_examples=examples, stateful_step_count=steps, deadline=None, suppress_health_check=[*HealthCheck]
        ),
    )
