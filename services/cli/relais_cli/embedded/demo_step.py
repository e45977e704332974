"""The step of `relais up` that brings the agent `demo` up to date."""

from relais_cli.client import Client
from relais_cli.embedded import demo
from relais_cli.embedded.context import Run
from relais_cli.embedded.demo_models import Models
from relais_cli.errors import CliError
from relais_cli.ingesting import Ingestion
from relais_cli.render import counted


def prepare_demo(run: Run, client: Client) -> str | None:
    """Ensure that the agent is there with the newest documents; its token, None when that isn't possible now.

    A demo that fails is told of, but ends nothing.

    Raises:
        StopRequested: somebody asked to stop.
    """
    try:
        return _prepare(run, client)
    except CliError as error:
        run.steps.say(f"The agent `demo` is not up to date: {error}", event="warning")
        return None


def _prepare(run: Run, client: Client) -> str:
    models = _models(run)
    with run.steps.step("Demo", "Ingesting the documentation for the agent `demo`") as note:
        agent = demo.ensure_agent(client, models, replace=run.servers.models is not None)
        ingestion = demo.ingest_documents(client, run.requests, demo.find_documents())
        note.text = _describe(ingestion)
    for document in ingestion.failed:
        run.steps.say(f"{document.name}: {document.error} ({document.error_code})", event="warning")
    return str(agent["token"])


def _models(run: Run) -> Models:
    if run.servers.models is not None:
        return Models.embedded(run.options)
    url = run.given.addresses.ollama_url
    models = Models.of_ollama(url)
    if models is None:
        raise CliError(f"Ollama does not answer at {url}: start it, or correct RELAIS_OLLAMA_URL")
    return models


def _describe(ingestion: Ingestion) -> str:
    if not ingestion.documents:
        return "agent without documents: this installation has no docs folder; use `relais ingest`"
    changed = sum(not document.unchanged for document in ingestion.documents)
    later = f", {ingestion.unfinished} still in the queue" if ingestion.unfinished else ""
    return f"{counted(len(ingestion.documents), 'document')}, {changed} new or changed{later}"
