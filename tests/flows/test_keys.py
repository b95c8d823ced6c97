"""Keys change while the district works: nothing is lost or left under the old key, old backups stay readable."""

import json
import os
import shutil
import signal
import stat
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from threading import Event
from typing import Any

import pytest
from sqlalchemy import delete, select, text, update

from flows import cli
from flows import keys as module
from flows.jobs import real_now
from flows.keys import (
    CurrentKey,
    KeyInUse,
    NoSuchKey,
    OtherRetired,
    StillStale,
    TooSoon,
    list_keys,
    new_key,
    retire_key,
    rotate,
)  # fmt: skip
from flows.settings import settings
from models import audit, reseal
from models.bank_files import content_of
from models.cadre import Cadre
from models.db import Database
from models.jobs import JobRun
from models.payment import BankFile
from models.seal import MissingKey
from models.sealed import count_heads, count_stale
from models.suites import SM4_GCM
from tests.flows.money import Money
from tests.flows.test_duty_kills import ended, in_child

PEOPLE = 20
OPENED: list[Database] = []


@pytest.fixture
def town(database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Database]:
    """Twenty cadres and a key file of its own, four rows a batch."""
    assert database  # `settings()` names it
    path = tmp_path / "own.keys"
    shutil.copy(settings().keys_path, path)
    monkeypatch.setenv("TUOQI_KEY_FILE", str(path))
    settings.cache_clear()
    monkeypatch.setattr(reseal, "ROWS", 4)
    monkeypatch.setattr(module, "PAUSE_S", 0.01)
    mine = another()
    with mine.write() as session:
        for n in range(PEOPLE):
            ref = f"C-{n:04}"
            name, phone = (mine.keys.seal(f"cadre.{each}", ref, f"{each}{n}") for each in ("name", "phone"))
            session.add(Cadre(district_id=1, number=f"G{n}", ref=ref, name=name, phone=phone))
    yield mine
    while OPENED:
        OPENED.pop().close()


def another() -> Database:
    """The same database as another process would open it; the fixture closes it."""
    OPENED.append(Database(settings().url, settings().keys()))
    return OPENED[-1]


def correct(database: Database, n: int, phone: str) -> None:
    """Write a phone as an import does."""
    with database.write() as session:
        sealed = session.info["keys"].seal("cadre.phone", f"C-{n:04}", phone)
        session.execute(update(Cadre).where(Cadre.ref == f"C-{n:04}").values(phone=sealed))  # type: ignore[arg-type]


def people(database: Database) -> list[tuple[str, str]]:
    """Every name and phone, opened."""
    with database.read() as session:
        found = session.execute(select(Cadre.ref, Cadre.name, Cadre.phone).order_by(Cadre.ref)).all()  # type: ignore[call-overload]
        keys = session.info["keys"]
        return [(keys.open("cadre.name", ref, a), keys.open("cadre.phone", ref, b)) for ref, a, b in found]


def stale(database: Database) -> dict[str, int]:
    with database.read() as session:
        return count_stale(session)


def audited(database: Database, action: str) -> int:
    with database.read() as session:
        assert audit.verify(session, "530112") is None
        query = text("SELECT count(*) FROM audit_entry WHERE action = :action")
        return session.execute(query, {"action": action}).scalar_one()  # type: ignore[no-any-return]


def a_day_later() -> None:
    """Let the current key be in use for a day."""
    path = settings().keys_path
    content = json.loads(path.read_text())
    content["since"][str(content["current"])] = (real_now() - timedelta(days=1)).isoformat()
    path.write_text(json.dumps(content))


def test_a_key_is_changed_from_beginning_to_end(town: Database) -> None:
    before = people(town)
    assert new_key(town, settings())["key"] == 2
    assert people(town) == before
    assert rotate(town, settings())["rows"] == PEOPLE
    assert (stale(town), people(town)) == ({}, before)
    with pytest.raises(TooSoon, match="tuoqi keys rotate"):
        retire_key(town, settings(), 1)
    a_day_later()
    aside = Path(retire_key(town, settings(), 1)["file"])
    for path in (aside, settings().keys_path):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(json.loads(aside.read_text())["sealing"]) == ["1"]
    assert list(json.loads(settings().keys_path.read_text())["sealing"]) == ["2"]
    assert people(town) == before
    with another().read() as session:
        assert audit.verify(session, "530112") is None
        assert session.execute(text("SELECT count(*) FROM audit_entry WHERE action LIKE 'keys.%'")).scalar() == 3


