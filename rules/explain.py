"""The sentence behind a choice 排班说明: stored numbers -> one line a clerk can check, in Chinese or English."""

from datetime import date
from typing import Literal

from rules.duty_book import U
from rules.duty_facts import Why

Basis = Literal["ledger", "relaxed", "moved", "gap"]
"""How the cadre was found: first of the ledger; rest relaxed; moved by a chain; nobody."""

PARTS = (
    ("on_leave", "请假", "on leave"),
    ("resting", "间隔", "held back by the rest rule"),
    ("elsewhere", "在他处值班", "on duty elsewhere"),
    ("exempt", "休息日免值", "exempt on rest days"),
)

MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")

ACCOUNTS_ZH = {"work": "应值余额", "rest": "休息日应值余额", "statutory": "法定节假日应值余额"}
ACCOUNTS_EN = {"work": "balance", "rest": "rest-day balance", "statutory": "statutory-holiday balance"}


def sentence(why: Why, lang: Literal["zh", "en"] = "zh", *, basis: Basis = "ledger") -> str:
    """Return the line, such as 29人中25人可排(请假3、间隔1); 应值余额+0.83, 居首; 上次值班2月3日."""
    return _in_english(why, basis) if lang == "en" else _in_chinese(why, basis)


def duties(balance: int) -> str:
    """Return a balance in duties, rounded to hundredths, always signed; what rounds to zero is +0.00."""
    hundredths = (abs(balance) * 200 + U) // (2 * U)
    sign = "-" if balance < 0 and hundredths else "+"
    return f"{sign}{hundredths // 100}.{hundredths % 100:02d}"


def _in_chinese(why: Why, basis: Basis) -> str:
    held_back = "、".join(f"{zh}{getattr(why, field)}" for field, zh, _ in PARTS if getattr(why, field))
    crew = f"{why.members}人中{why.eligible}人可排" + (f"({held_back})" if held_back else "")
    if basis == "gap":
        return f"{crew}; 无人可值, 空缺"
    place = {"ledger": ", 居首", "relaxed": ", 无人满足间隔, 由休息最久者值班", "moved": ", 为补班或换班调整"}[basis]
    last = f"上次值班{_date_zh(why.last_duty)}" if why.last_duty else "从未值班"
    return f"{crew}; {ACCOUNTS_ZH[why.kind]}{duties(why.balance)}{place}; {last}"


def _in_english(why: Why, basis: Basis) -> str:
    held_back = ", ".join(f"{getattr(why, field)} {en}" for field, _, en in PARTS if getattr(why, field))
    crew = f"{why.eligible} of {why.members} eligible" + (f" ({held_back})" if held_back else "")
    if basis == "gap":
        return f"{crew}; nobody can serve: GAP"
    place = {
        "ledger": ", the highest",
        "relaxed": ", rest rule relaxed: the longest rested serves",
        "moved": ", moved to mend or swap a duty",
    }[basis]
    last = f"last duty {_date_en(why.last_duty)}" if why.last_duty else "never served before"
    return f"{crew}; {ACCOUNTS_EN[why.kind]} {duties(why.balance)}{place}; {last}"


def _date_zh(day: date) -> str:
    return f"{day.month}月{day.day}日"


def _date_en(day: date) -> str:
    return f"{day.day} {MONTHS[day.month - 1]}"
