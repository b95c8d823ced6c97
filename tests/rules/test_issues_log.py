"""The log of an issue: the state it tells, and what is refused."""

from typing import get_args

import pytest

from rules.errors import LANGUAGE
from rules.issues_log import EVENT_KINDS, STEPS, EventKind, IssueState, StepRefused, read_log
from tests.rules.issue_lines import log


@pytest.mark.parametrize(
    ("lines", "state"),
    [
        pytest.param(["open 03-02T09:00"], "NEW", id="raised"),
        pytest.param(["open 03-02T09:00", "assign 03-02T10:00", "wait 03-02T11:00"], "WAITING", id="asked to wait"),
        pytest.param(
            ["open 03-02T09:00", "assign 03-02T10:00", "resolve 03-02T11:00", "verify 03-03T11:00 yes"],
            "VERIFIED",
            id="satisfied",
        ),
        pytest.param(
            ["open 03-02T09:00", "assign 03-02T10:00", "resolve 03-02T11:00", "verify 03-03T11:00"],
            "VERIFIED",
            id="could not be asked",
        ),
        pytest.param(
            ["open 03-02T09:00", "assign 03-02T10:00", "resolve 03-02T11:00", "verify 03-03T11:00 no"],
            "REOPENED",
            id="dissatisfied",
        ),
        pytest.param(
            [
                "close 03-04T09:00",
                "verify 03-03T11:00 yes",
                "resolve 03-02T11:00",
                "assign 03-02T10:00",
                "open 03-02T09:00",
            ],
            "CLOSED",
            id="lines in any order",
        ),
        pytest.param(
            ["open 03-02T09:00", "assign 03-02T09:00", "resolve 03-02T09:00", "reopen 03-02T09:00"],
            "REOPENED",
            id="all in one minute",
        ),
        pytest.param(
            [
                "open 03-02T09:00",
                "assign 03-02T10:00",
                "resolve 03-02T11:00",
                "assign 03-03T09:00",
                "verify 03-03T09:00 no",
            ],
            "ASSIGNED",
            id="re-opened and assigned in one minute",
        ),
    ],
)
def test_the_log_tells_the_state(lines: list[str], state: str) -> None:
    assert read_log(log(*lines)).state == state


@pytest.mark.parametrize(
    ("lines", "state", "event"),
    [
        pytest.param([], None, "assign", id="an empty log"),
        pytest.param(["assign 03-02T09:00"], None, "assign", id="never raised"),
        pytest.param(["open 03-02T09:00", "open 03-02T10:00"], "NEW", "open", id="raised twice"),
        pytest.param(["open 03-02T09:00", "resolve 03-02T10:00"], "NEW", "resolve", id="resolved by nobody"),
        pytest.param(
            ["open 03-02T09:00", "assign 03-02T10:00", "approve 03-02T11:00"], "ASSIGNED", "approve", id="nothing asked"
        ),
        pytest.param(
            ["open 03-02T09:00", "assign 03-02T10:00", "close 03-02T11:00"], "ASSIGNED", "close", id="closed unresolved"
        ),
        pytest.param(
            ["open 03-02T09:00", "assign 03-02T10:00", "resolve 03-02T11:00", "close 03-02T12:00"],
            "RESOLVED",
            "close",
            id="closed without a call-back",
        ),
        pytest.param(["open 03-02T09:00", "assign 03-01T10:00"], None, "assign", id="assigned before it was raised"),
    ],
)
def test_an_event_that_cannot_follow_is_refused(lines: list[str], state: str | None, event: str) -> None:
    with pytest.raises(StepRefused) as refused:
        read_log(log(*lines))
    assert (refused.value.state, refused.value.event) == (state, event)


@pytest.mark.parametrize("state", [None, *get_args(IssueState)])
@pytest.mark.parametrize("event", EVENT_KINDS)
def test_the_refusal_names_what_can_be_done(state: str | None, event: EventKind) -> None:
    allowed = {kind for before, kind in STEPS if before == state}
    refused = StepRefused(state, event)  # type: ignore[arg-type]
    assert "请" in str(refused)
    LANGUAGE.set("en")
    try:
        assert all(kind in str(refused) for kind in allowed)
    finally:
        LANGUAGE.set("zh")
