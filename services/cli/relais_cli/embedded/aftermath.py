"""Clears up after a run that was killed: its workers are dead for certain, so their jobs needn't wait for a lease."""

from relais.store.engine import make_engine
from relais.store.workers import declare_dead


def declare_workers_dead(database_url: str) -> None:
    """Enter into the register that nobody works.

    True only of the embedded database, which belongs to whoever holds the home's lock. The sweeper's first round then
    gives the jobs back.

    Raises:
        sqlalchemy.exc.DBAPIError: the database is away.
    """
    engine = make_engine(database_url, pool_size=1, application_name="relais-up")
    with engine.begin() as conn:
        declare_dead(conn, silence_s=0.0, grace_s=0.0)
    engine.dispose()
