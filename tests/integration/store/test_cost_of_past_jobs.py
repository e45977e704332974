"""However many jobs are past, nobody who looks for one reads them all."""

from collections.abc import Callable, Iterator
from uuid import UUID, uuid4

import pytest
from sqlalchemy import Connection, Engine, text

from relais.lifecycle import State
from relais.store.accept import accept_messages
from relais.store.bulk import JobFilter
from relais.store.documents import list_documents
from relais.store.engine import make_engine
from relais.store.explain import read_facts
from relais.store.forgetting import forget_jobs
from relais.store.history import read_session
from relais.store.jobs import cancel_job, retry_job
from relais.store.leases import beat
from relais.store.line import read_lines
from relais.store.retention import clean_matching
from relais.store.search import search_jobs
from relais.store.settle import record_superseded
from relais.store.status import find_status, read_progress
from relais_cli.parts.postgres import EmbeddedPostgres
from support.postgres_fixtures import TEMPLATE
from support.seeding import make_agent, make_worker, new_message

PAST, SESSIONS = 100_000, 1_000
_FILL = """
INSERT INTO sessions (id, agent_id) SELECT gen_random_uuid(), '{agent}' FROM generate_series(1, {sessions});
INSERT INTO messages (id, agent_id, session_id, content, idempotency_key, body_sha256, created_at)
SELECT gen_random_uuid(), '{agent}', s.id, 'Hello?', 'key-' || n, '\\x00', now() - make_interval(mins => n)
FROM generate_series(1, {past}) n
JOIN (SELECT id, row_number() OVER () AS number FROM sessions) s ON s.number = 1 + n % {sessions};
INSERT INTO past_jobs (id, kind, queue, agent_id, subject_id, serial_key, priority, ticket, claimed_ticket, state,
                       attempt, attempt_limit, worker_id, error_code, created_at, finished_at)
SELECT m.id, 'answer', 'ai-messages', m.agent_id, m.id, m.session_id, 0, m.seq, m.seq,
       CASE WHEN m.seq % 10 = 0 THEN 'failed' ELSE 'completed' END, 1, 3, 1,
       CASE WHEN m.seq % 10 = 0 THEN 'model_rejected' END, m.created_at, m.created_at
FROM messages m"""


@pytest.fixture(scope="module", params=["analyzed", "never-analyzed"])
def full(request: pytest.FixtureRequest, postgres: EmbeddedPostgres) -> Iterator[Engine]:
    """A database with 100,000 past jobs, with and without the statistics that a planner has after a while."""
    name = f"past_{request.param.replace('-', '_')}"
    postgres.create_database(name, template=TEMPLATE)
    engine = make_engine(postgres.url(name), pool_size=2, answer_limit_s=180)
    try:
        _fill(engine)
        if request.param == "analyzed":
            with engine.begin() as conn:
                conn.execute(text("ANALYZE"))
        yield engine
    finally:
        engine.dispose()
        postgres.drop_database(name)


def _fill(engine: Engine) -> None:
    agent = make_agent(engine, slug="demo")
    make_worker(engine)
    with engine.begin() as conn:
        conn.execute(text("SET LOCAL statement_timeout = '150 s'"))  # on a loaded machine
        for table in ("past_jobs", "messages"):
            conn.execute(text(f"ALTER TABLE {table} SET (autovacuum_enabled = false)"))
        for statement in _FILL.format(agent=agent, sessions=SESSIONS, past=PAST).split(";"):
            conn.execute(text(statement))


def _a_message(conn: Connection, state: str = "completed") -> tuple[UUID, UUID, str]:
    query = text("""
        SELECT m.id, m.session_id, m.idempotency_key FROM messages m JOIN past_jobs j USING (id)
        WHERE j.state = :state LIMIT 1""")
    return tuple(conn.execute(query, {"state": state}).one())


def _repeat_with_a_key(conn: Connection, key: str) -> object:
    agent = conn.execute(text("SELECT id FROM agents")).scalar_one()
    return accept_messages(conn, [new_message(agent, idempotency_key=key)])


def _list_documents(conn: Connection) -> object:
    return list_documents(conn, conn.execute(text("SELECT id FROM agents")).scalar_one())


