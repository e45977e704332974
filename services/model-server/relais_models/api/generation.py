"""`/api/chat` and `/api/generate`."""

from fastapi import APIRouter, Request, Response

from relais_models.api.presence import presence_of
from relais_models.api.replies import Shape, chat_shape, dump, generate_shape, lines, now, whole
from relais_models.api.responses import CutResponse, stream
from relais_models.api.wire import ChatCall, GenerateCall, read_call
from relais_models.contract import ModelError
from relais_models.faults.desk import FaultDesk
from relais_models.faults.disturbance import BrokenOff, disturbed
from relais_models.faults.plan import Endpoint
from relais_models.registry import Registry


def generation_routes(registry: Registry, desk: FaultDesk) -> APIRouter:
    """The routes that generate."""
    router = APIRouter()

    @router.post("/api/chat")
    async def chat(request: Request) -> Response:
        return await _generate(request, await read_call(request, ChatCall), "chat", chat_shape)

    @router.post("/api/generate")
    async def generate(request: Request) -> Response:
        return await _generate(request, await read_call(request, GenerateCall), "generate", generate_shape)

    async def _generate(request: Request, call: ChatCall | GenerateCall, endpoint: Endpoint, shape: Shape) -> Response:
        model = registry.chat_model(call.model)
        if missing := call.unsupported():
            raise ModelError(f'"{call.model}" does not support {missing[0]}', 400)
        if not call.turns():
            return _loaded(call.model, shape)
        items = disturbed(desk, endpoint, model.chat(call.turns(), call.sampling()))
        if call.stream:
            return await stream(request, lines(call.model, items, shape))
        try:
            body = await presence_of(request).during(whole(call.model, items, shape))
        except BrokenOff:
            return CutResponse()
        return Response(body, media_type="application/json")

    return router


def _loaded(model: str, shape: Shape) -> Response:
    """Ollama's answer to a call without a prompt, by which clients load a model ahead."""
    reply = {"model": model, "created_at": now(), "done": True, "done_reason": "load"} | shape("", "")
    return Response(dump(reply), media_type="application/json")
