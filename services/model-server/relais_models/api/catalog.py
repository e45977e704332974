"""`/api/tags`, `/api/show`, `/api/ps`, `/api/version` and `/`: what is here."""

from hashlib import sha256
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import PlainTextResponse

from relais_models.api.replies import now
from relais_models.api.wire import ShowCall, read_call
from relais_models.contract import Card
from relais_models.registry import Registry

_NEVER = "9999-12-31T23:59:59Z"


def catalog_routes(registry: Registry, version: str) -> APIRouter:
    """The routes that describe the server."""
    router = APIRouter()
    started = now()

    @router.api_route("/", methods=["GET", "HEAD"], response_class=PlainTextResponse)
    async def alive() -> str:
        return "Ollama is running"  # clients look for these words

    @router.api_route("/api/version", methods=["GET", "HEAD"])
    async def tell_version() -> dict[str, str]:
        return {"version": version}

    @router.api_route("/api/tags", methods=["GET", "HEAD"])
    async def tags() -> dict[str, Any]:
        return {"models": [_entry(card) | {"modified_at": started} for card in registry.cards()]}

    @router.get("/api/ps")
    async def loaded() -> dict[str, Any]:
        entries = [_entry(card) | {"expires_at": _NEVER, "size_vram": 0} for card in registry.cards()]
        return {"models": entries}

    @router.post("/api/show")
    async def show(request: Request) -> dict[str, Any]:
        call = await read_call(request, ShowCall)
        card = registry.card(call.model or call.name)
        return {
            "modelfile": "",
            "parameters": "",
            "template": "",
            "details": _details(card),
            "model_info": card.info,
            "capabilities": card.capabilities,
            "modified_at": started,
        }

    return router


def _entry(card: Card) -> dict[str, Any]:
    name = f"{card.name}:latest"
    digest = sha256(f"{card.name} {card.size_bytes}".encode()).hexdigest()
    return {"name": name, "model": name, "size": card.size_bytes, "digest": digest, "details": _details(card)}


def _details(card: Card) -> dict[str, Any]:
    return {
        "parent_model": "",
        "format": card.format,
        "family": card.family,
        "families": [card.family],
        "parameter_size": card.parameter_size,
        "quantization_level": card.quantization,
    }
