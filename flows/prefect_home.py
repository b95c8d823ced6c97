"""Prefect's house under var/: a port, a profile of its own, a clean environment -> what its processes start with."""

import errno
import os
import re
import socket
import sys
from datetime import datetime
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from flows.child import ROOT
from flows.service_errors import PortTaken
from flows.settings import Settings
from rules.errors import say

HOST = "127.0.0.1"
DAY_S = 86_400
HEARTBEAT_S = 30

FIXED = {
    "PREFECT_PROFILE": "tuoqi",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "PREFECT_SERVER_UI_SHOW_PROMOTIONAL_CONTENT": "false",
    "PREFECT_SERVER_UI_API_URL": "/api",  # of whatever host the browser came to: ours or a proxy's
    "PREFECT_TELEMETRY_ENABLE_RESOURCE_METRICS": "false",
    "PREFECT_CLI_PROMPT": "false",
    "PREFECT_CLI_COLORS": "false",
    "PREFECT_CLI_WRAP_LINES": "false",
    "PREFECT_LOGGING_COLORS": "false",
    # Every run reports that it lives, as often as Prefect allows; flows/automations.py misses who no longer does.
    "PREFECT_FLOWS_HEARTBEAT_FREQUENCY": str(HEARTBEAT_S),
    "PREFECT_LOGGING_CONFIG_PATH": str(ROOT / "flows" / "logging.yaml"),
    # Hundreds of runs a day: without the vacuum Prefect's database only grows.
    "PREFECT_SERVER_SERVICES_DB_VACUUM_ENABLED": "events,flow_runs",
    "PREFECT_SERVER_SERVICES_DB_VACUUM_RETENTION_PERIOD": str(31 * DAY_S),
    "PREFECT_SERVER_EVENTS_RETENTION_PERIOD": "P3D",
    # One worker on the same machine: asking often is cheap, and a run starts within 2 s.
    "PREFECT_WORKER_QUERY_SECONDS": "2",
    "PREFECT_WORKER_PREFETCH_SECONDS": "2",
    "PREFECT_SERVER_DEPLOYMENTS_CONCURRENCY_SLOT_WAIT_SECONDS": "5",
}

_PLAIN_POSTGRES = re.compile("^postgres(ql)?://")
_REDIS = {
    "PREFECT_SERVER_EVENTS_MESSAGING_BROKER": "prefect_redis.messaging",
    "PREFECT_SERVER_EVENTS_MESSAGING_CACHE": "prefect_redis.messaging",
    "PREFECT_SERVER_EVENTS_CAUSAL_ORDERING": "prefect_redis.ordering",
    "PREFECT_SERVER_CONCURRENCY_LEASE_STORAGE": "prefect_redis.lease_storage",
}


def free_port() -> int:
    """Return a port of the loopback that nobody uses now."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port


def check_port(port: int, setting: str = "TUOQI_PORT") -> None:
    """Refuse a port that cannot be listened on; `setting` is what would choose another.

    Raises:
        PortTaken: it is in use, reserved or no port at all.
    """
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
            probe.listen(1)
        except OSError as error:
            taken = error.errno == errno.EADDRINUSE
            raise PortTaken(
                port, say("已被占用", "in use") if taken else os.strerror(error.errno or 0), setting
            ) from error
        except OverflowError as error:
            raise PortTaken(port, say("应为 1 至 65535", "not from 1 to 65535"), setting) from error


def api_url(settings: Settings, port: int | None = None) -> str:
    """Where Prefect's API is: on this machine unless the settings say otherwise."""
    return settings.prefect_url or f"http://{HOST}:{port or settings.port}/api"


def environment(settings: Settings, port: int) -> dict[str, str]:
    """Return the environment of the server, the worker and the runs: ours, whatever the shell says of Prefect.

    What is no setting of ours stays, whatever its name: a gateway's file may want ${TUOQI_GATEWAY_TOKEN}.
    """
    home = settings.folder("prefect")
    url = api_url(settings, port)
    profile = home / "profiles.toml"
    profile.write_text(f'active = "tuoqi"\n\n[profiles.tuoqi]\nPREFECT_API_URL = "{url}"\n')
    ours = {f"TUOQI_{name.upper()}" for name in Settings.model_fields}
    kept = {name: text for name, text in os.environ.items() if not name.startswith("PREFECT_") and name not in ours}
    local = ",".join(filter(None, [os.environ.get("NO_PROXY"), HOST, "localhost"]))
    return {
        **kept,
        **FIXED,
        **_told(settings),
        **_apart(settings),
        "TUOQI_PREFECT_URL": url,
        "PREFECT_SERVER_API_HOST": settings.bind,
        "PREFECT_HOME": str(home),
        "PREFECT_PROFILES_PATH": str(profile),
        "PREFECT_API_URL": url,
        "PREFECT_SERVER_API_PORT": str(port),
        "PREFECT_SERVER_API_CORS_ALLOWED_ORIGINS": f"http://{HOST}:{port},http://localhost:{port}",
        "PYTHONPATH": os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")])),
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)]),
        "PYTHONUNBUFFERED": "1",
        "NO_PROXY": local,
        "no_proxy": local,
    }


def _apart(settings: Settings) -> dict[str, str]:
    """What the parts of one service share when they are several processes, perhaps on several machines."""
    found = {}
    if settings.prefect_database_url:
        database = _PLAIN_POSTGRES.sub("postgresql+asyncpg://", settings.prefect_database_url)
        found["PREFECT_SERVER_DATABASE_CONNECTION_URL"] = database
    if settings.redis_url:
        found |= (
            dict.fromkeys(("PREFECT_REDIS_MESSAGING_URL", "PREFECT_SERVER_DOCKET_URL"), settings.redis_url) | _REDIS
        )
    if settings.prefect_auth:
        secret = settings.prefect_auth.get_secret_value()
        found |= dict.fromkeys(("PREFECT_SERVER_API_AUTH_STRING", "PREFECT_API_AUTH_STRING"), secret)
    return found


def _told(settings: Settings) -> dict[str, str]:
    """What this process was told, by environment or command line, for its children; paths made absolute."""
    chosen = {name: getattr(settings, name) for name in {*settings.model_fields_set, "var_dir"}}
    return {f"TUOQI_{name.upper()}": _plain(value) for name, value in chosen.items() if value is not None}


def _plain(value: Any) -> str:
    if isinstance(value, Path):
        return str(value.absolute())
    if isinstance(value, datetime):
        return value.isoformat()
    return value.get_secret_value() if isinstance(value, SecretStr) else str(value)


def job_template() -> dict[str, Any]:
    """The pool's job: one Python process per run. Without a command Prefect starts three of them in a row."""
    names = ("command", "env", "labels", "name", "stream_output", "working_dir")
    return {
        "job_configuration": {name: "{{ " + name + " }}" for name in names},
        "variables": {
            "type": "object",
            "properties": {
                "command": {"type": "string", "title": "Command", "default": "python -m flows.engine"},
                "env": {"type": "object", "title": "Environment Variables"},
                "labels": {"type": "object", "title": "Labels"},
                "name": {"type": "string", "title": "Name"},
                "stream_output": {"type": "boolean", "title": "Stream Output", "default": True},
                "working_dir": {"type": "string", "title": "Working Directory", "default": str(ROOT)},
            },
        },
    }
