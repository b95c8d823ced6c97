"""Draining: what flies, what does not, and where everything goes."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import text
from sqlmodel import Session, select

from models.consent import opt_out
from models.db import Database
from models.drafts import Draft
from models.message_views import counts
from models.messages import Message, cancel
from notifications import leases
from notifications.channels.contract import Channel, ChannelDown, Letter, Outcome, Request
from notifications.drain import Tally, drain
from notifications.outbox import enqueue
from notifications.parcels import Parcel, claim
from notifications.rendering import Mail, Sms, render_sms
from notifications.round import Round
from policies.messages import messages

NOW = datetime(2026, 7, 11, 1, 0, tzinfo=UTC)  # 09:00 in the district
ZONE = ZoneInfo("Asia/Shanghai")
POLICY = messages(NOW.date())
VARIABLES: dict[str, Any] = {"name": "李建国", "date": "2026-07-12", "weekday": "周日", "centre": "马街中心"}
DRAFT = Draft("m:1", "duty-released", "sms", "C-7K3Q-9XM2", "13800138000", VARIABLES, "530112")


class Post:
    """A channel that remembers what it was given and answers as told; accepted unless told otherwise."""

    provider = "post"
    batch = 50

    def __init__(self, *verdicts: str, down: str = "") -> None:
        self.sent: list[str] = []
        self.verdicts = list(verdicts)
        self.down = down

    def open(self) -> None:
        if self.down:
            raise ChannelDown("post", self.down)

    def compose(self, letter: Letter) -> str:
        return letter.content.text if isinstance(letter.content, Sms) else letter.content.subject

    def carries(self, _template: str, _language: str) -> bool:
        return True

    def send(self, call_id: str, requests: Sequence[Request]) -> list[Outcome]:
        assert call_id
        outcomes = []
        for request in requests:
            verdict: Any = self.verdicts.pop(0) if self.verdicts else "accepted"
            self.sent.append(request.body)
            outcomes.append(Outcome(request.out_id, verdict, code=None if verdict == "accepted" else "E1"))
        return outcomes

    def close(self) -> None: ...


def put(database: Database, *drafts: Draft, now: datetime = NOW) -> None:
    with database.write() as session:
        enqueue(session, drafts, now)


def many(number: int) -> list[Draft]:
    return [replace(DRAFT, key=f"m:{n}", address=f"138{n:08}") for n in range(number)]


def run(
    database: Database, channel: Channel, *, at: datetime = NOW, real: datetime | None = None, **rest: Any
) -> Tally:
    return drain(round_of(database, now=lambda: at, real_now=lambda: real or at, **rest), {"sms": [channel]})


def round_of(database: Database, **rest: Any) -> Round:
    return Round(database, POLICY, ZONE, owner="host:1:0", **rest)


def states(database: Database) -> dict[str, int]:
    found: Counter[str] = Counter()
    with database.read() as session:
        for (_, _, state), number in counts(session).items():
            found[state] += number
    return dict(found)


def row(database: Database, columns: str) -> tuple[Any, ...]:
    with database.read() as session:
        return tuple(session.connection().execute(text(f"SELECT {columns} FROM message")).one())


def _not_before(database: Database) -> datetime:
    with database.read() as session:
        return session.exec(select(Message)).one().not_before


def test_everything_due_is_sent_once_in_chunks(database: Database) -> None:
    put(database, *many(12))
    post = Post()
    assert run(database, post, chunk=5).moves == {("sms", "duty-released", "accepted"): 12}
    assert not run(database, post)
    assert len(post.sent) == 12
    assert row(database, "count(*), count(request), min(parts), count(finished_at), count(lease_owner)")[1:] == (
        12,
        1,
        12,
        0,
    )


def test_what_was_frozen_is_what_was_sent(database: Database) -> None:
    put(database, DRAFT)
    post = Post()
    run(database, post)
    with database.read() as session:
        sealed = session.connection().execute(text("SELECT request, request_hash FROM message")).one()
    assert database.keys.open("message.request", DRAFT.key, sealed[0]) == post.sent[0]
    assert sealed[1] == database.keys.blind("message.request", post.sent[0])


def test_the_urgent_go_first_then_the_longest_waiting(database: Database) -> None:
    earlier = NOW - timedelta(hours=1)
    put(
        database,
        replace(DRAFT, key="m:1", variables={**VARIABLES, "name": "丙"}),
        replace(DRAFT, key="m:2", variables={**VARIABLES, "name": "乙"}, not_before=earlier),
        replace(DRAFT, key="m:3", variables={**VARIABLES, "name": "甲"}, priority=0),
    )
    post = Post()
    run(database, post, chunk=1)
    assert [body[4] for body in post.sent] == ["甲", "乙", "丙"]


def test_an_idle_outbox_costs_one_query(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    put(database, replace(DRAFT, not_before=NOW + timedelta(hours=1)))
    monkeypatch.setattr(database, "write", None)
    assert not run(database, Post(down="not even opened"))


def test_nothing_leaves_before_its_time(database: Database) -> None:
    put(database, replace(DRAFT, not_before=NOW + timedelta(hours=1)))
    post = Post()
    run(database, post, at=NOW + timedelta(minutes=59))
    assert post.sent == []
    run(database, post, at=NOW + timedelta(minutes=60))
    assert len(post.sent) == 1


@pytest.mark.parametrize("channel", ["sms", "call"])
def test_what_came_too_late_expires(database: Database, channel: Any) -> None:
    address = DRAFT.address if channel == "sms" else ""
    put(database, replace(DRAFT, channel=channel, address=address, expires_at=NOW + timedelta(hours=1)))
    tally = run(database, Post(), at=NOW + timedelta(hours=1))
    assert (tally.states, states(database)) == ({"expired": 1}, {"expired": 1})


def test_a_message_that_expires_between_claim_and_freeze_does_not_fly(database: Database) -> None:
    put(database, replace(DRAFT, expires_at=NOW + timedelta(seconds=30)))
    times = iter([NOW, NOW, NOW])
    post = Post()
    late = NOW + timedelta(minutes=1)
    drain(round_of(database, now=lambda: next(times, late), real_now=lambda: NOW), {"sms": [post]})
    assert (post.sent, states(database)) == ([], {"expired": 1})


def test_calls_stay_pending_for_the_call_list(database: Database) -> None:
    put(database, replace(DRAFT, channel="call", address=""))
    assert not run(database, Post())
    assert states(database) == {"pending": 1}


def test_who_opted_out_hears_nothing(database: Database) -> None:
    put(database, *many(2), replace(DRAFT, key="other:1", address="13900139000"))
    with database.write() as session:
        opt_out(session, "sms", "13900139000", "reply", NOW)
    run(database, Post())
    assert states(database) == {"accepted": 2, "suppressed": 1}


def test_what_is_no_longer_true_is_cancelled(database: Database) -> None:
    put(database, *many(3))

    def holds(session: Session, parcels: Sequence[Parcel]) -> set[str]:
        assert session.in_transaction()
        return {parcel.key for parcel in parcels} - {"m:1"}

    post = Post()
    run(database, post, still_true={"duty-released": holds, "never-used": holds})
    assert (len(post.sent), states(database)) == (2, {"accepted": 2, "cancelled": 1})


def test_what_was_cancelled_does_not_fly(database: Database) -> None:
    put(database, *many(2))
    with database.write() as session:
        cancel(session, ["m:0"], "slot given away", NOW)
    run(database, Post())
    assert states(database) == {"accepted": 1, "cancelled": 1}


def test_a_broken_template_costs_its_own_message_only(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    put(database, *many(2))
    languages = iter(["no-such-language"])

    def render(template: Any, language: str, variables: Any, *rest: Any, **named: Any) -> Sms:
        return render_sms(template, next(languages, language), variables, *rest, **named)

    monkeypatch.setattr("notifications.flight.render_sms", render)
    run(database, Post())
    assert states(database) == {"accepted": 1, "dead": 1}


@pytest.mark.parametrize("bad", [1, 3])
def test_a_fault_nobody_foresaw_costs_its_own_message_and_ours_costs_none(
    database: Database, monkeypatch: pytest.MonkeyPatch, bad: int
) -> None:
    put(database, *many(3))
    faults = iter([ZeroDivisionError()] * bad)

    def render(*given: Any, **named: Any) -> Sms:
        if fault := next(faults, None):
            raise fault
        return render_sms(*given, **named)

    monkeypatch.setattr("notifications.flight.render_sms", render)
    if bad < 3:
        run(database, Post())
        assert states(database) == {"dead": 1, "accepted": 2}
    else:
        with pytest.raises(ZeroDivisionError):
            run(database, Post())
        assert states(database) == {"pending": 3}


def test_refused_for_good_is_dead_with_the_code(database: Database) -> None:
    put(database, DRAFT)
    run(database, Post("rejected"))
    assert row(database, "state, error_class, error_code, attempts") == ("dead", "permanent", "E1", 1)


def test_refused_for_now_waits_longer_each_time_and_dies_in_the_end(database: Database) -> None:
    put(database, DRAFT)
    at, waits = NOW, []
    for _ in range(8):
        assert run(database, Post("defer"), at=at).states.total() == 1
        after = _not_before(database)
        waits.append((after - at).seconds // 60)
        assert not run(database, Post(), at=after - timedelta(seconds=1)) or states(database) == {"dead": 1}
        at = after
    assert waits[:7] == [1, 2, 4, 8, 16, 32, 60]
    assert row(database, "state, error_class, attempts") == ("dead", "defer", 8)


def test_no_clear_answer_is_unknown_and_never_sent_again(database: Database) -> None:
    put(database, *many(2))
    post = Post("unknown")
    run(database, post)
    run(database, post, at=NOW + timedelta(days=1))
    assert (len(post.sent), states(database)) == (2, {"accepted": 1, "unknown": 1})


def test_an_outcome_that_is_missing_is_unknown(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    put(database, DRAFT)
    post = Post()
    monkeypatch.setattr(post, "send", lambda *_: [])
    run(database, post)
    assert states(database) == {"unknown": 1}


def test_a_channel_in_trouble_leaves_its_rows_pending_and_the_other_goes_on(database: Database) -> None:
    mail = replace(DRAFT, key="mail:1", channel="email", address="li@example.org")
    put(database, *many(3), mail)
    one = round_of(database, now=lambda: NOW, real_now=lambda: NOW, chunk=3)
    tally = drain(one, {"sms": [Post("accepted", "stop", "stop")], "email": [Post()]})
    assert tally.stopped == {"sms:post": "E1"}
    assert states(database) == {"accepted": 2, "pending": 2}
    assert not run(database, Post(), real=NOW + timedelta(minutes=1)).stopped
    assert states(database) == {"accepted": 4}


class Reader(Post):
    """A channel that keeps the mails themselves."""

    def __init__(self) -> None:
        super().__init__()
        self.mails: list[Mail] = []

    def compose(self, letter: Letter) -> str:
        assert isinstance(letter.content, Mail)
        self.mails.append(letter.content)
        return letter.content.subject


def test_a_mail_shows_the_name_of_its_own_district(database: Database) -> None:
    names = {"530112": "西山区", "530102": "五华区"}
    mail = replace(DRAFT, channel="email", address="li@example.org")
    put(database, *(replace(mail, key=code, district=code) for code in names))
    reader = Reader()
    drain(round_of(database, now=lambda: NOW, real_now=lambda: NOW, districts=names), {"email": [reader]})
    assert [[name in mail.html for name in names.values()] for mail in reader.mails] == [[True, False], [False, True]]


def test_a_channel_that_is_down_uses_up_no_attempts(database: Database) -> None:
    put(database, DRAFT)
    for hours in range(1, 40, 2):
        run(database, Post(down="connect"), real=NOW + timedelta(hours=hours))
        run(database, Post("stop"), real=NOW + timedelta(hours=hours + 1))
    assert row(database, "state, attempts, lease_owner") == ("pending", 0, None)


@pytest.mark.parametrize(
    ("caught", "becomes"),
    [pytest.param("claimed", "accepted", id="claimed goes again"), pytest.param("sending", "unknown", id="in doubt")],
)
@pytest.mark.parametrize("how", ["lease lapsed", "owner dead"])
def test_what_a_dead_owner_left_is_taken_over(database: Database, caught: str, becomes: str, how: str) -> None:
    put(database, DRAFT)
    _left_behind(database, caught)
    waiting = run(database, Post())
    assert not waiting
    dead = {"host:9:9"} if how == "owner dead" else set[str]()
    real = NOW + timedelta(minutes=5) if how == "lease lapsed" else NOW
    run(database, Post(), real=real, dead=dead.__contains__)
    assert states(database) == {becomes: 1}


def test_a_lease_follows_real_time_not_the_replaced_clock(database: Database) -> None:
    put(database, DRAFT)
    _left_behind(database, "sending")
    run(database, Post(), at=NOW + timedelta(days=30), real=NOW)
    assert states(database) == {"sending": 1}


def _left_behind(database: Database, state: str) -> None:
    until = NOW + timedelta(minutes=5)
    with database.write() as session:
        pairs = {("duty-released", "zh-CN")}
        found = claim(session, "sms", "host:9:9#a", pairs=pairs, now=NOW, lease_until=until, limit=9)
        if state == "sending":
            leases.freeze(session, [leases.Frozen(one, "body", 1, "call") for one in found], "post", NOW, until)


def test_a_slow_owner_may_still_say_what_happened_to_an_unknown(database: Database) -> None:
    put(database, DRAFT)
    run(database, _Slow(database, take_over=True))
    assert states(database) == {"accepted": 1}
    with database.read() as session:
        tries = session.connection().execute(text("SELECT outcome FROM attempt ORDER BY id")).scalars().all()
    assert tries == ["unknown", "accepted"]


def test_a_row_that_somebody_else_settled_is_left_alone(database: Database) -> None:
    put(database, DRAFT)
    tally = run(database, _Slow(database, take_over=False))
    assert (tally.lost, states(database)) == (1, {"dead": 1})


class _Slow(Post):
    """While it sends, its lease lapses and another drain, or the reconciler, looks at the row."""

    def __init__(self, database: Database, *, take_over: bool) -> None:
        super().__init__()
        self.database, self.take_over = database, take_over

    def send(self, call_id: str, requests: Sequence[Request]) -> list[Outcome]:
        if self.take_over:
            run(self.database, Post(), real=NOW + timedelta(hours=1))
        else:
            with self.database.write() as session:
                settled = "UPDATE message SET state = 'dead', finished_at = created_at, lease_owner = NULL"
                session.connection().execute(text(settled))
        return super().send(call_id, requests)


def test_each_try_is_a_row(database: Database) -> None:
    put(database, DRAFT)
    run(database, Post("defer"))
    run(database, Post(), at=NOW + timedelta(minutes=2))
    with database.read() as session:
        query = text("SELECT number, outcome, error_code, provider FROM attempt ORDER BY id")
        tries = [tuple(found) for found in session.connection().execute(query)]
    assert tries == [(1, "defer", "E1", "post"), (2, "accepted", None, "post")]
