"""The one funnel through which a job changes its state: a guarded UPDATE that writes the ledger in the same statement.

Every function of the store that moves a job executes a statement built by `transition`. State written anywhere else is
rejected in review, and an architecture test looks for it.
"""

from sqlalchemy import TextClause, text

from relais.lifecycle import WAITING, State, Transition

WAITING_SQL = "('pending', 'queued')"
LIVE_SQL = "('pending', 'queued', 'processing')"

# Leases are locked in the order of their ids, as a beat locks them, so that the two can't deadlock.
FREE_LEASE = """freed AS (
    DELETE FROM leases USING (
        SELECT l.job_id FROM leases l JOIN moved m ON m.id = l.job_id ORDER BY l.job_id FOR UPDATE OF l) mine
    WHERE leases.job_id = mine.job_id)"""
DROP_DRAFT = "dropped AS (DELETE FROM drafts d USING moved m WHERE d.job_id = m.id)"
# A ticket that leaves the line without ever being claimed is a hole in the count of those ahead (see `line`).
PUNCH_HOLE = f"""punched AS (
    INSERT INTO ticket_holes (queue, priority, ticket)
    SELECT queue, priority, ticket FROM moved
    WHERE from_state IN {WAITING_SQL} AND claimed_ticket IS DISTINCT FROM ticket
    ON CONFLICT DO NOTHING)"""
# After this job left `processing`, its session's next message may run; nothing in the broker wakes anybody for it.
SUCCESSOR_WAITS = f"""EXISTS (
    SELECT FROM jobs s WHERE s.serial_key = m.serial_key AND s.id <> m.id AND s.state IN {WAITING_SQL}
    ) AS successor_waits"""

# Takes jobs' locks in the order that all take them in; the statement after it sees all that was waited for.
LOCK_JOBS = text("SELECT FROM jobs WHERE id = ANY(:job_ids) ORDER BY id FOR UPDATE")


def states_sql(states: frozenset[State]) -> str:
    """Spell a set of states for `state IN …`."""
    return "(" + ", ".join(f"'{state}'" for state in sorted(states)) + ")"


def transition(
    arrow: Transition,
    *,
    where: str,
    assign: str = "",
    source: str = "jobs j",
    lock: str = "FOR UPDATE OF j",
    also: tuple[str, ...] = (),
    returning: str = "m.id",
    fence: str = "j.attempt = :attempt",
    before: tuple[str, ...] = (),
    using: str = "",
    reason: str = "error_code",
) -> TextClause:
    """Build the statement that takes every matching job along one arrow.

    Args:
        arrow: which states may be left and which is entered.
        where: which jobs (alias `j`), besides the guard on the state.
        assign: further assignments of the UPDATE, as SQL on `jobs`.
        source: what `j` is selected from, when a join decides.
        lock: how the rows are locked, with their order and limit.
        also: more common table expressions, which may read `moved` (all columns of the job and `from_state`).
        returning: columns of `moved` (alias `m`) that the caller reads.
        fence: the condition on the attempt that a fenced arrow demands besides.
        before: common table expressions that read `target` and that the UPDATE needs.
        using: joins of the UPDATE with them.
        reason: the error code for the ledger, where the job itself keeps none.

    Returns:
        A statement that yields one row per job moved; no row where the guard did not hold.
    """
    guard = f"j.state IN {states_sql(arrow.sources)}" + (f" AND {fence}" if arrow.fenced else "")
    ctes = [
        f"""target AS (
            SELECT j.id, j.state AS from_state FROM {source}
            WHERE {where} AND {guard}
            {lock})""",
        *before,
        f"""moved AS (
            UPDATE jobs SET state = '{arrow.target}'{", " + assign if assign else ""}
            FROM target {using}
            WHERE jobs.id = target.id
            RETURNING jobs.*, target.from_state)""",
        f"""logged AS (
            INSERT INTO job_events (job_id, transition, from_state, to_state, attempt, worker_id, error_code)
            SELECT id, '{arrow.name}', from_state, state, attempt, worker_id, {reason} FROM moved)""",
        *also,
    ]
    return text(f"WITH {', '.join(ctes)} SELECT {returning} FROM moved m")


assert states_sql(WAITING) == WAITING_SQL  # noqa: S101 -- the two spellings must not drift
