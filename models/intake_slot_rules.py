"""What a row of the slot register may not ask for: history rewritten, life run backwards, a hard rule broken."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from sqlalchemy import select
from sqlmodel import Session, col

from models.cadre import leaves, memberships
from models.calendar import calendar
from models.duty import DutySlot
from models.duty_record import Held
from models.intake import Place, Scope, Text
from rules.calendar import Day
from rules.duty import Bar, Roster
from rules.registers import CellError, Row
from rules.slots import NAMES, TRANSITIONS

FARTHEST = timedelta(days=731)  # a duty later than that is a mistyped year
_BARS: dict[Bar, tuple[Text, Text]] = {
    "off_roster": (
        ("此人当天不在该中心的名册上", "this person is not on the centre's roster on that date"),
        ("请换人，或先在干部表里更正名册", "choose somebody else, or correct the cadre register first"),
    ),
    "on_leave": (
        ("此人当天请假", "this person is on leave on that date"),
        ("请换人，或先在请假表里销假", "choose somebody else, or cancel the leave first"),
    ),
    "exempt": (
        ("此人休息日免排，而这一天是休息日", "this person is exempt on rest days and that date is one"),
        ("请换人，或先在干部表里更正“休息日免排”", "choose somebody else, or correct the cadre register first"),
    ),
}


@dataclass(frozen=True, slots=True)
class Wish:
    """What one row asks for: who is to serve which slot (None: it is new), and in which state."""

    row: Row
    place: Place
    slot: Held | None
    cadre: str | None
    cadre_id: int | None
    after: str

    @property
    def day(self) -> date:
        """The date of the duty."""
        return self.place[1]

    @property
    def moves(self) -> bool:
        """Whether another person is to serve a known slot, or nobody."""
        return self.slot is not None and self.slot.cadre_id != self.cadre_id

    @property
    def settles(self) -> bool:
        """Whether somebody gets a duty, or a proposed one becomes a published one."""
        proposed = self.slot is None or (not self.slot.published and self.after != "draft")
        return self.cadre_id is not None and (proposed or self.moves)


def refusals(session: Session, scope: Scope, wishes: Sequence[Wish]) -> list[CellError]:
    """Return what is wrong, in the order of the rows."""
    wrong = [error for wish in wishes if (error := _state(scope, wish)) is not None]
    wrong += [*_barred(session, scope, wishes), *_twice(session, scope, wishes)]
    return sorted(wrong, key=lambda error: error.row)


def _state(scope: Scope, wish: Wish) -> CellError | None:
    """Refuse a state that does not fit the person, or that the slot cannot reach."""
    asked = wish.row.values.get("state")
    if wish.cadre_id is None and asked not in {None, "gap"}:
        problem = ("没有值班人只能是“空缺”", "without a cadre the state can only be gap")
        remedy = ("请填干部编号，或把状态改为空缺", "give a cadre, or make the state gap")
        return scope.wrong(wish.row, "state", problem, remedy)
    if wish.slot is None:
        return _too_far(scope, wish)
    if wish.moves and wish.day < scope.today:
        problem = ("过去的值班不能改人", "the person of a past duty cannot be changed")
        remedy = ("实际到岗的人请用签到表（checkin）补记", "record who really came with the checkin register")
        return scope.wrong(wish.row, "cadre", problem, remedy)
    if wish.after == "draft" and wish.slot.published:
        problem = ("已发布的班次不能退回草稿", "a published duty cannot become a draft again")
        return scope.wrong(wish.row, "state", problem, _OPEN)
    if wish.moves and wish.after not in {"draft", "published", "gap"}:
        name = NAMES[wish.after]
        problem = (f"换了值班人，不能直接是“{name}”", f"with another person the duty cannot be {wish.after} at once")
        return scope.wrong(wish.row, "state", problem, _OPEN)
    return _no_way(scope, wish, wish.slot)


_OPEN = ("请把状态留空或填“已发布”", "leave the state open, or make it published")


def _too_far(scope: Scope, wish: Wish) -> CellError | None:
    if wish.day <= scope.today + FARTHEST:
        return None
    problem = ("日期在两年以后", "the date is more than two years ahead")
    return scope.wrong(wish.row, "date", problem, ("请核对年份", "check the year"))


def _no_way(scope: Scope, wish: Wish, slot: Held) -> CellError | None:
    if wish.after == slot.state or (slot.state, wish.after) in TRANSITIONS:
        return None
    before, after = NAMES[slot.state], NAMES[wish.after]
    problem = (f"不能从“{before}”变为“{after}”", f"{slot.state} cannot become {wish.after}")
    return scope.wrong(wish.row, "state", problem, ("请核对该班次的当前状态", "check the present state of the slot"))


def _barred(session: Session, scope: Scope, wishes: Sequence[Wish]) -> Iterator[CellError]:
    """From today on, roster, leave and exemptions decide, and a guessed calendar is not published; the past is free."""
    ahead = [wish for wish in wishes if wish.settles and scope.today <= wish.day <= scope.today + FARTHEST]
    if not ahead:
        return
    roster = Roster(memberships(session, scope.district), leaves(session, scope.district))
    days = calendar(session, min(wish.day for wish in ahead), max(wish.day for wish in ahead))
    for wish in ahead:
        bar = roster.bar(str(wish.cadre), wish.place[0], wish.day, days[wish.day].kind)
        if bar is not None:
            yield scope.wrong(wish.row, "cadre", *_BARS[bar])
        elif wish.after != "draft" and not days[wish.day].confirmed:
            yield _provisional(scope, wish, days[wish.day])


def _provisional(scope: Scope, wish: Wish, day: Day) -> CellError:
    problem = (
        f"国务院尚未公布 {day.date.year} 年放假安排，不能发布",
        f"the State Council has not announced {day.date.year}; nothing of it can be published",
    )
    remedy = ("请把状态改为草稿，或先导入日历（calendar）", "make it a draft, or import the calendar first")
    return scope.wrong(wish.row, "state" if "state" in wish.row.values else "date", problem, remedy)


def _twice(session: Session, scope: Scope, wishes: Sequence[Wish]) -> Iterator[CellError]:
    """One duty a person and date: within the file, and against slots the file leaves as they are."""
    days = [wish.day for wish in wishes]
    query = select(col(DutySlot.id), col(DutySlot.day), col(DutySlot.cadre_id)).where(
        col(DutySlot.day).between(min(days), max(days)), col(DutySlot.cadre_id).is_not(None)
    )
    named = {wish.slot.id for wish in wishes if wish.slot is not None}
    busy = {(day, cadre) for number, day, cadre in session.execute(query) if number not in named}
    for wish in wishes:
        key = (wish.day, wish.cadre_id)
        if wish.cadre_id is not None and key in busy:
            problem = ("此人当天已有一班", "this person has a duty on that date already")
            remedy = ("一人一天只能值一班；请换人", "one duty a person and date; choose somebody else")
            yield scope.wrong(wish.row, "cadre", problem, remedy)
        busy.add(key)
