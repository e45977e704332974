"""`relais agents`: list, show, create, change, delete."""

from typing import Annotated, Any
from urllib.parse import quote

import typer

from relais.settings import load_settings
from relais_cli.client import Client, operating
from relais_cli.commands.agent_fields import (
    ChatModel,
    EmbeddingModel,
    Greeting,
    MaxWaiting,
    More,
    Name,
    NewChatModel,
    NewEmbeddingModel,
    Slug,
    SystemPrompt,
    read_fields,
)
from relais_cli.commands.options import Json
from relais_cli.render import print_json, print_table, stdout
from relais_cli.settings import ClientSettings


def make_agents() -> typer.Typer:
    """Put the subcommands together."""
    agents = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="List, show, create, change, delete agents.")
    for name, command in (("list", list_), ("show", show), ("create", create), ("update", update), ("delete", delete)):
        agents.command(name)(command)
    return agents


def list_(*, as_json: Json = False) -> None:
    """List all agents."""
    with operating(load_settings(ClientSettings)) as client:
        found = client.get("/api/agents")["agents"]
    if as_json:
        print_json(found)
        return
    print_table(
        ["Slug", "Name", "Chat model", "Token"],
        [(agent["slug"], agent["name"], agent["chat_model"], agent["token"]) for agent in found],
    )


def show(slug: Slug, *, as_json: Json = False) -> None:
    """Show one agent with all its settings."""
    with operating(load_settings(ClientSettings)) as client:
        _show(client, client.get(_path(slug)), as_json=as_json)


def create(
    slug: Slug,
    *,
    chat_model: NewChatModel,
    embedding_model: NewEmbeddingModel,
    name: Name = None,
    system_prompt: SystemPrompt = None,
    greeting: Greeting = None,
    max_waiting: MaxWaiting = None,
    more: More = None,
    as_json: Json = False,
) -> None:
    """Create an agent; ingest documents for it next."""
    fields = read_fields(
        name=name or slug,
        chat_model=chat_model,
        embedding_model=embedding_model,
        system_prompt=system_prompt,
        greeting=greeting,
        max_waiting=max_waiting,
        more=more,
    )
    with operating(load_settings(ClientSettings)) as client:
        _show(client, client.post("/api/agents", json={"slug": slug, **fields}), as_json=as_json)


def update(
    slug: Slug,
    *,
    name: Name = None,
    chat_model: ChatModel = None,
    embedding_model: EmbeddingModel = None,
    system_prompt: SystemPrompt = None,
    greeting: Greeting = None,
    max_waiting: MaxWaiting = None,
    more: More = None,
    as_json: Json = False,
) -> None:
    """Change an agent; what is not given stays."""
    changes = read_fields(
        name=name,
        chat_model=chat_model,
        embedding_model=embedding_model,
        system_prompt=system_prompt,
        greeting=greeting,
        max_waiting=max_waiting,
        more=more,
    )
    if not changes:
        raise typer.BadParameter("nothing to change: give an option, or --set FIELD=VALUE", param_hint="OPTIONS")
    with operating(load_settings(ClientSettings)) as client:
        _show(client, client.request("PATCH", _path(slug), json=changes), as_json=as_json)


def delete(
    slug: Slug,
    *,
    execute: Annotated[bool, typer.Option("--execute", help="Really delete it.")] = False,
    as_json: Json = False,
) -> None:
    """Delete an agent: its waiting messages are cancelled, its documents leave the index."""
    with operating(load_settings(ClientSettings)) as client:
        agent = client.get(_path(slug))
        documents = len(client.get(f"{_path(slug)}/documents", params={"limit": 500})["documents"])
        if execute:
            client.request("DELETE", _path(slug))
    if as_json:
        print_json({"slug": slug, "documents": documents, "deleted": execute})
    elif execute:
        stdout().print(f"Deleted {slug}.")
    else:
        stdout().print(f"Would delete {slug} ({agent['name']}) with {documents} documents. To do it: add --execute")


def _show(client: Client, agent: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        print_json(agent)
    else:
        print_table(["Field", "Value"], [*agent.items(), ("chat page", f"{client.address.url}/c/{agent['token']}")])


def _path(slug: str) -> str:
    return f"/api/agents/{quote(slug, safe='')}"
