"""The form with which a centre head or the office records for a cadre, from the Prefect UI."""

from datetime import date
from typing import Any

from prefect import flow

from flows import artifacts, fields
from flows.districts import by_district
from flows.duty_desk import record
from flows.failures import safely
from flows.settings import settings
from flows.store import opened
from rules.errors import say


@flow(name="duty-record", persist_result=False)
@by_district
@safely
def duty_record(  # noqa: PLR0913, PLR0917 - one field of the form each
    what: fields.What,
    centre: fields.Centre,
    day: fields.DutyDate,
    by: fields.By,
    cadre: fields.CadreNumber = None,
    at: fields.At = None,
    other_day: fields.OtherDate = None,
    other_cadre: fields.OtherCadre = None,
    problem: fields.Problem = "none",
) -> dict[str, Any]:
    """Record an acknowledgement, a check-in, a hand-over, or a swap that a head confirms for both sides."""
    chosen = settings()
    values: dict[str, str | None] = {"date": day.isoformat(), "centre": centre, "cadre": cadre}
    values["at"] = at.isoformat() if at else None
    if what == "handover":
        values |= _checklist(problem)
    if what == "swap":
        values = _swap(centre, (day, cadre), (other_day, other_cadre), by)
    with opened(chosen) as database:
        result = record(database, chosen, what, by, values)
    done = say("已登记", "recorded") if result["recorded"] else say("此前已登记，无变化", "already recorded")
    artifacts.markdown("duty-record", f"**{done}** · {centre} · {day}")
    return result


def _checklist(problem: str) -> dict[str, str | None]:
    """The four answers. The form takes no prose: Prefect would keep it in plain, and it may name people."""
    checks: dict[str, str | None] = dict.fromkeys(("rooms", "meals", "cleaning", "facilities"), "ok")
    if problem == "none":
        return checks
    note = say("见表单登记，详情由负责人补充", "reported by form; the head knows the details")
    return checks | {problem: "problem", "note": note}


def _swap(centre: str, a: tuple[date, str | None], b: tuple[date | None, str | None], by: str) -> dict[str, str | None]:
    return {
        "centre": centre,
        "date_a": a[0].isoformat(),
        "cadre_a": a[1],
        "date_b": b[0].isoformat() if b[0] else None,
        "cadre_b": b[1],
        "confirmed_a": by,
        "confirmed_b": by,
    }
