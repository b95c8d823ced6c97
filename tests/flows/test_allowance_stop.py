"""Stopping on real databases: who is owed no longer leaves the list before it is released, and comes back if owed."""

from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update
from sqlmodel import col

from flows.allowance_shown import show_stopped
from flows.allowance_stop import stop
from flows.rehearsal_bank.script import Script
from models.db import Database
from models.elder import Elder
from tests.flows.allowances import Pay
from tests.flows.money import Money
from tests.flows.test_duty_kills import ended, in_child

MORNING = "2026-04-07T06:40"
PEOPLE: dict[str, dict[str, Any]] = {
    "well": {"born": "1940-01-01"},
    "died_before": {"born": "1940-01-02"},
    "died_this_month": {"born": "1940-01-03"},
    "died_at_79": {"born": "1946-03-20"},
    "died_at_89": {"born": "1936-03-20"},
    "gone": {"born": "1940-01-04"},
    "gone_later": {"born": "1940-01-05"},
    "proxy": {"born": "1940-01-06", "proxy_until": "2026-04-05"},
}


@pytest.fixture
def pay(database: Database, tmp_path: Path) -> Pay:
    return Pay(database, tmp_path)


def test_before_the_file_each_is_stopped_for_what_is_known_by_now(pay: Pay) -> None:
    """Judged on 31 March: what happened on either side of it was not known when the list was made on 2 April."""
    pay.people(PEOPLE)
    assert pay.plan()["entitled"] == len(PEOPLE)
    told = "2026-04-06T09:00"
    pay.status("died_before", "2026-02-28", "DEAD", told)
    pay.status("died_this_month", "2026-03-01", "DEAD", told)  # the month of death is paid
    pay.status("died_at_79", "2026-03-19", "DEAD", told)  # eleven days before the age that was to be paid
    pay.status("died_at_89", "2026-03-19", "DEAD", told)
    pay.status("gone", "2026-03-31", "MOVED", told)
    pay.status("gone_later", "2026-04-01", "MOVED", told)
    result = pay.stop(MORNING)
    assert pay.entitled() == {"well": 8000, "died_this_month": 8000, "died_at_89": 8000, "gone_later": 8000}
    assert pay.cancelled() == {
        "died_before": "dead", "died_at_79": "dead", "gone": "moved_out", "proxy": "proxy_expired",
    }  # fmt: skip
    reasons = {row["elder"]: row["reason"] for row in result["stopped"]}
    assert reasons[pay.refs["died_at_89"]] == "adjusted"
    assert len(reasons) == 5
    assert sorted(what for what, _ in pay.changes()) == ["adjusted", *["cancelled"] * 4]
    stored = pay.snapshot()
    assert pay.stop("2026-04-08T06:40") == {"stopped": [], "claimed": []}
    assert pay.snapshot() == stored


def test_a_list_with_nobody_left_is_dropped_and_a_proxy_renewed_comes_on_the_next(pay: Pay) -> None:
    pay.people({"proxy": PEOPLE["proxy"]})
    pay.plan()
    pay.stop(MORNING)
    assert pay.batches() == [("2026-03", 1, "plan", "dropped")]
    pay.account("proxy", "2026-04-08", "2027-04-07")
    assert pay.plan("2026-04", "2026-04-10T07:00")["restored"] == 1
    assert (pay.entitled("2026-03"), pay.entitled("2026-04")) == ({"proxy": 8000}, {"proxy": 8000})
    assert pay.batches()[-1] == ("2026-04", 1, "plan", "planned")


def test_the_living_are_never_stopped_as_dead(pay: Pay) -> None:
    """A birth date is put right before the file, and again after it; and who moved out before dying is not paid."""
    pay.people({"made_older": PEOPLE["well"], "moved_then_died": PEOPLE["gone"]})
    pay.plan()
    _born(pay, "made_older", "1947-01-01")
    pay.status("moved_then_died", "2026-03-05", "MOVED", "2026-04-06T09:00")
    pay.status("moved_then_died", "2026-03-20", "DEAD", "2026-04-06T09:00")
    stopped = pay.stop(MORNING)
    assert pay.cancelled() == {"made_older": "mistaken", "moved_then_died": "moved_out"}
    show_stopped(stopped)
    _born(pay, "made_older", "1940-01-01")
    assert pay.supplement("2026-04-08T09:00")["restored"] == 1


