"""llama.cpp's server in this process, holding one model."""

import json
import os
import secrets
import urllib.request
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

Chunk = Mapping[str, Any]

PARALLEL = 2
# Tokens evaluated between two looks at whether anybody still listens; larger is hardly faster on a CPU.
_BATCH = 256
_COUNT_TIMEOUT_S = 30.0


class EngineError(Exception):
    """The model can't be run here; the message is one line for the person who started the server."""


class Engine:
    """Generates with the model in `path`; safe to share between threads, up to `PARALLEL` at a time.

    Args:
        path: a GGUF file.
        context: tokens that prompt and answer of one request may take together; the model's own limit caps it.

    Raises:
        EngineError: the extra `local-llm` isn't installed, or llama.cpp refuses the file.
    """

    def __init__(self, path: Path, context: int) -> None:
        try:
            import xllamacpp  # noqa: PLC0415 -- an extra of 100 MB, needed with --llm only
        except ImportError:
            raise EngineError("--llm needs the extra local-llm: pip install 'relais-models[local-llm]'") from None
        self._key = secrets.token_urlsafe()
        try:
            self._server = xllamacpp.Server(self._params(xllamacpp, path, context))
        except RuntimeError:
            raise EngineError(
                f"--llm {path}: llama.cpp can't load this model; the file may be cut or too new"
            ) from None
        self.facts: Mapping[str, Any] = self._ask("/v1/models")["data"][0]["meta"]

    @property
    def context(self) -> int:
        """Tokens that one request may take."""
        return int(self.facts["n_ctx"])

    def count_tokens(self, messages: list[dict[str, str]]) -> int:
        """How many tokens the prompt takes, with the model's chat template around the messages."""
        return int(self._ask("/v1/chat/completions/input_tokens", {"messages": messages})["input_tokens"])

    def generate(self, body: Mapping[str, Any], on_chunk: Callable[[Chunk], bool]) -> None:
        """Run one streamed chat completion; blocks, and ends early when `on_chunk` returns True."""
        self._server.handle_chat_completions(dict(body), on_chunk)

    def _params(self, xllamacpp: Any, path: Path, context: int) -> Any:
        params = xllamacpp.CommonParams()
        params.model.path = str(path)
        params.n_ctx = context * PARALLEL
        params.n_parallel = PARALLEL
        params.n_batch = params.n_ubatch = _BATCH
        params.cpuparams.n_threads = params.cpuparams_batch.n_threads = _threads()
        params.verbosity = -1
        # llama.cpp opens a port of its own on the loopback; nobody but us may use it.
        params.api_keys = [self._key]
        params.ui = params.endpoint_slots = False
        return params

    def _ask(self, path: str, body: Mapping[str, Any] | None = None) -> Any:
        request = urllib.request.Request(  # noqa: S310 -- llama.cpp's own loopback address
            self._server.listening_address + path,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Authorization": f"Bearer {self._key}", "Content-Type": "application/json"},
        )
        direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with direct.open(request, timeout=_COUNT_TIMEOUT_S) as reply:
            return json.load(reply)


def _threads() -> int:
    """Half of the processors: llama.cpp's threads spin while they wait for one another.

    With the database and the other parts on the same machine, a thread per processor took four times as long as half of
    them, and twice the processor time; on an idle machine it gained nothing (measured on 2 processors).
    """
    return max(1, (os.cpu_count() or 1) // 2)
