"""Settings, keys and the clock: the only place that reads the environment and the time."""

import os
import re
import stat
import sys
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import cache
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from pydantic import SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from flows.key_file import BadKeys, KeyFile, NoKeys, OpenKeys, SettingsError, write_keys
from models.seal import KeyRing
from models.suites import SUITES, check
from rules.errors import LANGUAGE, TuoqiError, say

__all__ = ["BadKeys", "NoKeys", "OpenKeys", "Settings", "SettingsError", "settings", "write_keys"]

SMS_PROVIDERS = ("file", "aliyun", "tencent", "gateway")
NO_SMS = "none"
_SECRET = re.compile("[A-Za-z0-9_-]{16,100}")
_GUESSED = {"postgres", "password", "passw0rd", "tuoqi", "admin", "root", "secret", "changeme", "123456", "12345678"}
_LOOPBACK = {"localhost", "127.0.0.1", "::1"}
_PLAIN_POSTGRES = re.compile("^postgres(ql)?://")


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


@dataclass(eq=False)
class BadSetting(SettingsError):
    """A variable of the environment has a value that nobody can use."""

    names: str
    problem: str
    zh = "环境变量 {names} 的值无效（{problem}）；请改正后重试。"
    en = "{names} in the environment cannot be used ({problem}); correct it and try again."


@dataclass(eq=False)
class NotYet(TuoqiError):
    """A moment that has not come cannot be watched, and a day that has not come cannot be closed."""

    day: date
    zh = "{day} 还没有到；请核对日期，或留空。"
    en = "{day} has not come yet; check the date, or leave it open."


