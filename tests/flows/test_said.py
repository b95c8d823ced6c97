"""Results on a terminal: nothing that a person has to copy or act on is cut off or left out."""

import pytest

from flows import said

ROW = {"key": "duty-notice:1:C-7K3Q-9XM1:r0", "message": "值班通知", "state": "accepted", "error": None}


def test_rows_fit_a_narrow_terminal_with_their_keys_whole(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    said.result({"unknown": 1, "messages": [ROW]}, as_json=False)
    shown = capsys.readouterr().out
    assert "- key=duty-notice:1:C-7K3Q-9XM1:r0\n" in shown
    assert "None" not in shown


def test_rows_are_a_table_where_there_is_room(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "120")
    said.result({"messages": [ROW]}, as_json=False)
    assert "│ duty-notice:1:C-7K3Q-9XM1:r0 │ 值班通知 │" in capsys.readouterr().out


def test_trouble_of_a_run_is_told_beside_its_counts(capsys: pytest.CaptureFixture[str]) -> None:
    told = {"pending": 3, "stopped": {"sms:aliyun": "E1", "email": 0}, "uncarried": ["duty-notice"]}
    said.result(told, as_json=False)
    assert capsys.readouterr().out == "pending=3\nstopped: sms:aliyun (E1), email (0)\nuncarried: duty-notice\n"


def test_what_is_empty_is_not_told(capsys: pytest.CaptureFixture[str]) -> None:
    said.result({"held": 0, "waiting": {"held": {}, "missing": []}}, as_json=False)
    assert capsys.readouterr().out == "held=0\n"


def test_tables_of_a_job_are_shown_as_tables(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "120")
    said.result({"tables": {"visits": [{"单位": "西山区", "应探访": 3}], "issues": []}}, as_json=False)
    shown = capsys.readouterr().out
    assert "│ 西山区 │ 3" in shown
    assert "issues" not in shown
