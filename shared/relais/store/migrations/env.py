"""Runs the migrations on the connection that `relais.store.migrate` hands over."""

from alembic import context

from relais.store.schema import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
with context.begin_transaction():
    context.run_migrations()
