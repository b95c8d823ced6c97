"""What goes into a log: a record of any library -> masked, its arguments and error text too -> one line of JSON.

Named in flows/logging.yaml, which every process of the service reads. Keep its imports light.
"""

import json
import logging
from datetime import UTC, datetime

from rules.masks import masked

_FORMATTER = logging.Formatter()


class Masked(logging.Filter):
    """Leaves nothing in a record that names a person or opens a door, whatever formats it afterwards."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Mask the record in place; it always passes."""
        try:
            told = record.getMessage()
        except Exception:  # noqa: BLE001 - arguments that do not fit; the values stay unsaid
            told = "a log record whose arguments do not fit its text"
        record.msg, record.args = masked(told), None
        if record.exc_info and not record.exc_text:
            record.exc_text = _FORMATTER.formatException(record.exc_info)
        record.exc_info = None
        record.exc_text = masked(record.exc_text) if record.exc_text else None
        record.stack_info = masked(record.stack_info) if record.stack_info else None
        return True


class Lines(logging.Formatter):
    """One JSON object a line: at, level, logger, text; run and job where there is one, error with its traceback."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        told = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "text": record.getMessage(),
            "run": getattr(record, "flow_run_name", None),
            "job": getattr(record, "flow_name", None),
            "error": record.exc_text or (self.formatException(record.exc_info) if record.exc_info else None),
        }
        return json.dumps({name: value for name, value in told.items() if value}, ensure_ascii=False)
