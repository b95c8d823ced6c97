"""What we ask of Prefect's server, by its REST API: a pool, a run, its end. Importing it costs no Prefect."""

import contextlib
import time
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any
from uuid import uuid4

import httpx
from pydantic import SecretStr

from flows.service_errors import NoSuchJob, Refused, Unanswered
from rules.errors import say

POOL = "tuoqi"
QUEUES = {"default": 4, "watch": 2, "urgent": 2, "district": None, "district-watch": None}
"""Queue -> runs at a time. The workers of a city limit its districts."""
WATCHES = ("urgent", "watch", "district-watch")
"""Queues whose runs no long job may keep waiting."""
PRIORITIES = {"urgent": 1, "watch": 2, "default": 3, "district-watch": 4, "district": 5}
"""Which queue a worker empties first: what stops money, sends or alarms, before a city's reminders of all districts."""
_PAGE = 200
"""Runs that Prefect gives at most in one answer."""
_BEATS = 50
"""Heartbeats of 25 minutes, and as many events as Prefect gives at most."""

BUSY_PAUSES_S = (0.1, 0.2, 0.5, 1, 1, 1)
ENDED = frozenset({"COMPLETED", "FAILED", "CRASHED", "CANCELLED"})


def instant(text: str | None) -> datetime | None:
    """Read an instant as the API tells it."""
    return datetime.fromisoformat(text).astimezone(UTC) if text else None


@dataclass(frozen=True)
class Run:
    """One run of a job, as Prefect tells it."""

    id: str
    name: str
    state: str
    message: str | None
    parameters: dict[str, Any]
    scheduled: datetime | None
    auto_scheduled: bool
    started: datetime | None
    ended: datetime | None
    artifacts: list[dict[str, Any]] = field(default_factory=list)

    @property
    def done(self) -> bool:
        """The job did its work."""
        return self.state == "COMPLETED"


