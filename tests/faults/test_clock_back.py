"""A clock that is set back a day: nothing is done twice, nothing waits a day, and the log still holds.

Money step by step: tests/flows/test_allowance_edges.py. One-time codes: tests/models/test_proof.py
(test_a_clock_that_was_set_back_is_told_as_such). Token buckets: tests/rules/test_messages.py. Rates:
tests/notifications/test_rates.py. The owners of claims, whose age is counted from boot: tests/flows/test_jobs.py.
"""

from collections.abc import Callable
from datetime import date, timedelta

import pytest
from sqlalchemy import update

from flows.audit_anchor import add_anchor, verify
from flows.settings import Settings
from models.audit import record
from models.db import Database
from models.messages import Message
from tests.faults.test_outage import in_the_afternoon, in_the_morning, live_by_calendar
from tests.faults.whole import Whole, same
from tests.notifications.office import Office, Post, drafts

KINDS = [pytest.param("sqlite"), pytest.param("postgresql", marks=pytest.mark.proof)]


@pytest.mark.parametrize("kind", KINDS)
def test_every_schedule_of_yesterday_and_today_again_changes_nothing(copied: Callable[[str], Whole], kind: str) -> None:
    whole, today = copied(kind), date(2026, 10, 22)
    live_by_calendar(whole, last=today)
    before, told = whole.standing(), sum(len(book.lines()) for book in whole.books.values())
    for day in (today - timedelta(days=1), today):
        in_the_morning(whole, day)
        whole.release(moment=f"{day}T10:00")
        whole.stop(f"{day}T10:30")
        in_the_afternoon(whole, day)
    whole.holds()
    same(whole.standing(), before, but={"audited"})
    assert sum(len(book.lines()) for book in whole.books.values()) == told


def test_entries_and_anchors_of_a_clock_that_was_set_back_hold(database: Database, configured: Settings) -> None:
    for at in ("2026-03-09T08:00", "2026-03-10T08:00", "2026-03-09T08:30", "2026-03-10T08:30", "2026-03-11T08:00"):
        chosen = Settings(**configured.model_dump(exclude={"at"}), at=at)
        with database.write() as session:
            record(session, "530112", "test", "begun", chosen.now())
        assert add_anchor(database, chosen)["added"]
        assert verify(database, chosen)["holds"]
    assert verify(database, configured)["anchors"] == 5


def test_a_provider_in_trouble_by_a_clock_of_tomorrow_is_tried_today(office: Office) -> None:
    """Certificates of tomorrow are what a clock that runs ahead stumbles over first."""
    office.put(*drafts(3))
    office.later(days=1)
    office.drain(Post(*["stop"] * 3))
    assert office.states() == {"pending": 3}
    office.later(days=-1, minutes=10)
    office.drain(Post())
    assert office.states() == {"accepted": 3}


@pytest.mark.parametrize("dead", [True, False])
def test_a_chunk_of_a_process_that_died_before_the_clock_was_set_back_does_not_wait_a_day(
    office: Office, dead: bool
) -> None:
    """On the same machine the process is looked for; of another machine only its lease is known."""
    office.put(*drafts(1))
    ahead = office.real + timedelta(days=1, minutes=5)
    with office.database.write() as session:
        session.execute(update(Message).values(state="claimed", lease_owner="host:9:9#x", lease_until=ahead))
    office.rest = {"dead": lambda owner: dead and owner == "host:9:9"}
    office.drain(post := Post())
    assert len(post.sent) == (1 if dead else 0)
    office.later(days=1, minutes=6)
    office.drain(post)
    assert len(post.sent) == 1
