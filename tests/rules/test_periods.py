"""Periods: many spellings, one meaning; what could mean two things means nothing."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.periods import (
    FESTIVALS,
    NAMES,
    PeriodCut,
    PeriodUnreadable,
    festival_of,
    is_month,
    month_end,
    month_of,
    period_name,
    read_period,
)

YEARS = st.integers(2000, 2099)
MONTHS = st.builds("{}-{:02d}".format, YEARS, st.integers(1, 12))
PERIODS = MONTHS | st.builds("{}-{}".format, YEARS, st.sampled_from(FESTIVALS))
WIDE = str.maketrans({chr(n): chr(n + 0xFEE0) for n in range(0x21, 0x7F)})


@pytest.mark.parametrize(
    ("said", "period"),
    [
        ("2026-10", "2026-10"), ("2026/10", "2026-10"), ("2026.10", "2026-10"), ("2026年10月", "2026-10"),
        ("2026年10月份", "2026-10"), ("2026 年 10 月", "2026-10"), ("2026-1", "2026-01"), ("2026/1", "2026-01"),
        ("2026.2", "2026-02"), ("２０２６－１０", "2026-10"), ("２０２６年１０月", "2026-10"), ("202610", "2026-10"),
        ("202601", "2026-01"), ("202610.0", "2026-10"), ("2026—10", "2026-10"), ("2026年1月", "2026-01"),
        ("二〇二六年十月", "2026-10"), ("二零二六年十一月", "2026-11"), ("2026年十二月", "2026-12"),
        ("October 2026", "2026-10"), ("oct 2026", "2026-10"), ("2026 May", "2026-05"), ("2026年敬老月", "2026-10"),
        ("2026-10-01", "2026-10"), ("2026/1/1", "2026-01"), ("2026-10-01 00:00:00", "2026-10"),
        ("2026-10-01T00:00:00", "2026-10"), (" 2026-10\n", "2026-10"),
        ("2026年重阳节", "2026-double-ninth"), ("2026重阳", "2026-double-ninth"),
        ("2026年度重阳节", "2026-double-ninth"),
        ("2026 double ninth", "2026-double-ninth"), ("Double-Ninth 2026", "2026-double-ninth"),
        ("2026_DOUBLE_NINTH", "2026-double-ninth"), ("2026年老年节", "2026-double-ninth"),
        ("２０２６年春节", "2026-spring-festival"), ("2026 Spring Festival", "2026-spring-festival"),
        ("二〇二六年春节", "2026-spring-festival"), ("元旦2027", "2027-new-year"),
        ("2027 New Year's Day", "2027-new-year"),
        ("2026年端午节", "2026-dragon-boat"), ("2026 Mid-Autumn Festival", "2026-mid-autumn"),
        ("2026年国庆", "2026-national-day"), ("2026年五一", "2026-labour-day"), ("2026年元宵节", "2026-lantern"),
        ("2026年冬至", "2026-winter-solstice"),
    ],
)  # fmt: skip
def test_people_write_periods_in_many_ways(said: str, period: str) -> None:
    assert read_period(said) == period


@pytest.mark.parametrize(
    "said",
    [
        "", " ", "2026", "2026年", "10", "10月", "重阳节", "double ninth", "20261", "2026-13", "2026-00", "202613",
        "2026-10-18", "2026-10-31", "1999-10", "2100-10", "26-10", "2026-100", "2026-2026", "2026-double-tenth", "春",
        "2026 spring", "2026年十一", "2026年清明节", "2026-10 11", "2026重阳节2026", "2026Q4", "20２６10181",
        "202600", "2026年13月", "2026年〇月", "上个月", "=2026-10", "2026-10-01 08:00",
    ],
)  # fmt: skip
def test_what_names_no_month_or_festival_of_one_year_is_refused(said: str) -> None:
    with pytest.raises(PeriodUnreadable, match="2026-double-ninth"):
        read_period(said)


@pytest.mark.parametrize("said", ["2026.1", "２０２６．１"])
def test_a_number_may_have_lost_its_zero_so_it_is_refused(said: str) -> None:
    """A spreadsheet shows 2026.10 as 2026.1; the budget of October must not become January's."""
    with pytest.raises(PeriodCut, match="2026-01"):
        read_period(said)


@given(PERIODS)
def test_a_period_is_its_own_spelling_and_full_width_no_other(period: str) -> None:
    assert read_period(period) == read_period(period.translate(WIDE)) == read_period(period.upper()) == period


@given(PERIODS, st.sampled_from(["zh", "zh-CN", "en"]))
def test_what_is_said_of_a_period_is_understood_again(period: str, lang: str) -> None:
    assert read_period(period_name(period, lang)) == period


@given(st.text(max_size=12))
def test_whatever_is_read_is_a_period(said: str) -> None:
    try:
        period = read_period(said)
    except PeriodUnreadable:
        return
    assert read_period(period) == period
    assert is_month(period) or festival_of(period) in FESTIVALS


@given(MONTHS)
def test_a_month_ends_the_day_before_the_next(period: str) -> None:
    last = month_end(period)
    assert is_month(period)
    assert month_of(last) == period
    assert month_of(date.fromordinal(last.toordinal() + 1)) > period


def test_a_festival_has_a_name_and_no_last_day() -> None:
    assert set(NAMES) == set(FESTIVALS)
    assert period_name("2026-double-ninth", "zh") == "2026年重阳节"
    assert period_name("2026-double-ninth", "en") == "Double Ninth 2026"
    assert (period_name("2026-10", "zh"), period_name("2026-10", "en")) == ("2026年10月", "October 2026")
    assert (festival_of("2026-double-ninth"), festival_of("2026-10")) == ("double-ninth", None)
    with pytest.raises(PeriodUnreadable):
        month_end("2026-double-ninth")
