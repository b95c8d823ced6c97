"""The due list by hand: one set-based statement, written for nothing else, on SQLite and on PostgreSQL.

It takes the last effective contact, the last offer, the status and the tier in force of every elder, the deadlines of
each tier by a table of workdays, and gives the open visits that today's list considers, in list order: class, deadline,
reference, kind, cycle.

What it leaves out, and ours decides: the care taken of who was re-graded since the last visit (a later deadline, a
quota longer than its month), several versions of the rule book, dates without an answer and wellness checks, rows of
one date that correct each other, ACTIVE after ACTIVE, contacts after a death that was a mistake. All elders but the
re-graded must come out alike.
"""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

from sqlalchemy import text

from models.db import Database
from rules.visits_clock import Clock, month_end
from rules.visits_facts import TIERS
from rules.visits_list import ListRule
from rules.workdays import Workdays

Due = tuple[Any, ...]
"""Class, deadline, reference, kind, cycle, plan_on, through."""

_STATEMENT = """
WITH contact AS (
  SELECT elder_id,
         max(CASE WHEN outcome IN ('MET', 'PHONE', 'VIDEO') THEN occurred_on END) AS met,
         max(CASE WHEN outcome IN ('MET', 'PHONE', 'VIDEO', 'REFUSED') THEN occurred_on END) AS asked
  FROM visit_contact WHERE voided_at IS NULL AND occurred_on <= :day GROUP BY elder_id
), state AS (
  SELECT elder_id, status, since, reoffer_on FROM elder_status AS own
  WHERE community_id IS NULL AND since <= :day AND NOT EXISTS (
    SELECT 1 FROM elder_status AS other WHERE other.elder_id = own.elder_id AND other.community_id IS NULL
    AND other.since <= :day AND (other.since, other.recorded_at, other.id) > (own.since, own.recorded_at, own.id))
), grade AS (
  SELECT elder_id, tier FROM elder_tier AS own
  WHERE since <= :day AND NOT EXISTS (
    SELECT 1 FROM elder_tier AS other WHERE other.elder_id = own.elder_id AND other.since <= :day
    AND (other.since, other.recorded_at, other.id) > (own.since, own.recorded_at, own.id))
), who AS MATERIALIZED (
  SELECT ref, tier, coalesce(status, 'ACTIVE') AS status, coalesce(state.since, registered_on) AS since, reoffer_on,
         CASE WHEN status IS NULL THEN 'FIRST' ELSE 'RETURN' END AS opening,
         CASE WHEN met >= registered_on THEN met END AS met, CASE WHEN asked >= registered_on THEN asked END AS asked
  FROM elder JOIN grade ON grade.elder_id = elder.id
  LEFT JOIN state ON state.elder_id = elder.id LEFT JOIN contact ON contact.elder_id = elder.id
  WHERE district_id = :district AND registered_on <= :day
), offered AS (
  SELECT ref, tier, since, asked, CASE WHEN reoffer_on > since THEN reoffer_on ELSE {since+reoffer} END AS first
  FROM who WHERE status = 'REFUSED'
), again AS (
  SELECT ref, tier, CASE WHEN asked >= first THEN asked ELSE since END AS anchor,
         CASE WHEN asked >= first THEN {asked+reoffer} ELSE first END AS due
  FROM offered
), owed AS (
  SELECT ref, tier, 'ROLLING' AS kind, CAST(met AS text) AS cycle, {met+red} AS plan_on, {met+red} AS deadline,
         {met+red} AS through
  FROM who WHERE status = 'ACTIVE' AND tier = 'red' AND met >= since
  UNION ALL
  SELECT ref, tier, 'ROLLING', CAST(met AS text), before, later, later
  FROM who JOIN workday ON workday.day = {met+green}
  WHERE status = 'ACTIVE' AND tier = 'green' AND met >= since
  UNION ALL
  SELECT ref, tier, opening, CAST(since AS text), CASE WHEN tier = 'red' THEN day WHEN since > before THEN since
         ELSE before END, day, day
  FROM who JOIN workday ON workday.day = CASE WHEN tier = 'red' THEN {since+soon} ELSE {since+week} END
  WHERE status = 'ACTIVE' AND (met IS NULL OR met < since)
  UNION ALL
  SELECT ref, tier, 'MONTHLY', CAST(:month AS text), before, before, day
  FROM who JOIN workday ON workday.day = :last
  WHERE status = 'ACTIVE' AND tier = 'yellow' AND since < :first AND (met IS NULL OR met < :first)
  UNION ALL
  SELECT ref, tier, 'REOFFER', CAST(anchor AS text), next, later, later FROM again JOIN workday ON workday.day = due
), classed AS (
  SELECT owed.*, CASE WHEN through < :promoted THEN 1
         WHEN plan_on <= :day THEN CASE WHEN tier = 'red' AND kind <> 'REOFFER' THEN 1 ELSE 2 END
         WHEN deadline <= CASE tier WHEN 'red' THEN {red_ahead} WHEN 'yellow' THEN {yellow_ahead}
                          ELSE {green_ahead} END THEN 3 END AS class
  FROM owed
)
SELECT class, deadline, ref, kind, cycle, plan_on, through FROM classed WHERE class IS NOT NULL
ORDER BY class, deadline, ref, kind, cycle
"""


