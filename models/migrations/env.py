"""Alembic's environment: it runs on the connection that it is handed, and reads no settings."""

from __future__ import annotations

from alembic import context
from sqlmodel import SQLModel

import models.access_log
import models.client
import models.first_content
import models.graph
import models.harvest
import models.issued_document  # noqa: F401  (fills the metadata)

connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=SQLModel.metadata,
    render_as_batch=connection.dialect.name == "sqlite",
    compare_type=True,
)
with context.begin_transaction():
    context.run_migrations()
