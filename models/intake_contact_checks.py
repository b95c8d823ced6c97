"""What a row of the contact register may not say: nobody known, the future, a telephone that met somebody."""

from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Any, NamedTuple

from models.intake import Refused, Scope
from rules.registers import Row
from rules.visits_facts import ContactInFuture, check_contact

_EFFECTIVE_BY = {"MET": "home", "PHONE": "phone", "VIDEO": "video"}


class Report(NamedTuple):
    """One row, understood: the elder's reference, the note, and the columns to be staged."""

    ref: str
    note: str
    columns: dict[str, Any]


def report_of(scope: Scope, row: Row, elders: Mapping[str, tuple[int, str]], helpers: Mapping[str, int]) -> Report:
    """Understand a row of the contact register.

    Raises:
        Refused: an elder or helper nobody registered, a contact in the future, or an outcome its channel cannot have.
    """
    given = row.values
    elder = elders.get(str(given["elder"]))
    if elder is None:
        raise Refused(scope.unknown(row, "elder"))
    if str(given["helper"]) not in helpers:
        raise Refused(scope.unknown(row, "helper"))
    outcome, channel = str(given["outcome"]), str(given["channel"])
    if _EFFECTIVE_BY.get(outcome, channel) != channel:
        problem = ("与探访方式不符", "cannot come of this channel")
        remedy = ("上门填见到本人，电话填电话接通，视频填视频接通", "MET is at home, PHONE by phone, VIDEO by video")
        raise Refused(scope.wrong(row, "outcome", problem, remedy))
    columns = {"elder_id": elder[0], "helper_id": helpers[str(given["helper"])], "channel": channel, "outcome": outcome}
    voided = bool(given.get("voided"))
    return Report(elder[1], str(given.get("note") or ""), {**columns, **_times(scope, row), "voided": voided})


def _times(scope: Scope, row: Row) -> dict[str, Any]:
    """When it was and when it was written down, both not in the future and in this order."""
    occurred = row.values["occurred_at"]
    recorded = recorded_at(scope, row)
    assert isinstance(occurred, date)
    at = occurred.astimezone(UTC) if isinstance(occurred, datetime) else None
    on = scope.local_date(at) if at else occurred
    try:
        check_contact(on, scope.today)
    except ContactInFuture:
        problem = ("晚于今天", "lies in the future")
        remedy = ("请核对日期，实际发生后再登记", "check the date, or record it once it has happened")
        raise Refused(scope.wrong(row, "occurred_at", problem, remedy)) from None
    if (at and at > recorded) or on > scope.local_date(recorded):
        column = "recorded_at" if row.values.get("recorded_at") else "occurred_at"
        problem = ("登记早于探访", "recorded before it happened")
        raise Refused(scope.wrong(row, column, problem, ("请核对两个时间", "check both times")))
    return {"occurred_on": on, "occurred_at": at, "recorded_at": recorded}


def recorded_at(scope: Scope, row: Row) -> datetime:
    """Return when a row says it was written down, now if it does not.

    Raises:
        Refused: in the future.
    """
    recorded = row.values.get("recorded_at") or scope.now
    assert isinstance(recorded, datetime)
    if recorded > scope.now:
        problem = ("登记时间在将来", "recorded in the future")
        raise Refused(scope.wrong(row, "recorded_at", problem, ("请核对，或留空", "check it, or leave it blank")))
    return recorded.astimezone(UTC).replace(microsecond=0)  # what a file can carry, so that an export comes back
