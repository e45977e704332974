"""The composition root of the model server."""

import asyncio
import sys
from collections.abc import Sequence
from importlib.metadata import version

from relais_models.app import make_app
from relais_models.contract import ChatModel
from relais_models.extractive.model import ExtractiveModel
from relais_models.faults.desk import FaultDesk
from relais_models.lexical.model import LexicalModel
from relais_models.llm.engine import Engine, EngineError
from relais_models.llm.model import LlmModel
from relais_models.options import Options, read_options
from relais_models.registry import Registry
from relais_models.serving import StartError, end_quietly, listen, serve


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until told to end; the process's exit status."""
    end_quietly()
    options = read_options(arguments)
    try:
        _run(options)
    except (StartError, EngineError) as error:
        print(f"relais-models: {error}", file=sys.stderr)  # noqa: T201 -- the one line about why it didn't start
        return 1
    return 0


def _run(options: Options) -> None:
    listener = listen(options.host, options.port)
    registry = _load_models(options)
    stopping = asyncio.Event()
    app = make_app(
        registry,
        FaultDesk() if options.faults is None else FaultDesk(options.faults),
        stopping,
        version=version("relais-models"),
        fault_control=options.faults is not None,
    )
    host = f"[{options.host}]" if ":" in options.host else options.host
    names = ", ".join(card.name for card in registry.cards())
    ready = f"relais-models: ready at http://{host}:{listener.getsockname()[1]} (models: {names})"
    serve(app, listener, stopping, announcement=ready, watch=options.exit_with_parent)


def _load_models(options: Options) -> Registry:
    chat_models: dict[str, ChatModel] = {"extractive": ExtractiveModel()}
    for llm in options.llms:
        chat_models[llm.name] = LlmModel(llm.name, Engine(llm.path, options.llm_context))
    return Registry(chat_models, {"lexical": LexicalModel()})
