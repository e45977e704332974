"""What to do wrong."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

Endpoint = Literal["chat", "generate", "embed"]
Lie = Literal["empty", "oversized", "wrong_size", "not_a_number", "unprintable", "wrong_counts"]
EVERYWHERE: frozenset[Endpoint] = frozenset({"chat", "generate", "embed"})


class FaultPlan(BaseModel):
    """The faults of each request, as `--faults` and `PUT /faults` take them in JSON; the default is none.

    `*_after` count tokens: an answer that is shorter is not affected. A request to `embed` has no token, so that only 0
    affects it.

    The lies are replies of the right form whose content can't be true:

    - `empty`: no text, no vectors.
    - `oversized`: a piece of two million characters, vectors of numbers near the largest that a double can hold.
    - `wrong_size`: vectors one longer than the model's.
    - `not_a_number`: vectors of `NaN`.
    - `unprintable`: text and `done_reason` with what PostgreSQL refuses: U+0000 and half a surrogate pair.
    - `wrong_counts`: token counts that are negative, or beyond 64 bits.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    endpoints: frozenset[Endpoint] = Field(EVERYWHERE, description="Which calls are affected.")
    limit: int | None = Field(None, ge=0, description="Affect this many requests, then none.")
    seed: int = Field(0, description="Makes the same requests fail each time, with `error_rate`.")

    hang: bool = Field(default=False, description="Accept the request and never answer.")
    headers_only: bool = Field(default=False, description="Send the headers and nothing more; `embed` hangs.")
    error_rate: float = Field(0.0, ge=0, le=1, description="Share of the requests answered with `error_status`.")
    error_status: int = Field(503, ge=400, le=599)
    first_token_delay_s: float = Field(0.0, ge=0, description="Wait before the first token (and the headers).")
    token_delay_s: float = Field(0.0, ge=0, description="Wait before each further token.")
    stall_after: int | None = Field(None, ge=0, description="Send nothing more, keep the connection.")
    truncate_after: int | None = Field(None, ge=0, description="End the stream in order, but without `done`.")
    garbage_after: int | None = Field(None, ge=0, description="Send a line that is not JSON, then go on.")
    lie: Lie | None = Field(None, description="Send a reply of the right form whose content can't be true.")
    drop_after: int | None = Field(None, ge=0, description="Close the connection in the middle of the reply.")


NO_FAULTS = FaultPlan()
