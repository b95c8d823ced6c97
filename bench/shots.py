"""The pictures of docs/manual.zh-CN.md: the district that `make demo` left -> its service -> one picture a scene.

A hand tool (`make shots`): it needs `chromium` and a Chinese font on the machine (apt install chromium fonts-noto-cjk).
It leaves a few runs in var/demo, so make the demo anew before taking them again, and look at every picture.
"""

import sys
import time
from dataclasses import dataclass, field
from typing import Any

import httpx

from bench.browser import Page, browser
from flows.prefect_api import ENDED, PrefectApi
from flows.prefect_home import free_port
from flows.service import Service
from flows.settings import Settings, settings

WRONG_CODE = {"batch": "B-5W2N-8GKX", "staff": "G002", "confirmation": "R0PR-5T7F-1T68", "code": "123456"}
TOO_LATE = {"what": "签到", "centre": "XS-02", "day": "2026-03-01", "by": "K9999"}
RUNS: list[tuple[str, str, dict[str, Any]]] = [
    ("duty-day", "2026-03-01T06:00:00+08:00", {}),
    ("duty-record", "2026-03-01T09:20:00+08:00", TOO_LATE),
    ("allowance-approve", "2026-04-02T09:20:00+08:00", WRONG_CODE),
]
"""What the scenes show beyond the demo: a morning seen from the evening, and two mistakes that people make."""


@dataclass(frozen=True)
class Scene:
    """One picture; a path such as deployment:NAME, run:NAME (the last one) or artifact:KEY is looked up first."""

    name: str
    path: str
    says: str
    height: int
    width: int = 1250
    presses: list[str] = field(default_factory=list)


SCENES = [
    Scene(
        "manual-jobs",
        "/deployments?deployments.flowOrDeploymentNameLike=allowance&deployments.limit=25",
        "Ready",
        700,
        1300,
    ),
    Scene("manual-run-menu", "deployment:allowance-notice", "Description", 520, presses=["Description", "Run"]),
    Scene("manual-form-checkin", "form:duty-record", "登记事项", 1000),
    Scene("manual-form-approve", "form:allowance-approve", "动态口令", 820),
    Scene("manual-form-settle", "form:allowance-settle", "动态口令", 1150),
    Scene("manual-runs", "/runs", "duty-record", 1050),
    Scene("manual-failed", "run:duty-record", "Finished in state", 800),
    Scene("manual-artifacts", "run:duty-day", "Completed", 640, presses=["Artifacts"]),
    Scene("manual-duty-day", "artifact:duty-day-2026-03-01", "值班名单", 580),
    Scene("manual-visits", "artifact:visits-day-2026-03-02", "探访", 760),
    Scene("manual-allowance-plan", "artifact:allowance-plan", "发放名单", 500, 1279),
    Scene("manual-exam-board", "artifact:exam-board-2", "报送进度", 640),
]


def main() -> None:
    """Take all pictures, or those named."""
    wanted = set(sys.argv[1:])
    demo = Settings(**{**settings().model_dump(), "var_dir": settings().var_dir.absolute() / "demo"})
    with Service(demo, port=free_port(), answer_port=free_port(), schedules=False, progress=print) as service:
        take(service.url, wanted)


def take(url: str, wanted: set[str]) -> None:
    """Photograph a service that runs."""
    api = PrefectApi(url + "/api")
    for job, at, parameters in RUNS if not wanted else []:
        _run(api, job, at, parameters)
    with browser(url) as page:
        for scene in SCENES:
            if not wanted or scene.name in wanted:
                _shoot(page, api, scene)
                print(scene.name)
    api.close()


def _run(api: PrefectApi, job: str, at: str, parameters: dict[str, Any]) -> None:
    identity, end = api.start(job, parameters, env={"TUOQI_AT": at}), time.monotonic() + 120
    while api.run(identity).state not in ENDED:
        if time.monotonic() > end:
            raise TimeoutError(job)
        time.sleep(0.5)


def _shoot(page: Page, api: PrefectApi, scene: Scene) -> None:
    kind, _, name = scene.path.partition(":")
    path = _paths(api.http, name)[kind]() if name and not kind.startswith("/") else scene.path
    page.open(path, scene.says, scene.width, scene.height)
    for text in scene.presses:
        page.press(text)
    page.shoot(scene.name)


def _paths(http: httpx.Client, name: str) -> dict[str, Any]:
    """How to find the page of a deployment, its form, its last run, or an artifact."""

    def only(what: str, **body: Any) -> dict[str, Any]:
        found: list[dict[str, Any]] = http.post(f"/{what}/filter", json={"limit": 1, **body}).json()
        return found[0]

    def deployment() -> str:
        return str(only("deployments", deployments={"name": {"any_": [name]}})["id"])

    def last_run() -> str:
        mine = {"name": {"any_": [name]}}
        return str(only("flow_runs", deployments=mine, sort="START_TIME_DESC")["id"])

    def artifact() -> str:
        return str(only("artifacts/latest", artifacts={"key": {"any_": [name]}})["latest_id"])

    return {
        "deployment": lambda: f"/deployments/deployment/{deployment()}",
        "form": lambda: f"/deployments/deployment/{deployment()}/run",
        "run": lambda: f"/runs/flow-run/{last_run()}",
        "artifact": lambda: f"/artifacts/artifact/{artifact()}",
    }


if __name__ == "__main__":
    main()
