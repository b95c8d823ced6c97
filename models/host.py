"""What the database says of itself: how much it holds, and what time it has."""

from datetime import UTC, datetime

from sqlalchemy import text
from sqlmodel import Session


def size(session: Session) -> int:
    """Return the bytes of the database."""
    if session.get_bind().dialect.name == "sqlite":
        pages = text("SELECT page_count * page_size FROM pragma_page_count, pragma_page_size")
        return int(session.connection().execute(pages).scalar_one())
    return int(session.connection().execute(text("SELECT pg_database_size(current_database())")).scalar_one())


def clock(session: Session) -> datetime:
    """Return the database's own time; SQLite has that of this machine."""
    if session.get_bind().dialect.name == "sqlite":
        told = session.connection().execute(text("SELECT strftime('%Y-%m-%dT%H:%M:%f', 'now')")).scalar_one()
        return datetime.fromisoformat(told).replace(tzinfo=UTC)
    found: datetime = session.connection().execute(text("SELECT clock_timestamp()")).scalar_one()
    return found.astimezone(UTC)
