"""The project's database, reached from this machine at its container's address, as its superuser."""

import psycopg
from sqlalchemy import Engine, create_engine, text
from sqlalchemy.exc import SQLAlchemyError

from containers.project import Project

# A server that is frozen or gone is noticed within seconds.
_IMPATIENT = {
    "connect_timeout": 5,
    "keepalives_idle": 2,
    "keepalives_interval": 1,
    "keepalives_count": 3,
    "tcp_user_timeout": 5000,
}


def superuser_engine(project: Project) -> Engine:
    """Connections to wherever the container is now: its address changes with every start."""

    def connect() -> psycopg.Connection:
        return psycopg.connect(
            host=project.container("postgres").address(project.network("data")),
            dbname="relais",
            user="postgres",
            password=project.secrets["POSTGRES_PASSWORD"],
            application_name="checker",
            **_IMPATIENT,
        )

    return create_engine("postgresql+psycopg://", creator=connect, pool_pre_ping=True, pool_size=4)


def processing(engine: Engine) -> int:
    """How many jobs a worker holds."""
    with engine.begin() as conn:
        return int(conn.execute(text("SELECT count(*) FROM jobs WHERE state = 'processing'")).scalar_one())


def held_by(engine: Engine, worker: str) -> int:
    """How many jobs the worker of this host name holds."""
    query = text("""
        SELECT count(*) FROM jobs j JOIN workers w ON w.id = j.worker_id
        WHERE j.state = 'processing' AND w.name LIKE :host || ':%'""")
    with engine.begin() as conn:
        return int(conn.execute(query, {"host": worker}).scalar_one())


def transitions(engine: Engine, name: str) -> int:
    """How often the ledger has a transition."""
    with engine.begin() as conn:
        found = conn.execute(text("SELECT count(*) FROM job_events WHERE transition = :name"), {"name": name})
        return int(found.scalar_one())


def have_ended(engine: Engine, ids: list[str]) -> bool:
    """Whether all of these are terminal; as long as the database is away nobody knows."""
    query = text("""
        SELECT count(*) FROM jobs
        WHERE id = ANY(CAST(:ids AS uuid[])) AND state IN ('pending', 'queued', 'processing')""")
    try:
        with engine.begin() as conn:
            return conn.execute(query, {"ids": ids}).scalar_one() == 0
    except SQLAlchemyError:
        return False


def lost_and_duplicated(engine: Engine, ids: list[str]) -> tuple[int, int]:
    """How many of the accepted have no answer, and how many more than one or a twin that nobody was told of."""
    query = text("""
        SELECT count(*) FILTER (WHERE j.id IS NULL OR j.state <> 'completed' OR a.message_id IS NULL) AS lost,
               count(*) FILTER (WHERE (SELECT count(*) FROM job_events e
                                       WHERE e.job_id = j.id AND e.transition = 'complete') > 1) AS twice
        FROM unnest(CAST(:ids AS uuid[])) AS told(id)
        LEFT JOIN every_job j ON j.id = told.id LEFT JOIN answers a ON a.message_id = j.id""")
    with engine.begin() as conn:
        row = conn.execute(query, {"ids": ids}).one()
    return int(row.lost), int(row.twice)
