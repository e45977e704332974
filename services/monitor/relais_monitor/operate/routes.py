"""The addresses of the page's actions."""

import asyncio
from typing import Final

from fastapi import APIRouter, Request, Response

from relais_monitor.operate.allowed import allowed_path
from relais_monitor.operate.forwarder import Forwarder
from relais_monitor.problems import HEADERS, MonitorProblem

_LARGEST_BODY: Final = 64 * 1024
_SLOWEST_BODY_S: Final = 10.0
_LONGEST_QUERY: Final = 8 * 1024
_METHODS: Final = ["GET", "POST", "DELETE", "PUT", "PATCH"]  # those that are never allowed get the same 404


def build_operate_router(forwarder: Forwarder) -> APIRouter:
    """Make the routes that pass on what is allowed."""
    router = APIRouter(include_in_schema=False)

    @router.api_route("/operate/{path:path}", methods=_METHODS)
    async def forward(request: Request) -> Response:
        """Pass an action on to the API, with the key that the operator typed."""
        path = allowed_path(request.method, request.scope["raw_path"])
        if path is None:
            raise MonitorProblem(404, "not_found", "Not found", "The page has no such action.")
        headers = _headers(request)
        query = _query(request.scope["query_string"])
        if len(query) > _LONGEST_QUERY:
            raise MonitorProblem(414, "too_long", "The query is too long", "Select fewer jobs, or filter instead.")
        answer = await forwarder.send(request.method, path, query, headers, await _body(request))
        return Response(answer.body, answer.status, HEADERS | answer.headers)

    return router


def _query(raw: bytes) -> str:
    query = raw.decode("latin-1")
    if not _sendable(query):
        detail = "Its query has characters that no address has: write them as %XX."
        raise MonitorProblem(422, "invalid_request", "The request is not valid", detail)
    return query


def _headers(request: Request) -> dict[str, str]:
    key = request.headers.get("Authorization")
    if key is None or not _sendable(key):  # nobody without a key makes the monitor ask the API anything
        raise MonitorProblem(401, "unauthorized", "A valid key is needed", "Sign in with an operator's key first.")
    content_type = request.headers.get("Content-Type")
    if content_type is not None and not _sendable(content_type):
        raise MonitorProblem(415, "unsupported_type", "The type is not supported", "Send application/json.")
    return {"Authorization": key} | ({} if content_type is None else {"Content-Type": content_type})


def _sendable(words: str) -> bool:
    return words.isascii() and words.isprintable()


async def _body(request: Request) -> bytes:
    body = bytearray()
    try:
        async with asyncio.timeout(_SLOWEST_BODY_S):
            async for piece in request.stream():
                body += piece
                if len(body) > _LARGEST_BODY:
                    detail = "Select fewer jobs, or filter instead."
                    raise MonitorProblem(413, "too_large", "The request is too large", detail)
    except TimeoutError:
        raise MonitorProblem(408, "request_timeout", "The body came too slowly", "Send it again.") from None
    return bytes(body)
