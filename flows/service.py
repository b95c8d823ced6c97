"""Prefect on this machine: ports -> server -> pool -> jobs and worker -> answer page -> stay -> all stopped again."""

import contextlib
import fcntl
import signal
import threading
import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TextIO

import httpx

from flows.child import ROOT, Child
from flows.prefect_api import ENDED, POOL, QUEUES, PrefectApi, Run
from flows.prefect_home import HOST, check_port, environment, job_template
from flows.registering import city_jobs, register_jobs
from flows.service_errors import AlreadyUp, Elsewhere, ServiceError, TooSlow, Unanswered
from flows.settings import Settings
from rules.errors import say

START_S = 120
FINISH_S = 10


class Service:
    """Server, deployments and worker while the `with` block lasts; enter it in the main thread.

    With an `answer_port` the page on which links in messages are answered is there too; with schedules, the bell that
    starts `deliver` as soon as something is due.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        port: int | None = None,
        answer_port: int | None = None,
        prefect_yaml: Path = ROOT / "prefect.yaml",
        env: Mapping[str, str] | None = None,
        schedules: bool = True,
        patience_s: float = 20,
        progress: Callable[[str], None] = lambda _step: None,
    ) -> None:
        self.settings = settings
        self.port = settings.port if port is None else port
        self.url = f"http://{HOST}:{self.port}"
        self.answer_port = answer_port
        self.prefect_yaml = prefect_yaml
        self.env = dict(env or {})
        self.schedules = schedules
        self.patience_s = patience_s
        self.progress = progress
        self.api = PrefectApi(self.url + "/api", settings.prefect_auth)
        self.children: list[Child] = []
        self._lock: TextIO | None = None
        self._handlers: dict[int, Any] = {}

    def __enter__(self) -> Self:
        if self.settings.prefect_url:
            raise Elsewhere(self.settings.prefect_url)
        check_port(self.port)
        if self.answer_port is not None:
            check_port(self.answer_port, "TUOQI_ANSWER_PORT")
        self._claim_folder()
        self._hear_signals()
        try:
            self._start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _start(self) -> None:
        self.env = {**environment(self.settings, self.port), **self.env}
        self.progress(say("启动调度服务", "starting the server"))
        self._child("server", module="flows.server")
        self._until("server", START_S, self.api.healthy)
        self._insist(self.api.settle)  # its SQLite may be locked for a while after a kill
        self._insist(partial(self.api.make_pool, job_template(), held=True))
        self.progress(say("登记任务并启动执行器", "registering the jobs, starting the worker"))
        queues = [word for queue in QUEUES for word in ("--work-queue", queue)]
        self._child("worker", "worker", "start", "--pool", POOL, "--type", "process", "--name", POOL, *queues)
        self._deploy()
        self._until("worker", START_S, lambda: bool(self.api.workers()))
        if self.answer_port is not None:
            self._answer(self.answer_port)
        if self.schedules:
            self._child("ringer", module="flows.ringer")
        else:
            self.api.pause()
        self.api.hold(held=False)
        self.check()
        self.progress(say("就绪", "ready"))

    def _insist(self, work: Callable[[], object]) -> None:
        """Ask a server that is busy again, as long as a start may take."""
        end = time.monotonic() + START_S
        while True:
            try:
                work()
            except Unanswered:
                if time.monotonic() > end:
                    raise
                self.check()
            else:
                return

    def _answer(self, port: int) -> None:
        self.progress(say("启动答复页面", "starting the answer page"))
        env = {**self.env, "TUOQI_ANSWER_PORT": str(port)}
        self._child("answers", module="flows.answer_page", env=env)
        bind = self.settings.answer_bind
        host = HOST if bind == "0.0.0.0" else bind  # noqa: S104 - compared, not bound
        self._until("answers", START_S, lambda: _well(f"http://{host}:{port}/healthz"))

    def _child(
        self, name: str, *arguments: str, module: str = "prefect", env: Mapping[str, str] | None = None
    ) -> Child:
        child = Child(name, list(arguments), dict(env or self.env), self.settings.folder("logs"), module)
        self.children.append(child)
        return child

    def _deploy(self) -> None:
        register_jobs(self.api, [self.prefect_yaml, *city_jobs(self.settings)], partial(self._child, "deploy"))
        self.children = [child for child in self.children if child.name != "deploy"]

    def check(self) -> None:
        """Make sure that all of it still runs.

        Raises:
            ChildDied: one has ended.
        """
        for child in self.children:
            child.check()

    def _until(self, name: str, seconds: float, happened: Callable[[], bool], pause_s: float = 0.1) -> None:
        end = time.monotonic() + seconds
        self.check()
        while not happened():
            self.check()
            if time.monotonic() > end:
                raise TooSlow(name, seconds)
            time.sleep(pause_s)

    def wait(self) -> None:
        """Stay until Ctrl-C, SIGTERM or the closing of the terminal.

        Raises:
            ChildDied: the server, the worker or the answer page ended by itself.
        """
        with contextlib.suppress(KeyboardInterrupt):
            while True:
                self.check()
                time.sleep(0.5)

    def run_deployment(
        self,
        name: str,
        parameters: Mapping[str, Any] | None = None,
        timeout_s: float = 180,
        *,
        at: str | None = None,
    ) -> Run:
        """Run a job through the worker, as the button in the UI does, and wait for its end.

        Args:
            name: the deployment.
            parameters: the form's values, as JSON.
            timeout_s: how long to wait.
            at: an ISO instant in place of the run's clock.

        Raises:
            NoSuchJob, Refused, TooSlow, ChildDied: it cannot be run, or its end cannot be seen.
        """
        self.check()
        return self.wait_for(self.api.start(name, parameters, env={"TUOQI_AT": at} if at else None), name, timeout_s)

    def wait_for(self, identity: str, name: str, timeout_s: float = 180) -> Run:
        """Wait for the end of a run that was started."""
        self._until(name, timeout_s, lambda: self.api.run(identity).state in ENDED, 0.3)
        return self.api.run(identity)

    def stop(self) -> None:
        """Stop all in the reverse order, and kill who is still there after that. A second Ctrl-C kills at once."""
        try:
            while self.children:
                self._end(self.children[-1])
        except KeyboardInterrupt:
            self.progress(say("立即停止", "stopping at once"))
        finally:
            for number in self._handlers:
                signal.signal(number, signal.SIG_IGN)  # nothing may interrupt the killing
            for child in reversed(self.children):
                child.kill()
            self.children.clear()
            self.api.close()
            self._restore()

    def _end(self, child: Child) -> None:
        served = child.name == "worker" and self.children[0].process.poll() is None
        with contextlib.suppress(ServiceError):  # the next start settles too
            if served:
                self._let_finish()
        child.finish(FINISH_S)
        child.kill()
        self.children.remove(child)
        with contextlib.suppress(ServiceError):
            if served:
                self.api.settle()

    def _let_finish(self) -> None:
        """Give the runs under way a little time; the worker would cut them off at once."""
        self.api.hold(held=True)
        if running := len(self.api.unfinished()):
            text = say(
                "等待 {} 个运行中的任务结束（再按一次 Ctrl-C 立即停止）", "waiting for {} runs (Ctrl-C again: at once)"
            )
            self.progress(text.format(running))
        self._until("runs", self.patience_s, lambda: not self.api.unfinished(), 0.3)

    def _hear_signals(self) -> None:
        """Let SIGTERM and a closed terminal end us as Ctrl-C does, even where a shell made us ignore it."""
        if threading.current_thread() is threading.main_thread():
            numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
            self._handlers = {number: signal.signal(number, signal.default_int_handler) for number in numbers}

    def _claim_folder(self) -> None:
        self._lock = (self.settings.folder("prefect") / "service.lock").open("w")
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            self._lock.close()
            raise AlreadyUp(self.settings.var_dir.absolute()) from error

    def _restore(self) -> None:
        for number, handler in self._handlers.items():
            signal.signal(number, handler)
        self._handlers.clear()
        if self._lock:
            self._lock.close()


def _well(url: str) -> bool:
    try:
        return httpx.get(url, timeout=2, trust_env=False).status_code == httpx.codes.OK
    except httpx.TransportError:
        return False