def lay_workdays(database: Database, workdays: Workdays, since: date, until: date, grace: int) -> None:
    """Lay a table of each date's workday on or before it, on or after it, and so many after it."""
    days = (since + timedelta(days=number) for number in range((until - since).days))
    rows = [
        {
            "day": d,
            "before": workdays.on_or_before(d),
            "next": workdays.on_or_after(d),
            "later": workdays.after(d, grace),
        }
        for d in days
    ]
    with database.write() as session:
        connection = session.connection()
        connection.exec_driver_sql("DROP TABLE IF EXISTS workday")
        connection.exec_driver_sql("CREATE TABLE workday (day date PRIMARY KEY, before date, next date, later date)")
        connection.execute(text("INSERT INTO workday VALUES (:day, :before, :next, :later)"), _told(connection, rows))
        if connection.dialect.name == "postgresql":
            connection.exec_driver_sql("ANALYZE workday")


def due_by_hand(database: Database, district: int, day: date, clock: Clock, rule: ListRule) -> Sequence[Due]:
    """Return the due list of a day, dates as the database gives them."""
    dates = {
        "day": day,
        "first": day.replace(day=1),
        "last": month_end(day),
        "promoted": day - timedelta(days=rule.promote_after_days),
    }
    with database.read() as session:
        connection = session.connection()
        said = _told(connection, [dates])[0] | {"district": district, "month": f"{day:%Y-%m}"}
        return connection.execute(text(_statement(connection.dialect.name, day, clock)), said).tuples().all()


def _statement(dialect: str, day: date, clock: Clock) -> str:
    assert clock.green.grace_workdays == clock.reoffer_grace_workdays
    assert clock.yellow.first_days == clock.yellow.return_days == clock.green.first_days == clock.green.return_days
    assert clock.red.first_days == clock.red.return_days
    ahead = {tier: day + timedelta(days=clock.of(tier).ahead_days) for tier in TIERS}
    days = {
        "since+reoffer": clock.reoffer_days,
        "asked+reoffer": clock.reoffer_days,
        "met+red": clock.red.every_days,
        "met+green": clock.green.every_days,
        "since+soon": clock.red.first_days,
        "since+week": clock.green.first_days,
    }
    written = _STATEMENT
    for name, number in days.items():
        column = name.partition("+")[0]
        later = f"({column} + {number})" if dialect == "postgresql" else f"date({column}, '+{number} days')"
        written = written.replace(f"{{{name}}}", later)
    for tier, until in ahead.items():
        written = written.replace(f"{{{tier}_ahead}}", f"CAST('{until}' AS {_DATES[dialect]})")
    return written


_DATES = {"postgresql": "date", "sqlite": "text"}


def _told(connection: Any, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """SQLite keeps dates as text, and its driver's own adapter is deprecated."""
    if connection.dialect.name == "postgresql":
        return rows
    return [{name: value.isoformat() for name, value in row.items()} for row in rows]