def test_what_was_sent_is_claimed_for_a_death_alone(database: Database, tmp_path: Path) -> None:
    """Dead weeks after the month; that a birth date was put right meanwhile is no reason to take anything back."""
    money = Money(database, tmp_path)
    money.pay()
    money.bank_takes()
    money.reconcile()
    with database.write() as session:
        session.execute(update(Elder).where(col(Elder.id) == 1).values(birth_date=date(1960, 1, 1)))
    money.status(money.refs[0], "2026-11-20", "DEAD", "2026-11-21T09:00")
    assert money.stop("2026-11-22T06:40")["claimed"] == []


def _born(pay: Pay, who: str, day: str) -> None:
    with pay.database.write() as session:
        changing = update(Elder).where(col(Elder.id) == pay.ids[who])
        session.execute(changing.values(birth_date=date.fromisoformat(day)))


def test_stops_at_once_stop_once(pay: Pay) -> None:
    pay.people({who: PEOPLE[who] for who in ("well", "gone")})
    pay.plan()
    pay.status("gone", "2026-03-31", "MOVED", "2026-04-06T09:00")
    base = pay.office.at(MORNING)
    pay.database.engine.dispose()

    def work() -> None:
        stop(Database(base.url, base.keys()), base)

    assert [ended(pid) for pid in [in_child(work) for _ in range(4)]] == [0] * 4
    assert pay.cancelled() == {"gone": "moved_out"}
    assert (len(pay.changes()), pay.audited("allowance.stop")) == (1, 1)


def came_back(database: Database, folder: Path) -> Money:
    """Five are paid, and the money of the first came back."""
    money = Money(database, folder, script=Script(returned={"00000001": "AC04"}))
    money.pay()
    money.bank_takes()
    money.reconcile()
    assert money.balances()["returned"] == 8000
    return money


def on_a_list(money: Money) -> None:
    """The returned money waits on a list of its own."""
    money.send("account", [money.account(money.refs[0], 66, "2026-10-22")], "2026-10-22T08:00")
    assert money.reissue("2026-10-22T09:00")["batch"]


def approved(money: Money) -> None:
    on_a_list(money)
    batch = next(ref for ref, state in money.batches().items() if state == "notice")
    assert money.approve(batch, "2026-10-22T10:00")["approved"]


@pytest.mark.parametrize(
    "before",
    [
        pytest.param(lambda _: None, id="waiting for a re-issue"),
        pytest.param(on_a_list, id="on the list of a re-issue"),
        pytest.param(approved, id="on an approved re-issue"),
    ],
)
def test_returned_money_of_the_dead_is_given_up_and_of_who_lives_after_all_paid(
    database: Database, tmp_path: Path, before: Callable[[Money], None]
) -> None:
    money = came_back(database, tmp_path)
    full = money.balances()["budget"]
    before(money)
    money.status(money.refs[0], "2026-09-30", "DEAD", "2026-10-23T09:00")
    money.stop("2026-10-24T06:40")
    told = money.balances()
    assert (told["returned"], told["committed"], told["budget"]) == (0, 0, full + 8000)
    money.status(money.refs[0], "2026-09-30", "ACTIVE", "2026-10-25T09:00")
    made = money.supplement("2026-10-26T09:00")
    assert made["restored"] == 1
    assert money.balances()["budget"] == full + 8000
    money.show(made["batch"], "2026-10-26T10:00")
    assert money.approve(made["batch"], "2026-11-05T09:00")["fen"] == 8000
    assert money.balances()["committed"] == 8000
    assert money.release(made["batch"], "2026-11-05T10:00")["files"]
    assert [n for ref, n, *_ in money.payments() if ref == money.refs[0]] == [1, 2]
    assert money.balances()["in_transit"] == 8000


def test_an_objection_upheld_against_returned_money_gives_it_up(database: Database, tmp_path: Path) -> None:
    money = came_back(database, tmp_path)
    full = money.balances()["budget"]
    on_a_list(money)
    said = {"programme": "longevity", "period": "2026-10", "elder": money.refs[0], "raised_on": "2026-10-22"}
    money.send("objection", [said | {"text": "已迁居外地", "upheld": "yes"}], "2026-10-22T10:00")
    money.morning("2026-10-23T08:00")
    told = money.balances()
    assert (told["returned"], told["budget"]) == (0, full + 8000)
