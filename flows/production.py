"""What production refuses to start with: settings -> nothing, or one sentence that names the setting and the remedy."""

import stat
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from flows.key_file import SettingsError
from rules.errors import say

if TYPE_CHECKING:
    from flows.settings import Settings

_GUESSED = {"postgres", "password", "passw0rd", "tuoqi", "admin", "root", "secret", "changeme", "123456", "12345678"}
LOOPBACK = {"localhost", "127.0.0.1", "::1"}


@dataclass(eq=False)
class Unfit(SettingsError):
    """A default that is fine on a desk and not in production."""

    name: str
    zh = "生产环境必须设置 {name}，不能使用默认值。"
    en = "production needs {name} set; the default will not do."


@dataclass(eq=False)
class Unsafe(SettingsError):
    """What is set would give away data or the service to others."""

    name: str
    problem: str
    remedy: str
    zh = "生产环境拒绝启动：{name} {problem}；{remedy}。"
    en = "production refuses to start: {name} {problem}; {remedy}."


def refuse(chosen: "Settings") -> None:
    """Let only settings through that production may start with.

    Raises:
        Unfit: a default is still in place.
        Unsafe: a guessable password, plain text or an open door over a network, a folder that is open to others, or an
            anchor in the folder of what it is to prove.
    """
    defaults = {
        "TUOQI_DATABASE_URL": not chosen.database_url,
        "TUOQI_KEY_FILE": chosen.key_file is None,
        "TUOQI_EMAIL": chosen.email == "file",
        "TUOQI_SMS": "file" in chosen.sms.split(","),  # a district without SMS says so, or its messages end in a file
        "TUOQI_ANCHOR_DIR": chosen.anchor_dir is None,
        "TUOQI_DISTRICT": not chosen.model_fields_set & {"district", "districts"},
        "TUOQI_OPERATORS": not chosen.operators,  # no alarm would reach anybody
    }
    for name in (name for name, left in defaults.items() if left):
        raise Unfit(name)
    for check in (_replaced_clock, _guessable, _in_plain_text, _open_door, _open_folder, _anchor_inside):
        for found in check(chosen):
            raise found


def _replaced_clock(chosen: "Settings") -> Iterator[Unsafe]:
    """Schedules, deadlines and one-time codes are of a day that is not."""
    if chosen.at is not None:
        yield Unsafe("TUOQI_AT", say("替换了时钟", "replaces the clock"), say("请去掉它", "leave it out"))


def _guessable(chosen: "Settings") -> Iterator[Unsafe]:
    """A password that is in every manual, or none but the user's own name."""
    remedy = say("请换一个随机口令", "set a random one")
    problem = say("使用默认口令", "has a default password")
    auth = chosen.prefect_auth.get_secret_value() if chosen.prefect_auth else ":"
    pairs = {
        "TUOQI_DATABASE_URL": _of_url(chosen.database_url),
        "TUOQI_PREFECT_DATABASE_URL": _of_url(chosen.prefect_database_url),
        "TUOQI_REDIS_URL": _of_url(chosen.redis_url),
        "TUOQI_SMTP_PASSWORD": (chosen.smtp_user, chosen.smtp_password.get_secret_value()),
        "TUOQI_PREFECT_AUTH": auth.partition(":")[::2],
    }
    if (secret := chosen.callback_secret) and any(word in secret.get_secret_value().lower() for word in _GUESSED):
        yield Unsafe("TUOQI_CALLBACK_SECRET", problem, remedy)
    for name, (user, password) in pairs.items():
        if password and password.lower() in _GUESSED | {user.lower()}:
            yield Unsafe(name, problem, remedy)


def _of_url(url: str) -> tuple[str, str]:
    try:
        parts = make_url(url)
    except ArgumentError:
        return "", ""  # opening it says what is wrong
    return str(parts.username), str(parts.password or "")


def _in_plain_text(chosen: "Settings") -> Iterator[Unsafe]:
    """Names and links that cross a network for everybody to read."""
    problem = say("是明文传输", "sends in plain text")
    if chosen.answer_url and urlsplit(chosen.answer_url).scheme != "https":
        yield Unsafe("TUOQI_ANSWER_URL", problem, say("请使用 https://", "use https://"))
    if chosen.email == "smtp" and chosen.smtp_security == "none" and chosen.smtp_host not in LOOPBACK:
        remedy = say("请设置 TUOQI_SMTP_SECURITY=starttls 或 tls", "set TUOQI_SMTP_SECURITY to starttls or tls")
        yield Unsafe("TUOQI_SMTP_HOST", problem, remedy)


def _open_door(chosen: "Settings") -> Iterator[Unsafe]:
    """Whoever reaches Prefect's API can run jobs with values of his own; who reaches its broker, code of his own."""
    redis = urlsplit(chosen.redis_url)
    if redis.hostname and redis.hostname not in LOOPBACK and not redis.password:
        problem = say("没有口令", "has no password")
        remedy = say("请为 Redis 设置 requirepass 并写入网址", "give Redis one (requirepass) and put it into the URL")
        yield Unsafe("TUOQI_REDIS_URL", problem, remedy)
    if chosen.bind not in LOOPBACK and chosen.prefect_auth is None:
        problem = say("让调度接口对外开放而没有口令", "opens the scheduler to a network without a password")
        remedy = say("请设置 TUOQI_PREFECT_AUTH=用户:随机口令", "set TUOQI_PREFECT_AUTH=user:random-password")
        yield Unsafe("TUOQI_BIND", problem, remedy)


def _open_folder(chosen: "Settings") -> Iterator[Unsafe]:
    """Everything the service writes lies there."""
    var = chosen.var_dir.absolute()
    if var.is_dir() and var.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        remedy = say("请执行 chmod 700 {}", "chmod 700 {}").format(var)
        yield Unsafe("TUOQI_VAR_DIR", say("可被他人访问", "is open to others"), remedy)


def _anchor_inside(chosen: "Settings") -> Iterator[Unsafe]:
    """Beside the database an anchor is as easily rewritten as that; links are followed."""
    if chosen.anchor_dir and chosen.anchor_dir.resolve().is_relative_to(chosen.var_dir.resolve()):
        problem = say(
            "位于 TUOQI_VAR_DIR 之内，与数据库一样容易被改写", "lies under TUOQI_VAR_DIR, beside the database"
        )
        remedy = say(
            "请设为其他位置，最好是本机只能追加的磁盘",
            "set it to a folder elsewhere, at best on a disk that this machine can only append to",
        )
        yield Unsafe("TUOQI_ANCHOR_DIR", problem, remedy)
