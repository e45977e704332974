"""Describes problem documents in OpenAPI."""

from collections.abc import Callable
from typing import Any, Final

from fastapi import FastAPI

from relais_api.http.problems import TYPE_TEMPLATE, ApiProblem, SlowBody, TooLarge

_TEXT: Final = {"type": "string"}
_FOREIGN: Final = "HTTPValidationError"
_FIELD_ERROR: Final = {
    "type": "object",
    "properties": {"location": _TEXT, "field": _TEXT, "code": _TEXT, "message": _TEXT},
    "required": ["location", "field", "code", "message"],
}
_PROBLEM: Final = {
    "title": "Problem",
    "description": "RFC 9457. `code` is stable, `detail` is for people, `errors` lists every wrong field.",
    "type": "object",
    "properties": {
        "type": _TEXT,
        "title": _TEXT,
        "status": {"type": "integer"},
        "code": _TEXT,
        "detail": _TEXT,
        "errors": {"type": "array", "items": _FIELD_ERROR},
    },
    "required": ["type", "title", "status", "code", "detail"],
}
_RETRY: Final = {"Retry-After": {"description": "Seconds.", "required": True, "schema": {"type": "integer"}}}
_CHALLENGE: Final = {"WWW-Authenticate": {"description": "RFC 6750.", "required": True, "schema": _TEXT}}
_HEADERS: Final = {401: _CHALLENGE, 403: _CHALLENGE, 429: _RETRY, 503: _RETRY}


def location(of: str) -> dict[str, Any]:
    """Document the header `Location`, for FastAPI's `responses`."""
    return {"Location": {"description": f"The address of the {of}.", "required": True, "schema": _TEXT}}


def problem_responses(*problems: type[ApiProblem]) -> dict[int | str, dict[str, Any]]:
    """Document the problems that a route answers with, for FastAPI's `responses`."""
    by_status: dict[int | str, list[type[ApiProblem]]] = {}
    for problem in problems:
        by_status.setdefault(problem.status, []).append(problem)
    return {status: _document(kinds) for status, kinds in by_status.items()}


def document_problems(app: FastAPI) -> None:
    """Say in the application's OpenAPI what a problem looks like here, and what any body may be refused with."""
    app.openapi = _described(app.openapi)  # type: ignore[method-assign] # the way FastAPI's documentation shows


def _described(openapi: Callable[[], dict[str, Any]]) -> Callable[[], dict[str, Any]]:
    def described() -> dict[str, Any]:
        document = openapi()
        schemas = document["components"]["schemas"]
        schemas["Problem"] = _PROBLEM  # fastapi-problem's schema knows no `code`
        for name in ("HTTPValidationError", "ValidationError"):  # FastAPI's own, which no route answers with
            schemas.pop(name, None)
        for path in document["paths"].values():
            for operation in path.values():
                _complete(operation)
        return document

    return described


def _complete(operation: dict[str, Any]) -> None:
    responses = operation["responses"]
    if _FOREIGN in str(responses.get("422")):
        del responses["422"]
    if "requestBody" in operation:
        for status, response in problem_responses(TooLarge, SlowBody).items():
            responses.setdefault(str(status), response)


def _document(kinds: list[type[ApiProblem]]) -> dict[str, Any]:
    examples = {kind.code: {"value": kind("What is wrong here.").marshal(uri=TYPE_TEMPLATE)} for kind in kinds}
    schema = {"$ref": "#/components/schemas/Problem"}
    return {
        "description": "; ".join(kind.title for kind in kinds),
        "content": {"application/problem+json": {"schema": schema, "examples": examples}},
        **({"headers": _HEADERS[kinds[0].status]} if kinds[0].status in _HEADERS else {}),
    }
