"""A change of the key file is in the audit whenever a kill comes, and may be asked for again."""

import json
import os
import signal
from typing import Any

import pytest

from flows import key_file, keys
from flows.keys import NoSuchKey, new_key, retire_key, rotate
from flows.settings import settings
from models.db import Database
from tests.flows.test_duty_kills import ended, in_child
from tests.flows.test_keys import a_day_later, another, audited, town

assert town  # the fixture


def die_beside(write: int, *, before: bool) -> None:
    """Die at the n-th file of keys that is written, before or after."""
    whole, writes = key_file.write_beside, iter(range(1, 10))

    def deadly(*args: Any, **how: Any) -> None:
        dies = next(writes) == write
        if dies and before:
            os.kill(os.getpid(), signal.SIGKILL)
        whole(*args, **how)
        if dies:
            os.kill(os.getpid(), signal.SIGKILL)

    keys.write_beside = key_file.write_beside = deadly  # type: ignore[attr-defined]


@pytest.mark.parametrize("before", [True, False], ids=["before", "after"])
def test_a_new_key_that_a_kill_cuts_off_is_in_the_audit_and_may_be_asked_for_again(
    town: Database, *, before: bool
) -> None:
    town.engine.dispose()

    def work() -> None:
        die_beside(1, before=before)
        new_key(another(), settings())

    assert ended(in_child(work)) == -signal.SIGKILL
    assert audited(town, "keys.new") == 1
    made = {1} if before else {1, 2}
    assert another().keys.sealing.keys() == made
    assert new_key(town, settings())["key"] == max(made) + 1
    assert (audited(town, "keys.new"), rotate(town, settings())["left"]) == (2, 0)


@pytest.mark.parametrize(
    ("write", "before"),
    [
        pytest.param(1, True, id="before the retired key has its file"),
        pytest.param(1, False, id="before the key file is without it"),
        pytest.param(2, False, id="after"),
    ],
)
def test_a_retirement_that_a_kill_cuts_off_is_in_the_audit_and_may_be_asked_for_again(
    town: Database, write: int, *, before: bool
) -> None:
    new_key(town, settings())
    rotate(town, settings())
    a_day_later()
    town.engine.dispose()

    def work() -> None:
        die_beside(write, before=before)
        retire_key(another(), settings(), 1)

    assert ended(in_child(work)) == -signal.SIGKILL
    assert audited(town, "keys.retire") == 1
    if write == 2:
        with pytest.raises(NoSuchKey):
            retire_key(town, settings(), 1)
    else:
        assert retire_key(town, settings(), 1)["retired"] == 1
    path = settings().keys_path
    assert list(json.loads(path.with_name("own.keys.retired-1").read_text())["sealing"]) == ["1"]
    assert list(json.loads(path.read_text())["sealing"]) == ["2"]
