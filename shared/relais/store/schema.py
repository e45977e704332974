"""The tables of Relais.

`jobs` is narrow and hot; texts live in `messages`, `answers`, `drafts` and `document_contents`, so that a change of
state never rewrites a text. `leases` is separate and small, because a heartbeat must stay a HOT update.
"""

from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    Float,
    ForeignKey,
    ForeignKeyConstraint,
    Identity,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    Table,
    Text,
    Uuid,
    column,
    func,
    table,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from relais.lifecycle import State

metadata = MetaData(
    naming_convention={
        "ix": "%(table_name)s_%(column_0_N_name)s_idx",
        "uq": "%(table_name)s_%(column_0_N_name)s_key",
        "ck": "%(table_name)s_%(constraint_name)s_check",
        "fk": "%(table_name)s_%(column_0_N_name)s_fkey",
        "pk": "%(table_name)s_pkey",
    }
)

_STATES = ", ".join(f"'{state}'" for state in State)
_WAITING = "state IN ('pending', 'queued')"
_LIVE = "state IN ('pending', 'queued', 'processing')"
_CHURN = {  # a queue table dies of dead rows: vacuum early, whatever its size
    "fillfactor": "70",
    "autovacuum_vacuum_scale_factor": "0.01",
    "autovacuum_vacuum_threshold": "500",
    "autovacuum_vacuum_cost_delay": "0",
}


def _created_at() -> Column[Any]:
    return Column("created_at", DateTime(timezone=True), nullable=False, server_default=func.now())


def _job_columns() -> tuple[Column[Any], ...]:
    return (
        Column("id", Uuid, primary_key=True),
        Column("kind", Text, nullable=False),
        Column("queue", Text, nullable=False),
        Column("agent_id", Uuid, nullable=False),
        Column("subject_id", Uuid, nullable=False, comment="the message or the document it works on"),
        Column(
            "serial_key", Uuid, nullable=False, comment="jobs of one key run one after another: session or document"
        ),
        Column("priority", SmallInteger, nullable=False),
        Column("ticket", BigInteger, nullable=False),
        Column("claimed_ticket", BigInteger, comment="the ticket it was last claimed with"),
        Column("state", Text, nullable=False),
        Column("attempt", Integer, nullable=False, server_default="0", comment="the fence: rises with every claim"),
        Column("attempt_limit", Integer, nullable=False, comment="the last attempt that may run; raised by a retry"),
        Column("run_at", DateTime(timezone=True), comment="not before; null means now"),
        Column("worker_id", BigInteger, comment="of the current or last attempt"),
        Column("error_code", Text),
        Column("error", Text),
        _created_at(),
        Column("announced_at", DateTime(timezone=True)),
        Column("started_at", DateTime(timezone=True), comment="of the current or last attempt"),
        Column("finished_at", DateTime(timezone=True)),
    )


