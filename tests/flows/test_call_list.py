"""The call list: what is said on the telephone can be said, and done, on the telephone."""

from pathlib import Path

import pytest

from flows.call_list import write_call_list
from notifications.catalogue import template
from notifications.outbox import Draft, enqueue
from tests.flows.answer_page.conftest import ON_SQLITE, Town, town

assert town  # the fixture


@ON_SQLITE
@pytest.mark.parametrize(
    "site", [{"sms_replies": True}, {"answer_url": "https://t.example.cn"}], ids=["replies", "links"]
)
def test_nobody_is_told_on_the_telephone_to_reply_or_to_tap(
    town: Town, tmp_path: Path, site: dict[str, object]
) -> None:
    slot, kind = town.slot(), template("duty-notice")
    told = {name: value for name, value in kind.samples["zh-CN"].items() if not kind.variables[name].late}
    chosen = town.office.at("2026-03-09T17:05").model_copy(update=site)
    key = f"duty-notice:{slot.id}:{slot.ref}:r{slot.revision}"
    draft = Draft(key, "duty-notice", "call", str(slot.ref), "13800138000", told, chosen.district)
    with town.database.write() as session:
        enqueue(session, [draft], chosen.now())
    with town.database.read() as session:
        assert write_call_list(session, chosen, tmp_path / "calls.csv", reveal=True) == 1
    shown = (tmp_path / "calls.csv").read_text("utf-8")
    assert "请于今天20:00前确认。" in shown
    assert "回复" not in shown
    assert "http" not in shown
