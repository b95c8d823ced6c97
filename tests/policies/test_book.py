"""The rule book: every version dated and sourced, an overlay laid over it, and nothing silent or misspelt."""

from collections.abc import Callable
from datetime import date, time
from pathlib import Path
from typing import Any

import pytest
import yaml

from policies import book
from policies.book import BadPolicy
from rules.errors import NoPolicyInForce

FOLDER = Path(book.__file__).parent
FILES = sorted(FOLDER.glob("*.yaml"))
DAY = date(2026, 3, 1)
BASE: dict[str, Any] = yaml.safe_load((FOLDER / "duty.yaml").read_text("utf-8"))["versions"][0]
Lay = Callable[[Any], Path]


@pytest.fixture
def lay(tmp_path: Path) -> Lay:
    def write(content: Any) -> Path:
        path = tmp_path / "overlay.yaml"
        path.write_text(content if isinstance(content, str) else yaml.safe_dump(content, allow_unicode=True), "utf-8")
        book._versions.cache_clear()
        return path

    return write


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_policy_has_a_title_and_versions_dated_sourced_and_in_order(path: Path) -> None:
    content = yaml.safe_load(path.read_text("utf-8"))
    assert content["title"].strip()
    assert content["unit"].strip()
    days = [version["since"] for version in content["versions"]]
    assert days == sorted(set(days))
    assert all(type(day) is date for day in days)
    assert all(version["source"].strip() for version in content["versions"])


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_the_first_day_of_every_version_is_covered_and_the_day_before_the_first_is_not(path: Path) -> None:
    for version in yaml.safe_load(path.read_text("utf-8"))["versions"]:
        assert book.in_force(path.stem, version["since"])["source"] == version["source"]
    first = yaml.safe_load(path.read_text("utf-8"))["versions"][0]["since"]
    with pytest.raises(NoPolicyInForce, match="policies/"):
        book.in_force(path.stem, date.fromordinal(first.toordinal() - 1))


def test_the_duty_policy_reads_whole() -> None:
    policy = book.duty(DAY)
    assert (policy.rule.gap, policy.rule.chain_depth, policy.look_back_days) == (3, 4, 7)
    assert (policy.marks.notice, policy.marks.office) == (time(17), time(8, 45))
    assert policy.channels["notice"] == ("email", "sms")
    assert policy.source


@pytest.mark.parametrize(
    ("since", "day", "gap"),
    [
        pytest.param(BASE["since"], DAY, 5, id="replaces what it states in the same version"),
        pytest.param(date(2026, 3, 1), date(2026, 2, 28), 3, id="adds a version, not yet in force"),
        pytest.param(date(2026, 3, 1), DAY, 5, id="adds a version, in force"),
        pytest.param(date(2024, 6, 1), DAY, 5, id="older than the book, still stated for what follows"),
    ],
)
def test_an_overlay_states_what_differs_and_inherits_the_rest(lay: Lay, since: date, day: date, gap: int) -> None:
    path = lay({"duty": {"versions": [{"since": since, "source": "试点", "gap": gap and 5}]}})
    policy = book.duty(day, path)
    assert policy.rule.gap == gap
    assert policy.channels == book.duty(DAY).channels


def test_an_overlay_of_two_versions_follows_itself(lay: Lay) -> None:
    path = lay({"duty": {"versions": [{"since": date(2026, 4, 1), "gap": 6}, {"since": date(2026, 3, 1), "gap": 5}]}})
    assert [book.duty(date(2026, month, 2), path).rule.gap for month in (2, 3, 4)] == [3, 5, 6]


def test_an_overlay_older_than_the_book_must_be_whole(lay: Lay) -> None:
    with pytest.raises(BadPolicy, match=r"overlay\.yaml.*lacks"):
        book.duty(date(2024, 6, 2), lay({"duty": {"versions": [{"since": date(2024, 6, 1), "gap": 5}]}}))


def test_an_overlay_may_be_a_file_of_one_policy(lay: Lay) -> None:
    assert book.duty(DAY, lay({"versions": [{"since": date(2026, 1, 1), "gap": 0}]})).rule.gap == 0


def test_laying_over_leaves_the_book_as_it_was(lay: Lay) -> None:
    book.duty(DAY, lay({"versions": [{"since": BASE["since"], "gap": 9}]}))
    assert book.duty(DAY).rule.gap == 3


def _version(**stated: Any) -> dict[str, Any]:
    return {"duty": {"versions": [{"since": date(2026, 1, 1), **stated}]}}


@pytest.mark.parametrize(
    "content",
    [
        pytest.param("duty: [", id="no YAML"),
        pytest.param("- a list", id="no mapping"),
        pytest.param({"dutty": {"versions": []}}, id="unknown policy"),
        pytest.param({"duty": "soon"}, id="text instead of versions"),
        pytest.param({"duty": {"versions": None}}, id="versions left empty"),
        pytest.param({"duty": {"versions": "2026"}}, id="text as versions"),
        pytest.param({"duty": {"versions": ["gap"]}}, id="a version that is no mapping"),
        pytest.param({"duty": {"versions": [{"gap": 3}]}}, id="no since"),
        pytest.param("duty: {versions: [{since: soon, gap: 3}]}", id="since is no date"),
        pytest.param("duty: {versions: [{since: 2026-01-01 08:00:00, gap: 3}]}", id="since has a time"),
        pytest.param({"duty": {"versions": [{"since": DAY}, {"since": DAY}]}}, id="two of one day"),
        pytest.param(_version(gap="three"), id="gap in words"),
        pytest.param(_version(gap=-1), id="negative gap"),
        pytest.param(_version(gap=True), id="gap is yes"),
        pytest.param(_version(gapp=3), id="misspelt key"),
        pytest.param(_version(accruing_leave="sick"), id="text instead of a list"),
        pytest.param(_version(accruing_leave=["holiday"]), id="unknown kind of leave"),
        pytest.param(_version(marks={"notice": "17:00"}), id="marks not whole"),
        pytest.param(_version(marks={**BASE["marks"], "head": 450}), id="a time without quotes"),
        pytest.param(_version(marks={**BASE["marks"], "reminder": "16:00"}), id="reminder before notice"),
        pytest.param(_version(channels={**BASE["channels"], "notice": "email"}), id="channel is no list"),
        pytest.param(_version(channels={**BASE["channels"], "notice": ["fax"]}), id="unknown channel"),
        pytest.param(_version(channels={"notice": ["email"]}), id="channels not whole"),
    ],
)
def test_a_bad_overlay_is_refused_and_the_file_named(lay: Lay, content: Any) -> None:
    with pytest.raises(BadPolicy, match=r"overlay\.yaml"):
        book.duty(DAY, lay(content))


def test_an_overlay_that_is_gone_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadPolicy, match=r"gone\.yaml"):
        book.duty(DAY, tmp_path / "gone.yaml")
