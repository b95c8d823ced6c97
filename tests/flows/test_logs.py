"""Logs: a record loses what names a person before anybody formats it, and becomes one line of JSON."""

import json
import logging
from typing import Any

from flows.logs import Lines, Masked

PHONE = "13899990001"


def line(message: str, *args: Any, error: BaseException | None = None, **more: Any) -> dict[str, Any]:
    info = (type(error), error, error.__traceback__) if error else None
    record = logging.LogRecord("prefect.flow_runs", logging.WARNING, __file__, 1, message, args, info)
    record.__dict__.update(more)
    assert Masked().filter(record)
    assert PHONE not in logging.Formatter().format(record)  # whoever formats it
    told: dict[str, Any] = json.loads(Lines().format(record))
    return told


def test_arguments_are_masked_and_the_run_is_named() -> None:
    told = line("call %s of %d", PHONE, 3, flow_run_name="wise-owl", flow_name="duty-day")
    assert told["text"] == "call *** of 3"
    assert (told["run"], told["job"], told["level"], told["logger"]) == (
        "wise-owl",
        "duty-day",
        "WARNING",
        "prefect.flow_runs",
    )


def test_an_error_keeps_its_traceback_and_loses_its_values() -> None:
    try:
        int(f"row of {PHONE}")
    except ValueError as error:
        told = line("it failed", error=error)
    assert "'row of ***'" in told["error"]
    assert "ValueError" in told["error"]
    assert "test_logs.py" in told["error"]


def test_arguments_that_do_not_fit_their_text_are_not_shown() -> None:
    assert "do not fit" in line("%d calls", PHONE)["text"]


def test_a_stack_is_masked() -> None:
    assert PHONE not in str(line("where", stack_info=f"File {PHONE}"))