def test_a_process_that_runs_takes_up_the_new_key_and_opens_what_others_seal_with_it(town: Database) -> None:
    running, early = another(), another()
    with early.read() as session:
        ring = session.info["keys"]
        new_key(town, settings())
        correct(running, 3, "139")
        sealed = session.execute(select(Cadre.phone).where(Cadre.ref == "C-0003")).scalar_one()  # type: ignore[call-overload]
        assert sealed[:4] == b"\x01\x01\x00\x02"
        assert ring.open("cadre.phone", "C-0003", sealed) == "139"


@pytest.mark.parametrize("damage", ["not JSON", "open to others", "another database's"])
def test_a_process_that_runs_keeps_its_keys_while_the_file_is_wrong(town: Database, damage: str) -> None:
    path, before = settings().keys_path, people(town)
    good = path.read_text()
    if damage == "another database's":
        path.write_text(json.dumps({**json.loads(good), "index": json.loads(good)["audit"]}))
    else:
        path.write_text("{" if damage == "not JSON" else good + " ")
        path.chmod(0o600 if damage == "not JSON" else 0o644)
    correct(town, 0, "phone0")
    assert people(town) == before
    path.write_text(good)
    path.chmod(0o600)
    assert people(another()) == before


def test_people_are_corrected_while_everything_is_sealed_anew_and_nothing_is_lost(town: Database) -> None:
    """Three writers, one of which never hears of the new key; what each wrote last is what stands."""
    new_key(town, settings())
    done, last = Event(), dict[int, str]()
    deaf = another()
    deaf._keys = ring_of(1)

    def write(which: int, database: Database) -> None:
        for turn in range(1000):
            for n in range(which, PEOPLE, 3):
                correct(database, n, told := f"{which}-{turn}-{n}")
                last[n] = told
                if done.is_set():
                    return

    with ThreadPoolExecutor(3) as pool:
        writers = [pool.submit(write, which, deaf if which == 2 else another()) for which in range(3)]
        try:
            reseal.reseal(town, lambda _: None)
        finally:
            done.set()
        for writer in writers:
            writer.result()
    rotate(town, settings())
    assert stale(town) == {}
    phones = [phone for _, phone in people(town)]
    assert phones == [last.get(n, f"phone{n}") for n in range(PEOPLE)]
    assert [name for name, _ in people(town)] == [f"name{n}" for n in range(PEOPLE)]


def ring_of(number: int) -> Any:
    """A ring that stays with an old key, as a process does that was started from a copy of the key file."""
    return replace(settings().keys(), current=number, source=None)


def die_at(call: int) -> None:
    whole, calls = reseal._put_back, iter(range(1, 10_000))

    def deadly(*args: Any) -> int:
        rows = whole(*args)
        if next(calls) == call:
            os.kill(os.getpid(), signal.SIGKILL)
        return rows

    reseal._put_back = deadly  # type: ignore[assignment]


MANY = pytest.param(tuple(range(1, 11)) * 5, id="many", marks=pytest.mark.proof)


@pytest.mark.parametrize("calls", [pytest.param((1, 5, 3), id="some"), MANY])
def test_a_rotation_that_is_killed_goes_on_where_it_was(town: Database, calls: tuple[int, ...]) -> None:
    before = people(town)
    new_key(town, settings())
    for call in calls:
        town.engine.dispose()

        def work(call: int = call) -> None:
            die_at(call)
            rotate(another(), settings())

        ended(in_child(work))
        assert people(town) == before
    assert rotate(town, settings())["left"] == 0
    assert (stale(town), people(town)) == ({}, before)


def test_two_rotations_at_once_do_no_harm(town: Database) -> None:
    before = people(town)
    new_key(town, settings())
    with ThreadPoolExecutor(4) as pool:
        for each in [pool.submit(reseal.reseal, another(), lambda _: None) for _ in range(3)]:
            each.result()
        told = [each.result() for each in [pool.submit(rotate, another(), settings()) for _ in range(2)]]
    assert any("rows" in each for each in told)
    assert (stale(town), people(town)) == ({}, before)


def test_what_does_not_open_is_said_and_its_key_stays(town: Database) -> None:
    with town.write() as session:
        session.execute(update(Cadre).where(Cadre.ref == "C-0007").values(name=b"\x01\x01\x00\x01" + b"x" * 40))  # type: ignore[arg-type]
    new_key(town, settings())
    with pytest.raises(StillStale, match=r"cadre\.name 1"):
        rotate(town, settings())
    assert stale(town) == {"cadre.name": 1}
    a_day_later()
    with pytest.raises(KeyInUse, match="tuoqi keys rotate"):
        retire_key(town, settings(), 1)


