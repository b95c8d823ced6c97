"""Making the jobs known to Prefect's server: pool, queues -> prefect.yaml, a city's own -> the rest goes -> alarms."""

import subprocess
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from functools import partial
from pathlib import Path

import yaml

from flows import automations
from flows.child import ROOT, Child
from flows.keep import migrate_database
from flows.prefect_api import PrefectApi
from flows.prefect_home import api_url, environment, job_template
from flows.service_errors import ChildDied, TooSlow, Unanswered
from flows.settings import Settings
from rules.errors import say

DEPLOY_S = 180
START_S = 120
JOBS = ROOT / "prefect.yaml"
CITY_JOBS = ROOT / "deploy" / "city.yaml"


def register(settings: Settings) -> str:
    """Bring the database and the server's jobs to this program's version, while workers work or not.

    Raises:
        TuoqiError: the database or the server does not answer, or refuses.
    """
    told = migrate_database(settings)
    wait_for_server(settings)
    with closing(PrefectApi(api_url(settings), settings.prefect_auth)) as api:
        api.make_pool(job_template(), held=False)
        env = environment(settings, settings.port)
        start = partial(Child, "deploy", env=env, logs=settings.folder("logs"))
        register_jobs(api, [JOBS, *city_jobs(settings)], lambda *words: start(list(words)))
        number = len(api.deployments())
    return told + say("；已登记 {} 个作业", "; {} jobs are registered").format(number)


def city_jobs(settings: Settings) -> list[Path]:
    """Return the file of the job that only a city has."""
    return [CITY_JOBS] if settings.districts else []


def register_jobs(api: PrefectApi, files: Sequence[Path], start: Callable[..., Child]) -> None:
    """Register the deployments of these files; what a person has paused stays paused, what is in none of them goes.

    Raises:
        ChildDied, TooSlow: Prefect's own command failed; its log says why.
    """
    paused = api.paused()
    try:
        for file in files:
            _run(start("deploy", "--all", "--prefect-file", str(file)))
        api.keep_only([each for file in files for each in yaml.safe_load(file.read_text("utf-8"))["deployments"]])
    finally:  # half registered too: the next try would find none paused
        api.pause(paused)
    automations.ensure(api)


def _run(deploy: Child) -> None:
    try:
        code = deploy.process.wait(DEPLOY_S)
    except subprocess.TimeoutExpired:
        raise TooSlow("deploy", DEPLOY_S) from None
    finally:
        deploy.kill()
    if code:
        raise ChildDied("deploy", code, deploy.log)


def wait_for_server(settings: Settings) -> None:
    """Wait until the server answers, as when all machines come up at once.

    Raises:
        Unanswered: it does not.
    """
    end = time.monotonic() + START_S
    with closing(PrefectApi(api_url(settings))) as api:
        while not api.healthy():
            if time.monotonic() > end:
                raise Unanswered(str(api.http.base_url))
            time.sleep(0.5)
