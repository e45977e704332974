"""What a failed call to Qdrant means: may another attempt succeed, and what can a person do."""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import structlog
from qdrant_client.common.client_exceptions import ResourceExhaustedResponse
from qdrant_client.http.exceptions import ResponseHandlingException, UnexpectedResponse

from relais.errors import JobError, PermanentError, TransientError

_SECOND_TRY = "The work is tried again automatically."
_LONGEST_CAUSE = 300
_FAILURES = (
    UnexpectedResponse,
    ResponseHandlingException,
    ResourceExhaustedResponse,
    ValueError,  # local mode's refusals
    sqlite3.Error,  # local mode's storage
)
_log = structlog.get_logger(__name__)


@contextmanager
def failures_translated() -> Iterator[None]:
    """Turn every failure of qdrant-client, remote or local, into a `JobError`.

    Raises:
        TransientError: `qdrant_unreachable`, `qdrant_timeout`, `qdrant_overloaded`, `qdrant_server_error`.
        PermanentError: `qdrant_refused`.
    """
    try:
        yield
    except _FAILURES as failure:
        error = _translate(failure)
        _log.warning("qdrant.failed", reason=error.reason, cause=str(failure)[:_LONGEST_CAUSE])
        raise error from failure


def is_missing_collection(error: JobError) -> bool:
    """Tell whether Qdrant refused because the collection doesn't exist (404; local mode has a ValueError)."""
    cause = error.__cause__
    if isinstance(cause, UnexpectedResponse):
        return cause.status_code == httpx.codes.NOT_FOUND
    return isinstance(cause, ValueError) and "not found" in str(cause)


def is_conflict(error: JobError) -> bool:
    """Tell whether Qdrant refused because the collection exists already (409; local mode has a ValueError)."""
    cause = error.__cause__
    if isinstance(cause, UnexpectedResponse):
        return cause.status_code == httpx.codes.CONFLICT or b"already exists" in cause.content
    return isinstance(cause, ValueError) and "already exists" in str(cause)


def _translate(failure: Exception) -> JobError:
    match failure:
        case ResponseHandlingException(source=httpx.TimeoutException()):
            return TransientError("qdrant_timeout", f"The search index didn't answer in time. {_SECOND_TRY}")
        case ResponseHandlingException(source=httpx.HTTPError() | OSError()):
            return TransientError("qdrant_unreachable", f"The search index can't be reached. {_SECOND_TRY}")
        case ResponseHandlingException() | json.JSONDecodeError() | sqlite3.Error():
            return TransientError("qdrant_server_error", f"The search index failed to do its work. {_SECOND_TRY}")
        case ResourceExhaustedResponse():
            return TransientError("qdrant_overloaded", f"The search index is busy. {_SECOND_TRY}")
        case UnexpectedResponse(status_code=int(status)):
            return _refusal(status, failure)
        case _:
            return _refused(str(failure))


def _refusal(status: int, failure: UnexpectedResponse) -> JobError:
    if status in (httpx.codes.REQUEST_TIMEOUT, httpx.codes.GATEWAY_TIMEOUT):
        return TransientError("qdrant_timeout", f"The search index didn't answer in time. {_SECOND_TRY}")
    if status in (httpx.codes.TOO_MANY_REQUESTS, httpx.codes.SERVICE_UNAVAILABLE):
        return TransientError("qdrant_overloaded", f"The search index is busy. {_SECOND_TRY}")
    if status >= httpx.codes.INTERNAL_SERVER_ERROR:
        return TransientError("qdrant_server_error", f"The search index reports an error of its own. {_SECOND_TRY}")
    if status in (httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN):
        return PermanentError("qdrant_refused", "The search index refused the key: check RELAIS_QDRANT_API_KEY.")
    return _refused(f"status {status}: {failure.content.decode(errors='replace')}")


def _refused(cause: str) -> PermanentError:
    return PermanentError(
        "qdrant_refused",
        f"The search index refused the request ({cause[:_LONGEST_CAUSE]}). Relais needs Qdrant 1.20 or newer.",
    )
