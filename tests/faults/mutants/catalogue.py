"""The safeguards that the promise rests on, each with the smallest change that takes it out.

A mutant is a replacement in the source of one module, made when a service imports it (see `launch`), so that the
product itself has no switch to be unsafe.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Mutant:
    """One safeguard removed.

    Args:
        name: of the safeguard that is gone.
        module: whose source is changed.
        original: the text that is replaced; it must occur exactly once, so that no mutant outlives its safeguard.
        replacement: what stands there instead.
        fault: the fault under which the suite must notice.
        breaks: names of the invariants of which at least one must be reported as broken.
    """

    name: str
    module: str
    original: str
    replacement: str
    fault: str
    breaks: frozenset[str]


MUTANTS: tuple[Mutant, ...] = (
    Mutant(
        name="attempt_predicate",
        module="relais.store.transitions",
        original='fence: str = "j.attempt = :attempt"',
        replacement='fence: str = "CAST(:attempt AS int) > 0"',
        fault="worker.sigstop.until_next_attempt_runs",
        breaks=frozenset({"answered_once", "attempts_rise"}),
    ),
    Mutant(
        name="sweeper_repair",
        module="relais_worker.sweeper.repair",
        original="given_back = time.monotonic() >= self._judges_from and self._give_back(conn)",
        replacement="given_back = False",
        fault="worker.sigkill.during_generation",
        breaks=frozenset({"accepted_ends"}),
    ),
    Mutant(
        name="sweeper_announcements",
        module="relais_worker.sweeper.announce",
        original="missing = eligible - ready",
        replacement="missing = 0",
        fault="broker.queues_purged",
        breaks=frozenset({"accepted_ends"}),
    ),
    Mutant(
        name="lease_check",
        module="relais.store.sweep",
        original="l.expires_at < now() AND {_RENEWABLE}",
        replacement="{_RENEWABLE}",
        fault="worker.sigterm",
        breaks=frozenset({"lease_respected"}),
    ),
    Mutant(
        name="publisher_confirm",
        module="relais.broker.outlet",
        original="self._run_until(lambda: not self._unconfirmed)",
        replacement="self._unconfirmed.clear()\n        self.keep_alive()",
        fault="broker.nothing_confirmed",
        breaks=frozenset({"announced_was_confirmed"}),
    ),
    Mutant(
        name="session_order",
        module="relais.store.claim",
        original="AND (o.state = 'processing' OR (o.priority, o.ticket) < (j.priority, j.ticket))",
        replacement="AND o.state = 'processing'",
        fault="models.status_500",
        breaks=frozenset({"session_order"}),
    ),
    Mutant(
        name="ledger_lookup_after_lost_commit",
        module="relais_worker.engine.settling",
        original="if unsure and was_recorded(conn, job.id, job.attempt, arrow.name):",
        replacement="if unsure and False:",
        fault="database.commit_unanswered.answer",
        breaks=frozenset({"fenced_off_truly"}),
    ),
    Mutant(
        name="ticket_holes",
        module="relais.store.transitions",
        original="WHERE from_state IN {WAITING_SQL} AND claimed_ticket IS DISTINCT FROM ticket",
        replacement="WHERE false AND from_state IN {WAITING_SQL} AND claimed_ticket IS DISTINCT FROM ticket",
        fault="worker.sigkill.all_at_once",
        breaks=frozenset({"position_equals_oracle"}),
    ),
    Mutant(
        name="end_of_the_stream",
        module="relais_worker.adapters.ollama",
        original='raise bad_reply("the stream ended without `done`")',
        replacement="return",
        fault="models.without_done",
        breaks=frozenset({"answered_rightly"}),
    ),
    Mutant(
        name="own_answer",
        module="relais_worker.answering.pipeline",
        original="return generate(asked, found, prompt, self.ollama, progress)",
        replacement="""made = generate(asked, found, prompt, self.ollama, progress)
        kept, globals()["_kept"] = globals().get("_kept", made), made
        return kept""",
        fault="api.sigkill",
        breaks=frozenset({"answered_rightly"}),
    ),
)


def find_mutant(name: str) -> Mutant:
    """Look a mutant up.

    Raises:
        KeyError: there is none of that name.
    """
    return {mutant.name: mutant for mutant in MUTANTS}[name]
