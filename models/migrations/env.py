"""Alembic's entry: one transaction on the connection that models.schema hands over."""

from alembic import context
from sqlmodel import SQLModel

from models import tables

assert tables  # every table is registered

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=SQLModel.metadata,
    render_as_batch=True,
    compare_type=True,
)
context.run_migrations()
