"""One part of the service in this process, for systemd and containers: the settings -> Prefect's own command.

A part hears the manager's signals itself and writes its log to the terminal. What the parts share is named by settings:
TUOQI_PREFECT_URL, TUOQI_PREFECT_DATABASE_URL, TUOQI_REDIS_URL, TUOQI_PREFECT_AUTH.
"""

import os
import signal
import socket
import sys
from dataclasses import dataclass
from typing import Literal, NoReturn

from flows.prefect_api import POOL, QUEUES, WATCHES
from flows.prefect_home import environment
from flows.registering import wait_for_server
from flows.service_errors import ServiceError
from flows.settings import Settings

Part = Literal["server", "services", "worker", "watcher", "ringer", "answers"]
_OURS = {"answers": ["flows.answer_page"], "ringer": ["flows.ringer"]}


@dataclass(eq=False)
class NotShared(ServiceError):
    """Parts that are several processes need a database and a broker that all of them reach."""

    name: str
    zh = "分开运行各部分需要设置 {name}；请参阅 deploy/README.md。"
    en = "parts that run apart need {name} set; see deploy/README.md."


def run_part(settings: Settings, part: Part) -> NoReturn:
    """Become one part of the service.

    Raises:
        NotShared: a setting that all parts need is missing.
        Unanswered: the server that makes their tables does not come up.
        SettingsError: production refuses the settings.
    """
    settings.check()
    if part in {"server", "services"}:
        for name in ("prefect_database_url", "redis_url"):
            if not getattr(settings, name):
                raise NotShared(f"TUOQI_{name.upper()}")
    elif part != "answers" and not settings.prefect_url:
        raise NotShared("TUOQI_PREFECT_URL")
    if part == "services" and settings.prefect_url:  # their tables are made by the server
        wait_for_server(settings)
    words = _OURS.get(part) or ["prefect", *_words(settings, part)]
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell may have made us deaf to it
    env = environment(settings, settings.port)
    env["PREFECT_SERVER_UI_STATIC_DIRECTORY"] = str(settings.folder("prefect/ui"))  # the code may be read-only
    os.execve(sys.executable, [sys.executable, "-m", *words], env)  # noqa: S606


def _words(settings: Settings, part: Part) -> list[str]:
    if part == "server":
        return ["server", "start", "--no-services"]
    if part == "services":
        return ["server", "services", "start"]
    queues = [queue for queue in QUEUES if (queue in WATCHES) == (part == "watcher")]
    name = f"{socket.gethostname()}-{os.getpid()}"  # several may work on one machine
    own = [word for queue in queues for word in ("--work-queue", queue)]
    limit = ["--limit", str(settings.worker_limit)]
    return ["worker", "start", "--pool", POOL, "--type", "process", "--name", name, *limit, *own]
