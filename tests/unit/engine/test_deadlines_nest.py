"""Deadlines nest: each outer one leaves the inner one time to act first."""

import re
from pathlib import Path

import pytest
from pydantic import SecretStr, ValidationError

from relais_api.admin.agent_bodies import NewAgent
from relais_worker.actors import LONGEST_DEADLINE_S, TIME_LIMIT_S
from relais_worker.settings import WorkerSettings

ROOT = Path(__file__).parents[3]


def test_the_model_timeout_is_below_the_deadline_below_the_time_limit_below_the_brokers_timeout():
    """Model read timeout < attempt deadline < Dramatiq's time limit < RabbitMQ's consumer timeout."""
    settings = WorkerSettings(
        _env_file=None, database_url=SecretStr("postgresql://x"), broker_url=SecretStr("memory://"), qdrant_url="/x"
    )
    agent = NewAgent(slug="a", name="A", chat_model="m", embedding_model="e")
    conf = (ROOT / "infra/rabbitmq/rabbitmq.conf").read_text()
    consumer_timeout_s = int(re.search(r"^consumer_timeout\s*=\s*(\d+)", conf, re.MULTILINE)[1]) / 1000
    assert settings.ollama_idle_timeout_s < settings.stall_timeout_s < agent.deadline_s
    assert agent.deadline_s <= LONGEST_DEADLINE_S < TIME_LIMIT_S < consumer_timeout_s


def test_no_agent_may_have_a_deadline_beyond_the_longest():
    """The API refuses a deadline that the time limit would cut off."""
    limit = next(m.le for m in NewAgent.model_fields["deadline_s"].metadata if hasattr(m, "le"))
    assert limit <= LONGEST_DEADLINE_S


def test_several_heartbeats_fit_into_a_lease():
    """A lost beat or two costs no lease."""
    settings = WorkerSettings(
        _env_file=None, database_url=SecretStr("postgresql://x"), broker_url=SecretStr("memory://"), qdrant_url="/x"
    )
    assert 4 * settings.heartbeat_s <= settings.lease_s


@pytest.mark.parametrize(("lease_s", "heartbeat_s"), [(20, 5), (1, 0.5)])
def test_a_heartbeat_that_would_let_leases_lapse_is_refused(lease_s: float, heartbeat_s: float):
    """Silence is judged in seconds, and a lease lapses in its time: a beat must come several times in either."""
    with pytest.raises(ValidationError, match=r"(?i)heartbeat_s"):
        WorkerSettings(
            _env_file=None,
            database_url=SecretStr("postgresql://x"),
            broker_url=SecretStr("memory://"),
            qdrant_url="/x",
            lease_s=lease_s,
            heartbeat_s=heartbeat_s,
        )