class Settings(BaseSettings):
    """Everything that can be set from outside, as TUOQI_<NAME>."""

    model_config = SettingsConfigDict(env_prefix="TUOQI_", extra="ignore", env_ignore_empty=True)

    environment: Literal["development", "production"] = "development"
    var_dir: Path = Path("var")
    database_url: str = ""
    key_file: Path | None = None
    suite: Literal["aes-256-gcm", "sm4-gcm"] = "aes-256-gcm"
    anchor_dir: Path | None = None
    zone: str = "Asia/Shanghai"
    lang: Literal["zh", "en"] = "zh"
    district: str = "530112"
    district_name: str = "西山区"
    port: int = 4200
    answer_port: int = 4201
    answer_bind: str = "127.0.0.1"
    answer_url: str = ""
    answer_proxy: str = ""
    callback_secret: SecretStr | None = None
    at: datetime | None = None
    policy: Path | None = None
    email: Literal["file", "smtp"] = "file"
    sms: str = "file"
    mail_from: str = "tuoqi@localhost"
    smtp_host: str = "localhost"
    smtp_port: int = 587
    smtp_security: Literal["starttls", "tls", "none"] = "starttls"
    smtp_user: str = ""
    smtp_password: SecretStr = SecretStr("")
    smtp_timeout_s: float = 20
    sms_sign: str = "托起"
    sms_templates: Path | None = None
    sms_replies: bool = False
    aliyun_key_id: str = ""
    aliyun_secret: SecretStr = SecretStr("")
    aliyun_url: str = "https://dysmsapi.aliyuncs.com"
    tencent_key_id: str = ""
    tencent_secret: SecretStr = SecretStr("")
    tencent_app_id: str = ""
    tencent_region: str = "ap-guangzhou"
    tencent_url: str = "https://sms.tencentcloudapi.com"
    tencent_variable_limit: int = 35
    gateway_file: Path | None = None
    http_hosts: str = ""
    robots: SecretStr = SecretStr("")
    operators: str = ""

    @field_validator("zone")
    @classmethod
    def _known(cls, zone: str) -> str:
        try:
            ZoneInfo(zone)
        except (OSError, ValueError, KeyError):
            raise ValueError("unknown time zone") from None
        return zone

    @field_validator("sms")
    @classmethod
    def _providers(cls, sms: str) -> str:
        named = [name.strip() for name in sms.split(",")]
        if named == [NO_SMS]:
            return sms.strip()
        if not named or set(named) - set(SMS_PROVIDERS) or len(set(named)) < len(named):
            raise ValueError(f"not a list of {', '.join(SMS_PROVIDERS)}, nor {NO_SMS}")
        return ",".join(named)

    @field_validator("answer_url")
    @classmethod
    def _address(cls, url: str) -> str:
        parts = urlsplit(url)
        if url and (parts.scheme not in {"http", "https"} or not parts.hostname or parts.query or parts.fragment):
            raise ValueError("not like https://answers.example.cn")
        return url.rstrip("/")

    @field_validator("callback_secret")
    @classmethod
    def _long_enough(cls, secret: SecretStr | None) -> SecretStr | None:
        if secret is not None and not _SECRET.fullmatch(secret.get_secret_value()):
            raise ValueError("16 to 100 letters, digits, - or _")
        return secret

    @property
    def tz(self) -> ZoneInfo:
        """The zone in which days begin and end."""
        return ZoneInfo(self.zone)

    @property
    def url(self) -> str:
        """The database URL; by default SQLite under var/."""
        url = self.database_url or f"sqlite:///{self.folder('') / 'tuoqi.db'}"
        return _PLAIN_POSTGRES.sub("postgresql+psycopg://", url)

    @property
    def answer_site(self) -> str:
        """The answer page as people reach it: behind the district's proxy, else on this machine."""
        return self.answer_url or f"http://127.0.0.1:{self.answer_port}"

    def link(self, code: str) -> str:
        """The address that a message carries for a code."""
        return f"{self.answer_site}/a/{code}"

    @property
    def hosts(self) -> frozenset[str]:
        """Hosts that gateways and robots may be at, beside the providers' own."""
        return frozenset(filter(None, (name.strip() for name in self.http_hosts.split(","))))

    def folder(self, name: str) -> Path:
        """Return a folder under var/, made for its owner only."""
        top = self.var_dir.absolute()
        for path in (top, top / name):  # `parents` would make var/ itself with the umask's permissions
            path.mkdir(mode=0o700, parents=True, exist_ok=True)
        return top / name

    def now(self) -> datetime:
        """The present instant, or the one that `--at` put in its place."""
        at = self.at
        if at is None:
            return datetime.now(UTC)  # noqa: TID251 - the one clock of the project
        return (at if at.tzinfo else at.replace(tzinfo=self.tz)).astimezone(UTC)

    def moved_to(self, at: datetime | None) -> "Settings":
        """Return these settings with their clock at a moment that a form named; None leaves it.

        Raises:
            NotYet: the moment is in the future.
        """
        moved = self if at is None else self.model_copy(update={"at": at})
        if moved.now() > self.now():
            raise NotYet(moved.today())
        return moved

    def local(self, instant: datetime) -> datetime:
        """The wall-clock time of an instant in the district."""
        return instant.astimezone(self.tz)

    def today(self) -> date:
        """The district's date now."""
        return self.local(self.now()).date()

    @property
    def keys_path(self) -> Path:
        """Where the key file lies."""
        return self.key_file or self.folder("keys") / "tuoqi.keys"

    def check(self) -> None:
        """Refuse to start in production with anything that only suits a desk.

        Raises:
            Unfit: a default is still in place.
            Unsafe: a guessable password, plain text over a network, or a folder that is open to others.
        """
        if self.environment != "production":
            return
        if not self.database_url:
            raise Unfit("TUOQI_DATABASE_URL")
        if self.key_file is None:
            raise Unfit("TUOQI_KEY_FILE")
        if self.email == "file":
            raise Unfit("TUOQI_EMAIL")
        if "file" in self.sms.split(","):  # a district without SMS says so, or its messages end in a file
            raise Unfit("TUOQI_SMS")
        if self.anchor_dir is None:  # beside the database an anchor is as easily rewritten as the database
            raise Unfit("TUOQI_ANCHOR_DIR")
        for found in filter(None, (self._guessable(), self._in_plain_text(), self._open_folder())):
            raise found

    def _guessable(self) -> Unsafe | None:
        """A password that is in every manual, or none but the user's own name."""
        remedy = say("请换一个随机口令", "set a random one")
        problem = say("使用默认口令", "has a default password")
        try:
            url = make_url(self.database_url)
        except ArgumentError:
            return None  # opening it says what is wrong
        if str(url.password or "-").lower() in _GUESSED | {str(url.username).lower()}:
            return Unsafe("TUOQI_DATABASE_URL", problem, remedy)
        secret = self.smtp_password.get_secret_value()
        if secret and secret.lower() in _GUESSED | {self.smtp_user.lower()}:
            return Unsafe("TUOQI_SMTP_PASSWORD", problem, remedy)
        return None

    def _in_plain_text(self) -> Unsafe | None:
        """Names and links that cross a network for everybody to read."""
        problem = say("是明文传输", "sends in plain text")
        if self.answer_url and urlsplit(self.answer_url).scheme != "https":
            return Unsafe("TUOQI_ANSWER_URL", problem, say("请使用 https://", "use https://"))
        if self.email == "smtp" and self.smtp_security == "none" and self.smtp_host not in _LOOPBACK:
            remedy = say("请设置 TUOQI_SMTP_SECURITY=starttls 或 tls", "set TUOQI_SMTP_SECURITY to starttls or tls")
            return Unsafe("TUOQI_SMTP_HOST", problem, remedy)
        return None

    def _open_folder(self) -> Unsafe | None:
        """Everything the service writes lies there."""
        var = self.var_dir.absolute()
        if var.is_dir() and var.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
            remedy = say("请执行 chmod 700 {}", "chmod 700 {}").format(var)
            return Unsafe("TUOQI_VAR_DIR", say("可被他人访问", "is open to others"), remedy)
        return None

    def keys(self) -> KeyRing:
        """Read the key file; development makes one for itself and says so.

        Raises:
            NoKeys, OpenKeys, BadKeys: the file is missing in production, readable by others, or damaged.
            NoSuite: this machine cannot do the suite that is set.
        """
        check(SUITES[self.suite])
        path = self.keys_path
        if not path.exists():
            if self.environment == "production":
                raise NoKeys(path)
            with suppress(FileExistsError):  # another process was faster
                write_keys(path)
            notice = say(
                "已为开发环境生成密钥文件 {}（请妥善备份）", "made a key file for development: {} (keep a copy)"
            )
            sys.stderr.write(notice.format(path) + "\n")
        return KeyFile(path, SUITES[self.suite]).ring


@cache
def settings() -> Settings:
    """Return the settings of this process; `settings.cache_clear()` reads the environment again.

    Raises:
        BadSetting: a TUOQI_ variable cannot be used.
    """
    try:
        chosen = Settings()
    except ValidationError as error:
        if os.environ.get("TUOQI_LANG") == "en":
            LANGUAGE.set("en")
        wrong = error.errors(include_input=False)
        names = (f"TUOQI_{'_'.join(map(str, each['loc'])).upper()}" for each in wrong)
        raise BadSetting(
            ", ".join(names), "; ".join(each["msg"].removeprefix("Value error, ") for each in wrong)
        ) from None
    LANGUAGE.set(chosen.lang)
    return chosen
