"""A process of the service: started with fresh signals -> output into a log of limited size -> ended with all it began.

Run as `python -m flows.child PARENT MODULE ARG...` it is the child itself, so keep its imports light.
"""

import contextlib
import ctypes
import logging
import os
import runpy
import signal
import subprocess
import sys
import threading
from logging.handlers import RotatingFileHandler
from pathlib import Path

import psutil

from flows.service_errors import ChildDied
from rules.masks import masked

ROOT = Path(__file__).parent.parent
LOG_BYTES = 5_000_000
LOG_FILES = 5
_PR_SET_PDEATHSIG = 1


class Child:
    """A Prefect command, or another module, in a process of its own; start it in the main thread.

    It would not survive the end of the thread that started it.
    """

    def __init__(
        self, name: str, arguments: list[str], env: dict[str, str], logs: Path, module: str = "prefect"
    ) -> None:
        self.name = name
        self.log = logs / f"{name}.log"
        self._tree: set[psutil.Process] = set()
        self.process = subprocess.Popen(  # noqa: S603 - our own interpreter and words
            [sys.executable, "-m", "flows.child", str(os.getpid()), module, *arguments],
            env=env,
            cwd=ROOT,
            encoding="utf-8",
            errors="replace",
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # Ctrl-C in the terminal reaches us alone: we stop the children in order
        )
        self._pump = threading.Thread(target=self._write_log, daemon=True)
        self._pump.start()

    def _write_log(self) -> None:
        file = RotatingFileHandler(self.log, maxBytes=LOG_BYTES, backupCount=LOG_FILES, encoding="utf-8")
        assert self.process.stdout is not None
        with contextlib.closing(file), self.process.stdout as lines:
            for line in lines:
                file.emit(logging.LogRecord(self.name, logging.INFO, "", 0, masked(line.rstrip("\n")), None, None))

    def check(self) -> None:
        """Refuse to go on without this process.

        Raises:
            ChildDied: it has ended.
        """
        if self.process.poll() is not None:
            self._pump.join(timeout=2)
            raise ChildDied(self.name, self.process.returncode, self.log)

    def finish(self, patience_s: float) -> None:
        """Ask it to end, as Ctrl-C does, and wait so long."""
        self._look()
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(patience_s)

    def kill(self) -> None:
        """End whatever of it is still there: the process, and all that it began."""
        self._look()
        for process in self._tree:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        psutil.wait_procs(self._tree, timeout=5)
        self.process.wait()
        self._pump.join(timeout=2)

    def _look(self) -> None:
        """Remember what it began, while it is there to be asked."""
        with contextlib.suppress(psutil.NoSuchProcess):
            top = psutil.Process(self.process.pid)
            self._tree |= {top, *top.children(recursive=True)}


def born(parent: int) -> None:
    """Hear Ctrl-C again and, on Linux, be asked to end when `parent` is gone, however it went.

    A shell starts background jobs with SIGINT ignored and children inherit that: such a worker would never stop.
    """
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() != parent:  # it died before the kernel knew of our wish
            os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    born(int(sys.argv[1]))
    sys.argv = sys.argv[2:]
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
