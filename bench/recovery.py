"""How long a message waits for its next attempt when its worker is killed, and when it hangs; see docs/adr/0005.

Run it with `.venv/bin/python bench/recovery.py`; PostgreSQL and RabbitMQ are private, the settings are the defaults.
"""

import os
import signal
import statistics
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))

import httpx
from sqlalchemy import Engine, Row, text

from relais.store.engine import make_engine
from relais.store.migrate import upgrade
from relais_cli.parts.model_server import ModelServer
from relais_cli.parts.postgres import EmbeddedPostgres
from relais_cli.parts.rabbitmq_node import RabbitMQNode
from support.stack import Stack, stopping
from support.waiting import wait_until

TRIALS = {"killed": (signal.SIGKILL, 10), "stopped": (signal.SIGSTOP, 3)}
SLOW_MODEL = '{"first_token_delay_s": 120}'
GRACE_S = 21.0
WORKERS = text("SELECT count(*) FROM workers WHERE stopped_at IS NULL AND heartbeat_at > now() - interval '2 s'")
ATTEMPT = text("""
SELECT j.attempt, w.name FROM jobs j JOIN workers w ON w.id = j.worker_id
WHERE j.id = :id AND j.state = 'processing' AND j.attempt = :attempt""")


def attempt_of(engine: Engine, job_id: str, attempt: int) -> Row[tuple[int, str]] | None:
    """Tell which worker runs the attempt; None before it is claimed."""
    with engine.begin() as conn:
        return conn.execute(ATTEMPT, {"id": job_id, "attempt": attempt}).one_or_none()


def live_workers(engine: Engine) -> int:
    """Count them; one that was struck still counts for a moment."""
    with engine.begin() as conn:
        return int(conn.execute(WORKERS).scalar_one())


def run_trial(stack: Stack, engine: Engine, token: str, number: signal.Signals) -> float:
    """Strike the worker of a message; return the seconds until another one claims it."""
    reply = httpx.post(f"{stack.url}/c/{token}/message", json={"content": "Slow?"}, timeout=10).json()
    message = str(reply["message_id"])
    first = wait_until(lambda: attempt_of(engine, message, 1), 30, "claimed")
    process = int(first.name.rsplit(":", 1)[1])
    struck_at = time.monotonic()
    os.kill(process, number)
    wait_until(lambda: attempt_of(engine, message, 2), 60, "claimed again")
    took_s = time.monotonic() - struck_at
    os.kill(process, signal.SIGKILL) if number == signal.SIGSTOP else None
    httpx.post(f"{stack.url}/api/messages/{message}/cancel", timeout=10).raise_for_status()
    stack.start_worker()
    wait_until(lambda: live_workers(engine) == 2, 60, "another worker in its place")
    return took_s


def main() -> None:
    """Start everything with two workers, strike again and again, print what it took."""
    with ExitStack() as ends:
        folder = Path(ends.enter_context(tempfile.TemporaryDirectory(prefix="relais-bench-")))
        servers = (
            postgres := EmbeddedPostgres(folder / "postgres"),
            rabbitmq := RabbitMQNode(folder / "rabbitmq"),
            models := ModelServer(folder / "models", options=("--faults", SLOW_MODEL)),
        )
        for server in servers:
            server.start()
            ends.callback(server.stop)
        started_at = time.monotonic()
        upgrade(postgres.url())
        engine = make_engine(postgres.url(), pool_size=1)
        ends.callback(engine.dispose)
        stack = ends.enter_context(stopping(Stack(folder, postgres.url(), rabbitmq.url(), models.url)))
        stack.start_api()
        stack.start_sweeper()
        for _ in range(2):
            stack.start_worker()
        token = stack.make_agent(max_attempts=20)
        wait_until(lambda: live_workers(engine) == 2, 60, "both workers are there")
        # For a lease's time after its start, the database declares nobody dead.
        time.sleep(max(0.0, started_at + GRACE_S - time.monotonic()))
        for name, (number, count) in TRIALS.items():
            took = [run_trial(stack, engine, token, number) for _ in range(count)]
            median, most = statistics.median(took), max(took)
            print(f"worker {name}: claimed again after {median:.1f} s (max {most:.1f} s, n={count})")


if __name__ == "__main__":
    main()
