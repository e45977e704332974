"""A deploy: every container is restarted, one service after another, while clients go on posting."""

import pytest

from containers.load import Load
from containers.project import Project
from containers.system import System
from containers.trial import under_load
from support.waiting import wait_until

SERVICES = ("sweeper", "rag-worker", "monitor", "ollama", "qdrant", "rabbitmq", "postgres")
_API_AWAY_S = 15.0


@pytest.mark.parametrize("service", SERVICES)
def test_clients_get_nothing_worse_than_503(system: System, service: str) -> None:
    """`docker compose restart`, its containers one by one: each request is answered, and every message in the end."""
    load = under_load(system, f"{service} restarted", lambda: _restart(system.project, service), budget_s=90)
    assert load.broken() == []


def test_a_restart_of_the_only_api_is_survived_by_trying_again(system: System) -> None:
    """No connection is made until it listens again, which one address can't avoid; no accepted message is lost."""
    load: Load = under_load(system, "api restarted", lambda: _restart(system.project, "api"))
    assert load.refused_for_s() < _API_AWAY_S
    # While the container has no address, packets go nowhere: a connection isn't refused then, but times out. One that
    # was made is answered: an error of reading would be a request that the stop dropped.
    assert load.reasons().keys() <= {"ConnectError", "ConnectTimeout"}, load.reasons()


def _restart(project: Project, service: str) -> None:
    """Stop with the file's grace and start; the next only when this one is well."""
    for container in project.containers(service):
        container.stop(project.grace_s(service))
        container.start()
        wait_until(lambda: container.health in ("", "healthy"), 60, f"{container.name} is well")  # noqa: B023 -- waits
