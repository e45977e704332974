"""How fast the API accepts while RabbitMQ is there, gone, and hanging, in one run; and how the backlog is announced.

Run it with `.venv/bin/python bench/broker_away.py`; it takes about a minute and a half. PostgreSQL and RabbitMQ are
private and durable (fsync on). The phases alternate, so that a machine that grows slower harms all of them.
"""

import os
import statistics
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from itertools import pairwise
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))

from accept_latency import measure
from private_servers import private_servers
from sqlalchemy import Engine, text

from relais.store.engine import make_engine
from support.clients import Poster
from support.proxy import Proxy
from support.stack import Stack, stopping
from support.waiting import wait_until

CLIENTS = 16
ROUNDS = int(os.environ.get("BENCH_ROUNDS", "3"))

# What one transaction announced has the same xmin.
BATCHES = text("""
SELECT count(*) AS size, min(j.ticket) AS first, max(j.ticket) AS last
FROM job_events e JOIN every_job j ON j.id = e.job_id WHERE e.transition = 'announce' AND e.at > to_timestamp(:since)
GROUP BY CAST(e.xmin AS text) ORDER BY min(e.id)""")


def main() -> None:
    """Start everything, measure each phase in turn, let the broker come back."""
    with ExitStack() as stack:
        servers = stack.enter_context(private_servers())
        database_url, rabbitmq = servers.postgres.url(), servers.rabbitmq
        proxy = Proxy(("127.0.0.1", rabbitmq.port)).start()
        stack.callback(proxy.stop)
        broker_url = proxy.reroute(rabbitmq.url())
        relais = stack.enter_context(stopping(Stack(servers.folder, database_url, broker_url, "http://127.0.0.1:9")))
        relais.start_api()
        token = relais.make_agent()
        Poster(relais.url, token).post_many(50)
        report(compare(proxy, relais.port, f"/c/{token}/message"))
        engine = make_engine(database_url, pool_size=1)
        stack.callback(engine.dispose)
        catch_up(engine, relais)


def compare(proxy: Proxy, port: int, path: str) -> dict[str, list[dict[str, float]]]:
    """Measure each phase `ROUNDS` times."""
    phases: dict[str, Callable[[], None]] = {"up": lambda: None, "gone": proxy.cut, "hanging": proxy.freeze}
    found: dict[str, list[dict[str, float]]] = {name: [] for name in phases}
    for _ in range(ROUNDS):
        for name, begin in phases.items():
            begin()
            found[name].append(measure(port, path, CLIENTS))
            proxy.pass_on()
            if name != "up":
                time.sleep(2)  # a broker that was away is tried again after a second
    return found


def report(found: dict[str, list[dict[str, float]]]) -> None:
    """Print one row per phase: the medians over the rounds, and their ratios to the phase `up`."""
    print(f"POST by {CLIENTS} clients, medians of {ROUNDS} rounds; {os.cpu_count()} cores shared by everything")
    print(f"{'RabbitMQ':10} {'p50 ms':>8} {'p99 ms':>8} {'max ms':>8} {'per s':>8} {'rate to up':>10}")
    medians = {
        name: {key: statistics.median(row[key] for row in rows) for key in rows[0]} for name, rows in found.items()
    }
    for name, row in medians.items():
        ratio = row["rate"] / medians["up"]["rate"]
        print(f"{name:10} {row['p50']:8.1f} {row['p99']:8.1f} {row['max']:8.1f} {row['rate']:8.0f} {ratio:10.2f}")


def catch_up(engine: Engine, relais: Stack) -> None:
    """Start a sweeper over what nobody has announced; print how long it takes, and in which batches and order."""
    waiting = _pending(engine)
    since = time.time()
    relais.start_sweeper()
    wait_until(lambda: _pending(engine) == 0, 120, "all is announced")
    took_s = time.time() - since
    with engine.begin() as conn:
        batches = list(conn.execute(BATCHES, {"since": since}))
    in_order = all(before.last < after.first for before, after in pairwise(batches))
    sizes = [batch.size for batch in batches]
    print(f"\n{waiting} pending messages announced in {took_s:.1f} s, the start of the sweeper included:")
    print(f"{len(batches)} batches of {max(sizes, default=0)} at most, {'in order' if in_order else 'OUT OF ORDER'}")


def _pending(engine: Engine) -> int:
    with engine.begin() as conn:
        return int(conn.execute(text("SELECT count(*) FROM jobs WHERE state = 'pending'")).scalar_one())


if __name__ == "__main__":
    main()
