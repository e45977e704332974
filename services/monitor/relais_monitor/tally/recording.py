"""Says what an event of the ledger adds to the totals, and what to its minute."""

from typing import Final

from relais.lifecycle import CANCEL, EXPIRE, EXPIRE_SPENT, FAIL, HAND_BACK, RETRY, RETRY_LATER, UNLOCK, State
from relais.store.ledger import SUPERSEDED, LedgerEvent
from relais_monitor.tally.sums import Sums

# Reasons that the store itself gives; a worker's reasons appear with their first failure.
KNOWN_REASONS: Final = ("lease_expired", "worker_lost")
RETRY_CAUSES: Final = {
    RETRY_LATER.name: "error",
    EXPIRE.name: "lease",
    HAND_BACK.name: "drain",
    RETRY.name: "person",
    UNLOCK.name: "unlock",
}
_FAILURES = frozenset({FAIL.name, RETRY_LATER.name, EXPIRE.name, EXPIRE_SPENT.name})
_EXPIRIES = frozenset({EXPIRE.name, EXPIRE_SPENT.name})
PROMPT, COMPLETION = "prompt", "completion"


def record_total(totals: Sums, event: LedgerEvent) -> None:
    """Add an event to the totals since the beginning."""
    if event.transition == SUPERSEDED:
        if _came_too_late(event):
            totals.add("superseded")
        return
    _record_move(totals, event)
    if event.ends_job:
        _record_end(totals, event)
    if event.model is not None:
        _record_answer(totals, event, event.model)


def record_minute(minute: Sums, event: LedgerEvent) -> None:
    """Add an event to the minute it happened in: only what is plotted or judged over windows."""
    if event.transition == SUPERSEDED:
        if _came_too_late(event):
            minute.add("superseded")
    elif event.transition in _EXPIRIES:
        minute.add("expired")
    if event.ends_job:
        _record_minute_of_end(minute, event)


def _came_too_late(event: LedgerEvent) -> bool:
    """Whether a dropped result is a sign of trouble; that of a job that somebody cancelled meanwhile is none.

    The entry has the job's state of that moment as both of its states.
    """
    return event.from_state != State.CANCELLED


def _record_minute_of_end(minute: Sums, event: LedgerEvent) -> None:
    minute.add("finished", event.kind, event.to_state)
    if event.duplicate:
        minute.add("duplicates")
    if event.wait_us is not None:
        minute.observe("wait", event.kind, value=event.wait_us)
    if event.processing_us is not None and event.to_state != State.CANCELLED:
        minute.add("processed", event.kind)
        minute.add("processing_us", event.kind, by=event.processing_us)
    if event.model is not None:
        minute.add("answers", event.model)
        _record_tokens(minute, event, event.model)
        if event.tokens_completion and event.generate_ms:
            minute.add("timed_tokens", event.model, by=event.tokens_completion)
            minute.add("generate_us", event.model, by=_us(event.generate_ms))


def _record_move(totals: Sums, event: LedgerEvent) -> None:
    if event.transition in _FAILURES:
        totals.add("failures", event.kind, event.error_code or "unknown")
    if event.transition in _EXPIRIES:
        totals.add("expired")
    if event.transition in RETRY_CAUSES:
        totals.add("retries", event.kind, RETRY_CAUSES[event.transition])
    if event.transition == CANCEL.name:
        totals.add("cancels", event.kind, "processing" if event.from_state == State.PROCESSING else "waiting")
    totals.add("left", event.kind, event.from_state)
    totals.add("entered", event.kind, event.to_state)


def _record_end(totals: Sums, event: LedgerEvent) -> None:
    agent = str(event.agent_id)
    totals.add("finished", event.kind, agent, event.to_state)
    totals.observe("attempts", event.kind, event.to_state, value=event.attempts)
    if event.duplicate:
        totals.add("duplicates")
    if event.wait_us is not None:
        totals.observe("wait", event.kind, value=event.wait_us)
    if event.processing_us is not None and event.to_state != State.CANCELLED:
        totals.observe("processing", event.kind, agent, value=event.processing_us)


def _record_answer(totals: Sums, event: LedgerEvent, model: str) -> None:
    agent = str(event.agent_id)
    totals.add("answers", agent, "true" if event.grounded else "false")
    _record_tokens(totals, event, model)
    if event.retrieve_ms is not None:
        totals.observe("retrieval", agent, value=_us(event.retrieve_ms))
    if event.first_token_ms is not None:
        totals.observe("first_token", model, value=_us(event.first_token_ms))
    if event.generate_ms is not None:
        totals.observe("generation", model, value=_us(event.generate_ms))


def _record_tokens(sums: Sums, event: LedgerEvent, model: str) -> None:
    sums.add("tokens", model, PROMPT, by=event.tokens_prompt or 0)
    sums.add("tokens", model, COMPLETION, by=event.tokens_completion or 0)


def _us(milliseconds: float) -> int:
    return max(round(milliseconds * 1000), 0)
