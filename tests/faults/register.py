"""Who works on what, as the database has it."""

from sqlalchemy import Engine, text

_HOLDERS = text("SELECT l.job_id, w.name FROM leases l JOIN workers w ON w.id = l.worker_id")
_PRESENT = text("""
SELECT name FROM workers WHERE stopped_at IS NULL AND heartbeat_at > now() - interval '10 seconds'""")


def read_holders(engine: Engine) -> dict[str, str]:
    """The name (`host:pid`) of the worker that holds each lease, by job."""
    with engine.begin() as conn:
        return {str(row.job_id): row.name for row in conn.execute(_HOLDERS)}


def read_present(engine: Engine) -> set[str]:
    """The names of the workers that beat."""
    with engine.begin() as conn:
        return set(conn.execute(_PRESENT).scalars())
