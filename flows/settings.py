"""Settings, keys and the clock: the only place that reads the environment and the time."""

import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import cache
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from pydantic import Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from flows import production
from flows.key_file import BadKeys, KeyFile, NoKeys, OpenKeys, SettingsError, write_keys
from models.seal import KeyRing
from models.suites import SUITES, check
from rules.errors import LANGUAGE, TuoqiError, say

__all__ = ["BadKeys", "NoKeys", "OpenKeys", "Settings", "SettingsError", "settings", "write_keys"]

SMS_PROVIDERS = ("file", "aliyun", "tencent", "gateway")
NO_SMS = "none"
_SECRET = re.compile("[A-Za-z0-9_-]{16,100}")
_DISTRICT = re.compile(r"(\d{6}) +(\S+)")
_PLAIN_POSTGRES = re.compile("^postgres(ql)?://")


@dataclass(eq=False)
class BadSetting(SettingsError):
    """A variable of the environment has a value that nobody can use."""

    names: str
    problem: str
    zh = "环境变量 {names} 的值无效（{problem}）；请改正后重试。"
    en = "{names} in the environment cannot be used ({problem}); correct it and try again."


@dataclass(eq=False)
class OtherDistrict(TuoqiError):
    """A district that this installation does not serve."""

    code: str
    known: str
    zh = "没有区县 {code}；本系统的区县：{known}。"
    en = "there is no district {code}; this installation serves: {known}."


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
    database_url: str = Field("", repr=False)  # may hold a password
    key_file: Path | None = None
    suite: Literal["aes-256-gcm", "sm4-gcm"] = "aes-256-gcm"
    anchor_dir: Path | None = None
    zone: str = "Asia/Shanghai"
    lang: Literal["zh", "en"] = "zh"
    district: str = "530112"
    district_name: str = "西山区"
    districts: str = ""
    port: int = 4200
    bind: str = "127.0.0.1"
    prefect_url: str = ""
    prefect_database_url: str = Field("", repr=False)  # may hold a password
    prefect_auth: SecretStr | None = None
    redis_url: str = Field("", repr=False)  # may hold a password
    worker_limit: int = 4
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
            raise ValueError(say("不是已知的时区", "unknown time zone")) from None
        return zone

    @field_validator("sms")
    @classmethod
    def _providers(cls, sms: str) -> str:
        named = [name.strip() for name in sms.split(",")]
        if named == [NO_SMS]:
            return sms.strip()
        if not named or set(named) - set(SMS_PROVIDERS) or len(set(named)) < len(named):
            raise ValueError(
                say("应为 {} 中的若干个，或 {}", "not a list of {}, nor {}").format(", ".join(SMS_PROVIDERS), NO_SMS)
            )
        return ",".join(named)

    @field_validator("districts")
    @classmethod
    def _named(cls, districts: str) -> str:
        parts = [part.strip() for part in re.split("[,，]", districts) if part.strip()]
        found = [_DISTRICT.fullmatch(part) for part in parts]
        if not all(found) or len({each[1] for each in found if each}) < len(found):
            raise ValueError(
                say("应形如 530112 西山区, 530102 五华区，每个一次", "not like 530112 西山区, 530102 五华区, each once")
            )
        return ",".join(parts)

    @field_validator("prefect_auth")
    @classmethod
    def _pair(cls, auth: SecretStr | None) -> SecretStr | None:
        if auth is not None and not all(auth.get_secret_value().partition(":")[::2]):
            raise ValueError(say("应形如 用户:口令", "not like user:password"))
        return auth

    @model_validator(mode="after")
    def _in_the_city(self) -> "Settings":
        """A city's processes speak for its first district until they are told another."""
        if not self.districts:
            return self
        names = self.all_districts
        if "district" not in self.model_fields_set:
            self.district = next(iter(names))
        if self.district not in names:
            raise ValueError(say("TUOQI_DISTRICT 不在 TUOQI_DISTRICTS 中", "TUOQI_DISTRICT is not in TUOQI_DISTRICTS"))
        self.district_name = names[self.district]
        return self

    @field_validator("answer_url")
    @classmethod
    def _address(cls, url: str) -> str:
        parts = urlsplit(url)
        if url and (parts.scheme not in {"http", "https"} or not parts.hostname or parts.query or parts.fragment):
            raise ValueError(say("应形如 https://answers.example.cn", "not like https://answers.example.cn"))
        return url.rstrip("/")

    @field_validator("callback_secret")
    @classmethod
    def _long_enough(cls, secret: SecretStr | None) -> SecretStr | None:
        if secret is not None and not _SECRET.fullmatch(secret.get_secret_value()):
            raise ValueError(say("应为 16 至 100 个字母、数字、- 或 _", "16 to 100 letters, digits, - or _"))
        return secret

    @property
    def all_districts(self) -> dict[str, str]:
        """Code -> name of every district whose data the database holds; one, but in a city."""
        if not self.districts:
            return {self.district: self.district_name}
        return dict(part.split(maxsplit=1) for part in self.districts.split(","))

    def of_district(self, code: str) -> "Settings":
        """Return these settings as those of one of the districts.

        Raises:
            OtherDistrict: the city has none of this code.
        """
        if code not in self.all_districts:
            raise OtherDistrict(code, self.districts or self.district)
        return self.model_copy(update={"district": code, "district_name": self.all_districts[code]})

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
        for path in (top, *reversed((top / name).relative_to(top).parents), Path(name)):
            (top / path).mkdir(mode=0o700, parents=True, exist_ok=True)  # `parents` alone would go by the umask
        return top / name

    def own_folder(self, name: str) -> Path:
        """Return a folder of the district: inbox, outbox or reports; in a city each has its own."""
        return self.folder(f"{self.district}/{name}" if self.districts else name)

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
            Unfit, Unsafe: as `flows.production` says.
        """
        if self.environment == "production":
            production.refuse(self)

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


_working_for: ContextVar[str] = ContextVar("district", default="")


class _OfThisProcess:
    """The settings of this process, read from the environment once."""

    def __call__(self) -> Settings:
        """Return them; in a city, those of the district that is worked for now.

        Raises:
            BadSetting: a TUOQI_ variable cannot be used.
        """
        chosen, code = _read(), _working_for.get()
        return chosen.of_district(code) if code else chosen

    def cache_clear(self) -> None:
        """Read the environment again."""
        _read.cache_clear()


settings = _OfThisProcess()


def in_city() -> bool:
    """Whether several districts are set: forms then ask which one; known before anything else of the settings."""
    return bool(os.environ.get("TUOQI_DISTRICTS"))


def working_for() -> str:
    """The district of the city that is worked for now; empty outside of `in_district`."""
    return _working_for.get()


@contextmanager
def in_district(code: str) -> Iterator[None]:
    """Let `settings()` be those of one district while the block lasts.

    Raises:
        OtherDistrict: this installation does not serve it.
    """
    token = _working_for.set(settings().of_district(code).district)
    try:
        yield
    finally:
        _working_for.reset(token)


@cache
def _read() -> Settings:
    LANGUAGE.set("en" if os.environ.get("TUOQI_LANG") == "en" else "zh")
    try:
        chosen = Settings()
    except ValidationError as error:
        wrong = error.errors(include_input=False)
        names = (f"TUOQI_{'_'.join(map(str, each['loc'] or ('districts',))).upper()}" for each in wrong)
        raise BadSetting(
            ", ".join(names), "; ".join(each["msg"].removeprefix("Value error, ") for each in wrong)
        ) from None
    LANGUAGE.set(chosen.lang)
    return chosen
