"""One dialect and one cache of compiled statements for all engines of a kind, as in a process that runs for weeks.

SQLAlchemy compiles a statement once per engine. A process has one in life, a test opens its own: to compile everything
anew for each of them was a third of what the database tests cost.
"""

from typing import Any

from sqlalchemy import Engine, create_engine

_KEPT: dict[str, Engine] = {}
_STATEMENTS = 4000


def shared_engine(url: str, **rest: Any) -> Engine:
    """Create an engine that finds compiled what an earlier one compiled; it connects as any other."""
    engine = create_engine(url, query_cache_size=_STATEMENTS, **rest)
    kept = _KEPT.setdefault(engine.dialect.name, engine)
    if kept.dialect.server_version_info is None:  # it never connected, and so does not know its database
        _KEPT[engine.dialect.name] = engine
        return engine
    engine.dialect = engine.pool._dialect = kept.dialect
    engine._compiled_cache = kept._compiled_cache
    return engine
