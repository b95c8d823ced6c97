"""Keys change: a new one comes into use -> every value is sealed anew -> the old one goes to a file of its own.

What is still under which key is read from the values themselves, and each step may be run again after a kill. The audit
is told of a change of the key file before it is made: a kill leaves an entry of what was not done, never the reverse.
Only sealing keys change; docs/decisions/0035-key-rotation.md says why the other two stay.
"""

import json
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from prefect import flow

from flows import artifacts
from flows.failures import safely, writing
from flows.jobs import Result, at_work, lease_end, real_now
from flows.key_file import edited, fresh_key, write_beside
from flows.settings import Settings, settings
from flows.store import opened
from models import audit
from models.db import Database
from models.jobs import Claim, renew
from models.reseal import reseal
from models.seal import HEAD
from models.sealed import count_heads, count_stale
from models.suites import NAMES
from rules.errors import TuoqiError, say

JOB = "rotate-keys"
PASSES = 20
"""How often at most all is gone through: other processes may go on sealing with the old key for a moment."""
PAUSE_S = 0.5
_SETTLED = timedelta(days=1)
"""A process that missed the new key is found within a day: its rows are under the old one, and hinder retiring it."""
_LAST = 0xFFFF


class KeysRefused(TuoqiError):
    """Nothing was changed."""


@dataclass(eq=False)
class StillStale(TuoqiError):
    """Some values could not be sealed anew."""

    left: int
    columns: str
    zh = (
        "仍有 {left} 个值未换用新密钥（{columns}）；旧密钥不能停用。密钥文件若缺少旧密钥，请从备份放回后再执行 "
        "tuoqi keys rotate；仍打不开的值已损坏，请从数据库备份核对。"
    )
    en = (
        "{left} values are still under an older key ({columns}), which must stay. If the key file lacks one, put it "
        "back from its backup and run `tuoqi keys rotate` again; what still does not open is damaged: see a backup."
    )


@dataclass(eq=False)
class NoSuchKey(KeysRefused):
    """The key file has no such sealing key."""

    number: int
    zh = "密钥文件中没有 {number} 号密钥；用 tuoqi keys list 查看。"
    en = "the key file has no key {number}; see `tuoqi keys list`."


@dataclass(eq=False)
class CurrentKey(KeysRefused):
    """New values are sealed with it."""

    number: int
    zh = "{number} 号密钥正在使用，不能停用；请先执行 tuoqi keys new 和 tuoqi keys rotate。"
    en = "key {number} is in use; run `tuoqi keys new` and `tuoqi keys rotate` first."


@dataclass(eq=False)
class KeyInUse(KeysRefused):
    """Values are sealed with it."""

    number: int
    values: int
    zh = "仍有 {values} 个值由 {number} 号密钥加密，不能停用；请先执行 tuoqi keys rotate。"
    en = "{values} values are still under key {number}; run `tuoqi keys rotate` first."


@dataclass(eq=False)
class TooSoon(KeysRefused):
    """A process that runs may still seal with it."""

    until: str
    zh = "新密钥启用不足一天，{until} 之后才能停用旧密钥；届时请先执行 tuoqi keys rotate。"
    en = "the new key is in use for less than a day; after {until} run `tuoqi keys rotate`, then retire the old one."


@dataclass(eq=False)
class NoMoreNumbers(KeysRefused):
    """Two bytes hold the number of a key."""

    zh = "密钥编号已用完（65535）。"
    en = "there are no more key numbers (65535)."


@dataclass(eq=False)
class OtherRetired(KeysRefused):
    """A file with the retired key's name holds another key."""

    path: Path
    zh = "{path} 中是另一把密钥，未覆盖；请先把它移到安全的地方。"
    en = "{path} holds another key and was left alone; move it to a safe place first."


def list_keys(database: Database, settings: Settings) -> Result:
    """Tell of every sealing key how many values it seals, by suite; of a key that is missing too."""
    ring = database.keys
    with database.read() as session:
        counts = Counter({HEAD.unpack(head)[1:]: number for head, number in count_heads(session).items()})
    for number in ring.sealing:
        if not any(key == number for _, key in counts):
            counts[ring.suite, number] = 0
    rows = [
        {
            "key": number,
            "suite": NAMES.get(suite, str(suite)),
            "values": values,
            "state": _standing(number, ring.current, ring.sealing),
        }
        for (suite, number), values in sorted(counts.items(), key=lambda each: (each[0][1], each[0][0]))
    ]
    return {"file": str(settings.keys_path), "current": ring.current, "suite": NAMES[ring.suite], "keys": rows}


