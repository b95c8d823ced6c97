"""The bell of the outbox 发件铃, every few seconds: what is due? -> is `deliver` at work already? -> start it.

A run is a process of some 3 CPU seconds, so a schedule that is quick costs most while there is nothing to do. This
process asks the database instead, about a millisecond each time; the schedule of `deliver` makes good what it missed.
It sends nothing itself: a ring too many is a run that finds nothing, and leases keep two runs apart as ever.

It also ends lost runs (flows/lost_runs.py), for it is no run: two that are lost keep every watch from its place.

Run as `python -m flows.ringer`, by `tuoqi up` or, with TUOQI_PREFECT_URL, as a part of its own.
"""

import math
import signal
import sys
import time
from collections.abc import Collection
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path

import httpx
from sqlalchemy.exc import SQLAlchemyError

from flows.jobs import real_now
from flows.lost_runs import EVERY_S, LostRuns
from flows.prefect_api import PrefectApi
from flows.prefect_home import api_url
from flows.settings import Settings, settings
from flows.store import opened
from models.db import Database
from models.messages import CHANNELS
from notifications.leases import standing
from notifications.parcels import Pair
from rules.errors import TuoqiError, say

JOB = "deliver"
LOOK_S = 3
LONGEST_S = 60
"""Between rings for the same that stays due, and between tries while database or server are away."""
SILENT = timedelta(minutes=3)
_SENT = tuple(channel for channel in CHANNELS if channel != "call")  # calls are made by people

Due = Collection[tuple[str, Pair]]
"""Channel, template and language of what a drain could move now."""


class Ringer:
    """Decides when to ring: at once for what is newly due, ever more rarely for what no run could move."""

    def __init__(self, api: PrefectApi) -> None:
        self.api = api
        self._rung: set[tuple[str, Pair]] = set()
        self._pause_s = float(LOOK_S)
        self._again_at = 0.0

    def hear(self, due: Due, now_s: float) -> bool:
        """Ring if there is a reason to and no run is waiting or at work; tell whether it rang.

        Args:
            due: what a drain could move; empty means nothing.
            now_s: seconds of a clock that never goes back.

        Raises:
            ServiceError, httpx.HTTPError: the server is away or refuses.
        """
        self._rung &= set(due)
        fresh = set(due) - self._rung
        if not due or (not fresh and now_s < self._again_at) or self._busy():
            return False
        self.api.start(JOB)
        self._pause_s = LOOK_S if fresh else min(self._pause_s * 2, LONGEST_S)
        self._again_at, self._rung = now_s + self._pause_s, set(due)
        return True

    def _busy(self) -> bool:
        """A run is under way already, or a person has put the job out of force."""
        return bool(self.api.deployment(JOB)["paused"]) or self.api.under_way(JOB)


def due(database: Database, now: datetime) -> Due:
    """Return what a drain could move now, by one statement on the index of open messages."""
    with database.read() as session:
        return {(row.channel, row.pair) for row in standing(session, _SENT, now)}


def stay(chosen: Settings) -> None:
    """Look and ring until Ctrl-C or SIGTERM; a database or a server that is away is waited for."""
    wait_s = LOOK_S
    with closing(PrefectApi(api_url(chosen), chosen.prefect_auth)) as api:
        ringer, lost, looked_s = Ringer(api), LostRuns(api), -math.inf
        while True:
            try:
                with opened(chosen) as database:
                    while True:
                        if time.monotonic() - looked_s >= EVERY_S:  # first: what keeps the bell silent must not keep it
                            looked_s = time.monotonic()
                            _end(lost)
                        ringer.hear(due(database, chosen.now()), time.monotonic())
                        _mark(chosen).touch()
                        wait_s = LOOK_S
                        time.sleep(LOOK_S)
            except (SQLAlchemyError, TuoqiError, httpx.HTTPError) as error:
                _log(str(error) if isinstance(error, TuoqiError) else type(error).__name__)
            wait_s = min(wait_s * 2, LONGEST_S)
            time.sleep(wait_s)


def _end(lost: LostRuns) -> None:
    for name in lost.end():
        _log(say("运行 {} 视为中断", "run {} is taken for cut off").format(name))


def _log(told: str) -> None:
    print(f"{real_now():%Y-%m-%dT%H:%M:%SZ} {told}", flush=True)  # noqa: T201 - its log


def silent(chosen: Settings, *, needed: bool = False) -> bool:
    """Tell whether a bell that once worked here has not looked for a while; `needed`: one that never did is silent."""
    try:
        looked = _mark(chosen).stat().st_mtime
    except FileNotFoundError:
        return needed
    return real_now().timestamp() - looked > SILENT.total_seconds()


def _mark(chosen: Settings) -> Path:
    """The file whose time says when the bell last looked."""
    return chosen.folder("prefect") / "ringer.mark"


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        stay(settings())
    except KeyboardInterrupt:
        pass
    except TuoqiError as refused:
        sys.exit(str(refused))
