"""Turns every failure of a request into a problem document."""

from http import HTTPStatus

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from fastapi_problem.handler import ExceptionHandler, add_exception_handler, new_exception_handler
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Match
from starlette_problem.error import Problem

from relais_api.database import DatabaseAwayError
from relais_api.http.openapi import document_problems
from relais_api.http.problems import TYPE_TEMPLATE, ApiProblem, DatabaseUnavailable, Invalid
from relais_api.http.validation import describe_errors, summarise

DATABASE_RETRY_S = 2
_READS = {"GET", "HEAD", "OPTIONS"}
_METHODS = ("DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT")

_DETAILS = {
    404: "Nothing is at this address; /openapi.json lists what there is.",
    405: "This address doesn't take that method; the Allow header lists those it takes.",
}


class _Unexpected(ApiProblem):
    def __init__(self, _reason: str) -> None:
        # The reason may hold texts or addresses: it goes to the log, never to the client.
        super().__init__("An unexpected error happened; the service's log has its cause. Try again later.")


def install_problem_handlers(app: FastAPI) -> None:
    """Make `app` answer every refusal and failure as `application/problem+json`."""
    handler = new_exception_handler(
        unhandled_wrappers={"default": _Unexpected},
        handlers={DatabaseAwayError: _database_away},
        http_exception_handler=_http_error,
        request_validation_handler=_invalid,
        documentation_uri_template=TYPE_TEMPLATE,
    )
    add_exception_handler(app, handler, generic_swagger_defaults=False)
    app.add_exception_handler(DatabaseAwayError, handler)
    app.add_exception_handler(ClientDisconnect, _hung_up)
    document_problems(app)


async def _hung_up(_request: Request, _error: Exception) -> Response:
    return Response(status_code=HTTPStatus.BAD_REQUEST)  # nobody reads it; it is no failure of ours for the log


def _database_away(_handler: ExceptionHandler, request: Request, _error: Exception) -> Problem:
    detail = f"The database did not answer in time. {_what_now(request)}"
    return DatabaseUnavailable(detail, retry_after_s=DATABASE_RETRY_S)


def _what_now(request: Request) -> str:
    path = request.url.path
    if request.method in _READS:
        return "Nothing was changed; try again."
    if path.startswith("/c/"):
        return "A message sent now may not have been accepted: send it again with the same Idempotency-Key."
    if path.startswith("/api/messages/"):
        return "It is not known whether it was done: the message's status tells, before you repeat it."
    return (
        "It is not known whether it was done: `relais queue audit` (GET /api/audit) tells; preview again before "
        "repeating."
    )


def _invalid(_handler: ExceptionHandler, _request: Request, error: RequestValidationError) -> Problem:
    errors = describe_errors(error.errors())
    return Invalid(summarise(errors), errors=errors)


def _http_error(_handler: ExceptionHandler, request: Request, error: HTTPException) -> Problem:
    if error.status_code == HTTPStatus.BAD_REQUEST:
        return _unreadable_body(error)
    title = HTTPStatus(error.status_code).phrase
    code = title.lower().replace(" ", "_").replace("-", "_")
    detail = error.detail if error.detail != title else _DETAILS.get(error.status_code, title)
    headers = dict(error.headers or {})
    if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        headers["Allow"] = ", ".join(_allowed(request))
    return Problem(title, type_=code, detail=detail, status=error.status_code, headers=headers, code=code)


def _unreadable_body(error: HTTPException) -> Problem:
    # FastAPI and Starlette answer 400 only to a body that they can't take apart: bad UTF-8, broken multipart.
    reason = str(error.detail).rstrip(".")
    message = f"the body can't be read ({reason}); check its encoding and its content type."
    return Invalid(message, errors=[{"location": "body", "field": "", "code": "unreadable", "message": message}])


def _allowed(request: Request) -> list[str]:
    # Starlette names only the methods of the first route with this path; RFC 9110, section 15.5.6, wants all.
    scopes = [{**request.scope, "method": method} for method in _METHODS]
    routes = request.app.routes
    return [str(scope["method"]) for scope in scopes if any(route.matches(scope)[0] is Match.FULL for route in routes)]
