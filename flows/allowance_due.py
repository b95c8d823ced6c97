"""The cycles that are due: rule books, day -> each planned, whatever becomes of the others -> what failed, by name."""

from dataclasses import dataclass
from datetime import date, timedelta

from flows.allowance_plan import plan
from flows.allowance_sheet import period_said
from flows.jobs import Result
from flows.settings import Settings
from models.calendar import festival_day
from models.db import Database
from policies.allowances import allowances, tariff, tariffs
from rules.allowances import Tariff
from rules.allowances_due import Due, due_cycles
from rules.errors import TuoqiError, say
from rules.programmes import programme_name


@dataclass(eq=False)
class NotAllPlanned(TuoqiError):
    """Some cycles that are due could not be planned; each is named with why, and the others were planned."""

    failed: str
    planned: str
    zh = "有到期的发放期没有编成名单：{failed} 其余：{planned}。请逐项处理后再运行 allowance-plan，已编的不会重复。"
    en = (
        "cycles that are due were not planned: {failed} The others: {planned}. "
        "Put each right and run allowance-plan again; nothing is planned twice."
    )


def plan_due(database: Database, settings: Settings, day: date) -> list[Result]:
    """Plan every cycle that policy says is due on a day, missed ones included; one that fails keeps no other waiting.

    Raises:
        NoPolicyInForce: for allowances as a whole; paying nothing would be a guess.
        NotAllPlanned: after all the others; what nobody foresaw is raised as it came, with this as its note.
    """
    due, failed = due_on(settings, day)
    results: list[Result] = []
    unforeseen: list[Exception] = []
    for each in due:
        try:
            results.append(plan(database, settings, each.programme, each.period))
        except Exception as error:  # noqa: BLE001 - raised again when the others are planned
            unforeseen += [] if isinstance(error, TuoqiError) else [error]
            told = str(error) if isinstance(error, TuoqiError) else type(error).__name__
            failed.append(f"{_named(each.programme, each.period)}（{told}）")
    if not failed:
        return results
    done = [_named(each["programme"], each["period"]) for each in results if "programme" in each]
    refusal = NotAllPlanned("；".join(failed) + "。", "、".join(done) or say("没有", "none"))
    if unforeseen:
        unforeseen[0].add_note(str(refusal))  # for the log: its own text may quote rows
        raise unforeseen[0]
    raise refusal


def _named(programme: str, period: str) -> str:
    return f"{programme_name(programme)} {period_said(period)}"


def due_on(settings: Settings, day: date) -> tuple[list[Due], list[str]]:
    """Return the cycles that are due, and the programmes of which nobody can say, with why."""
    policy = allowances(day, settings.policy)
    ahead = day + timedelta(days=400)
    books: list[Tariff] = []
    failed = []
    for name in policy.programmes:
        try:
            books += tariffs(name, ahead, settings.policy) or [tariff(name, day, settings.policy)]  # which says why
        except TuoqiError as error:
            failed.append(f"{programme_name(name)}（{error}）")
    return due_cycles(books, day, festival_day, policy.look_back_days), failed