def test_a_key_that_is_missing_is_named_and_nothing_under_it_is_touched(town: Database) -> None:
    new_key(town, settings())
    path = settings().keys_path
    whole = path.read_text()
    content = json.loads(whole)
    old = content["sealing"].pop("1")
    path.write_text(json.dumps(content))
    beside = another()
    assert {"key": 1, "suite": "aes-256-gcm", "values": 2 * PEOPLE, "state": "缺失"} in list_keys(beside, settings())[
        "keys"
    ]
    with pytest.raises(StillStale, match=r"cadre\.phone 20"):
        rotate(beside, settings())
    with pytest.raises(MissingKey, match="1 号密钥"):
        people(beside)
    path.write_text(json.dumps({**content, "sealing": {**content["sealing"], "1": old}}))
    assert rotate(another(), settings())["rows"] == PEOPLE


def test_a_key_that_may_still_be_needed_is_not_retired(town: Database) -> None:
    with pytest.raises(CurrentKey):
        retire_key(town, settings(), 1)
    with pytest.raises(NoSuchKey):
        retire_key(town, settings(), 7)
    new_key(town, settings())
    a_day_later()
    with pytest.raises(KeyInUse, match="40"):
        retire_key(town, settings(), 1)
    rotate(town, settings())
    aside = settings().keys_path.with_name("own.keys.retired-1")
    aside.write_text('{"sealing": {"1": "another"}}')
    with pytest.raises(OtherRetired):
        retire_key(town, settings(), 1)
    assert audited(town, "keys.retire") == 0
    assert len(json.loads(settings().keys_path.read_text())["sealing"]) == 2
    kept = {"sealing": {"1": json.loads(settings().keys_path.read_text())["sealing"]["1"]}}
    aside.write_text(json.dumps(kept))  # as a run that was killed left it
    assert retire_key(town, settings(), 1)["retired"] == 1


def test_the_suite_is_changed_to_sm4_and_back(town: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    before = people(town)
    for name, suite in (("sm4-gcm", SM4_GCM), ("aes-256-gcm", 1)):
        monkeypatch.setenv("TUOQI_SUITE", name)
        settings.cache_clear()
        mine = another()
        assert rotate(mine, settings())["rows"] == PEOPLE
        with mine.read() as session:
            assert {head[1] for head in count_heads(session)} == {suite}
        assert people(mine) == before


def test_what_the_district_sealed_in_a_month_of_payments_opens_under_the_new_key(
    database: Database, tmp_path: Path, town: Database
) -> None:
    with town.write() as session:  # the payees come with a register of their own
        session.execute(delete(Cadre))
    money = Money(town, tmp_path, people=2)
    money.pay()
    with town.read() as session:
        ref = str(session.scalars(select(BankFile.ref)).first())  # type: ignore[call-overload]
        content = content_of(session, ref)
    new_key(town, settings())
    told = rotate(town, settings())
    assert (stale(town), told["left"]) == ({}, 0)
    with town.read() as session:
        assert content_of(session, ref) == content
        assert session.scalars(select(JobRun.state).where(JobRun.job == "rotate-keys")).all() == ["done"]  # type: ignore[call-overload]
    a_day_later()
    retire_key(town, settings(), 1)
    money.bank_takes()
    money.reconcile()
    money.agrees_with_the_bank()
    assert database


def test_the_commands_lead_from_one_key_to_the_next(
    town: Database, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def tuoqi(*words: str) -> tuple[str, str]:
        monkeypatch.setattr(sys, "argv", ["tuoqi", "keys", *words])
        with suppress(SystemExit):
            cli.main()
        return tuple(capsys.readouterr())  # type: ignore[return-value]

    assert "rotate" in tuoqi("new")[0]
    assert json.loads(tuoqi("rotate", "--json")[0])["rows"] == PEOPLE
    listed = json.loads(tuoqi("list", "--json")[0])
    assert [(each["key"], each["values"]) for each in listed["keys"]] == [(1, 0), (2, 2 * PEOPLE)]
    assert "不足一天" in tuoqi("retire", "1")[1]
    assert "--to" in tuoqi()[1]
    settings.cache_clear()
    assert stale(town) == {}
