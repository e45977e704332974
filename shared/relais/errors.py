"""The failures a job can end with, told apart by whether another attempt can help."""

from relais.parts import Part


class JobError(Exception):
    """A failure of a job's work.

    Args:
        reason: stable, bounded code in snake_case, used as `error_code` and as a metric label.
        message: one sentence for the person who reads the status; says what to do where something can be done.
    """

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message


class TransientError(JobError):
    """The same attempt may succeed later: a timeout, an overload, a part that is away."""


class PartAwayError(TransientError):
    """A part that the work needs may be away: who handles this asks the part before it blames the job.

    Args:
        reason: as of every `JobError`.
        message: as of every `JobError`.
        part: which one.
        reached: whether the part may have got the request; False when no connection was made.
    """

    def __init__(self, reason: str, message: str, *, part: Part, reached: bool) -> None:
        super().__init__(reason, message)
        self.part = part
        self.reached = reached


class PermanentError(JobError):
    """No further attempt can succeed until a person changes something: a missing model, an unreadable document."""


class RunAborted(Exception):  # noqa: N818 -- a signal, not an error: the run was told to stop
    """The current attempt must stop at once, since it was cancelled, superseded or drained.

    Raised inside the pipeline by `Progress.check`; never recorded as a failure of the job.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason
