"""Who holds a worker's advisory lock, and who waits for it."""

from sqlalchemy import Connection, text

from relais.store.workers import LOCK_CLASS

_BACKENDS = text("""
SELECT pid FROM pg_locks
WHERE locktype = 'advisory' AND objsubid = 2 AND classid = :lock_class AND objid = CAST(:worker_id AS oid)
  AND database = (SELECT oid FROM pg_database WHERE datname = current_database()) AND granted = :granted""")


def lock_backends(conn: Connection, worker_id: int, *, granted: bool = True) -> list[int]:
    """The backends of this database that hold a worker's lock, or that wait for it when not `granted`."""
    wanted = {"lock_class": LOCK_CLASS, "worker_id": worker_id, "granted": granted}
    return list(conn.execute(_BACKENDS, wanted).scalars())
