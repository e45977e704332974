"""The register of worker processes: who is there, with how many slots, and who died."""

from collections.abc import Collection, Sequence

from sqlalchemy import Connection, text

# First key of the session-level advisory lock that each living worker holds; the second is its id. PostgreSQL releases
# it when the worker's connection dies, so a death is noticed before any lease runs out (DESIGN.md §2, rule 3).
LOCK_CLASS = 7_235_002
# One that has been silent for longer does not count as working, whether or not it was declared dead.
WORKER_SILENT_AFTER_S = 30


def alive_sql(worker: str) -> str:
    """Spell that a row of the register, by its table or alias, is a worker that lives."""
    return (
        f"({worker}.stopped_at IS NULL AND {worker}.heartbeat_at > now() - interval '{WORKER_SILENT_AFTER_S} seconds')"
    )


_REGISTER = text("""
INSERT INTO workers (name, queues, slots, version) VALUES (:name, :queues, :slots, :version) RETURNING id""")
_IS_REGISTERED = text("SELECT EXISTS (SELECT FROM workers WHERE id = :worker_id AND name = :name)")
_HOLD_LOCK = text("SELECT pg_try_advisory_lock(:lock_class, CAST(:worker_id AS int))")
_SAY_GOODBYE = text("UPDATE workers SET stopped_at = now() WHERE id = :worker_id")

_SILENT = "w.stopped_at IS NULL AND w.heartbeat_at < now() - make_interval(secs => :silence_s)"
_HOLDS_LOCK = """EXISTS (
      SELECT FROM pg_locks l
      WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 2
        AND l.classid = :lock_class AND l.objid = CAST(w.id AS oid)
        AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database()))"""
# A lock is free after a restart of the database too, until the workers are back: they get the grace.
_DECLARE_DEAD = text(f"""
UPDATE workers w SET stopped_at = now()
WHERE {_SILENT} AND w.id <> ALL(:spared)
  AND pg_postmaster_start_time() < now() - make_interval(secs => :grace_s)
  AND NOT {_HOLDS_LOCK}
RETURNING w.id""")
_FIND_CUT_OFF = text(f"SELECT w.id FROM workers w WHERE {_SILENT} AND {_HOLDS_LOCK}")


def register_worker(conn: Connection, *, name: str, queues: Sequence[str], slots: int, version: str) -> int:
    """Enter a worker process into the register; return its id."""
    row = conn.execute(_REGISTER, {"name": name, "queues": list(queues), "slots": slots, "version": version})
    return int(row.scalar_one())


def is_registered(conn: Connection, worker_id: int, *, name: str) -> bool:
    """Tell whether the register has this worker: it doesn't after the database was restored, or the row was pruned."""
    return bool(conn.execute(_IS_REGISTERED, {"worker_id": worker_id, "name": name}).scalar_one())


def hold_worker_lock(conn: Connection, worker_id: int) -> bool:
    """Take the lock that shows that the worker lives; it is held until the connection ends.

    False when another connection has it, such as the worker's last one, whose end the server hasn't noticed yet.
    """
    return bool(conn.execute(_HOLD_LOCK, {"lock_class": LOCK_CLASS, "worker_id": worker_id}).scalar_one())


def say_goodbye(conn: Connection, worker_id: int) -> None:
    """Record that the worker stopped on purpose."""
    conn.execute(_SAY_GOODBYE, {"worker_id": worker_id})


def find_cut_off(conn: Connection, *, silence_s: float) -> list[int]:
    """The workers that fell silent although their connection stands: as far as the server knows, they live."""
    return list(conn.execute(_FIND_CUT_OFF, {"silence_s": silence_s, "lock_class": LOCK_CLASS}).scalars())


def declare_dead(conn: Connection, *, silence_s: float, grace_s: float, spared: Collection[int] = ()) -> list[int]:
    """Mark workers as stopped whose lock is free and whose last heartbeat is older than `silence_s`; return their ids.

    Nobody is declared dead within `grace_s` seconds of a start of the database, nor are those of the ids `spared`. One
    that was declared dead wrongly undoes it with its next beat; what it ran may have gone to others by then, and until
    then it can claim nothing.
    """
    values = {"silence_s": silence_s, "grace_s": grace_s, "lock_class": LOCK_CLASS, "spared": list(spared)}
    return [int(row.id) for row in conn.execute(_DECLARE_DEAD, values)]
