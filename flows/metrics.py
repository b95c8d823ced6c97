"""Figures for a monitor: database, files, clock -> a text in the format of Prometheus; names of jobs and codes only.

watch-jobs writes var/metrics/tuoqi.prom for the textfile collector of node_exporter; its own age says that nobody
watches any more, so alert on `tuoqi_written_timestamp_seconds` first.
"""

import shutil
from collections.abc import Mapping
from datetime import datetime, time
from pathlib import Path

from prometheus_client import CollectorRegistry, Gauge, generate_latest, write_to_textfile
from sqlmodel import Session

from flows import store
from flows.audit_anchor import anchors
from flows.failures import writing
from flows.job_standings import standings
from flows.jobs import real_now
from flows.keep_files import last_backup
from flows.settings import Settings
from models import host
from models.db import Database, keys_of
from models.district import district_id
from models.message_views import counts, oldest_pending
from models.payments import unknown
from models.receivables import count_open
from models.sealed import count_stale
from models.suites import AES_256_GCM
from models.watched import last_ends

FILE = "tuoqi.prom"


class Board:
    """Gauges by name, each made when its first value comes."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._gauges: dict[str, Gauge] = {}

    def put(self, name: str, told: str, value: float, labels: Mapping[str, str] | None = None) -> None:
        """Set one value; a gauge has the same labels each time."""
        given = labels or {}
        if name not in self._gauges:
            self._gauges[name] = Gauge(f"tuoqi_{name}", told, list(given), registry=self.registry)
        gauge = self._gauges[name]
        (gauge.labels(**given) if given else gauge).set(value)


def metrics(database: Database, settings: Settings) -> CollectorRegistry:
    """Count what a monitor watches, of every district of these settings."""
    board = Board()
    _files(board, settings)
    for code in settings.all_districts:
        _district(board, database, settings.of_district(code))
    with database.read() as session:
        for (job, partition), at in sorted(last_ends(session).items()):
            labels = {"district": partition, "job": job}
            board.put("job_last_done_timestamp_seconds", "when a job was last done", at.timestamp(), labels)
        keys = keys_of(session)
        turning = len(keys.sealing) > 1 or keys.suite != AES_256_GCM  # to count is to read every row, and else it is 0
        stale = sum(count_stale(session).values()) if turning else 0
        board.put("sealed_values_stale", "values that are not under the key and suite in use", stale)
        board.put("database_bytes", "size of the database", host.size(session))
    return board.registry


def text_of(registry: CollectorRegistry) -> str:
    """Return the figures as a scrape would."""
    return generate_latest(registry).decode()


def write_metrics(database: Database, settings: Settings, to: Path | None = None) -> Path:
    """Write the figures to a file, all of it or nothing, by default under var/metrics.

    Raises:
        CannotWrite: with the reason.
    """
    path = to or settings.folder("metrics") / FILE
    with writing(path):
        write_to_textfile(str(path), metrics(database, settings))
    return path


def _files(board: Board, settings: Settings) -> None:
    now = real_now()
    board.put("written_timestamp_seconds", "when these figures were written", now.timestamp())
    folder = settings.folder("")
    board.put("disk_free_bytes", "left on the disk of var/", shutil.disk_usage(folder).free)
    prefect = folder / "prefect" / "prefect.db"
    if prefect.is_file():
        board.put("prefect_database_bytes", "size of Prefect's own SQLite", prefect.stat().st_size)
    if (made := last_backup(settings)) is not None:
        board.put("backup_timestamp_seconds", "when the last backup was made", made.timestamp())


def _district(board: Board, database: Database, settings: Settings) -> None:
    if lines := anchors(settings):
        last = datetime.combine(lines[-1].on, time(), settings.tz)
        age = (settings.now() - last).total_seconds()
        board.put("audit_anchor_age_seconds", "since the day of the last anchor", age, {"district": settings.district})
    with database.read() as session:
        for one in standings(session, settings):
            labels = {"district": settings.district, "job": one.expected.job, "period": one.expected.key}
            board.put("job_late", "1: not done by its deadline", float(one.late), labels)
        _messages(board, session, settings)
        _money(board, session, settings)


def _messages(board: Board, session: Session, settings: Settings) -> None:
    now, district = settings.now(), {"district": settings.district}
    for channel, since in sorted(oldest_pending(session, now, settings.district).items()):
        waited = (now - since).total_seconds()
        board.put(
            "message_oldest_pending_seconds", "the oldest that may leave", waited, {**district, "channel": channel}
        )
    standing: dict[tuple[str, str], int] = {}
    for (channel, _, state), number in counts(session, district=settings.district).items():
        standing[channel, state] = standing.get((channel, state), 0) + number
    for (channel, state), number in sorted(standing.items()):
        board.put("messages", "messages by state", number, {**district, "channel": channel, "state": state})


def _money(board: Board, session: Session, settings: Settings) -> None:
    if not store.has_district(session, settings.district):
        return
    number, district = district_id(session, settings.district), {"district": settings.district}
    board.put("payments_unknown", "payments of which the bank said nothing", unknown(session, number), district)
    board.put("receivables_open", "claims that are not settled", count_open(session, number), district)
