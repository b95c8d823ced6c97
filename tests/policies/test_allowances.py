"""The rule book of allowances: whole notices, dated, sourced, with bands that make sense; silence is an error."""

from collections.abc import Callable
from datetime import date, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import yaml

from policies import book
from policies.allowances import allowances, tariff, tariffs
from policies.bank_forms import bank_form
from policies.book import BadPolicy
from rules.allowances import Tier
from rules.errors import NoPolicyInForce

FOLDER = Path(book.__file__).parent
DAY = date(2026, 3, 1)
LATER = date(2099, 1, 1)
Lay = Callable[..., Path]


def _of(name: str) -> dict[str, Any]:
    content: dict[str, Any] = yaml.safe_load((FOLDER / f"{name}.yaml").read_text("utf-8"))["versions"][-1]
    return content


@pytest.fixture
def lay(tmp_path: Path) -> Lay:
    def write(policy: str, **stated: Any) -> Path:
        path = tmp_path / "overlay.yaml"
        version = {"since": date(2026, 1, 1), **stated}
        path.write_text(yaml.safe_dump({policy: {"versions": [version]}}, allow_unicode=True), "utf-8")
        book._versions.cache_clear()
        return path

    return write


def test_the_book_reads_whole() -> None:
    policy = allowances(DAY)
    assert policy.programmes == ("longevity", "condolence")
    assert (policy.notice_workdays, policy.answer_workdays, policy.look_back_days) == (5, 5, 31)
    assert policy.approvers == (Tier(0, 1), Tier(100_000_000, 2))
    assert policy.bank == bank_form(_of("allowances")["bank"])


@pytest.mark.parametrize("programme", allowances(DAY).programmes)
def test_every_notice_of_every_programme_reads_whole(programme: str) -> None:
    found = tariffs(programme, LATER)
    assert [each.since for each in found] == sorted({each.since for each in found})
    for each in found:
        assert tariff(programme, each.since) == each
        assert each.programme == programme
        assert each.notice
        assert each.source
    for before, after in pairwise(found):
        assert tariff(programme, after.since - timedelta(days=1)) == before


@pytest.mark.parametrize("programme", allowances(DAY).programmes)
def test_the_figures_of_the_book_are_marked_as_examples(programme: str) -> None:
    """Whoever replaces them drops the mark, and this test with it."""
    assert all("示例" in each.notice and "示例" in each.source for each in tariffs(programme, LATER))


def test_longevity_has_a_notice_that_was_replaced() -> None:
    amounts = [[band.fen for band in each.bands] for each in tariffs("longevity", LATER)]
    assert amounts == [[6000, 12000, 50000], [8000, 15000, 60000]]


@pytest.mark.parametrize("programme", allowances(DAY).programmes)
def test_a_day_before_the_first_notice_is_an_error_and_never_nothing(programme: str) -> None:
    first = tariffs(programme, LATER)[0].since
    with pytest.raises(NoPolicyInForce, match=programme):
        tariff(programme, first - timedelta(days=1))
    assert tariffs(programme, first - timedelta(days=1)) == []


@pytest.mark.parametrize("programme", ["allowances", "longevitty", "", "../longevity"])
def test_a_programme_without_a_file_is_refused(programme: str) -> None:
    with pytest.raises(BadPolicy, match="no such programme"):
        tariff(programme, DAY)


def test_an_overlay_raises_an_amount_from_its_day_on(lay: Lay) -> None:
    bands = [{**band, "fen": band["fen"] + 1} for band in _of("longevity")["bands"]]
    path = lay("longevity", since=date(2026, 6, 1), source="试点", bands=bands)
    assert tariff("longevity", date(2026, 5, 31), path) == tariff("longevity", DAY)
    assert [band.fen for band in tariff("longevity", date(2026, 6, 1), path).bands] == [8001, 15001, 60001]
    assert len(tariffs("longevity", LATER, path)) == 3


BAND = _of("longevity")["bands"][0]
END = _of("longevity")["bands"][-1]


