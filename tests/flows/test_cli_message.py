"""`tuoqi message ...` as staff meet it: one result or one line, exit 0 or 1, and in JSON the same for scripts."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from flows.replies import keep_reply
from flows.settings import settings
from models.db import Database
from notifications.channels.enquiry import Reply
from notifications.outbox import enqueue
from rules.errors import LANGUAGE
from tests.flows.test_cli import Shell
from tests.notifications.office import DRAFT, NOON, Office, Post

pytestmark = pytest.mark.parametrize("database", ["sqlite"], indirect=True)
REF, PHONE, CANARY = "C-7K3Q-9XM1", "13800138000", "李建国"
AT = ("--at", NOON.isoformat())


@pytest.fixture
def shell(
    database: Database,
    office: Office,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Iterator[Shell]:
    """A district with a message in doubt (m:1), one that waits (m:2), a call (m:3) and a reply nobody read."""
    assert database
    monkeypatch.chdir(tmp_path)
    office.execute(f"INSERT INTO cadre (district_id, number, ref) SELECT id, 'K1', '{REF}' FROM district")
    routed = replace(DRAFT, recipient=REF, others=(("email", "li@example.org"),))
    with office.database.write() as session:
        enqueue(session, [routed], NOON)
    office.drain(Post("unknown"))
    with office.database.write() as session:
        enqueue(session, [replace(routed, key="m:2"), replace(routed, key="m:3", channel="call")], NOON)
    keep_reply(office.database, settings(), "aliyun", Reply("r1", PHONE, "几点到？", NOON + timedelta(minutes=1)))
    token = LANGUAGE.set("zh")  # commands set it for good
    yield Shell(monkeypatch, capsys)
    LANGUAGE.reset(token)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        pytest.param(["settle", "m:1", "delivered"], {"key": "m:1", "state": "delivered"}, id="settle"),
        pytest.param(["settle", "m:1", "not-sent"], {"key": "m:1", "state": "pending"}, id="settle, to go again"),
        pytest.param(["called", "m:3", "reached"], {"key": "m:3", "state": "delivered"}, id="called"),
        pytest.param(["called", "m:3", "not-reached"], {"key": "m:3", "state": "undeliverable"}, id="not reached"),
        pytest.param(["cancel", "m:2", "m:3"], {"cancelled": 2, "asked": 2}, id="cancel"),
        pytest.param(["prefer", REF, "email,sms"], {"ref": REF, "channels": "email,sms"}, id="prefer"),
        pytest.param(["opt-out", "sms", PHONE], {"channel": "sms", "wants": False, "changed": True}, id="opt-out"),
        pytest.param(["opt-in", "sms", PHONE], {"channel": "sms", "wants": True, "changed": False}, id="opt-in"),
    ],
)
def test_each_command_tells_what_it_did(shell: Shell, words: list[str], told: dict[str, object]) -> None:
    code, out, err = shell("message", *words, "--json", *AT)
    assert (code, json.loads(out), err) == (0, told, "")


def test_without_json_it_is_one_line(shell: Shell) -> None:
    code, out, _ = shell("message", "settle", "m:1", "delivered", *AT)
    assert (code, out) == (0, "key=m:1  state=delivered\n")


def test_lists_are_tables_of_references(shell: Shell) -> None:
    for words in (["list", REF], ["unknown"]):
        code, out, _ = shell("message", *words, *AT)
        assert code == 0
        assert "m:1" in out
        assert [word for word in (PHONE, CANARY, "li@") if word in out] == []
    _, out, _ = shell("message", "list", REF, "--json", *AT)
    assert {row["key"]: row["state"] for row in json.loads(out)["messages"]} == {
        "m:1": "unknown",
        "m:2": "pending",
        "m:3": "pending",
    }


def test_replies_are_shown_until_they_are_read(shell: Shell) -> None:
    for words, number in ((["--keep"], 1), ([], 1), ([], 0)):
        code, out, _ = shell("message", "replies", *words, "--json", *AT)
        assert (code, json.loads(out)["unread"]) == (0, number)


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize(
    "words",
    [
        pytest.param(["settle", "m:1", "maybe"], id="a wrong verdict"),
        pytest.param(["settle", "m:9", "delivered"], id="an unknown key"),
        pytest.param(["settle", "m:2", "delivered"], id="not in doubt"),
        pytest.param(["called", "m:3", "yes"], id="a wrong word for a call"),
        pytest.param(["called", "m:2", "reached"], id="an SMS is no call"),
        pytest.param(["cancel", "m:2", "m:9"], id="one key is unknown"),
        pytest.param(["prefer", "C-7K3Q-9XM2", "sms"], id="a misspelt reference"),
        pytest.param(["prefer", "C-0000-0000", "sms"], id="nobody's reference"),
        pytest.param(["prefer", REF, "pigeon"], id="an unknown channel"),
        pytest.param(["opt-out", "fax", PHONE], id="a channel that is none"),
        pytest.param(["opt-out", "sms", "12345"], id="an address that is none"),
        pytest.param(["opt-in", "email", PHONE], id="a number for mail"),
        pytest.param(["list", "C-7K3Q-9XM2"], id="a misspelt reference to list"),
    ],
)
def test_what_is_wrong_is_one_line_and_exit_1(
    shell: Shell, office: Office, monkeypatch: pytest.MonkeyPatch, words: list[str], language: str
) -> None:
    monkeypatch.setenv("TUOQI_LANG", language)
    before = [office.rows(f"SELECT * FROM {name} ORDER BY 1") for name in ("message", "audit_entry", "opt_out")]
    code, out, err = shell("message", *words, *AT)
    assert (code, out) == (1, "")
    assert err.startswith("tuoqi: ")
    assert err.count("\n") == 1
    assert PHONE not in err
    assert err.isascii() == (language == "en")
    assert [office.rows(f"SELECT * FROM {name} ORDER BY 1") for name in ("message", "audit_entry", "opt_out")] == before


@pytest.mark.parametrize("words", [["settle", "m:1"], ["cancel"], ["opt-out", "sms"], ["nonsense"]])
def test_what_is_left_out_is_wrong_usage(shell: Shell, words: list[str]) -> None:
    code, out, err = shell("message", *words)
    assert (code, out) == (2, "")
    assert err
