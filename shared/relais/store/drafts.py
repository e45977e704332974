"""The answer so far, for those who watch; written under the fence, gone when the attempt ends."""

from uuid import UUID

from sqlalchemy import Connection, text

_WRITE = text("""
INSERT INTO drafts (job_id, attempt, content)
SELECT l.job_id, l.attempt, :content FROM leases l WHERE l.job_id = :job_id AND l.attempt = :attempt FOR SHARE
ON CONFLICT (job_id) DO UPDATE SET attempt = EXCLUDED.attempt, content = EXCLUDED.content
WHERE drafts.attempt <= EXCLUDED.attempt""")


def write_draft(conn: Connection, job_id: UUID, attempt: int, content: str) -> bool:
    """Replace the draft of a running attempt; False when the attempt no longer holds its lease."""
    return conn.execute(_WRITE, {"job_id": job_id, "attempt": attempt, "content": content}).rowcount == 1
