"""What a scrape of the monitor costs as the tables grow to a million finished jobs, and another million that wait.

Run it with `.venv/bin/python bench/scrape.py`; PostgreSQL is private, and nothing else should run. Before each scrape a
few jobs are accepted and completed, so that there is something to count. It prints the median, the best, which other
programs disturb least, its ratio to the first row, and how long eight scrapers wait who come at the same moment.
"""

import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))

import httpx
from pydantic import SecretStr
from sqlalchemy import Engine

from relais.store.engine import make_engine
from relais.store.migrate import upgrade
from relais.store.settle import settle_completed
from relais.telemetry import configure_logging
from relais_cli.parts.postgres import EmbeddedPostgres
from relais_monitor.main import make_server
from relais_monitor.settings import MonitorSettings
from support.old_jobs import fill_finished, fill_waiting
from support.seeding import accept_many, answer, claim, make_agent, make_worker
from support.waiting import wait_until

SIZES = (1_000, 10_000, 100_000, 1_000_000)
TRIALS = 100
FRESH = 5
SCRAPERS = 8
OPENMETRICS = {"Accept": "application/openmetrics-text; version=1.0.0"}


@contextmanager
def monitor(database_url: str, *, cache_s: float) -> Iterator[httpx.Client]:
    """Run the monitor in a thread, as its process does, until it has read the ledger."""
    settings = MonitorSettings(
        _env_file=None, database_url=SecretStr(database_url), monitor_port=0, monitor_cache_s=cache_s
    )
    server = make_server(settings)
    thread = threading.Thread(target=server.run)
    thread.start()
    wait_until(lambda: server.started, 30)
    port = server.servers[0].sockets[0].getsockname()[1]
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60) as client:
        wait_until(lambda: "relais_jobs_finished_total" in client.get("/metrics").text, 300, "the ledger is read")
        yield client
    server.should_exit = True
    thread.join()


def scrape_ms(client: httpx.Client) -> float:
    """Scrape once."""
    started = time.perf_counter()
    text = client.get("/metrics", headers=OPENMETRICS).text
    took = (time.perf_counter() - started) * 1000
    if "relais_database_up 1.0" not in text or "relais_jobs_finished_total" not in text:
        raise SystemExit("a scrape without figures")
    return took


def measure(database_url: str, engine: Engine, agent: object, worker: int) -> tuple[float, float, float]:
    """Median and best time of a scrape with news, and the median of several scrapers at once."""
    with monitor(database_url, cache_s=0) as client:
        alone = []
        for _ in range(TRIALS):
            finish_some(engine, agent, worker)
            alone.append(scrape_ms(client))
    with monitor(database_url, cache_s=1) as client, ThreadPoolExecutor(SCRAPERS) as pool:
        together = []
        for _ in range(3):
            finish_some(engine, agent, worker)
            time.sleep(1)  # the snapshot is stale
            together += pool.map(lambda _: scrape_ms(client), range(SCRAPERS))
    return statistics.median(alone), min(alone), statistics.median(together)


def finish_some(engine: Engine, agent: object, worker: int) -> None:
    """Accept and complete a few jobs of another queue order: the first of the line, whatever waits."""
    accept_many(engine, agent, FRESH, priority=-1)  # type: ignore[arg-type] # an id
    for _ in range(FRESH):
        job = claim(engine, worker)
        if job is None:
            raise SystemExit("nothing to claim")
        with engine.begin() as conn:
            settle_completed(conn, job.id, job.attempt, answer())


def main() -> None:
    """Fill the tables step by step and measure at each size."""
    configure_logging(log_format="console", level="error")
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="relais-bench-")))
        postgres = EmbeddedPostgres(folder / "postgres", settings={"fsync": "off", "max_wal_size": "8GB"})
        postgres.start()
        stack.callback(postgres.stop)
        upgrade(postgres.url())
        engine = make_engine(postgres.url(), pool_size=2, answer_limit_s=1_800)
        stack.callback(engine.dispose)
        agent, worker = make_agent(engine), make_worker(engine, slots=FRESH)
        print(f"{'finished':>10} {'waiting':>10} {'median':>11} {'best':>11} {'ratio':>6} {f'{SCRAPERS} at once':>11}")
        first, finished, waiting = 0.0, 0, 0
        for finished_now, waiting_now in [(size, 0) for size in SIZES] + [(SIZES[-1], SIZES[-1])]:
            if finished_now > finished:
                fill_finished(engine, agent, after=finished, upto=finished_now)
            if waiting_now > waiting:
                fill_waiting(engine, agent, after=finished_now, upto=finished_now + waiting_now, finished=finished_now)
            finished, waiting = finished_now, waiting_now
            median, best, together = measure(postgres.url(), engine, agent, worker)
            first = first or best
            print(
                f"{finished:>10,} {waiting:>10,} {median:>8.1f} ms {best:>8.1f} ms {best / first:>6.2f} "
                f"{together:>8.1f} ms",
                flush=True,
            )


if __name__ == "__main__":
    main()
