"""Refuses a filter by an agent that never was: it would look like one that nothing matches."""

from sqlalchemy import Connection

from relais.store.search import is_agent
from relais_api.admin.job_filters import Filter
from relais_api.http import problems


def check_agent(conn: Connection, which: Filter) -> None:
    """Let a filter pass that names no agent, or one that there is or was.

    Raises:
        UnknownAgent: it names another.
    """
    if which.agent is not None and not is_agent(conn, which.agent):
        raise problems.UnknownAgent("No agent has this slug; GET /api/agents lists them.")
