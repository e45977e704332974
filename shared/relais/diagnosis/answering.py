"""The rules for answers: one for each completed message, of the attempt that completed it, and none besides."""

from collections.abc import Iterator

from relais.diagnosis.facts import Breach, Facts
from relais.diagnosis.findings import Code, Finding, Severity
from relais.explain.words import count

_SAYS = {
    Breach.COMPLETED_TWICE: "completed more than once, says the ledger",
    Breach.ANSWER_OF_OTHER_ATTEMPT: "answered by an attempt that isn't the one that the job names",
    Breach.ANSWER_WITHOUT_COMPLETION: "answered although not completed",
    Breach.COMPLETED_WITHOUT_ANSWER: "completed without an answer",
}


def find_breaches(facts: Facts) -> Iterator[Finding]:
    """Answers that contradict their jobs; looks at the newest jobs of each state."""
    for breach, says in _SAYS.items():
        found = [job for job in facts.broken if job.breach is breach]
        if found:
            yield Finding(
                Code(breach.value),
                Severity.CRITICAL,
                f"{count(len(found), 'job')} {'is' if len(found) == 1 else 'are'} {says}; this must never be.",
                len(found),
                "Change nothing yet: back up the database, which holds the ledger, and report it with this evidence.",
                f"relais queue explain {found[0].ref} --json",
                [
                    {
                        "ref": job.ref,
                        "state": str(job.state),
                        "attempt": job.attempt,
                        "answer_attempt": job.answer_attempt,
                    }
                    for job in found
                ],
            )
