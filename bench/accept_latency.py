"""How long a POST takes with 10,000 messages waiting, beside a bare FastAPI insert on the same machine in the same run.

Run it with `make bench`. PostgreSQL and RabbitMQ are private and durable (fsync on); nothing else should run.
"""

import json
import os
import statistics
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))

from private_servers import private_servers

from relais.store.agents import find_agent_by_token
from relais.store.engine import make_engine
from relais_cli.parts.ports import accepts_connections, free_port
from support.clients import Poster
from support.seeding import accept, new_message
from support.stack import Service, Stack, stopping
from support.waiting import wait_until

DEPTH = int(os.environ.get("BENCH_DEPTH", "10000"))
REQUESTS = int(os.environ.get("BENCH_REQUESTS", "4000"))
CLIENTS = (1, 16, 64)


def measure(port: int, path: str, clients: int) -> dict[str, float]:
    """Run the load in a process of its own; return median, 99th percentile (ms) and rate (per second)."""
    count = REQUESTS if clients > 1 else REQUESTS // 4
    command = [
        sys.executable,
        str(Path(__file__).parent / "load.py"),
        "127.0.0.1",
        str(port),
        path,
        str(clients),
        str(count),
    ]
    result = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    if set(result["statuses"]) != {"202"}:
        raise SystemExit(f"refused: {result['statuses']}")
    latencies = sorted(result["latencies_ms"])
    cuts = statistics.quantiles(latencies, n=100)
    return {"p50": cuts[49], "p99": cuts[98], "max": latencies[-1], "rate": len(latencies) / result["took_s"]}


def main() -> None:
    """Start everything, fill the line, measure both in turn."""
    with ExitStack() as stack:
        servers = stack.enter_context(private_servers())
        folder, database_url = servers.folder, servers.postgres.url()
        relais = stack.enter_context(
            stopping(Stack(folder, database_url, servers.rabbitmq.url(), "http://127.0.0.1:9"))
        )
        relais.start_api()
        token = relais.make_agent()
        Poster(relais.url, token).post_many(1)
        fill_line(database_url, token)
        bare_port = free_port()
        bare = Service(
            "bare_insert",
            dict(os.environ)
            | {
                "BARE_DATABASE_URL": database_url,
                "BARE_PORT": str(bare_port),
                "PYTHONPATH": str(Path(__file__).parent),
            },
            folder / "bare.log",
            [sys.executable, "-m", "bare_insert"],
        ).start()
        stack.callback(bare.stop)
        wait_until(lambda: accepts_connections("127.0.0.1", bare_port), 20, "the reference listens")
        report(relais.port, f"/c/{token}/message", bare_port)


def fill_line(database_url: str, token: str) -> None:
    """Let `DEPTH` messages wait."""
    engine = make_engine(database_url, pool_size=1)
    with engine.begin() as conn:
        agent = find_agent_by_token(conn, token)
    if agent is None:
        raise SystemExit("the agent is missing")
    for _ in range(DEPTH // 500):
        accept(engine, [new_message(agent.id) for _ in range(500)])
    engine.dispose()


def report(port: int, path: str, bare_port: int) -> None:
    """Measure and print: one row per number of clients."""
    print(f"POST with {DEPTH} messages waiting; {os.cpu_count()} cores shared by client, API, PostgreSQL and RabbitMQ")
    print(f"{'clients':>8} {'':10} {'p50 ms':>8} {'p99 ms':>8} {'max ms':>8} {'per s':>8}")
    for clients in CLIENTS:
        bare = measure(bare_port, "/message", clients)
        relais = measure(port, path, clients)
        for name, row in (("bare", bare), ("relais", relais)):
            print(f"{clients:>8} {name:10} {row['p50']:8.1f} {row['p99']:8.1f} {row['max']:8.1f} {row['rate']:8.0f}")
        ratio = {key: relais[key] / bare[key] for key in bare}
        print(f"{'':8} {'ratio':10} {ratio['p50']:8.2f} {ratio['p99']:8.2f} {ratio['max']:8.2f} {ratio['rate']:8.2f}")


if __name__ == "__main__":
    main()
