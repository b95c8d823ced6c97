"""Times as the providers write them."""

from datetime import datetime, timedelta, timezone

BEIJING = timezone(timedelta(hours=8))


def beijing(at: float, pattern: str = "%Y-%m-%d %H:%M:%S") -> str:
    """Return a Unix time in Beijing time."""
    return datetime.fromtimestamp(at, BEIJING).strftime(pattern)