def _standing(number: int, current: int, known: Any) -> str:
    if number not in known:
        return say("缺失", "missing")
    return say("使用中", "current") if number == current else say("旧", "old")


def new_key(database: Database, settings: Settings) -> Result:
    """Add a sealing key, with which every process seals from its next session on; older values stay readable.

    Again after a kill it adds one key at worst too many, which harms nothing.
    """
    path = settings.keys_path
    with writing(path), edited(path) as content:
        number = max(map(int, content["sealing"])) + 1
        if number > _LAST:
            raise NoMoreNumbers
        content["sealing"][str(number)] = fresh_key()
        content["current"] = number
        content.setdefault("since", {})[str(number)] = real_now().isoformat()
        _audit(database, settings, "keys.new", key=number)
    return {"key": number, "file": str(path)}


def rotate(database: Database, settings: Settings) -> Result:
    """Seal every value with the current key and suite; while others work, and again after a kill.

    Raises:
        StillStale: values that do not open, or that are sealed anew with an older key again and again.
    """
    ring = database.keys
    name = f"{NAMES[ring.suite]}-{ring.current}"
    result = at_work(database, JOB, name, settings.district, lambda held: _sealed_anew(database, settings, held))
    if result.get("left"):
        raise StillStale(result["left"], ", ".join(f"{place} {n}" for place, n in result["columns"].items()))
    return result


def _sealed_anew(database: Database, settings: Settings, held: Claim) -> Result:
    rows, left, passes = 0, dict[str, int](), 0
    for passes in range(1, PASSES + 1):  # noqa: B007 - told below
        done, unopened = reseal(database, lambda session: renew(session, held, lease_end()))
        rows += done
        with database.read() as session:
            left = count_stale(session)
        if sum(left.values()) <= unopened.total():
            break
        if not done:  # somebody holds the rest locked
            time.sleep(PAUSE_S)
    ring = database.keys
    told = {"key": ring.current, "suite": NAMES[ring.suite], "rows": rows, "left": sum(left.values())}
    _audit(database, settings, "keys.rotate", **told)
    return {**told, "passes": passes, "columns": left}


def retire_key(database: Database, settings: Settings, number: int) -> Result:
    """Take an old key, under which nothing is left, out of the key file into one of its own, which old backups need.

    Again after a kill it goes on, or says that the key is gone: then all was done.

    Raises:
        KeysRefused: it is in use, or was until yesterday, or is gone; nothing was changed.
    """
    path = settings.keys_path.resolve()
    aside = path.with_name(f"{path.name}.retired-{number}")
    with writing(path), edited(path) as content:
        current = str(content["current"])
        if str(number) not in content["sealing"]:
            raise NoSuchKey(number)
        if str(number) == current:
            raise CurrentKey(number)
        with database.read() as session:
            values = sum(n for head, n in count_heads(session).items() if HEAD.unpack(head)[2] == number)
        if values:
            raise KeyInUse(number, values)
        told = content.get("since", {}).get(current)
        since = datetime.fromisoformat(told) if told else datetime.fromtimestamp(path.stat().st_mtime, UTC)
        if real_now() < since + _SETTLED:
            raise TooSoon(f"{settings.local(since + _SETTLED):%Y-%m-%d %H:%M}")
        kept = {"sealing": {str(number): content["sealing"].pop(str(number))}}
        if aside.exists() and json.loads(aside.read_text()) != kept:
            raise OtherRetired(aside)
        _audit(database, settings, "keys.retire", key=number)
        with suppress(FileExistsError):  # of a run that was killed
            write_beside(aside, kept, once=True)
    return {"retired": number, "file": str(aside)}


def _audit(database: Database, settings: Settings, action: str, **detail: Any) -> None:
    with database.write() as session:
        audit.record(session, settings.district, "administrator", action, settings.now(), **detail)


@flow(name="rotate-keys", retries=0, persist_result=False)
@safely
def rotate_keys() -> dict[str, Any]:
    """Seal every value with the current key and suite."""
    chosen = settings()
    with opened(chosen) as database:
        result = rotate(database, chosen)
    told = say("已换用 {} 号密钥（{}）：{} 行。", "{} ({}) now seals all: {} rows were sealed anew.")
    if "rows" in result:
        page = told.format(result["key"], result["suite"], result["rows"])
        artifacts.markdown(JOB, page, say("密钥轮换", "keys rotated"))
    return result