class PrefectApi:
    """The server at `url` (`http://127.0.0.1:4200/api`), with "user:password" where it asks for them."""

    def __init__(self, url: str, auth: SecretStr | None = None) -> None:
        user, _, password = (auth.get_secret_value() if auth else "").partition(":")
        self.http = httpx.Client(base_url=url, timeout=10, trust_env=False, auth=(user, password) if auth else None)

    def close(self) -> None:
        """Give the connections back."""
        self.http.close()

    def healthy(self) -> bool:
        """Whether the server answers."""
        try:
            return self.http.get("/health", timeout=2).is_success
        except httpx.TransportError:
            return False

    def ask(self, method: str, path: str, body: Any = None, *, known: tuple[int, ...] = ()) -> Any:
        """Send one request and return what the answer holds; the statuses in `known` are no failure.

        Prefect answers 503, or not at all, while its SQLite is locked. All that we ask may be asked twice.

        Raises:
            Unanswered: the server is gone or stays busy.
            httpx.HTTPStatusError: the server refused.
        """
        answer = self._patiently(method, path, body)
        if answer.status_code not in known:
            answer.raise_for_status()
        return answer.json() if answer.content else None

    def _patiently(self, method: str, path: str, body: Any) -> httpx.Response:
        for pause_s in BUSY_PAUSES_S:
            with contextlib.suppress(httpx.TransportError):
                answer = self.http.request(method, path, json=body)
                if answer.status_code != httpx.codes.SERVICE_UNAVAILABLE:
                    return answer
            time.sleep(pause_s)
        raise Unanswered(str(self.http.base_url))

    def make_pool(self, template: Mapping[str, Any], *, held: bool) -> None:
        """Create the process work pool and its queues, or bring them up to date, forgetting last time's workers.

        Held, no run begins before `hold(held=False)`; a city at work is not held, and one that a person has paused
        stays so.
        """
        pool = {"base_job_template": template, **({"is_paused": True} if held else {})}
        if self.ask("GET", f"/work_pools/{POOL}", known=(404,)).get("name") == POOL:
            self.ask("PATCH", f"/work_pools/{POOL}", pool)
        else:
            self.ask("POST", "/work_pools/", {"name": POOL, "type": "process", **pool}, known=(409,))
        for worker in self.workers():
            self.ask("DELETE", f"/work_pools/{POOL}/workers/{worker['name']}", known=(404,))
        for name, limit in QUEUES.items():
            self.ask("POST", f"/work_pools/{POOL}/queues", {"name": name}, known=(409,))
            told = {"concurrency_limit": limit, "priority": PRIORITIES[name]}
            self.ask("PATCH", f"/work_pools/{POOL}/queues/{name}", told)

    def workers(self) -> list[dict[str, Any]]:
        """The workers that have reported since `make_pool`."""
        found: list[dict[str, Any]] = self.ask("POST", f"/work_pools/{POOL}/workers/filter", {})
        return found

    def queues(self) -> list[dict[str, Any]]:
        """The queues of the pool, each with when a worker last looked at it."""
        found: list[dict[str, Any]] = self.ask("POST", f"/work_pools/{POOL}/queues/filter", {})
        return found

    def hold(self, *, held: bool) -> None:
        """Begin no more runs, of any kind, until let go."""
        self.ask("PATCH", f"/work_pools/{POOL}", {"is_paused": held})

    def paused(self) -> set[str]:
        """The deployments whose schedules a person has put out of force; registering anew would forget it."""
        return {deployment["name"] for deployment in self.deployments() if deployment["paused"]}

    def pause(self, names: Container[str] | None = None) -> None:
        """Put the schedules of these deployments, or of all, out of force; what a person starts still runs."""
        for deployment in self.deployments():
            if names is None or deployment["name"] in names:
                self.ask("POST", f"/deployments/{deployment['id']}/pause_deployment")

    def unfinished(self) -> list[dict[str, Any]]:
        """The runs that are under way."""
        states = {"state": {"type": {"any_": ["RUNNING", "PENDING", "CANCELLING"]}}}
        return self._all_runs({"flow_runs": states, "sort": "ID_DESC"})

    def _all_runs(self, wanted: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Turn the pages of an answer."""
        found: list[dict[str, Any]] = []
        while True:
            page: list[dict[str, Any]] = self.ask("POST", "/flow_runs/filter", {**wanted, "offset": len(found)})
            found += page
            if len(page) < _PAGE:
                return found

    def now(self) -> datetime:
        """The instant by the server's clock, to the second: ours, and those of the workers, may be off."""
        answer = self._patiently("GET", "/health", None)
        answer.raise_for_status()
        return parsedate_to_datetime(answer.headers["Date"]).astimezone(UTC)

    def last_beat(self, identity: str) -> datetime | None:
        """When the server last received a word that a run lives, by its own clock; None: never.

        A worker's clock may be off, and be set right meanwhile: of the heartbeats that it calls the newest, the one
        that came last counts.
        """
        wanted = {
            # what a worker's clock says of it does not count, and must not hide it
            "occurred": {"since": "2000-01-01T00:00:00Z", "until": "2200-01-01T00:00:00Z"},
            "event": {"name": ["prefect.flow-run.heartbeat"]},
            "resource": {"id": [f"prefect.flow-run.{identity}"]},
        }
        found = self.ask("POST", "/events/filter", {"filter": wanted, "limit": _BEATS})["events"]
        return max((datetime.fromisoformat(each["received"]).astimezone(UTC) for each in found), default=None)

    def say_event(self, name: str) -> str:
        """Send an event of our own, on the way that all events go; return its id."""
        identity = f"{uuid4()}"
        now = self.now().isoformat()
        event = {"id": identity, "event": name, "occurred": now, "resource": {"prefect.resource.id": name}}
        self.ask("POST", "/events", [event])
        return identity

    def has_event(self, identity: str) -> bool:
        """Whether an event has come into the record."""
        wanted = {"filter": {"id": {"id": [identity]}}, "limit": 1}
        return bool(self.ask("POST", "/events/filter", wanted)["events"])

    def crash(self, identity: str, message: str, *, force: bool = False) -> None:
        """Call a run crashed, which gives its places back; unless forced, one that has ended by itself stays so."""
        state = {"type": "CRASHED", "message": message}
        self.ask("POST", f"/flow_runs/{identity}/set_state", {"state": state, "force": force})

    def settle(self) -> None:
        """Make an end of what no worker will end; call it only while none works.

        A killed run stays Running and holds its place for ever, and stale runs of the watches would start in a burst.
        """
        while left := self.unfinished():
            for run in left:
                self.crash(run["id"], say("服务停止时中断", "cut off when the service stopped"), force=True)
        now = datetime.now(UTC)  # noqa: TID251 - Prefect's clock, not the district's
        past = {"expected_start_time": {"before_": now.isoformat()}}
        stale = {
            "flow_runs": {"state": {"type": {"any_": ["SCHEDULED"]}}, **past},
            "work_pool_queues": {"name": {"any_": list(WATCHES)}},
        }
        while left := self.ask("POST", "/flow_runs/filter", stale):
            for run in left:
                self.ask("DELETE", f"/flow_runs/{run['id']}", known=(404,))

    def deployments(self) -> list[dict[str, Any]]:
        """All deployments, by name."""
        found: list[dict[str, Any]] = self.ask("POST", "/deployments/filter", {"sort": "NAME_ASC"})
        return found

    def deployment(self, name: str) -> dict[str, Any]:
        """The deployment of that name.

        Raises:
            NoSuchJob: there is none.
        """
        found = self.ask("POST", "/deployments/filter", {"deployments": {"name": {"any_": [name]}}})
        if not found:
            raise NoSuchJob(name)
        first: dict[str, Any] = found[0]
        return first

    def keep_only(self, declared: Iterable[Mapping[str, Any]]) -> None:
        """Delete the deployments and schedules that prefect.yaml no longer has: registering anew leaves them firing."""
        slugs = {each["name"]: {schedule["slug"] for schedule in each.get("schedules", [])} for each in declared}
        for found in self.deployments():
            path = f"/deployments/{found['id']}"
            if found["work_pool_name"] == POOL and found["name"] not in slugs:
                self.ask("DELETE", path, known=(404,))
            for schedule in found["schedules"]:
                if schedule["slug"] and schedule["slug"] not in slugs.get(found["name"], {schedule["slug"]}):
                    self.ask("DELETE", f"{path}/schedules/{schedule['id']}", known=(404,))

    def under_way(self, name: str, tags: Sequence[str] = ()) -> bool:
        """Whether a run of the deployment with these tags is at work, or waits for its turn since its time has come."""
        due = {"before_": datetime.now(UTC).isoformat()}  # noqa: TID251 - Prefect's clock, not the district's
        states = ["PENDING", "RUNNING", "PAUSED", "CANCELLING", "SCHEDULED"]
        runs = {"state": {"type": {"any_": states}}, "expected_start_time": due}
        runs |= {"tags": {"all_": list(tags)}} if tags else {}
        wanted = {"deployments": {"name": {"any_": [name]}}, "flow_runs": runs, "limit": 1}
        return bool(self.ask("POST", "/flow_runs/filter", wanted))

    def start(
        self,
        name: str,
        parameters: Mapping[str, Any] | None = None,
        *,
        env: Mapping[str, str] | None = None,
        key: str | None = None,
        more: Mapping[str, Any] | None = None,
    ) -> str:
        """Trigger the deployment as the button in the UI does; return the run's id.

        A second call with the same `key` starts nothing and returns the first one's run; `more` is what else Prefect
        may be told of a run, such as its name and tags.

        Raises:
            NoSuchJob: there is no deployment of that name.
            Refused: the form's values do not fit the job.
        """
        body = {
            "parameters": dict(parameters or {}),
            "state": {"type": "SCHEDULED"},
            "idempotency_key": key or uuid4().hex,
            "job_variables": {"env": dict(env)} if env else {},
            **(more or {}),
        }
        run = self.ask("POST", f"/deployments/{self.deployment(name)['id']}/create_flow_run", body, known=(409, 422))
        if "id" not in run:
            raise Refused(name, str(run.get("detail") or run.get("exception_detail")))
        identity: str = run["id"]
        return identity

    def run(self, identity: str) -> Run:
        """Read one run and what it left to look at."""
        found = self.ask("GET", f"/flow_runs/{identity}")
        left = self.ask("POST", "/artifacts/filter", {"artifacts": {"flow_run_id": {"any_": [identity]}}})
        return _as_run(found, left)

    def runs(self, name: str) -> list[Run]:
        """The runs of a deployment, the earliest first; without artifacts."""
        wanted = {"deployments": {"name": {"any_": [name]}}, "sort": "EXPECTED_START_TIME_ASC"}
        return [_as_run(found, []) for found in self._all_runs(wanted)]


def _as_run(found: dict[str, Any], artifacts: list[dict[str, Any]]) -> Run:
    state = found.get("state") or {}
    return Run(
        id=found["id"],
        name=found["name"],
        state=state.get("type", ""),
        message=state.get("message"),
        parameters=found["parameters"],
        scheduled=instant(found["expected_start_time"]),
        auto_scheduled=found["auto_scheduled"],
        started=instant(found["start_time"]),
        ended=instant(found["end_time"]),
        artifacts=artifacts,
    )
