"""`/api/embed` and its older form `/api/embeddings`."""

import time
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field

from fastapi import APIRouter, Request, Response

from relais_models.api.presence import presence_of
from relais_models.api.replies import GARBAGE, dump
from relais_models.api.responses import CutResponse
from relais_models.api.wire import EmbedCall, LegacyEmbedCall, read_call
from relais_models.contract import Embedded, EmbeddingModel, Finish, Piece
from relais_models.faults.desk import FaultDesk
from relais_models.faults.disturbance import BrokenOff, Garbage, disturbed
from relais_models.registry import Registry


@dataclass
class _Batch:
    """One request's texts; `run` is, to the faults, a generation without tokens; `vectors` are what they left of it."""

    model: EmbeddingModel
    texts: list[str]
    dimensions: int | None = None
    vectors: list[list[float]] = field(default_factory=list)

    @property
    def words(self) -> int:
        return sum(len(text.split()) for text in self.texts)

    async def run(self) -> AsyncGenerator[Piece | Finish, None]:
        vectors = await self.model.embed(self.texts, self.dimensions)
        yield Embedded("stop", self.words, 0, vectors)


def embedding_routes(registry: Registry, desk: FaultDesk) -> APIRouter:
    """The routes that embed."""
    router = APIRouter()

    @router.post("/api/embed")
    async def embed(request: Request) -> Response:
        began = time.perf_counter_ns()
        call = await read_call(request, EmbedCall)
        texts = [] if call.input == [""] else call.input
        batch = _Batch(registry.embedding_model(call.model), texts, call.dimensions)
        if broken := await _run(request, batch):
            return broken
        reply = {
            "model": call.model,
            "embeddings": batch.vectors,
            "total_duration": time.perf_counter_ns() - began,
            "load_duration": 0,
            "prompt_eval_count": batch.words,
        }
        return Response(dump(reply), media_type="application/json")

    @router.post("/api/embeddings")
    async def legacy_embed(request: Request) -> Response:
        call = await read_call(request, LegacyEmbedCall)
        batch = _Batch(registry.embedding_model(call.model), [call.prompt] if call.prompt else [])
        if broken := await _run(request, batch):
            return broken
        return Response(dump({"embedding": batch.vectors[0] if batch.vectors else []}), media_type="application/json")

    async def _run(request: Request, batch: _Batch) -> Response | None:
        """Fill the batch; a response if a fault takes the place of the vectors."""
        try:
            is_garbage = await presence_of(request).during(_drain(desk, batch))
        except BrokenOff:
            return CutResponse()
        return Response(GARBAGE, media_type="application/json") if is_garbage else None

    return router


async def _drain(desk: FaultDesk, batch: _Batch) -> bool:
    items = [item async for item in disturbed(desk, "embed", batch.run())]
    batch.vectors = [vector for item in items if isinstance(item, Embedded) for vector in item.vectors]
    return any(isinstance(item, Garbage) for item in items)
