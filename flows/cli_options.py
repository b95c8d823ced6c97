"""What every command of `tuoqi` takes: --at, --policy, --json, and help in the language of the environment."""

import functools
import inspect
import os
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from flows.settings import settings

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


def _instant(value: str | None) -> str | None:
    try:
        return value and datetime.fromisoformat(value).isoformat()
    except ValueError:
        raise typer.BadParameter(either("请写成 2026-03-01T07:30", "write it like 2026-03-01T07:30")) from None


_AT = either("以此时刻代替当前时间，如 2026-03-01T07:30", "this instant replaces the clock, such as 2026-03-01T07:30")
_POLICY = either("叠加在 policies/ 之上的政策文件（YAML）", "a YAML file of dated versions laid over policies/")
At = Annotated[str | None, typer.Option("--at", metavar="INSTANT", callback=_instant, help=_AT)]
Policy = Annotated[Path | None, typer.Option("--policy", metavar="FILE", exists=True, dir_okay=False, help=_POLICY)]
Json = Annotated[bool, typer.Option("--json", help=either("以 JSON 输出结果", "print the result as JSON"))]
PrefectFile = Annotated[
    Path | None,
    typer.Option(
        "--prefect", metavar="FILE", help=either("另备份或恢复 Prefect 自己的数据库", "Prefect's own database as well")
    ),
]
