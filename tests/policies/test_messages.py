"""The rule book of messages: read whole, laid over, and refused with file, version and key when it is wrong."""

from datetime import date, time, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from policies import book
from policies.book import BadPolicy
from policies.messages import PROVIDERS, Alarm, Caps, messages
from rules.errors import NoPolicyInForce
from rules.messages import Hours, Rate

DAY = date(2026, 3, 1)
BOOK = Path(book.__file__).parent / "messages.yaml"


def laid(folder: Path, **stated: Any) -> Path:
    """An overlay that states some keys from 1 January 2026."""
    path = folder / "overlay.yaml"
    version = {"since": date(2026, 1, 1), "source": "区民政局通知", **stated}
    path.write_text(yaml.safe_dump({"messages": [version]}, allow_unicode=True), "utf-8")
    book._versions.cache_clear()
    return path


def test_the_book_reads_whole() -> None:
    policy = messages(DAY)
    assert (policy.quiet, policy.promotional) == (Hours(time(21), time(8)), Hours(time(8), time(22)))
    assert policy.caps == Caps(number_day=20, run=20_000, day=50_000)
    assert set(policy.rates) == set(PROVIDERS)
    assert policy.rates["aliyun"] == Rate(per_s=100, burst=1000)
    assert (policy.settle, policy.receipts, policy.redact) == (
        timedelta(minutes=15),
        timedelta(days=5),
        timedelta(days=90),
    )
    assert policy.resend == ("notice", "urgent")
    assert policy.alarm == Alarm(timedelta(minutes=30), timedelta(minutes=5), timedelta(hours=4))


def test_every_version_is_dated_and_sourced() -> None:
    for version in yaml.safe_load(BOOK.read_text("utf-8"))["versions"]:
        policy = messages(version["since"])
        assert (policy.since, policy.source) == (version["since"], version["source"])
        assert policy.source.strip()


def test_payments_are_not_sent_again_by_themselves() -> None:
    assert "payment" not in messages(DAY).resend


def test_a_day_before_the_first_version_has_no_policy() -> None:
    with pytest.raises(NoPolicyInForce):
        messages(date(2000, 1, 1))


def test_an_overlay_states_what_differs_from_its_day_on(tmp_path: Path) -> None:
    overlay = laid(tmp_path, caps={"number_day": 3, "run": 100, "day": 500})
    assert messages(DAY, overlay).caps == Caps(3, 100, 500)
    assert messages(DAY, overlay).source == "区民政局通知"
    assert messages(DAY, overlay).quiet == messages(DAY).quiet
    assert messages(date(2025, 12, 31), overlay).caps == messages(DAY).caps


RATES = {name: {"per_s": 1, "burst": 1} for name in PROVIDERS}
CAPS = {"number_day": 1, "run": 1, "day": 1}
ALARM = {"pending_minutes": 1, "stopped_minutes": 1, "repeat_hours": 1}


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        pytest.param("quiet", {"from": "21:00"}, "quiet", id="a window without an end"),
        pytest.param("quiet", {"from": 1260, "until": "08:00"}, "quiet: from", id="a time that YAML made a number"),
        pytest.param("quiet", {"from": "21:00", "until": "24:30"}, "quiet: until", id="no such time"),
        pytest.param("quiet", {"from": "21:00+08:00", "until": "08:00"}, "quiet: from", id="a time with an offset"),
        pytest.param("quiet", ["from", "until"], "quiet", id="a list for a window"),
        pytest.param("promotional", None, "promotional", id="nothing for a window"),
        pytest.param("promotional", {"from": "21:00", "until": "23:00"}, "no time of day", id="greetings at night"),
        pytest.param("promotional", {"from": "09:00", "until": "09:00"}, "no time of day", id="an empty window"),
        pytest.param("caps", CAPS | {"run": 0}, "caps: run", id="no message a run"),
        pytest.param("caps", CAPS | {"day": -1}, "caps: day", id="a negative cap"),
        pytest.param("caps", CAPS | {"day": "many"}, "caps: day", id="a cap in words"),
        pytest.param("caps", CAPS | {"week": 1}, "week", id="a cap nobody reads"),
        pytest.param("caps", ["number_day", "run", "day"], "caps", id="a list of caps"),
        pytest.param("caps", {"run": 1, "day": 1}, "number_day", id="a cap left out"),
        pytest.param("rates", list(PROVIDERS), "rates", id="a list of providers"),
        pytest.param("rates", {**RATES, "smtp": {"per_s": 0, "burst": 1}}, "rates: smtp: per_s", id="no rate"),
        pytest.param("rates", {**RATES, "smtp": {"per_s": 1, "burst": 0}}, "rates: smtp: burst", id="no burst"),
        pytest.param("rates", {**RATES, "smtp": {"per_s": 1.5, "burst": 1}}, "rates: smtp: per_s", id="half a message"),
        pytest.param("rates", {**RATES, "smtp": 5}, "rates: smtp", id="a rate without a burst"),
        pytest.param("rates", {**RATES, "pigeon": {**RATES["smtp"]}}, "pigeon", id="a provider nobody knows"),
        pytest.param("settle_minutes", 0, "settle_minutes", id="settling at once"),
        pytest.param("settle_minutes", True, "settle_minutes", id="yes is no number"),
        pytest.param("resend", ["notice", "gossip"], "resend", id="an unknown class"),
        pytest.param("resend", "notice", "resend", id="a word for a list"),
        pytest.param("receipt_days", 0, "receipt_days", id="receipts are asked for at least a day"),
        pytest.param("alarm", ALARM | {"repeat_hours": 0}, "alarm: repeat_hours", id="an alarm every moment"),
        pytest.param("alarm", None, "alarm", id="no alarm"),
        pytest.param("redact_days", 0, "redact_days", id="redacting at once"),
        pytest.param("source", " ", "source", id="a version without a source"),
        pytest.param("quite", {}, "quite", id="a misspelt key"),
    ],
)
def test_what_is_wrong_is_named_with_file_version_and_key(tmp_path: Path, key: str, value: Any, said: str) -> None:
    overlay = laid(tmp_path, **{key: value})
    with pytest.raises(BadPolicy) as refused:
        messages(DAY, overlay)
    assert said in str(refused.value)
    assert "messages.yaml" in str(refused.value)
    assert "overlay.yaml" in str(refused.value)
    assert "2026-01-01" in str(refused.value)
