"""Runs that nobody is at, every minute: what Prefect calls under way -> states, heartbeats -> called crashed.

The automations (flows/automations.py) do the same and sooner, but they wait for events, and events are lost with the
broker, or by a server under load. A lost run is under way for ever: it keeps its place in the queue, and the watchdog
from beginning its job again. What is silent is believed to be lost only when the record of events is whole: an event
of our own, sent while it was silent, must have arrived in it, however late.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Any, NamedTuple

from flows import automations
from flows.prefect_api import PrefectApi, instant
from rules.errors import say

EVERY_S = 60
ECHO = "tuoqi.echo"
_SILENT = 2 * automations.SILENCE
_UNBORN = automations.BIRTH + automations.SILENCE
"""By then the automations have ended them, if they work."""

_OUTSTANDING = 30
"""Echoes that are waited for; events that are half an hour late prove nothing that anybody waits for."""

ApiRun = dict[str, Any]
"""A run as Prefect's API tells it."""


class _Echo(NamedTuple):
    """An event of ours on its way: when it was sent, and who was silent then."""

    id: str
    at: datetime
    quiet: frozenset[str]


class LostRuns:
    """Ends the lost runs of one server."""

    def __init__(self, api: PrefectApi) -> None:
        self.api = api
        self._echoes: list[_Echo] = []

    def end(self) -> list[str]:
        """Call crashed what is lost, and return the names; what is silent only once an echo sent meanwhile arrived.

        Raises:
            ServiceError, httpx.HTTPError: the server is away or refuses.
        """
        now, runs = self.api.now(), self.api.unfinished()
        quiet = {run["id"]: run for run in silent(self.api, runs, now)}
        lost = [*never_begun(runs, now), *(quiet[each] for each in self._proved(set(quiet)))]
        for run in lost:
            self.api.crash(run["id"], say("没有执行进程，视为中断", "no process is at it: taken for cut off"))
        if left := quiet.keys() - {run["id"] for run in lost}:
            self._echoes = [*self._echoes[1 - _OUTSTANDING :], _Echo(self.api.say_event(ECHO), now, frozenset(left))]
        else:
            self._echoes = []
        return [run["name"] for run in lost]

    def _proved(self, quiet: set[str]) -> set[str]:
        """Which of the silent were so when an echo was sent that has arrived: until then the record is whole."""
        found: set[str] = set()
        for echo in self._echoes:
            if self.api.has_event(echo.id):
                found |= {
                    each for each in echo.quiet & quiet - found if _quiet_since(self.api, each, echo.at - _SILENT)
                }
        return found


def never_begun(runs: Iterable[ApiRun], now: datetime) -> list[ApiRun]:
    """Return what a worker took, or was asked to cancel, so long ago that there is no worker any more."""
    states = {"PENDING", "CANCELLING"}
    return [run for run in runs if run["state"]["type"] in states and _since(run) < now - _UNBORN]


def silent(api: PrefectApi, runs: Iterable[ApiRun], now: datetime) -> list[ApiRun]:
    """Return what is called running and has sent no heartbeat for long; all by the clock of the server."""
    old = [run for run in runs if run["state"]["type"] == "RUNNING" and _since(run) < now - _SILENT]
    return [run for run in old if _quiet_since(api, run["id"], now - _SILENT)]


def _quiet_since(api: PrefectApi, identity: str, since: datetime) -> bool:
    beat = api.last_beat(identity)
    return beat is None or beat < since


def _since(run: ApiRun) -> datetime:
    found = instant(run["state"]["timestamp"])
    assert found is not None
    return found
