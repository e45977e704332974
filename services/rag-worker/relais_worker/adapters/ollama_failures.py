"""What a failed call to Ollama means: may another attempt succeed, and what can a person do."""

import json
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import structlog

from relais.errors import JobError, PermanentError, TransientError

_SECOND_TRY = "The message is tried again automatically."
_LONGEST_CAUSE = 300
_log = structlog.get_logger(__name__)


@contextmanager
def failures_translated(model: str) -> Iterator[None]:
    """Turn every failure of httpx into a `JobError`; what `Progress.check` raises passes through.

    Raises:
        TransientError: `ollama_unreachable`, `ollama_timeout`, `ollama_disconnected`, `ollama_bad_reply`.
        PermanentError: `ollama_refused`, for an address that can't be called.
    """
    try:
        yield
    except (httpx.HTTPError, httpx.InvalidURL) as failure:
        error = _translate(failure)
        _log.warning("ollama.failed", reason=error.reason, model=model, cause=repr(failure)[:_LONGEST_CAUSE])
        raise error from failure


def _translate(failure: httpx.HTTPError | httpx.InvalidURL) -> JobError:
    match failure:
        case httpx.InvalidURL() | httpx.UnsupportedProtocol():
            return PermanentError("ollama_refused", "RELAIS_OLLAMA_URL is not an http:// or https:// address.")
        case httpx.ConnectError() | httpx.ConnectTimeout():
            return TransientError("ollama_unreachable", f"The model server can't be reached. {_SECOND_TRY}")
        case httpx.TimeoutException():
            return TransientError("ollama_timeout", f"The model server stopped answering. {_SECOND_TRY}")
        case httpx.NetworkError() | httpx.RemoteProtocolError():
            return TransientError("ollama_disconnected", f"The model server broke off its reply. {_SECOND_TRY}")
        case _:
            return bad_reply(f"{type(failure).__name__}: {failure}")


def bad_reply(cause: str) -> TransientError:
    """Make the error for a reply that isn't what Ollama's API promises."""
    _log.warning("ollama.bad_reply", cause=cause[:_LONGEST_CAUSE])
    return TransientError("ollama_bad_reply", f"The model server sent a reply that can't be read. {_SECOND_TRY}")


def server_error(cause: str) -> TransientError:
    """Make the error for a failure that Ollama itself reports, such as a model runner that ran out of memory."""
    _log.warning("ollama.server_error", cause=cause[:_LONGEST_CAUSE])
    return TransientError("ollama_server_error", f"The model server reports an error of its own. {_SECOND_TRY}")


def refusal(response: httpx.Response, model: str) -> JobError:
    """Translate a status other than 200; the response's body must have been read."""
    status, cause = response.status_code, _cause(response)
    _log.warning("ollama.refused", status=status, model=model, cause=cause)
    if status == httpx.codes.NOT_FOUND and "model" in cause.lower():
        remedy = f"Install it there with `ollama pull {model}`, or change the agent's model."
        return PermanentError("model_missing", f"The model server doesn't have the model {model!r}. {remedy}")
    if status in (httpx.codes.SERVICE_UNAVAILABLE, httpx.codes.TOO_MANY_REQUESTS):
        return TransientError("ollama_overloaded", f"The model server is busy. {_SECOND_TRY}")
    if status == httpx.codes.REQUEST_TIMEOUT:
        return TransientError("ollama_timeout", f"The model server stopped answering. {_SECOND_TRY}")
    if status >= httpx.codes.INTERNAL_SERVER_ERROR:
        return server_error(f"{status}: {cause}")
    return PermanentError(
        "ollama_refused",
        f"The model server refused the request for model {model!r} with status {status}: {cause or 'no reason given'}. "
        "Check RELAIS_OLLAMA_URL and the agent's models.",
    )


def _cause(response: httpx.Response) -> str:
    try:
        reply = json.loads(response.content)
    except ValueError:
        return ""
    error = reply.get("error") if isinstance(reply, dict) else None
    return str(error)[:_LONGEST_CAUSE] if error else ""
