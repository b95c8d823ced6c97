"""What the doctor says: a name, a state, a sentence and what to do; a check that fails is a finding too."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

from rules.errors import TuoqiError, say


@dataclass(frozen=True)
class Finding:
    """One thing looked at, in the language of this run; `remedy` says what to do, or that nothing is to be done."""

    name: str
    state: Literal["ok", "warn", "bad"]
    text: str
    remedy: str


def ok(name: str, text: str) -> Finding:
    """All is well."""
    return Finding(name, "ok", text + say("。", "."), say("无需处理。", "Nothing to do."))


def warn(name: str, text: str, remedy: str) -> Finding:
    """It works, but somebody should look."""
    return Finding(name, "warn", text, remedy)


def bad(name: str, text: str, remedy: str) -> Finding:
    """Something does not work, or is not safe."""
    return Finding(name, "bad", text, remedy)


def examined(name: str, check: Callable[[], Iterator[Finding]]) -> Iterator[Finding]:
    """Yield what a check finds; where it breaks off, why."""
    remedy = say("处理后再执行 tuoqi doctor。", "Then run `tuoqi doctor` again.")
    try:
        yield from check()
    except TuoqiError as error:
        yield bad(name, str(error), remedy)
    except Exception as error:  # noqa: BLE001 - the doctor goes on to the next check; texts of strangers may hold data
        told = say("检查时出错（{}）。", "could not be examined ({}).").format(type(error).__name__)
        yield bad(
            name, told, say("请核对相关设置与权限，再执行 tuoqi doctor。", "Check settings and permissions.") + remedy
        )
