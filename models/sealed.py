"""Every sealed column, derived from what the models say of themselves: a LargeBinary column described as sealed."""

from collections import Counter
from collections.abc import Iterator

from sqlalchemy import ColumnElement, LargeBinary, func, select
from sqlmodel import Session, SQLModel

from models import tables
from models.db import keys_of

assert tables  # they must be known before they are asked
_HEAD_BYTES = 4


def sealed_columns() -> dict[str, list[str]]:
    """Return the sealed columns by table, in the order of their names."""
    found: dict[str, list[str]] = {}
    for model in _models(SQLModel):
        table = SQLModel.metadata.tables[str(model.__tablename__)]
        fields = model.model_fields.items()
        told = [name for name, field in fields if "sealed" in (field.description or "") and name in table.c]
        names = [name for name in told if isinstance(table.c[name].type, LargeBinary)]
        if names:
            found[table.name] = sorted(names)
    return dict(sorted(found.items()))


def _models(top: type[SQLModel]) -> Iterator[type[SQLModel]]:
    for model in top.__subclasses__():
        if hasattr(model, "__table__"):
            yield model
        yield from _models(model)


def stale(column: ColumnElement[bytes], head: bytes) -> ColumnElement[bool]:
    """The condition that a value is sealed otherwise than new ones are: under another key, suite or version."""
    return func.substr(column, 1, _HEAD_BYTES, type_=LargeBinary) != head


def count_stale(session: Session) -> dict[str, int]:
    """Count the values that are not sealed with the current key and suite, as table.column; none of 0."""
    head, found = keys_of(session).head, dict[str, int]()
    for name, columns in sealed_columns().items():
        table = SQLModel.metadata.tables[name]
        counts = [func.count().filter(stale(table.c[each], head)) for each in columns]
        row = session.execute(select(*counts).select_from(table)).one()
        found |= {f"{name}.{each}": number for each, number in zip(columns, row, strict=True) if number}
    return found


def count_heads(session: Session) -> Counter[bytes]:
    """Count all sealed values by the head of their envelopes: version, suite and key."""
    found = Counter[bytes]()
    for name, columns in sealed_columns().items():
        for each in columns:
            column = SQLModel.metadata.tables[name].c[each]
            head = func.substr(column, 1, _HEAD_BYTES, type_=LargeBinary)
            counted = select(head, func.count()).where(column.is_not(None)).group_by(head)
            for start, number in session.execute(counted):
                found[bytes(start)] += number
    return found
