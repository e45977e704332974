"""What a failed call to Qdrant means: may another attempt succeed, and what can a person do."""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import structlog
from qdrant_client.common.client_exceptions import ResourceExhaustedResponse
from qdrant_client.http.exceptions import ResponseHandlingException, UnexpectedResponse

from relais.errors import JobError, PartAwayError, PermanentError, TransientError
from relais.parts import Part
from relais_worker.plain_text import plain_text

_SECOND_TRY = "The work is tried again automatically."
_LONGEST_CAUSE = 300
_SIZE_ERROR = b"Vector dimension error"
_FAILURES = (
    UnexpectedResponse,
    ResponseHandlingException,
    ResourceExhaustedResponse,
    ValueError,  # local mode's refusals; a reply that is no text
    AssertionError,  # a reply without a result
    RecursionError,  # a reply nested too deeply
    sqlite3.Error,  # local mode's storage
)
_log = structlog.get_logger(__name__)


@contextmanager
def failures_translated(*, quiet: bool = False) -> Iterator[None]:
    """Turn every failure of qdrant-client, remote or local, into a `JobError`; logged unless `quiet`.

    Raises:
        PartAwayError: `qdrant_unreachable`, `qdrant_timeout`, `qdrant_overloaded`, `qdrant_server_error`.
        TransientError: `qdrant_server_error` for what a server that is there got wrong.
        PermanentError: `qdrant_refused`.
    """
    try:
        yield
    except _FAILURES as failure:
        error = _translate(failure)
        if not quiet:
            _log.warning("qdrant.failed", reason=error.reason, cause=str(failure)[:_LONGEST_CAUSE])
        raise error from failure


def work_failed() -> TransientError:
    """Make the error for a reply that isn't what Qdrant's API promises, or for a failure of local mode's storage."""
    return TransientError("qdrant_server_error", f"The search index failed to do its work. {_SECOND_TRY}")


def is_missing_collection(error: JobError) -> bool:
    """Tell whether Qdrant refused because the collection doesn't exist (404; local mode has a ValueError)."""
    cause = error.__cause__
    if isinstance(cause, UnexpectedResponse):
        return cause.status_code == httpx.codes.NOT_FOUND and b"Not found: Collection" in cause.content
    return isinstance(cause, ValueError) and "not found" in str(cause)


def is_conflict(error: JobError) -> bool:
    """Tell whether Qdrant refused because the collection exists already (409; local mode has a ValueError)."""
    cause = error.__cause__
    if isinstance(cause, UnexpectedResponse):
        return cause.status_code == httpx.codes.CONFLICT or b"already exists" in cause.content
    return isinstance(cause, ValueError) and "already exists" in str(cause)


def _translate(failure: Exception) -> JobError:
    match failure:
        case ResponseHandlingException(source=httpx.HTTPError() | OSError() as source):
            return _lost(source)
        case (
            (ResponseHandlingException() | sqlite3.Error() | AssertionError() | RecursionError())
            | (json.JSONDecodeError() | UnicodeError())  # kinds of ValueError
        ):
            return work_failed()
        case ResourceExhaustedResponse():
            return TransientError("qdrant_overloaded", f"The search index is busy. {_SECOND_TRY}")
        case UnexpectedResponse(status_code=int(status)):
            return _refusal(status, failure)
        case _:
            return _refused(str(failure))


def _lost(source: Exception) -> PartAwayError:
    if isinstance(source, httpx.TimeoutException) and not isinstance(source, httpx.ConnectTimeout):
        return _away("qdrant_timeout", "didn't answer in time")
    made_contact = not isinstance(source, httpx.ConnectError | httpx.ConnectTimeout)
    return _away("qdrant_unreachable", "can't be reached", reached=made_contact)


def _refusal(status: int, failure: UnexpectedResponse) -> JobError:
    if status in (httpx.codes.REQUEST_TIMEOUT, httpx.codes.GATEWAY_TIMEOUT):
        return _away("qdrant_timeout", "didn't answer in time")
    if status in (httpx.codes.TOO_MANY_REQUESTS, httpx.codes.SERVICE_UNAVAILABLE):
        return _away("qdrant_overloaded", "is busy")
    if status >= httpx.codes.INTERNAL_SERVER_ERROR:
        return _away("qdrant_server_error", "reports an error of its own")
    if status in (httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN):
        return PermanentError("qdrant_refused", "The search index refused the key: check RELAIS_QDRANT_API_KEY.")
    if _SIZE_ERROR in failure.content:
        return _other_size()
    return _refused(f"status {status}: {failure.content.decode(errors='replace')}")


def _other_size() -> PermanentError:
    return PermanentError(
        "vector_size_mismatch",
        "The search index's collection holds vectors of another size than the embedding model makes: delete the "
        "collection and upload the documents again.",
    )


def _away(reason: str, what: str, *, reached: bool = True) -> PartAwayError:
    return PartAwayError(reason, f"The search index {what}. {_SECOND_TRY}", part=Part.QDRANT, reached=reached)


def _refused(cause: str) -> PermanentError:
    told = plain_text(cause)[:_LONGEST_CAUSE]
    return PermanentError(
        "qdrant_refused", f"The search index refused the request ({told}). Relais needs Qdrant 1.20 or newer."
    )
