"""A child process with limits reads a file -> frames of what stands in it, until its last word or its death.

A frame is a 4-byte length and marshalled plain values; None is the last word. Its other side is flows/frames_child.py.
"""

import marshal
import subprocess
import sys
import threading
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import IO, Any

ROOT = Path(__file__).resolve().parent.parent


class Died(Exception):
    """The child ended without its last word: killed by a limit, or broken down over the content."""

    def __init__(self, returncode: int) -> None:
        super().__init__(returncode)
        self.by_limit = returncode <= 0


def frames(module: str, request: str, wall_seconds: int) -> Iterator[Any]:
    """Yield what the child says, frame by frame.

    Args:
        module: of ours, which is run.
        request: JSON, with the file's path.
        wall_seconds: after so long it is killed.

    Raises:
        Died: it ended without its last word.
    """
    command = [sys.executable, "-P", "-m", module, request]
    environment = {"PYTHONPATH": str(ROOT), "PYTHONUTF8": "1"}  # no settings, no keys
    with subprocess.Popen(  # noqa: S603 - our own module; the file's path is data in a JSON argument
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment
    ) as child:
        assert child.stdout is not None
        clock = threading.Timer(wall_seconds, child.kill)
        clock.start()
        try:
            ended = yield from _until_end(child.stdout)
            if not ended:
                child.wait()  # its own way of dying says why
        finally:
            clock.cancel()
            child.kill()
    if not ended:
        raise Died(child.returncode)


def _until_end(stream: IO[bytes]) -> Generator[Any, None, bool]:
    """Frames of a length and marshalled values, from our own child only; returns whether the last one came."""
    while length := stream.read(4):
        body = stream.read(int.from_bytes(length))
        if len(body) < int.from_bytes(length):
            break  # killed in the middle of a word
        frame = marshal.loads(body)  # noqa: S302 - written by our own child
        if frame is None:
            return True
        yield frame
    return False
