"""Diagnoses of a test's database, and situations to diagnose."""

from typing import Any

from sqlalchemy import Engine, text

from relais.diagnosis import Code, Facts, Finding, diagnose
from relais.store.diagnosis import read_diagnosis
from relais.store.sweep import note_heartbeat


def do(engine: Engine, function: Any, *args: Any, **kwargs: Any) -> Any:
    """Run a function of the store in a transaction of its own."""
    with engine.begin() as conn:
        return function(conn, *args, **kwargs)


def sql(engine: Engine, statement: str, **values: object) -> None:
    """Do to the tables by hand what no function of the store does."""
    do(engine, lambda conn: conn.execute(text(statement), values))


def facts_of(engine: Engine) -> Facts:
    """The facts, in one snapshot."""
    with engine.execution_options(isolation_level="REPEATABLE READ").begin() as conn:
        return read_diagnosis(conn)


def findings(engine: Engine) -> dict[Code, Finding]:
    """The findings by their codes."""
    return {one.code: one for one in diagnose(facts_of(engine))}


def all_well(engine: Engine, *, tokens: int = 0) -> None:
    """Let a sweeper have run just now, and have seen the broker with so many tokens in each queue."""
    do(engine, note_heartbeat, "sweeper", {})
    ready = {"ai-messages": tokens, "documents": tokens}
    do(engine, note_heartbeat, "broker", {"up": True, "ready": ready})
