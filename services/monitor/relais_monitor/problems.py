"""Refusals of the monitor as problem documents (RFC 9457), with the remedy in their detail."""

from typing import Any, Final

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

HEADERS: Final = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer"}


class MonitorProblem(Exception):  # noqa: N818 -- what a client gets, as in the API
    """A refusal: status, stable code, title for the kind, detail for this case."""

    def __init__(self, status: int, code: str, title: str, detail: str, *, retry_after_s: int | None = None) -> None:
        super().__init__(title)
        self.status, self.code, self.title, self.detail = status, code, title, detail
        self.retry_after_s = retry_after_s


def install_problem_handlers(app: FastAPI) -> None:
    """Make `app` answer refusals as `application/problem+json`."""

    @app.exception_handler(MonitorProblem)
    async def refuse(_request: Request, problem: MonitorProblem) -> JSONResponse:
        headers = {} if problem.retry_after_s is None else {"Retry-After": str(problem.retry_after_s)}
        return _document(problem.status, problem.code, problem.title, problem.detail, headers)

    @app.exception_handler(RequestValidationError)
    async def refuse_invalid(_request: Request, error: RequestValidationError) -> JSONResponse:
        errors = [_named(found) for found in error.errors()]
        detail = " ".join(found["message"] for found in errors)
        return _document(422, "invalid_request", "The request is not valid", detail, {}, errors=errors)

    @app.exception_handler(HTTPException)
    async def refuse_unknown(_request: Request, error: HTTPException) -> JSONResponse:
        code = str(error.detail).lower().replace(" ", "_")
        detail = "Nothing is at this address; the page is at /." if error.status_code == 404 else str(error.detail)  # noqa: PLR2004
        return _document(error.status_code, code, str(error.detail), detail, dict(error.headers or {}))


def _named(found: dict[str, Any]) -> dict[str, str]:
    field = next((str(part) for part in found["loc"][1:]), str(found["loc"][0]))  # the rest is a place in a list
    reason = str(found["msg"]).removeprefix("Value error, ").replace("Input should", "must", 1)
    return {"field": field, "message": f"{field}: {reason}."}


def _document(status: int, code: str, title: str, detail: str, headers: dict[str, str], **more: object) -> JSONResponse:
    body = {"type": f"urn:relais:problem:{code}", "title": title, "status": status, "detail": detail, "code": code}
    return JSONResponse(body | more, status, HEADERS | headers, media_type="application/problem+json")
