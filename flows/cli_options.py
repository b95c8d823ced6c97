"""What every command of `tuoqi` takes: --at, --policy, --json, and help in the language of the environment."""

import functools
import inspect
import os
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from flows.settings import in_city, settings
from rules.errors import TuoqiError

_EN = os.environ.get("TUOQI_LANG", "zh") == "en"


def either(zh: str, en: str) -> str:
    """Help texts are fixed when the program is loaded, so their language is the environment's."""
    return en if _EN else zh


Command = Callable[..., None]


def dated(function: Command) -> Command:
    """Give a command --at and --policy, which every one has."""
    own = inspect.signature(function)

    @functools.wraps(function)
    def run(*args: Any, at: str | None = None, policy: Path | None = None, **kwargs: Any) -> None:
        if at is not None:
            os.environ["TUOQI_AT"] = at
        if policy is not None:
            os.environ["TUOQI_POLICY"] = str(policy.absolute())
        settings.cache_clear()
        settings()
        function(*args, **kwargs)

    more = [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=kind)
        for name, kind in (("at", At), ("policy", Policy))
    ]
    vars(run)["__signature__"] = own.replace(parameters=[*own.parameters.values(), *more])
    return run


def of_district(function: Command) -> Command:
    """Like `dated`, for what is done in one district: a city must say which, by --district or TUOQI_DISTRICT."""
    if not in_city():
        return dated(function)
    own = inspect.signature(function)

    @functools.wraps(function)
    def run(*args: Any, district: str | None = None, **kwargs: Any) -> None:
        if district is not None:
            os.environ["TUOQI_DISTRICT"] = district.partition(" ")[0]
            settings.cache_clear()
        if not os.environ.get("TUOQI_DISTRICT"):
            raise NoDistrictChosen(settings().districts)
        function(*args, **kwargs)

    more = inspect.Parameter("district", inspect.Parameter.KEYWORD_ONLY, default=None, annotation=District)
    vars(run)["__signature__"] = own.replace(parameters=[*own.parameters.values(), more])
    return dated(run)


def _instant(value: str | None) -> str | None:
    try:
        return value and datetime.fromisoformat(value).isoformat()
    except ValueError:
        raise typer.BadParameter(either("请写成 2026-03-01T07:30", "write it like 2026-03-01T07:30")) from None


@dataclass(eq=False)
class NoDistrictChosen(TuoqiError):
    """In a city a command was given without saying for which district."""

    known: str
    zh = "请用 --district 指定区县（{known}），例如 --district 530112。"
    en = "say for which district with --district ({known})."


_AT = either("以此时刻代替当前时间，如 2026-03-01T07:30", "this instant replaces the clock, such as 2026-03-01T07:30")
_POLICY = either("叠加在 policies/ 之上的政策文件（YAML）", "a YAML file of dated versions laid over policies/")
At = Annotated[str | None, typer.Option("--at", metavar="INSTANT", callback=_instant, help=_AT)]
Policy = Annotated[Path | None, typer.Option("--policy", metavar="FILE", exists=True, dir_okay=False, help=_POLICY)]
District = Annotated[
    str | None, typer.Option("--district", metavar="CODE", help=either("区县代码", "code of the district"))
]
Json = Annotated[bool, typer.Option("--json", help=either("以 JSON 输出结果", "print the result as JSON"))]
PrefectFile = Annotated[
    Path | None,
    typer.Option(
        "--prefect", metavar="FILE", help=either("另备份或恢复 Prefect 自己的数据库", "Prefect's own database as well")
    ),
]
