"""The doctor looks at what watches over time: deadlines, keys, backups, clocks -> findings with remedies."""

import json
import shutil
from collections.abc import Iterator
from datetime import datetime, timedelta

from sqlmodel import Session

from flows.finding import Finding, bad, ok, warn
from flows.job_standings import STATES, command, standings
from flows.jobs import real_now
from flows.keep_files import last_backup
from flows.settings import Settings
from models import host
from models.sealed import count_stale
from rules.errors import say

_BACKUP = timedelta(days=7)
_KEY = timedelta(days=400)
_SKEW, _FAR = timedelta(seconds=5), timedelta(minutes=1)
_GB = 1_000_000_000


def deadlines(session: Session, settings: Settings) -> Iterator[Finding]:
    """Name each job that is late, of every district: the same rule as watch-jobs."""
    watched, late = 0, 0
    for code in settings.all_districts:
        own = settings.of_district(code)
        for one in standings(session, own):
            watched += 1
            if not one.late:
                continue
            late += 1
            what = say("{} 作业 {}（{}）到 {} 没有完成：{}。", "{}: {} ({}) was not done by {}: it {}.")
            due = f"{settings.local(one.expected.due):%m-%d %H:%M}"
            told = what.format(code, one.expected.job, one.expected.key, due, say(*STATES[one.state]))
            run = command(one.expected.job, one.expected.key, own)
            yield bad("deadlines", told, say("执行 {}。", "Run `{}`.").format(run))
    if not late:
        yield ok("deadlines", say("{} 项作业没有超过时限", "none of {} watched jobs is late").format(watched))


def sealed(session: Session, settings: Settings) -> Iterator[Finding]:
    """See whether values wait for a rotation, and whether the key is old."""
    stale = sum(count_stale(session).values())
    rotate = say("执行 tuoqi keys rotate。", "Run `tuoqi keys rotate`.")
    if stale:
        told = say("{} 个加密值还用着旧密钥或旧算法。", "{} values are still under an older key or suite.")
        yield warn("rotation", told.format(stale), rotate)
    age = real_now() - _key_since(settings)
    if age > _KEY:
        told = say("当前加密密钥已使用 {} 天。", "the sealing key has been in use for {} days.").format(age.days)
        yield warn("key-age", told, say("执行 tuoqi keys new，再", "Run `tuoqi keys new`, then: ") + rotate)
    if not stale and age <= _KEY:
        yield ok("rotation", say("加密值都用当前密钥", "all sealed values are under the key in use"))


def _key_since(settings: Settings) -> datetime:
    """Since when the current key is in use; of a first key the file tells."""
    content = json.loads(settings.keys_path.read_text())
    told = content.get("since", {}).get(str(content["current"]))
    changed = settings.keys_path.stat().st_mtime
    return datetime.fromisoformat(told) if told else datetime.fromtimestamp(changed, real_now().tzinfo)


def backups(session: Session, settings: Settings) -> Iterator[Finding]:
    """See how old the last backup is, and whether the next one finds room."""
    del session
    made, folder = last_backup(settings), settings.var_dir.absolute() / "backups"
    remedy = say(
        "请每天执行 tuoqi backup 或 deploy/backup.sh；用 --to 备份到别处的，请自行核对。",
        "Run `tuoqi backup` or deploy/backup.sh daily; backups that go elsewhere by --to are yours to check.",
    )
    if made is None:
        yield warn("backup", say("{} 中没有备份。", "there is no backup in {}.").format(folder), remedy)
    elif real_now() - made > _BACKUP:
        told = say("最近的备份是 {} 天前的。", "the last backup is {} days old.").format((real_now() - made).days)
        yield warn("backup", told, remedy)
    else:
        yield ok(
            "backup", say("最近的备份：{}", "the last backup is of {}").format(f"{settings.local(made):%m-%d %H:%M}")
        )
    if folder.is_dir() and folder.stat().st_dev != settings.var_dir.absolute().stat().st_dev:
        free = shutil.disk_usage(folder).free
        told = say("备份磁盘剩余 {:.1f} GB", "the disk of backups has {:.1f} GB left").format(free / _GB)
        clear = say("请清理旧备份。", "Move old backups away.")
        yield ok("backup-disk", told) if free >= _GB else warn("backup-disk", told + say("。", "."), clear)


def clock(session: Session, settings: Settings) -> Iterator[Finding]:
    """Compare this machine's clock with the database's: leases and deadlines go by both."""
    del settings
    apart = abs(host.clock(session) - real_now())
    told = say("本机与数据库时钟相差 {:.0f} 秒", "the database's clock is {:.0f} s off this machine's")
    text = told.format(apart.total_seconds())
    if apart <= _SKEW:
        yield ok("database-clock", text)
        return
    remedy = say("请在两台机器上启用 NTP 对时。", "Set both by NTP.")
    yield (bad if apart > _FAR else warn)("database-clock", text + say("。", "."), remedy)
