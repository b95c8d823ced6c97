"""The doctor: settings, keys, folder, rules, channels, service, database -> findings, each with a remedy.

Nothing is made or changed on the way, but for an event in Prefect where runs are silent: does it arrive? A check that
fails is itself a finding.
"""

import os
import shutil
import stat
from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import partial

from sqlalchemy.engine import make_url

from flows import doctor_channels, doctor_database, doctor_service, store
from flows.finding import Finding, bad, examined, ok, warn
from flows.settings import Settings
from models.db import Database
from notifications.catalogue import catalogue
from notifications.lint import lint
from policies import book
from policies.jobs import jobs
from policies.messages import messages
from rules.calendar import dates_between
from rules.errors import say

__all__ = ["Finding", "examine"]

_GB = 1_000_000_000
_AHEAD = timedelta(days=60)


def examine(settings: Settings) -> list[Finding]:
    """Look at everything that a running district needs.

    Args:
        settings: of the installation; nothing is created that is not there.

    Returns:
        One finding or more per check, in the order of the checks.
    """
    checks: list[tuple[str, Callable[[Settings], Iterator[Finding]]]] = [
        ("settings", _settings),
        ("keys", _keys),
        ("folder", _folder),
        ("policies", _policies),
        ("templates", _templates),
        ("email", doctor_channels.email),
        ("sms", doctor_channels.sms),
        ("answers", doctor_channels.answers),
        ("callbacks", doctor_channels.callbacks),
        ("operators", doctor_channels.alarms),
        ("service", doctor_service.service),
    ]
    found = [finding for name, check in checks for finding in examined(name, partial(check, settings))]
    return found + list(examined("database", partial(_database, settings)))


def _settings(settings: Settings) -> Iterator[Finding]:
    settings.check()
    production = settings.environment == "production"
    where = f"{settings.district} {settings.district_name}"
    if settings.districts:
        where = say("{} 个", "{} of them").format(len(settings.all_districts))
    yield ok("settings", say("环境 {}，区县 {}", "{} environment, district {}").format(settings.environment, where))
    if unknown := sorted(_unknown_names()):
        yield warn(
            "settings",
            say("没有这些设置：{}。", "there are no such settings: {}.").format(", ".join(unknown)),
            say("请核对拼写，见 docs/operations.md。", "Check the spelling; docs/operations.md has them all."),
        )
    if settings.at is not None:
        yield warn(
            "clock",
            say("时钟被替换为 {}。", "the clock is replaced by {}.").format(settings.at),
            say("正式运行时请去掉 --at 与 TUOQI_AT。", "Leave out --at and TUOQI_AT in real use."),
        )
    if production and settings.email == "smtp" and settings.smtp_security == "none":
        yield warn(
            "smtp-security",
            say("邮件以明文发送。", "mail is handed over in plain text."),
            say("请设置 TUOQI_SMTP_SECURITY=starttls 或 tls。", "Set TUOQI_SMTP_SECURITY to starttls or tls."),
        )


def _unknown_names() -> set[str]:
    """TUOQI_ variables that nothing reads, but those that a gateway's own file may name."""
    known = {f"TUOQI_{name.upper()}" for name in Settings.model_fields}
    found = {name for name in os.environ if name.startswith("TUOQI_")}
    return {name for name in found - known if not name.startswith("TUOQI_GATEWAY_")}


def _keys(settings: Settings) -> Iterator[Finding]:
    path = settings.keys_path
    if path.exists():
        keys = settings.keys()
        text = say("密钥文件 {} 仅属主可读，{} 把加密密钥", "key file {}, its owner's alone, with {} sealing keys")
        yield ok("keys", text.format(path, len(keys.sealing)))
        return
    make = warn if settings.environment == "development" else bad
    remedy = say(
        "执行 tuoqi keys --to {} 生成，或从密钥备份放回；已有数据时不要新建。",
        "Make one with `tuoqi keys --to {}`, or put the kept copy back; never a new one for data that exists.",
    )
    yield make("keys", say("还没有密钥文件。", "there is no key file yet."), remedy.format(path))


def _folder(settings: Settings) -> Iterator[Finding]:
    var = settings.var_dir.absolute()
    if not var.is_dir():
        yield warn(
            "folder",
            say("数据文件夹 {} 还不存在。", "the folder {} is not there yet.").format(var),
            say("执行 tuoqi migrate 建立。", "Run `tuoqi migrate` to make it."),
        )
        return
    if var.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        make = bad if settings.environment == "production" else warn
        yield make(
            "folder",
            say("{} 可被他人访问。", "{} is open to others.").format(var),
            say("请执行 chmod 700 {}。", "chmod 700 {}.").format(var),
        )
    free = shutil.disk_usage(var).free
    text = say("{} 剩余 {:.1f} GB", "{} has {:.1f} GB left").format(var, free / _GB)
    remedy = say("请清理磁盘或移走 backups 中的旧备份。", "Clear the disk, or move old backups away.")
    if free < _GB:
        yield (bad if free < _GB // 5 else warn)("disk", text + say("。", "."), remedy)
    else:
        yield ok("disk", text)


def _policies(settings: Settings) -> Iterator[Finding]:
    today = settings.today()
    days = list(dates_between(today, today + _AHEAD))
    sources = {("duty", rule.since, rule.source) for rule in (book.duty(day, settings.policy) for day in days)}
    sources |= {("messages", rule.since, rule.source) for rule in (messages(day, settings.policy) for day in days)}
    sources |= {("jobs", rule.since, rule.source) for rule in (jobs(day, settings.policy) for day in days)}
    for name, since, source in sorted(sources):
        yield ok("policy", say("{} 自 {} 起：{}", "{} from {}: {}").format(name, since, source))


def _templates(settings: Settings) -> Iterator[Finding]:
    del settings
    problems = [problem for template in catalogue().values() for problem in lint(template)]
    remedy = say("请修改 notifications/templates/ 中的该模板。", "Correct it under notifications/templates/.")
    yield from (bad("template", problem, remedy) for problem in problems)
    if not problems:
        text = say("{} 个消息模板的样例均可生成", "{} templates render their samples")
        yield ok("templates", text.format(len(catalogue())))


def _database(settings: Settings) -> Iterator[Finding]:
    """Open the database only if that makes nothing new."""
    path = store.sqlite_file(settings)
    remedy = say("执行 tuoqi migrate 建立。", "Run `tuoqi migrate` to make it.")
    if path and not path.is_file():
        yield warn("database", say("还没有数据库 {}。", "there is no database {} yet.").format(path), remedy)
        return
    if not settings.keys_path.exists():
        text = say("缺少密钥，未检查数据库。", "not looked at, for want of keys.")
        yield bad("database", text, say("先解决上面的密钥问题。", "Mend the keys first."))
        return
    if path and path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        text = say("数据库文件 {} 可被他人读取。", "{} can be read by others.").format(path)
        yield warn("database-file", text, say("请执行 chmod 600 {}。", "chmod 600 {}.").format(path))
    database = Database(make_url(settings.url).render_as_string(hide_password=False), settings.keys())
    try:
        yield from doctor_database.examine(database, settings)
    finally:
        database.close()
