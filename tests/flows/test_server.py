"""Prefect's server with its collector in a thread: what that stands on. test_cron.py sees it started so."""

import gc
import sqlite3
import subprocess
import sys
import threading
import time
from contextlib import closing
from pathlib import Path

import pytest

from flows.child import ROOT
from flows.server import WHOLE, collect_forever

NO_WAIT_S, LONG_S = 5, 30


def test_a_thread_that_collects_waits_for_a_locked_database_and_nobody_waits_for_it(tmp_path: Path) -> None:
    """A cursor of a connection that waits for the lock is thrown away; who holds the lock goes on and lets it go."""
    path = tmp_path / "x.db"
    with (
        closing(sqlite3.connect(path, isolation_level=None)) as holder,
        closing(sqlite3.connect(path, LONG_S, isolation_level=None, check_same_thread=False)) as other,
    ):
        holder.execute("CREATE TABLE x (n)")
        holder.execute("BEGIN IMMEDIATE")
        gc.disable()
        try:
            thrown: list[object] = [other.execute("VALUES (1), (2)")]
            thrown.append(thrown)
            del thrown
            waiting = threading.Thread(target=other.execute, args=("INSERT INTO x VALUES (1)",))
            collecting = threading.Thread(target=gc.collect)
            began = time.monotonic()
            for thread in (waiting, collecting):
                thread.start()
                time.sleep(0.3)
            assert waiting.is_alive()
            assert collecting.is_alive()  # there is something to wait for
            holder.execute("COMMIT")
            assert time.monotonic() - began < NO_WAIT_S
            for thread in (waiting, collecting):
                thread.join(NO_WAIT_S)
                assert not thread.is_alive()
        finally:
            gc.enable()


def test_the_young_are_looked_at_often_and_everything_seldom(monkeypatch: pytest.MonkeyPatch) -> None:
    looked: list[int] = []

    def look(generation: int) -> None:
        looked.append(generation)
        if len(looked) == 2 * WHOLE:
            raise KeyboardInterrupt

    monkeypatch.setattr(gc, "collect", look)
    monkeypatch.setattr("flows.server.sleep", lambda _: None)
    with pytest.raises(KeyboardInterrupt):
        collect_forever()
    assert looked == 2 * [*[1] * (WHOLE - 1), 2]
    assert gc.isenabled()


def test_its_words_are_those_of_prefect_server_start() -> None:
    words = [sys.executable, "-m", "flows.server", "--help"]
    shown = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=True, timeout=120)
    assert "--no-services" in shown.stdout
