"""Where the messages of the figures go: the rehearsal of SMS providers and a mail server, each a process of its own."""

import json
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any

import psutil

_PATIENCE_S = 30


@contextmanager
def rehearsal(account: Mapping[str, Any]) -> Iterator[tuple[psutil.Process, str]]:
    """Start the rehearsal; give its process and its URL."""
    with tempfile.TemporaryDirectory(prefix="tuoqi-bench-") as folder:
        path = Path(folder) / "account.json"
        path.write_text(json.dumps(account), encoding="utf-8")
        with _running(["-m", "notifications.rehearsal", "--account", str(path)]) as process:
            assert process.stdout is not None
            yield psutil.Process(process.pid), json.loads(process.stdout.readline())["url"]


@contextmanager
def mail_server() -> Iterator[tuple[psutil.Process, int]]:
    """Start a mail server that takes everything and keeps nothing; give its process and its port."""
    with closing(socket.socket()) as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
    arguments = ["-m", "aiosmtpd", "-n", "-c", "aiosmtpd.handlers.Sink", "-l", f"127.0.0.1:{port}"]
    with _running(arguments) as process:
        _wait_for(port)
        yield psutil.Process(process.pid), port


@contextmanager
def _running(arguments: Sequence[str]) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen([sys.executable, *arguments], stdout=subprocess.PIPE)
    try:
        yield process
    finally:
        process.terminate()
        process.communicate(timeout=_PATIENCE_S)


def _wait_for(port: int) -> None:
    until = time.monotonic() + _PATIENCE_S
    while time.monotonic() < until:
        with suppress(OSError), socket.create_connection(("127.0.0.1", port)):
            return
        time.sleep(0.05)
    raise TimeoutError(f"nobody listens on port {port}")