LOOKS: dict[str, Callable[[Connection, UUID, UUID, str], object]] = {
    "status": lambda conn, job, _session, _key: find_status(conn, job),
    "progress": lambda conn, job, _session, _key: read_progress(conn, [(job, 0, 0), (uuid4(), 0, 0)]),
    "history": lambda conn, _job, session, _key: read_session(conn, session, after=0, limit=50),
    "replay": lambda conn, _job, _session, key: _repeat_with_a_key(conn, key),
    "explain": lambda conn, job, _session, _key: read_facts(conn, job),
    "newest": lambda conn, _job, _session, _key: search_jobs(conn, JobFilter(), before=None, limit=100),
    "search-by-id": lambda conn, job, _session, _key: search_jobs(conn, JobFilter(ids=(job,)), before=None, limit=10),
    "superseded": lambda conn, job, _session, _key: record_superseded(conn, job, 1, 1),
    "beat": lambda conn, job, _session, _key: beat(conn, worker_id=1, lease_s=20, running=[(job, 1)]),
    "cancel": lambda conn, job, _session, _key: cancel_job(conn, job),
    "retry": lambda conn, job, _session, _key: retry_job(conn, job),
    "documents": lambda conn, _job, _session, _key: _list_documents(conn),
    "lines": lambda conn, _job, _session, _key: read_lines(conn),
    "move": lambda conn, _job, _session, _key: clean_matching(conn, JobFilter(state=State.FAILED), keep=9, limit=500),
    "delete": lambda conn, _job, _session, _key: forget_jobs(conn, older_than_days=365, limit=500),
}


@pytest.mark.parametrize("look", LOOKS)
def test_nobody_reads_all_past_jobs(full: Engine, look: str):
    """Whoever looks for a job finds it by an index, with whatever plan: the first ones and the one that stays."""
    with full.connect() as conn:
        job, session, key = _a_message(conn, "failed" if look == "retry" else "completed")
        before = _whole_readings(conn)
        for _ in range(7):  # from the sixth on, PostgreSQL may have made one plan for all
            LOOKS[look](conn, job, session, key)
        assert _whole_readings(conn) == before
        conn.rollback()


def test_a_reading_of_all_is_noticed(full: Engine):
    """The measure of the test above sees what it looks for."""
    with full.connect() as conn:
        before = _whole_readings(conn)
        conn.execute(text("SELECT count(*) FROM every_job WHERE error_code = 'model_rejected'"))
        assert _whole_readings(conn) > before


def _whole_readings(conn: Connection) -> int:
    query = "SELECT seq_scan FROM pg_stat_xact_user_tables WHERE relname = 'past_jobs'"
    return int(conn.execute(text(query)).scalar_one())


_HOT = """
INSERT INTO jobs (id, kind, queue, agent_id, subject_id, serial_key, priority, ticket, state, attempt, attempt_limit,
                  worker_id, finished_at)
SELECT gen_random_uuid(), 'answer', 'ai-messages', :agent, gen_random_uuid(), gen_random_uuid(), 0, n, 'completed', 1,
       3, 1, now() - interval '2 h' - make_interval(secs => n) FROM generate_series(1, 20000) n"""


@pytest.mark.parametrize("keep", [None, 100], ids=["by-age", "by-count"])
def test_moving_reads_no_more_than_a_batch(engine: Engine, keep: int | None):
    """However many jobs have ended, as after an upgrade, a batch costs the same and ends in time."""
    agent = make_agent(engine)
    with engine.begin() as conn:
        conn.execute(text(_HOT), {"agent": agent})
        conn.execute(text("ANALYZE jobs"))
    with engine.begin() as conn:
        before = _rows_read(conn)
        assert len(clean_matching(conn, JobFilter(state=State.COMPLETED), keep=keep, limit=100)) == 100
        assert _rows_read(conn) - before < 2_000


def _rows_read(conn: Connection) -> int:
    query = "SELECT seq_tup_read + idx_tup_fetch FROM pg_stat_xact_user_tables WHERE relname = 'jobs'"
    return int(conn.execute(text(query)).scalar_one())
