"""Bands that make no sense are refused before anybody is paid by them."""

from dataclasses import replace
from datetime import date

import pytest

from rules.allowances_bands import check_bands
from rules.allowances_facts import Band, Tariff

MONTHLY = Tariff("p", "", "", date(2026, 1, 1), "1", "", "month", (), 10)
FESTIVE = replace(MONTHLY, cycle="festival", festivals=("spring-festival", "double-ninth"))


def band(code: str, **limits: object) -> Band:
    return Band(code, "", "", 1000, **limits)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "bands",
    [
        pytest.param([band("a", age=80)], id="one without an end"),
        pytest.param([band("a", age=80, until_age=89), band("b", age=90)], id="rising"),
        pytest.param([band("a", age=90), band("b", age=80)], id="falling, the first decides"),
        pytest.param([band("a", category="destitute")], id="a category alone"),
        pytest.param([band("a", category="destitute"), band("b", age=80)], id="a category first"),
        pytest.param([band("a", category="destitute", until_age=17), band("b", age=80)], id="a category up to an age"),
        pytest.param(
            [band("a", age=80, category="alone"), band("b", age=80, category="disabled")], id="two categories"
        ),
    ],
)
def test_bands_as_notices_have_them_are_accepted(bands: list[Band]) -> None:
    check_bands(replace(MONTHLY, bands=tuple(bands)))


@pytest.mark.parametrize(
    ("bands", "said"),
    [
        pytest.param([], "at least one", id="none"),
        pytest.param([band("a", age=80, until_age=89), band("a", age=90)], "each code once", id="one code twice"),
        pytest.param([band("a")], "a: names neither", id="neither age nor category"),
        pytest.param([band("a", until_age=90)], "a: names neither", id="an upper age alone"),
        pytest.param([band("a", age=90, until_age=89), band("b", age=80)], "a: until_age", id="ends before it begins"),
        pytest.param([band("a", age=800)], "a: until_age", id="eight hundred years old"),
        pytest.param([replace(band("a", age=80), fen=0)], "a: fen", id="pays nothing"),
        pytest.param([band("a", age=80), band("b", age=90)], "b: never decides", id="covered by the one before"),
        pytest.param(
            [band("a", age=80, until_age=89), band("b", age=90), band("c", age=85, until_age=95)],
            "c: never decides",
            id="covered by two before together",
        ),
        pytest.param(
            [band("a", age=80), band("b", age=80, category="x")], "b: never decides", id="a category too late"
        ),
        pytest.param([band("a", age=80, until_age=88), band("b", age=90)], "aged 89", id="89 forgotten"),
        pytest.param([band("a", age=80, until_age=99)], "aged 100", id="centenarians forgotten"),
        pytest.param([band("a", age=80, festivals=("double-ninth",))], "a: festivals", id="a festival of a month"),
    ],
)
def test_bands_that_make_no_sense_are_refused(bands: list[Band], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        check_bands(replace(MONTHLY, bands=tuple(bands)))


@pytest.mark.parametrize(
    ("bands", "said"),
    [
        pytest.param([band("a", age=90, festivals=())], "a: festivals", id="at no festival"),
        pytest.param([band("a", age=90, festivals=("mid-autumn",))], "a: festivals", id="not the programme's festival"),
        pytest.param([band("a", age=90, festivals=("double-ninth",))], "none pays at spring", id="one without anybody"),
        pytest.param(
            [band("a", age=100), band("b", age=90, until_age=98, festivals=("double-ninth",))],
            "aged 99",
            id="99 forgotten at one festival",
        ),
        pytest.param(
            [band("a", age=90, festivals=("spring-festival",)), band("b", age=90), band("c", age=95)],
            "c: never decides",
            id="covered at every festival",
        ),
    ],
)
def test_bands_of_festivals_are_looked_at_for_each(bands: list[Band], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        check_bands(replace(FESTIVE, bands=tuple(bands)))


def test_a_band_at_one_festival_may_come_after_it_was_covered_at_the_other() -> None:
    check_bands(replace(FESTIVE, bands=(band("a", age=90, festivals=("spring-festival",)), band("b", age=90))))
