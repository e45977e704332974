"""The addresses of agents."""

import secrets
from typing import Annotated, Final
from uuid import uuid4

from fastapi import APIRouter, Depends, Path, Response

from relais.queues import DOCUMENTS
from relais.store.agents import Agent, find_agent_by_slug, list_agents
from relais_api.admin.agent_bodies import SLUG_PATTERN, AgentBody, AgentChanges, AgentList, NewAgent
from relais_api.admin.agent_changes import change_agent, make_agent, remove_agent
from relais_api.admin.keys import NEEDS_ADMIN, NEEDS_READ, Administrator
from relais_api.chat.reading import json_only
from relais_api.http import problems
from relais_api.http.openapi import problem_responses
from relais_api.parts import Parts, PartsOf

router: Final = APIRouter(
    prefix="/api/agents",
    tags=["Administration"],
    responses=problem_responses(
        problems.Unauthorized, problems.Forbidden, problems.Invalid, problems.DatabaseUnavailable
    ),
)

Slug = Annotated[str, Path(pattern=SLUG_PATTERN)]
_JSON: Final = Depends(json_only)
_TOKEN_BYTES: Final = 24


@router.get("", dependencies=[NEEDS_READ])
async def show_agents(parts: PartsOf) -> AgentList:
    """List all agents."""
    return AgentList(agents=[_body(agent) for agent in await parts.database.read(list_agents)])


@router.post(
    "",
    status_code=201,
    dependencies=[NEEDS_ADMIN, _JSON],
    responses=problem_responses(problems.SlugTaken, problems.WrongMediaType),
)
async def add_agent(new: NewAgent, response: Response, parts: PartsOf, admin: Administrator) -> AgentBody:
    """Create an agent; its public token is made here."""
    fields = new.model_dump() | {"id": uuid4(), "token": secrets.token_urlsafe(_TOKEN_BYTES)}
    agent = await parts.database.write(make_agent, fields, admin.name)
    if agent is None:
        raise problems.SlugTaken(f"Another agent has the slug {new.slug}; choose another.", field="slug")
    response.headers["Location"] = f"/api/agents/{agent.slug}"
    return _body(agent)


@router.get("/{slug}", dependencies=[NEEDS_READ], responses=problem_responses(problems.UnknownAgent))
async def show_one_agent(slug: Slug, parts: PartsOf) -> AgentBody:
    """Show an agent."""
    return _body(await find_agent(parts, slug))


@router.patch(
    "/{slug}",
    dependencies=[NEEDS_ADMIN, _JSON],
    responses=problem_responses(problems.UnknownAgent, problems.WrongMediaType),
)
async def edit_agent(slug: Slug, changes: AgentChanges, parts: PartsOf, admin: Administrator) -> AgentBody:
    """Change an agent; what the body leaves out stays. Another embedding model embeds the documents anew."""
    agent = await parts.database.write(change_agent, slug, changes.model_dump(exclude_unset=True), admin.name)
    if agent is None:
        raise _unknown()
    parts.agents.forget(agent.token)
    parts.announcer.wake(DOCUMENTS.name)
    return _body(agent)


@router.delete(
    "/{slug}", status_code=204, dependencies=[NEEDS_ADMIN], responses=problem_responses(problems.UnknownAgent)
)
async def drop_agent(slug: Slug, parts: PartsOf, admin: Administrator) -> Response:
    """Delete an agent; its waiting messages are cancelled and its documents leave the index."""
    agent = await parts.database.write(remove_agent, slug, admin.name)
    if agent is None:
        raise _unknown()
    parts.agents.forget(agent.token)
    parts.announcer.wake(DOCUMENTS.name)
    return Response(status_code=204)


async def find_agent(parts: Parts, slug: str) -> Agent:
    """Find an agent by its slug.

    Raises:
        UnknownAgent: there is none.
    """
    agent = await parts.database.read(find_agent_by_slug, slug)
    if agent is None:
        raise _unknown()
    return agent


def _unknown() -> problems.UnknownAgent:
    return problems.UnknownAgent("No agent has this slug; GET /api/agents lists them.")


def _body(agent: Agent) -> AgentBody:
    return AgentBody.model_validate(agent)
