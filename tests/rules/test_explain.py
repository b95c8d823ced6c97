"""The sentence a clerk reads behind a choice."""

from datetime import date
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.calendar import Day
from rules.duty import Centre, Membership, Policy, Why, plan
from rules.explain import Basis, duties, sentence
from rules.ledger import U

WHY = Why("work", 29, 26, 25, 3, 1, 0, 0, U * 83 // 100, date(2026, 2, 3))
NOBODY = Why("work", 2, 0, 0, 2, 0, 0, 0, 0, None)


@pytest.mark.parametrize(
    ("why", "basis", "lang", "text"),
    [
        pytest.param(
            WHY, "ledger", "zh", "29人中25人可排(请假3、间隔1); 应值余额+0.83, 居首; 上次值班2月3日",
            id="as on the page",
        ),
        pytest.param(
            WHY, "ledger", "en",
            "25 of 29 eligible (3 on leave, 1 held back by the rest rule); balance +0.83, the highest; last duty 3 Feb",
            id="page in English",
        ),
        pytest.param(
            Why("work", 5, 5, 5, 0, 0, 0, 0, 0, None), "ledger", "zh", "5人中5人可排; 应值余额+0.00, 居首; 从未值班",
            id="zero parts are left out, never served",
        ),
        pytest.param(
            Why("statutory", 9, 4, 4, 1, 0, 2, 2, -U // 4, None), "ledger", "zh",
            "9人中4人可排(请假1、在他处值班2、休息日免值2); 法定节假日应值余额-0.25, 居首; 从未值班",
            id="statutory day, elsewhere and exempt",
        ),
        pytest.param(
            WHY._replace(kind="rest", eligible=0, resting=26), "relaxed", "zh",
            "29人中0人可排(请假3、间隔26); 休息日应值余额+0.83, 无人满足间隔, 由休息最久者值班; 上次值班2月3日",
            id="rest relaxed",
        ),
        pytest.param(
            WHY._replace(eligible=0, resting=26), "relaxed", "en",
            "0 of 29 eligible (3 on leave, 26 held back by the rest rule); balance +0.83, "
            "rest rule relaxed: the longest rested serves; last duty 3 Feb",
            id="rest relaxed in English",
        ),
        pytest.param(
            WHY, "moved", "zh", "29人中25人可排(请假3、间隔1); 应值余额+0.83, 为补班或换班调整; 上次值班2月3日",
            id="moved",
        ),
        pytest.param(NOBODY, "gap", "zh", "2人中0人可排(请假2); 无人可值, 空缺", id="gap"),
        pytest.param(NOBODY, "gap", "en", "0 of 2 eligible (2 on leave); nobody can serve: GAP", id="gap in English"),
    ],
)  # fmt: skip
def test_a_reason_reads_as_one_line(why: Why, basis: Basis, lang: Literal["zh", "en"], text: str) -> None:
    assert sentence(why, lang, basis=basis) == text


@pytest.mark.parametrize(
    ("balance", "text"),
    [
        pytest.param(0, "+0.00", id="zero is positive"),
        pytest.param(-U // 1000, "+0.00", id="what rounds to zero has no minus"),
        pytest.param(U // 200, "+0.01", id="half a hundredth rounds away from zero"),
        pytest.param(-U // 200, "-0.01", id="so does minus half a hundredth"),
        pytest.param(-U, "-1.00", id="a whole duty"),
        pytest.param(12 * U + U // 3, "+12.33", id="more than ten"),
    ],
)
def test_a_balance_has_a_sign_and_two_decimals(balance: int, text: str) -> None:
    assert duties(balance) == text


@given(st.integers(-100 * U, 100 * U))
def test_a_balance_is_rounded_to_the_nearest_hundredth(balance: int) -> None:
    assert abs(round(float(duties(balance)) * 100) * U - balance * 100) * 2 <= U


def test_a_planned_day_explains_itself() -> None:
    day = date(2026, 3, 2)
    seats = [Membership("C1", "K1", day, None)]
    (new,) = plan([Centre("K1")], seats, [], [], [day], {day: Day(day, "work")}, Policy())
    assert sentence(new.why) == "1人中1人可排; 应值余额+0.00, 居首; 从未值班"
