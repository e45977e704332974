"""The answer so far, for those who watch; written under the fence, gone when the attempt ends."""

from uuid import UUID

from sqlalchemy import Connection, text

# The lock keeps every transition out, and comes first, as it does in each of them: a lock on the lease could deadlock.
_WRITE = text("""
INSERT INTO drafts (job_id, attempt, content)
SELECT j.id, j.attempt, :content FROM jobs j
WHERE j.id = :job_id AND j.attempt = :attempt AND j.state = 'processing' FOR KEY SHARE
ON CONFLICT (job_id) DO UPDATE SET attempt = EXCLUDED.attempt, content = EXCLUDED.content
WHERE drafts.attempt <= EXCLUDED.attempt""")


def write_draft(conn: Connection, job_id: UUID, attempt: int, content: str) -> bool:
    """Replace the draft of a running attempt; False when the attempt no longer holds its lease."""
    return conn.execute(_WRITE, {"job_id": job_id, "attempt": attempt, "content": content}).rowcount == 1