@pytest.mark.parametrize(
    ("programme", "stated", "said"),
    [
        pytest.param("longevity", {"notice": " "}, "notice", id="no number of the notice"),
        pytest.param("longevity", {"source": None}, "source", id="no source"),
        pytest.param("longevity", {"name": {"zh": "津贴"}}, "name", id="no English name"),
        pytest.param("longevity", {"cycle": "year"}, "cycle", id="an unknown cycle"),
        pytest.param("longevity", {"opens": 29}, "1 to 28", id="a day that February lacks"),
        pytest.param("longevity", {"opens": 0}, "1 to 28", id="on no day"),
        pytest.param("longevity", {"festivals": ["double-ninth"]}, "no festivals", id="a monthly one with a festival"),
        pytest.param("condolence", {"festivals": []}, "festival", id="a festival one without"),
        pytest.param("condolence", {"festivals": ["qingming"]}, "qingming", id="an unknown festival"),
        pytest.param("condolence", {"opens": 91}, "90 days", id="a quarter ahead"),
        pytest.param("condolence", {"death": "stop_next_month"}, "alive_on_as_of", id="a festival for the dead"),
        pytest.param("longevity", {"death": "never"}, "death", id="an unknown rule of death"),
        pytest.param("longevity", {"hukou_required": "yes"}, "hukou_required", id="yes in words"),
        pytest.param("longevity", {"certification_months": 0}, "certification_months", id="certified for no month"),
        pytest.param("longevity", {"certification_months": True}, "True", id="certified, yes"),
        pytest.param("longevity", {"not_with": ["longevity"]}, "longevity", id="excludes itself"),
        pytest.param("longevity", {"not_with": ["pension"]}, "pension", id="excluded by what nobody knows"),
        pytest.param("longevity", {"leap_birthday": "02-29"}, "leap_birthday", id="a birthday that is not there"),
        pytest.param("longevity", {"leap_birthday": date(2026, 3, 1)}, "leap_birthday", id="a date of one year"),
        pytest.param("longevity", {"certificaton_months": 12}, "certificaton_months", id="a misspelt key"),
        pytest.param("longevity", {"bands": None}, "NoneType", id="no bands"),
        pytest.param("longevity", {"bands": ["80"]}, "longevity.yaml", id="a band in words"),
        pytest.param("longevity", {"bands": [{**BAND, "until_age": 88}, {**END, "age": 90}]}, "aged 89", id="a gap"),
        pytest.param("longevity", {"bands": [{**END, "fen": 0}]}, "fen", id="nothing to pay"),
        pytest.param("longevity", {"bands": [{**END, "fen": 600.5}]}, "600.5", id="half a fen"),
        pytest.param("longevity", {"bands": [{**END, "fen": -1}]}, "-1", id="a debt"),
        pytest.param("longevity", {"bands": [{**END, "agge": 80}]}, "agge", id="a misspelt limit"),
        pytest.param("longevity", {"bands": [{**END, "category": "rich"}]}, "rich", id="an unknown category"),
        pytest.param("longevity", {"bands": [{**END, "zh": ""}]}, "zh", id="a band without a name"),
    ],
)
def test_a_notice_that_cannot_be_right_is_refused_and_named(
    lay: Lay, programme: str, stated: dict[str, Any], said: str
) -> None:
    path = lay(programme, **stated)
    with pytest.raises(BadPolicy) as refused:
        tariff(programme, DAY, path)
    for part in (said, f"{programme}.yaml", "overlay.yaml"):
        assert part in str(refused.value)


@pytest.mark.parametrize(
    ("stated", "said"),
    [
        pytest.param({"programmes": ["lottery"]}, "lottery", id="a programme without a file"),
        pytest.param({"programmes": ["allowances"]}, "allowances", id="this file is no programme"),
        pytest.param({"programmes": ["longevity", "longevity"]}, "twice", id="one twice"),
        pytest.param({"notice_workdays": 0}, "notice_workdays", id="not shown at all"),
        pytest.param({"answer_workdays": 0}, "answer_workdays", id="no time to answer"),
        pytest.param({"approvers": []}, "first amount", id="nobody approves"),
        pytest.param({"approvers": [{"fen": 1, "approvers": 1}]}, "first amount", id="small lists by nobody"),
        pytest.param({"approvers": [{"fen": 0, "approvers": 0}]}, "approvers", id="by zero people"),
        pytest.param(
            {"approvers": [{"fen": 0, "approvers": 2}, {"fen": 5, "approvers": 1}]}, "rise", id="large lists by fewer"
        ),
        pytest.param({"approvers": [{"from": 0, "approvers": 1}]}, "from", id="a misspelt tier"),
        pytest.param({"approvers": ["one"]}, "approvers", id="a tier in words"),
        pytest.param({"bank": "csv"}, "bank", id="a word for the bank"),
        pytest.param({"look_back_days": -1}, "-1", id="looking ahead"),
        pytest.param({"lookback": 3}, "lookback", id="a misspelt key"),
    ],
)
def test_common_rules_that_cannot_be_right_are_refused_and_named(lay: Lay, stated: dict[str, Any], said: str) -> None:
    path = lay("allowances", **stated)
    with pytest.raises(BadPolicy) as refused:
        allowances(DAY, path)
    for part in (said, "allowances.yaml", "overlay.yaml"):
        assert part in str(refused.value)
