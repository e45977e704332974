"""`relais queue pause` and `relais queue resume`: of a queue or of an agent."""

from typing import Annotated, Any
from urllib.parse import quote

import typer

from relais.settings import load_settings
from relais_cli.client import Client, operating
from relais_cli.commands.options import Json
from relais_cli.commands.queue_options import Execute, check_queue
from relais_cli.render import counted, print_json, stdout
from relais_cli.settings import ClientSettings

QueueName = Annotated[str | None, typer.Argument(metavar="QUEUE", callback=check_queue, help="Which queue.")]
AgentSlug = Annotated[str | None, typer.Option("--agent", metavar="SLUG", help="An agent, instead of a queue.")]


def pause(queue: QueueName = None, *, agent: AgentSlug = None, execute: Execute = False, as_json: Json = False) -> None:
    """Let no worker claim from a queue or of an agent.

    Messages are still accepted and wait; running jobs go on.
    """
    _act("pause", queue, agent, execute=execute, as_json=as_json)


def resume(
    queue: QueueName = None, *, agent: AgentSlug = None, execute: Execute = False, as_json: Json = False
) -> None:
    """Let workers claim again."""
    _act("resume", queue, agent, execute=execute, as_json=as_json)


def _act(action: str, queue: str | None, agent: str | None, *, execute: bool, as_json: bool) -> None:
    if (queue is None) == (agent is None):
        raise typer.BadParameter("say which: a queue, or an agent with --agent")
    with operating(load_settings(ClientSettings)) as client:
        path = f"/api/queues/{queue}" if queue else f"/api/agents/{quote(agent or '', safe='')}"
        name = f"the queue {queue}" if queue else f"the agent {agent}"
        result = _execute(client, path, action) if execute else _preview(client, path, action, is_queue=bool(queue))
    if as_json:
        print_json(result)
    elif execute:
        stdout().print(f"{'Paused' if action == 'pause' else 'Resumed'} {name}.")
    else:
        stdout().print(_foretold(action, name, result))


def _execute(client: Client, path: str, action: str) -> Any:
    return client.post(f"{path}/{action}")


def _preview(client: Client, path: str, action: str, *, is_queue: bool) -> dict[str, Any]:
    """What is paused now, and of a queue what waits in it and runs."""
    if is_queue:
        found = client.post(f"{path}/reconcile", params={"dry_run": True, "limit": 1})
        known = {"paused": found["paused"], "waiting": found["waiting"], "processing": found["processing"]}
    else:
        known = {"paused": client.get(path)["paused_at"] is not None}
    return {"action": action, "dry_run": True} | known


def _foretold(action: str, name: str, found: dict[str, Any]) -> str:
    if found["paused"] == (action == "pause"):
        return f"Nothing to do: {name} is {'paused already' if found['paused'] else 'not paused'}."
    jobs = ""
    if "waiting" in found:
        jobs = f" {counted(found['waiting'], 'job')} waiting, {found['processing']} being worked on."
    return f"Would {action} {name}.{jobs}\nTo do it: the same command with --execute"
