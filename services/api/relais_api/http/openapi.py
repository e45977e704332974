"""Describes problem documents in OpenAPI."""

from collections.abc import Callable
from typing import Any, Final

from fastapi import FastAPI

from relais_api.http.problems import TYPE_TEMPLATE, ApiProblem

_TEXT: Final = {"type": "string"}
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


def problem_responses(*problems: type[ApiProblem]) -> dict[int | str, dict[str, Any]]:
    """Document the problems that a route answers with, for FastAPI's `responses`."""
    by_status: dict[int | str, list[type[ApiProblem]]] = {}
    for problem in problems:
        by_status.setdefault(problem.status, []).append(problem)
    return {status: _document(kinds) for status, kinds in by_status.items()}


def document_problems(app: FastAPI) -> None:
    """Replace fastapi-problem's schema of a problem, which knows no `code`, in the application's OpenAPI."""
    app.openapi = _described(app.openapi)  # type: ignore[method-assign] # the way FastAPI's documentation shows


def _described(openapi: Callable[[], dict[str, Any]]) -> Callable[[], dict[str, Any]]:
    def described() -> dict[str, Any]:
        document = openapi()
        document["components"]["schemas"]["Problem"] = _PROBLEM
        return document

    return described


def _document(kinds: list[type[ApiProblem]]) -> dict[str, Any]:
    examples = {kind.code: {"value": kind("What is wrong here.").marshal(uri=TYPE_TEMPLATE)} for kind in kinds}
    schema = {"$ref": "#/components/schemas/Problem"}
    return {
        "description": "; ".join(kind.title for kind in kinds),
        "content": {"application/problem+json": {"schema": schema, "examples": examples}},
    }
