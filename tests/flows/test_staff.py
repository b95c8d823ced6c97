"""`tuoqi staff`: added, listed, enrolled by a right code, retired; nothing personal is echoed, all of it is audited."""

import json

import pyotp
import pytest
from sqlalchemy import select
from sqlmodel import col
from typer.testing import CliRunner

from flows.cli import app
from flows.exports import look_up
from flows.settings import settings
from flows.staff_desk import begin_enrolment
from models.audit import AuditEntry, verify
from models.db import Database
from models.one_time import new_secret
from models.proof import authenticate
from rules.errors import TuoqiError
from rules.staff_refusals import NotProved, WrongFirstCode

NOW = "2026-10-12T10:00:00+08:00"
PERSONAL = ("龚䶮", "15460000001", "gy@xishan.example")
ADD = ["add", "g001", "--name", PERSONAL[0], "--role", "approver", "--phone", PERSONAL[1], "--email", PERSONAL[2]]


class Desk:
    """The command line of one database."""

    def __init__(self, database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
        self.database, self._patch = database, monkeypatch
        self.said = ""

    def run(self, *words: str, typed: str = "", at: str = NOW, good: bool = True) -> dict[str, object]:
        self._patch.setenv("TUOQI_AT", at)
        told = CliRunner().invoke(app, ["staff", *words, "--json", "--at", at], input=typed)
        self.said += told.output + str(told.exception or "")
        if good:
            assert told.exit_code == 0, told.output
            last: dict[str, object] = json.loads(told.stdout.splitlines()[-1])
            return last
        assert told.exit_code
        if isinstance(told.exception, TuoqiError):
            raise told.exception
        return {}

    def enrol(self, number: str = "G001", *, code: str | None = None) -> pyotp.TOTP:
        """Enrol as a person does who reads the key from the screen; it is drawn before the code is asked for."""
        secret = new_secret()
        self._patch.setattr("flows.staff_desk.new_secret", lambda: secret)
        phone = pyotp.TOTP(secret)
        moment = settings().now()
        shown = phone.at(moment) if code is None else code
        self.run("enrol", number, typed=f"{shown}\n" * 3, good=code is None)
        return phone


@pytest.fixture
def desk(database: Database, monkeypatch: pytest.MonkeyPatch) -> Desk:
    monkeypatch.setenv("TUOQI_AT", NOW)
    settings.cache_clear()
    return Desk(database, monkeypatch)


def test_a_member_of_staff_from_the_first_day_to_the_last(desk: Desk) -> None:
    added = desk.run(*ADD)
    assert (added["number"], added["role"]) == ("G001", "approver")
    phone = desk.enrol()
    one = desk.run("list")["staff"][0]  # type: ignore[index]
    assert (one["number"], one["enrolled"], one["form_locked"], one["until"]) == ("G001", True, False, None)
    now = settings().now()
    with pytest.raises(NotProved):  # the code that confirmed it is used up
        authenticate(desk.database, 1, "G001", phone.at(now), "cli", now)
    assert authenticate(desk.database, 1, "G001", phone.at(now, counter_offset=1), "cli", now)
    assert desk.run("retire", "G001", "--until", "2026年10月31日")["until"] == "2026-10-31"
    with desk.database.read() as session:
        query = select(col(AuditEntry.action), col(AuditEntry.detail)).order_by(col(AuditEntry.seq))
        entries = session.execute(query).tuples().all()
        assert verify(session, "530112") is None
    told = [(action, detail["staff"]) for action, detail in entries]
    assert told == [(f"staff.{what}", added["ref"]) for what in ("add", "enrol", "refused", "retire")]
    assert not any(each in desk.said + str(entries) for each in PERSONAL)
    assert look_up(desk.database, settings(), str(added["ref"]))["name"] == PERSONAL[0]


def test_an_authenticator_that_shows_a_wrong_code_is_not_bound_and_the_old_one_stays(desk: Desk) -> None:
    desk.run(*ADD)
    old = desk.enrol()
    with pytest.raises(WrongFirstCode):
        desk.enrol(code="12345x")
    now = settings().now()
    assert authenticate(desk.database, 1, "G001", old.at(now, counter_offset=1), "cli", now)
    new = desk.enrol()
    with pytest.raises(NotProved):
        authenticate(desk.database, 1, "G001", old.at(now, counter_offset=1), "cli", now)
    assert authenticate(desk.database, 1, "G001", new.at(now, counter_offset=1), "cli", now)


def test_the_phone_is_shown_the_office_and_the_number_and_no_name(desk: Desk) -> None:
    desk.run(*ADD)
    waiting = begin_enrolment(desk.database, settings(), "g001")
    parsed = pyotp.parse_uri(waiting.uri)
    assert (parsed.issuer, parsed.name, parsed.secret) == ("托起", "G001", waiting.secret)
    assert waiting.secret not in repr(waiting)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        pytest.param([*ADD[:5], "chief"], "maker/approver/both", id="unknown role"),
        pytest.param(["add", "", *ADD[2:]], "不能为空", id="no number"),
        pytest.param([*ADD[:7], "99990"], "不是电话号码", id="no telephone"),
        pytest.param([*ADD[:9], "张三"], "不是电子邮箱", id="no address"),
        pytest.param(["retire", "G009", "--until", "2026-10-31"], "没有这个工号", id="retiring nobody"),
        pytest.param(["retire", "G009", "--until", "soon"], "--until", id="no date"),
        pytest.param(["enrol", "G009"], "没有这个工号", id="enrolling nobody"),
    ],
)
def test_a_refusal_is_one_sentence_that_repeats_nothing_typed(desk: Desk, words: list[str], told: str) -> None:
    with pytest.raises(TuoqiError, match=told) as refused:
        desk.run(*words, good=False)
    assert not any(each in str(refused.value) for each in (*PERSONAL, "99990", "张三", "G009"))


def test_a_number_is_not_given_twice(desk: Desk) -> None:
    desk.run(*ADD)
    with pytest.raises(TuoqiError, match="已有人使用"):
        desk.run(*ADD, good=False)
    assert desk.run("list")["count"] == 1
