"""Lines of the bank against payments: the clerk's cases, and what holds whatever the bank says in whatever order."""

from datetime import date
from itertools import groupby
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from rules.returns import Attempt, Said, match

CASES = yaml.safe_load((Path(__file__).parents[1] / "cases" / "allowances" / "returns.yaml").read_text("utf-8"))


def attempt_of(sent: dict[str, Any] | None) -> Attempt | None:
    if sent is None:
        return None
    return Attempt(
        sent["fen"], sent["state"], sent.get("booked"), sent.get("reissued", False), sent.get("claim", "none")
    )


@pytest.mark.parametrize("case", [pytest.param(case, id=case["why"]) for case in CASES])
def test_a_line_is_what_the_clerk_says(case: dict[str, Any]) -> None:
    attempt, found = attempt_of(case["sent"]), []
    for line in case["lines"]:
        finding, attempt = match(attempt, Said(line["fen"], line["result"], line["booked"], line.get("repeat", 1)))
        found.append(finding)
    assert found == case["found"]
    if "then" in case:
        assert attempt is not None
        assert (attempt.state, attempt.booked_on) == (case["then"]["state"], case["then"].get("booked"))


LINES = st.builds(
    Said,
    fen=st.sampled_from([6000, 6001]),
    result=st.sampled_from(["paid", "returned"]),
    booked_on=st.dates(date(2026, 10, 1), date(2026, 10, 9)),
    repeat=st.sampled_from([1, 1, 1, 2]),
)


@given(st.lists(LINES, max_size=8), st.sampled_from(["frozen", "sent", "unknown"]))
def test_whatever_the_bank_says_money_is_lost_and_found_by_matched_lines_only(lines: list[Said], start: Any) -> None:
    attempt = Attempt(6000, start, None, reissued=False)
    seen = []
    for line in lines:
        finding, after = match(attempt, line)
        assert after is not None
        assert after == attempt or finding == "matched"
        assert after.fen == 6000
        assert finding != "matched" or (line.fen == 6000 and line.repeat == 1)
        seen.append(after.state)
        attempt = after
    roads = {(), ("paid",), ("returned",), ("paid", "returned")}
    assert tuple(state for state, _ in groupby(seen) if state != start) in roads


@given(st.lists(LINES, max_size=6))
def test_a_key_we_never_sent_stays_an_exception(lines: list[Said]) -> None:
    assert {match(None, line) for line in lines} <= {("unknown_key", None)}
