"""What a pipeline may ask and tell while it works on one attempt."""

from typing import Protocol


class Progress(Protocol):
    """The attempt's link to the engine: when to stop, and signs of life."""

    def check(self) -> None:
        """Return while the attempt may go on.

        Raises:
            RunAborted: it was cancelled, superseded or drained.
            TransientError: `deadline_exceeded`, past the attempt's deadline; `stalled`, no sign of life for too long.
        """

    def remaining_s(self) -> float:
        """Seconds until the attempt's deadline, on the monotonic clock."""

    def write(self, text: str) -> None:
        """Append generated text; a sign of life. It reaches `drafts` under the fence, coalesced."""

    def beat(self) -> None:
        """Give a sign of life without text, such as a batch of embeddings done."""
