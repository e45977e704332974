"""What each service may do with the user that docker-compose.yml gives it, asked from inside its own container."""

import json

import pytest

from containers.project import Project
from containers.system import System

_SQL = """
import json, os, sys
from sqlalchemy import text
from relais.store.engine import make_engine
engine, said = make_engine(os.environ["RELAIS_DATABASE_URL"], pool_size=1), {}
for statement in sys.argv[1:]:
    conn = engine.connect()
    try:
        conn.execute(text(statement))
        said[statement] = "done"
    except Exception as error:
        said[statement] = str(error.__cause__ or error).splitlines()[0]
    finally:
        conn.rollback()
        conn.close()
print(json.dumps(said))
"""
_AMQP = """
import json, os, sys
import pika
channel_of = lambda: pika.BlockingConnection(pika.URLParameters(os.environ["RELAIS_BROKER_URL"])).channel()
def publish(queue):
    channel = channel_of()
    channel.confirm_delivery()
    channel.basic_publish("", queue, b"{}", mandatory=True)
def publish_elsewhere():
    channel = channel_of()
    channel.confirm_delivery()
    channel.basic_publish("amq.topic", "x", b"{}")
acts = {
    "consume": lambda: channel_of().basic_get("documents"),
    "make a queue": lambda: channel_of().queue_declare("mine"),
    "delete a queue": lambda: channel_of().queue_delete("mine"),
    "publish elsewhere": publish_elsewhere,
    "make an exchange": lambda: channel_of().exchange_declare("mine"),
}
said = {}
for name, act in acts.items():
    try:
        act()
        said[name] = "done"
    except Exception as error:
        said[name] = str(error)
print(json.dumps(said))
"""
READS = "SELECT count(*) FROM jobs"
WRITES = "UPDATE agents SET name = name"
REMOVES = "DELETE FROM job_events WHERE false"
DEFINES = (
    "CREATE TABLE mine ()",
    "ALTER TABLE jobs ADD x int",
    "DROP TABLE jobs",
    "TRUNCATE jobs",
    "CREATE SCHEMA mine",
)
RULES = ("CREATE ROLE mine", "SELECT * FROM pg_authid", "COPY jobs TO PROGRAM 'true'", "SET ROLE relais_owner")


def _ask(project: Project, service: str, program: str, *words: str) -> dict[str, str]:
    said: dict[str, str] = json.loads(project.container(service).execute("python", "-c", program, *words))
    return said


@pytest.mark.parametrize("service", ["api", "rag-worker", "sweeper"])
def test_a_service_changes_rows_and_nothing_else(system: System, service: str) -> None:
    """Its database user reads and writes rows; it can neither change tables nor rule the server."""
    said = _ask(system.project, service, _SQL, READS, WRITES, REMOVES, *DEFINES, *RULES)
    assert {said.pop(statement) for statement in (READS, WRITES, REMOVES)} == {"done"}
    refused = ("permission denied", "must be owner", "must have", "only superuser")
    assert [answer for answer in said.values() if not any(words in answer for words in refused)] == [], said


def test_the_monitor_reads_and_nothing_else(system: System) -> None:
    """Its database user writes nothing, not even after it lifts its own read-only default."""
    lifted = f"SET default_transaction_read_only = off; COMMIT; BEGIN READ WRITE; {WRITES}"
    said = _ask(system.project, "monitor", _SQL, READS, WRITES, REMOVES, *DEFINES, *RULES, lifted)
    assert said.pop(READS) == "done"
    refused = ("permission denied", "must be owner", "must have", "only superuser", "read-only transaction")
    assert [answer for answer in said.values() if not any(words in answer for words in refused)] == [], said


@pytest.mark.parametrize("service", ["api", "sweeper"])
def test_who_announces_work_takes_none(system: System, service: str) -> None:
    """The users of the API and the sweeper publish tokens by the default exchange; they can't take any."""
    said = _ask(system.project, service, _AMQP)
    assert [name for name, answer in said.items() if "ACCESS_REFUSED" not in answer] == [], said


def test_the_worker_takes_tokens_and_makes_nothing_of_its_own(system: System) -> None:
    """Its user consumes from the queues of Relais; no other queue, no exchange."""
    said = _ask(system.project, "rag-worker", _AMQP)
    assert said.pop("consume") == "done"
    assert [name for name, answer in said.items() if "ACCESS_REFUSED" not in answer] == [], said


def test_no_service_knows_the_secrets_of_another(project: Project) -> None:
    """A container's environment has the passwords that it needs and no more."""
    needed = {
        "migrate": {"POSTGRES_OWNER_PASSWORD"},
        "api": {"POSTGRES_APP_PASSWORD", "RABBITMQ_API_PASSWORD", "RELAIS_ADMIN_KEY"},
        "rag-worker": {"POSTGRES_APP_PASSWORD", "RABBITMQ_WORKER_PASSWORD", "QDRANT_API_KEY"},
        "sweeper": {"POSTGRES_APP_PASSWORD", "RABBITMQ_SWEEPER_PASSWORD"},
        "monitor": {"POSTGRES_MONITOR_PASSWORD"},
    }
    for service, names in needed.items():
        environment = " ".join(project.container(service).facts["Config"]["Env"])
        assert {name for name, value in project.secrets.items() if value in environment} == names, service
