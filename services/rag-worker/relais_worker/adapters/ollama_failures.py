"""What a failed call to Ollama means: may another attempt succeed, and what can a person do."""

import json
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import structlog

from relais.errors import JobError, PartAwayError, PermanentError, TransientError
from relais.parts import Part
from relais_worker.plain_text import plain_text

_SECOND_TRY = "The message is tried again automatically."
_LONGEST_CAUSE = 300
_log = structlog.get_logger(__name__)


@contextmanager
def failures_translated(model: str) -> Iterator[None]:
    """Turn every failure of httpx into a `JobError`; what `Progress.check` raises passes through.

    Raises:
        PartAwayError: `ollama_unreachable`, `ollama_timeout`, `ollama_disconnected`.
        TransientError: `ollama_bad_reply`.
        PermanentError: `ollama_refused`, for an address that can't be called.
    """
    try:
        yield
    except (httpx.HTTPError, httpx.InvalidURL) as failure:
        error = translate(failure)
        _log.warning("ollama.failed", reason=error.reason, model=model, cause=repr(failure)[:_LONGEST_CAUSE])
        raise error from failure


def translate(failure: httpx.HTTPError | httpx.InvalidURL) -> JobError:
    """Say what a failure of httpx means."""
    match failure:
        case httpx.InvalidURL() | httpx.UnsupportedProtocol():
            return PermanentError("ollama_refused", "RELAIS_OLLAMA_URL is not an http:// or https:// address.")
        case httpx.ConnectError() | httpx.ConnectTimeout():
            return away("ollama_unreachable", "can't be reached", reached=False)
        case httpx.TimeoutException():
            return timed_out()
        case httpx.NetworkError() | httpx.RemoteProtocolError():
            return away("ollama_disconnected", "broke off its reply")
        case _:
            return bad_reply(f"{type(failure).__name__}: {failure}")


def timed_out() -> PartAwayError:
    """Make the error for a server that fell silent."""
    return away("ollama_timeout", "stopped answering")


def bad_reply(cause: str) -> TransientError:
    """Make the error for a reply that isn't what Ollama's API promises."""
    _log.warning("ollama.bad_reply", cause=cause[:_LONGEST_CAUSE])
    return TransientError("ollama_bad_reply", f"The model server sent a reply that can't be read. {_SECOND_TRY}")


def server_error(cause: str) -> PartAwayError:
    """Make the error for a failure that Ollama itself reports, such as a model runner that ran out of memory."""
    _log.warning("ollama.server_error", cause=cause[:_LONGEST_CAUSE])
    return away("ollama_server_error", "reports an error of its own")


def refusal(status: int, body: bytes, model: str) -> JobError:
    """Translate a status other than 200."""
    cause = _cause(body)
    _log.warning("ollama.refused", status=status, model=model, cause=cause)
    if status == httpx.codes.NOT_FOUND and "model" in cause.lower():
        remedy = f"Install it there with `ollama pull {model}`, or change the agent's model."
        return PermanentError("model_missing", f"The model server doesn't have the model {model!r}. {remedy}")
    if status in (httpx.codes.SERVICE_UNAVAILABLE, httpx.codes.TOO_MANY_REQUESTS):
        return away("ollama_overloaded", "is busy")
    if status == httpx.codes.REQUEST_TIMEOUT:
        return timed_out()
    if status >= httpx.codes.INTERNAL_SERVER_ERROR:
        return server_error(f"{status}: {cause}")
    return PermanentError(
        "ollama_refused",
        f"The model server refused the request for model {model!r} with status {status}: {cause or 'no reason given'}. "
        "Check RELAIS_OLLAMA_URL and the agent's models.",
    )


def away(reason: str, what: str, *, reached: bool = True) -> PartAwayError:
    """Make the error for what may mean that the server is gone; `reached` unless no connection was made."""
    return PartAwayError(reason, f"The model server {what}. {_SECOND_TRY}", part=Part.OLLAMA, reached=reached)


def _cause(body: bytes) -> str:
    try:
        reply = json.loads(body)
    except (ValueError, RecursionError):
        return ""
    error = reply.get("error") if isinstance(reply, dict) else None
    return plain_text(str(error))[:_LONGEST_CAUSE] if error else ""
