"""The problems that the API answers with (RFC 9457), each with a stable `code`."""

from typing import Any, ClassVar

from fastapi_problem.error import StatusProblem

TYPE_TEMPLATE = "urn:relais:problem:{type}"  # no page to host; `code` carries the same name


class ApiProblem(StatusProblem):
    """A refusal: a code for programs, a title for the kind, a detail for this case, `Retry-After` where it may pass.

    Args:
        detail: one or two sentences: what is wrong with this request, then what to do.
        retry_after_s: whole seconds after which the same request may succeed.
        headers: further headers.
        extra: further members of the problem document.
    """

    status: int = 500
    code: ClassVar[str] = "internal_error"
    title: str = "Something went wrong"

    def __init__(
        self,
        detail: str,
        *,
        retry_after_s: int | None = None,
        headers: dict[str, str] | None = None,
        **extra: Any,
    ) -> None:
        self.type_ = self.code
        sent = dict(headers or {})
        if retry_after_s is not None:
            sent["Retry-After"] = str(retry_after_s)
        super().__init__(detail, headers=sent, code=self.code, **extra)


class Unauthorized(ApiProblem):
    """No key, or one that isn't valid."""

    status, code, title = 401, "unauthorized", "A valid key is needed"


class Forbidden(ApiProblem):
    """A valid key whose scope doesn't reach."""

    status, code, title = 403, "forbidden", "The key's scope does not allow this"


class NotFound(ApiProblem):
    """Nothing is there, or nothing that the caller may know of."""

    status, code, title = 404, "not_found", "Not found"


class UnknownAgent(NotFound):
    """No agent has this token or slug."""

    code, title = "unknown_agent", "There is no such agent"


class UnknownMessage(NotFound):
    """No message has this id."""

    code, title = "unknown_message", "There is no such message"


class UnknownSession(NotFound):
    """No session of this agent has this id."""

    code, title = "unknown_session", "There is no such session"


class UnknownDocument(NotFound):
    """No document of this agent has this id."""

    code, title = "unknown_document", "There is no such document"


class UnknownQueue(NotFound):
    """No queue has this name."""

    code, title = "unknown_queue", "There is no such queue"


class UnknownJob(NotFound):
    """No job has this id or ref."""

    code, title = "unknown_job", "There is no such job"


class UnknownSilence(NotFound):
    """No silence that holds has this id."""

    code, title = "unknown_silence", "There is no such silence"


class SlowBody(ApiProblem):
    """A body that comes so slowly that it would hold its connection for hours."""

    status, code, title = 408, "request_timeout", "The body came too slowly"


class HeadersTooLarge(ApiProblem):
    """A request line with headers above the limit."""

    status, code, title = 431, "headers_too_large", "The headers are too large"


class BadRequest(ApiProblem):
    """Not HTTP."""

    status, code, title = 400, "bad_request", "This is not HTTP"


class Conflict(ApiProblem):
    """The request contradicts what is there; repeating it doesn't help."""

    status, code, title = 409, "conflict", "The request contradicts what is there"


class IdempotencyConflict(Conflict):
    """The same key came with another body."""

    code, title = "idempotency_conflict", "The idempotency key was used for another request"


class WrongState(Conflict):
    """The message is in a state that this action doesn't start from."""

    code, title = "wrong_state", "The message is in another state"


class AmbiguousRef(Conflict):
    """Several jobs have the ref."""

    code, title = "ambiguous_ref", "Several jobs have this ref"


class SlugTaken(Conflict):
    """Another agent has the slug."""

    code, title = "slug_taken", "The slug is taken"


class TooLarge(ApiProblem):
    """A body, a text or a document above its limit."""

    status, code, title = 413, "too_large", "The request is too large"


class WrongMediaType(ApiProblem):
    """A body of a type that the route doesn't read."""

    status, code, title = 415, "unsupported_media_type", "The content type is not supported"


class Invalid(ApiProblem):
    """Well-formed HTTP with content that doesn't hold; `errors` lists every field."""

    status, code, title = 422, "invalid_request", "The request is not valid"


class QueueFull(ApiProblem):
    """More wait than the operator allows."""

    status, code, title = 429, "queue_full", "The queue is full"


class DatabaseUnavailable(ApiProblem):
    """The database can't be reached or doesn't answer in time."""

    status, code, title = 503, "database_unavailable", "The database is away"


class Overloaded(ApiProblem):
    """More requests are under way than this process takes."""

    status, code, title = 503, "overloaded", "The service is overloaded"


class NotReady(ApiProblem):
    """The process runs but can't serve."""

    status, code, title = 503, "not_ready", "The service is not ready"