agents = Table(
    "agents",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("slug", Text, nullable=False, unique=True),
    Column("token", Text, nullable=False, unique=True, comment="public: part of the chat URL"),
    Column("name", Text, nullable=False),
    Column("greeting", Text, nullable=False, server_default=""),
    Column("system_prompt", Text, nullable=False, server_default=""),
    Column("chat_model", Text, nullable=False),
    Column("embedding_model", Text, nullable=False),
    Column("temperature", Float, nullable=False, server_default="0.2"),
    Column("context_tokens", Integer, nullable=False, server_default="4096", comment="num_ctx sent to Ollama"),
    Column("top_k", Integer, nullable=False, server_default="5"),
    Column("score_threshold", Float, nullable=False, server_default="0.25"),
    Column("allow_ungrounded", Boolean, nullable=False, server_default=text("false")),
    Column("fallback_text", Text, nullable=False),
    Column("max_content_chars", Integer, nullable=False, server_default="32768"),
    Column("priority", SmallInteger, nullable=False, server_default="0", comment="smaller is served first"),
    Column("max_attempts", SmallInteger, nullable=False, server_default="3"),
    Column("retry_backoff_s", Float, nullable=False, server_default="30"),
    Column("deadline_s", Float, nullable=False, server_default="300", comment="of one attempt"),
    Column("max_waiting", Integer, comment="messages that may wait; NULL is no limit of its own"),
    Column("paused_at", DateTime(timezone=True), comment="no job of it is claimed"),
    _created_at(),
    Column("updated_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    Column("deleted_at", DateTime(timezone=True)),
    CheckConstraint("max_waiting > 0", name="max_waiting"),
)

api_keys = Table(
    "api_keys",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("name", Text, nullable=False, unique=True),
    Column("scope", Text, nullable=False),
    Column("key_sha256", LargeBinary, nullable=False, unique=True),
    _created_at(),
    Column("revoked_at", DateTime(timezone=True)),
    CheckConstraint("scope IN ('admin', 'ops', 'read')", name="scope"),
)

sessions = Table(
    "sessions",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("agent_id", Uuid, ForeignKey("agents.id"), nullable=False),
    Column("user_ref", Text),
    _created_at(),
)

messages = Table(
    "messages",
    metadata,
    Column("id", Uuid, primary_key=True, comment="also the id of its job"),
    Column("seq", BigInteger, Identity(), nullable=False, comment="order within a session"),
    Column("agent_id", Uuid, ForeignKey("agents.id"), nullable=False),
    Column("session_id", Uuid, ForeignKey("sessions.id"), nullable=False),
    Column("content", Text, nullable=False),
    Column("user_ref", Text),
    Column("metadata", JSONB, nullable=False, server_default=text("'{}'::jsonb")),
    Column("idempotency_key", Text),
    Column("body_sha256", LargeBinary, comment="of the request, to tell a replay from a conflict"),
    _created_at(),
    Index("messages_session_seq_idx", "session_id", "seq"),
    Index(
        "messages_idempotency_idx",
        "agent_id",
        "idempotency_key",
        unique=True,
        postgresql_where=text("idempotency_key IS NOT NULL"),
    ),
)

answers = Table(
    "answers",
    metadata,
    Column("message_id", Uuid, ForeignKey("messages.id", ondelete="CASCADE"), primary_key=True),
    Column("attempt", Integer, nullable=False),
    Column("content", Text, nullable=False),
    Column("citations", JSONB, nullable=False),
    Column("grounded", Boolean, nullable=False),
    Column("model", Text, nullable=False),
    Column("tokens_prompt", Integer),
    Column("tokens_completion", Integer),
    Column("generation_time_ms", Integer),
    Column("evidence", JSONB, nullable=False, comment="retrieval settings, chunk ids, scores, timings"),
    _created_at(),
)

drafts = Table(
    "drafts",
    metadata,
    Column("job_id", Uuid, ForeignKey("jobs.id", ondelete="CASCADE"), primary_key=True),
    Column("attempt", Integer, nullable=False),
    Column("content", Text, nullable=False, comment="the answer so far; flushed under the fence"),
    postgresql_with=_CHURN,
)

documents = Table(
    "documents",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("agent_id", Uuid, ForeignKey("agents.id"), nullable=False),
    Column("name", Text, nullable=False),
    Column("media_type", Text, nullable=False),
    Column("size_bytes", Integer, nullable=False),
    Column("content_sha256", LargeBinary, nullable=False, comment="of the newest upload"),
    Column("indexed_sha256", LargeBinary, comment="of the upload that the index holds; null until the first ingestion"),
    Column("indexed_with", Text, comment="embedding model and chunking the index was made with"),
    Column("chunks", Integer),
    _created_at(),
    Column("updated_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    Column("deleted_at", DateTime(timezone=True), comment="removal asked for; the row goes when the index is clean"),
    Index("documents_agent_name_idx", "agent_id", "name", unique=True, postgresql_where=text("deleted_at IS NULL")),
)

document_contents = Table(
    "document_contents",
    metadata,
    Column("document_id", Uuid, ForeignKey("documents.id", ondelete="CASCADE"), primary_key=True),
    Column("content", LargeBinary, nullable=False),
)

queues = Table(
    "queues",
    metadata,
    Column("name", Text, primary_key=True),
    Column("paused_at", DateTime(timezone=True)),
)

lanes = Table(
    "lanes",
    metadata,
    Column("queue", Text, ForeignKey("queues.name"), primary_key=True),
    Column("priority", SmallInteger, primary_key=True),
    Column("last_ticket", BigInteger, nullable=False, server_default="0", comment="tickets are gapless per lane"),
    Column("watermark", BigInteger, nullable=False, server_default="0", comment="every ticket up to it was claimed"),
    postgresql_with={"fillfactor": "50"},
)

ticket_holes = Table(
    "ticket_holes",
    metadata,
    Column("queue", Text, primary_key=True),
    Column("priority", SmallInteger, primary_key=True),
    Column("ticket", BigInteger, primary_key=True, comment="given up before it was ever claimed"),
)

jobs = Table(
    "jobs",
    metadata,
    *_job_columns(),
    ForeignKeyConstraint(["queue"], ["queues.name"]),
    ForeignKeyConstraint(["agent_id"], ["agents.id"]),
    CheckConstraint(f"state IN ({_STATES})", name="state"),
    CheckConstraint("kind IN ('answer', 'ingest')", name="kind"),
    CheckConstraint("attempt >= 0 AND attempt <= attempt_limit", name="attempt"),
    CheckConstraint("state <> 'processing' OR (attempt > 0 AND worker_id IS NOT NULL)", name="processing"),
    CheckConstraint("(state IN ('completed', 'failed', 'cancelled')) = (finished_at IS NOT NULL)", name="finished"),
    CheckConstraint("state <> 'failed' OR error_code IS NOT NULL", name="failed"),
    Index("jobs_line_idx", "queue", "priority", "ticket", unique=True, postgresql_where=text(_WAITING)),
    Index("jobs_claimed_idx", "queue", "priority", "claimed_ticket", postgresql_where=text("claimed_ticket > 0")),
    Index("jobs_serial_idx", "serial_key", postgresql_where=text(_LIVE)),
    Index("jobs_one_at_a_time_idx", "serial_key", unique=True, postgresql_where=text("state = 'processing'")),
    Index("jobs_pending_idx", "created_at", postgresql_where=text("state = 'pending'")),
    Index("jobs_finished_idx", "queue", "state", "finished_at", postgresql_where=text("finished_at IS NOT NULL")),
    Index("jobs_subject_idx", "subject_id", postgresql_where=text("kind = 'ingest'")),
    Index("jobs_created_idx", "created_at", "id"),
    Index(
        "jobs_agent_line_idx",
        "agent_id",
        "priority",
        "ticket",
        postgresql_where=text(f"queue = 'ai-messages' AND {_WAITING}"),
    ),
    postgresql_with=_CHURN,
)

# Jobs that ended a while ago, moved here so that the table the claim works on stays small. The view `every_job` shows
# both; nothing but `relais.store.past` and the pruning writes here.
past_jobs = Table(
    "past_jobs",
    metadata,
    *_job_columns(),
    Index("past_jobs_created_idx", "created_at", "id"),
    Index("past_jobs_finished_idx", "state", "finished_at", "queue"),
    Index("past_jobs_subject_idx", "subject_id", postgresql_where=text("kind = 'ingest'")),
    Index("past_jobs_serial_idx", "serial_key"),
)

# The view of both. A query by id, subject or time of acceptance is answered from the indexes of each.
every_job = table("every_job", *(column(each.name, each.type) for each in jobs.columns))

admissions = Table(
    "admissions",
    metadata,
    Column("scope", Uuid, primary_key=True, comment="an agent; zeros are all messages together"),
    Column("waiting", Integer, nullable=False, comment="at most so many wait; counted, plus let in since"),
    Column("counted_at", DateTime(timezone=True), nullable=False),
    postgresql_with={"fillfactor": "50"},
)

workers = Table(
    "workers",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("name", Text, nullable=False, comment="host and process"),
    Column("queues", ARRAY(Text), nullable=False),
    Column("slots", Integer, nullable=False),
    Column("version", Text, nullable=False),
    Column("started_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    Column("heartbeat_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    Column("stopped_at", DateTime(timezone=True), comment="it said goodbye, or was declared dead"),
    Column(
        "waiting_for",
        ARRAY(Text),
        nullable=False,
        server_default="{}",
        comment="parts that are down, as it last saw them",
    ),
    postgresql_with={"fillfactor": "70"},
)

leases = Table(
    "leases",
    metadata,
    Column("job_id", Uuid, ForeignKey("jobs.id", ondelete="CASCADE"), primary_key=True),
    Column("attempt", Integer, nullable=False),
    Column("worker_id", BigInteger, ForeignKey("workers.id"), nullable=False),
    Column("expires_at", DateTime(timezone=True), nullable=False),
    postgresql_with=_CHURN,
)

job_events = Table(
    "job_events",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("job_id", Uuid, nullable=False, comment="no foreign key: the ledger outlives its jobs"),
    Column("at", DateTime(timezone=True), nullable=False, server_default=text("clock_timestamp()")),
    Column("transition", Text, nullable=False),
    Column("from_state", Text),
    Column("to_state", Text, nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("worker_id", BigInteger),
    Column("error_code", Text),
    Index("job_events_job_idx", "job_id", "id"),
    Index("job_events_at_idx", "at", postgresql_using="brin"),
)

heartbeats = Table(
    "heartbeats",
    metadata,
    Column("part", Text, primary_key=True, comment="sweeper, broker: parts without a row of their own"),
    Column("ran_at", DateTime(timezone=True), nullable=False),
    Column("details", JSONB, nullable=False, server_default=text("'{}'::jsonb")),
    postgresql_with={"fillfactor": "50"},
)

operator_actions = Table(
    "operator_actions",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    Column("actor", Text, nullable=False, comment="the name of the key that was used"),
    Column("action", Text, nullable=False),
    Column("target", JSONB, nullable=False, comment="the filter, or the queue, agent or rule by name"),
    Column("matching", Integer, comment="jobs that the filter meant; NULL where none was given"),
    Column("changed", Integer, nullable=False),
    Column("job_ids", ARRAY(Uuid), nullable=False, server_default="{}", comment="the first 100"),
)

silences = Table(
    "silences",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("rule", Text, nullable=False, comment="of an alert"),
    _created_at(),
    Column("ends_at", DateTime(timezone=True), nullable=False),
    Column("actor", Text, nullable=False),
    Column("reason", Text, nullable=False, server_default=""),
    Index("silences_rule_idx", "rule", "ends_at"),
)
