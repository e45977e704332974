"""What a queue position costs as the line grows: by tickets, as Relais does, and by counting, as docs/adr/0004 weighs.

Run it with `.venv/bin/python bench/queue_position.py`; PostgreSQL is private, and nothing else should run.
"""

import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))

from sqlalchemy import Connection, Engine, text

from relais.queues import AI_MESSAGES
from relais.store.engine import make_engine
from relais.store.line import read_lines
from relais.store.migrate import upgrade
from relais_cli.parts.postgres import EmbeddedPostgres
from support.seeding import accept, make_agent, new_message

DEPTHS = (1_000, 10_000, 100_000)
BATCH = 1_000
TRIALS = 30
COUNT = text("""
SELECT 1 + count(*) FROM jobs
WHERE queue = :queue AND state IN ('pending', 'queued') AND (priority, ticket) < (0, :ticket)""")


def by_tickets(conn: Connection, ticket: int) -> int:
    """Compute one position; the same reading serves all other clients too."""
    return read_lines(conn).position(AI_MESSAGES.name, 0, ticket)


def by_counting(conn: Connection, ticket: int) -> int:
    """Count those ahead of one client."""
    return int(conn.execute(COUNT, {"queue": AI_MESSAGES.name, "ticket": ticket}).scalar_one())


def median_ms(engine: Engine, position: Callable[[Connection, int], int], ticket: int) -> float:
    """Ask for the last position of the line a number of times; check it, and return the median time."""
    took = []
    with engine.connect() as conn:
        for _ in range(TRIALS):
            started = time.perf_counter()
            found = position(conn, ticket)
            took.append((time.perf_counter() - started) * 1000)
            if found != ticket:
                raise SystemExit(f"{position.__name__} says {found} for ticket {ticket}")
    return statistics.median(took)


def main() -> None:
    """Fill the line step by step and measure both ways at each depth."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="relais-bench-")))
        postgres = EmbeddedPostgres(folder / "postgres", settings={"fsync": "off"})
        postgres.start()
        stack.callback(postgres.stop)
        upgrade(postgres.url())
        engine = make_engine(postgres.url(), pool_size=2)
        stack.callback(engine.dispose)
        agent, waiting = make_agent(engine), 0
        print(f"{'waiting':>10} {'by tickets':>14} {'by counting':>14}   (median of {TRIALS}, one position)")
        for depth in DEPTHS:
            while waiting < depth:
                accept(engine, [new_message(agent) for _ in range(BATCH)])
                waiting += BATCH
            with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as conn:
                conn.execute(text("VACUUM ANALYZE jobs"))
            tickets, counting = median_ms(engine, by_tickets, depth), median_ms(engine, by_counting, depth)
            print(f"{depth:>10,} {tickets:>11.2f} ms {counting:>11.2f} ms")


if __name__ == "__main__":
    main()
