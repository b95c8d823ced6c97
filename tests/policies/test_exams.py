"""The rule book of exams: it reads whole, and nothing misspelt, unordered or absurd is taken."""

import subprocess
import sys
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml

from policies import book
from policies.book import BadPolicy
from policies.exams import exams
from rules.errors import NoPolicyInForce
from rules.exams_policy import Choice, Lines, Scaling, Suppression

DAY = date(2026, 3, 1)
BASE: dict[str, Any] = yaml.safe_load((Path(book.__file__).parent / "exams.yaml").read_text("utf-8"))["versions"][0]
Lay = Callable[..., Path]


@pytest.fixture
def lay(tmp_path: Path) -> Lay:
    """Write an overlay with one version from 2026."""

    def write(**stated: Any) -> Path:
        path = tmp_path / "overlay.yaml"
        content = {"exams": {"versions": [{"since": date(2026, 1, 1), "source": "试点", **stated}]}}
        path.write_text(yaml.safe_dump(content, allow_unicode=True, sort_keys=False), "utf-8")
        book._versions.cache_clear()
        return path

    return write


def test_the_book_states_the_defaults_of_the_rules() -> None:
    policy = exams(DAY)
    assert (policy.lines, policy.scaling, policy.choice, policy.suppression) == (
        Lines(), Scaling(), Choice(), Suppression(),
    )  # fmt: skip
    assert (policy.borderline_marks, policy.weak_points) == (10, 5)
    assert policy.source


def test_a_day_before_the_first_version_is_an_error() -> None:
    with pytest.raises(NoPolicyInForce):
        exams(date(2022, 8, 31))


def test_another_tie_policy_and_other_bands_may_be_laid_over(lay: Lay) -> None:
    bands = {"优": {"percent": 40, "top": 100, "bottom": 80}, "良": {"percent": 60, "top": 80, "bottom": 0}}
    policy = exams(DAY, lay(scaling={"bands": bands, "ties": "nearest", "one_mark": "top"}))
    assert (policy.scaling.ties, policy.scaling.one_mark) == ("nearest", "top")
    assert [(band.name, band.percent) for band in policy.scaling.bands] == [("优", 40), ("良", 60)]
    assert exams(date(2025, 12, 31), lay(weak_points=3)).weak_points == 5


def _with(key: str, **stated: Any) -> dict[str, Any]:
    return {key: {**BASE[key], **stated}}


def _band(name: str, **stated: Any) -> dict[str, Any]:
    bands = BASE["scaling"]["bands"]
    return _with("scaling", bands={**bands, name: {**bands[name], **stated}})


@pytest.mark.parametrize(
    "stated",
    [
        pytest.param({"rate": {}}, id="misspelt key"),
        pytest.param({"rates": None}, id="rates left empty"),
        pytest.param(_with("rates", good=70), id="a rate nobody reads"),
        pytest.param(_with("rates", excellent=60), id="excellent no better than passing"),
        pytest.param(_with("rates", low=61), id="low and passing"),
        pytest.param(_with("rates", excellent=101), id="more than full marks"),
        pytest.param(_with("rates", low=0.4), id="a fraction for a percent"),
        pytest.param(_band("A", percent=16), id="101 percent"),
        pytest.param(_band("B", top=87), id="bands overlap"),
        pytest.param(_band("C", bottom=71), id="a band upside down"),
        pytest.param(_band("E", percent=0), id="a band for nobody"),
        pytest.param(_with("scaling", bands=[]), id="bands without names"),
        pytest.param(_with("scaling", bands={}), id="no bands"),
        pytest.param(_with("scaling", ties="by-lot"), id="unknown tie policy"),
        pytest.param(_with("scaling", one_mark="middle"), id="unknown place of one mark"),
        pytest.param(_with("choice", electives=0), id="no electives"),
        pytest.param(_with("choice", track_subjects={"艺术": "arts"}), id="unknown track"),
        pytest.param(_with("choice", track_subjects=["物理"]), id="track subjects without a track"),
        pytest.param({"borderline_marks": -1}, id="borderline above the line"),
        pytest.param({"weak_points": True}, id="yes for a number"),
        pytest.param(_with("suppression", smallest=0), id="nothing is small"),
        pytest.param(_with("suppression", k=5), id="unknown name in suppression"),
    ],
)
def test_a_bad_version_is_refused_and_the_file_named(lay: Lay, stated: dict[str, Any]) -> None:
    with pytest.raises(BadPolicy, match=r"overlay\.yaml"):
        exams(DAY, lay(**stated))


def test_the_rule_book_and_the_command_line_need_no_arrays() -> None:
    """Importing numpy and polars takes a quarter of a second, which only jobs of exams should pay."""
    asked = "import sys, flows.cli, policies.exams; print(sorted({'numpy', 'polars'} & set(sys.modules)))"
    told = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True)
    assert told.stdout.strip() == "[]"
