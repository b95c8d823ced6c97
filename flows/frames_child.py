"""The child's side of flows/frames.py: its limits, and how it says what it read."""

import contextlib
import marshal
import resource
import sys
from collections.abc import Callable, Iterable
from typing import Any

from rules.errors import TuoqiError

OPEN_FILES = 32  # a workbook, its parts, the pipe, a module that is imported late


def bound(memory: int, memory_most: int, seconds: int, seconds_most: int) -> None:
    """Bound this process for the rest of its life: bytes of memory, seconds of CPU, no file written, few open."""
    limit(resource.RLIMIT_CORE, 0, 0)
    limit(resource.RLIMIT_FSIZE, 0, 0)
    limit(resource.RLIMIT_NOFILE, OPEN_FILES, OPEN_FILES)
    limit(resource.RLIMIT_AS, memory, memory_most)
    limit(resource.RLIMIT_CPU, seconds, seconds_most)


def limit(what: int, soft: int, hard: int) -> None:
    """Set one limit; macOS refuses some, there the parent's clock remains."""
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(what, (soft, hard))


def speak(frames: Iterable[Any], too_heavy: Callable[[], TuoqiError]) -> None:
    """Say every frame, a refusal where one is raised, and the last word."""
    try:
        for frame in frames:
            _say(frame)
    except TuoqiError as refused:
        _say(refusal(refused))
    except MemoryError:
        _say(refusal(too_heavy()))
    _say(None)


def refusal(refused: TuoqiError) -> dict[str, Any]:
    """A refusal as a frame; the file's name stays with the parent."""
    fields = {key: value for key, value in vars(refused).items() if key != "name"}
    return {"refused": type(refused).__name__, "fields": fields}


def _say(frame: Any) -> None:
    packed = marshal.dumps(frame)
    sys.stdout.buffer.write(len(packed).to_bytes(4) + packed)
    sys.stdout.buffer.flush()
