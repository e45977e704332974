"""The first schema."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "agents",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("slug", sa.Text(), nullable=False),
        sa.Column("token", sa.Text(), nullable=False, comment="public: part of the chat URL"),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("greeting", sa.Text(), server_default="", nullable=False),
        sa.Column("system_prompt", sa.Text(), server_default="", nullable=False),
        sa.Column("chat_model", sa.Text(), nullable=False),
        sa.Column("embedding_model", sa.Text(), nullable=False),
        sa.Column("temperature", sa.Float(), server_default="0.2", nullable=False),
        sa.Column(
            "context_tokens", sa.Integer(), server_default="4096", nullable=False, comment="num_ctx sent to Ollama"
        ),
        sa.Column("top_k", sa.Integer(), server_default="5", nullable=False),
        sa.Column("score_threshold", sa.Float(), server_default="0.25", nullable=False),
        sa.Column("allow_ungrounded", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("fallback_text", sa.Text(), nullable=False),
        sa.Column("max_content_chars", sa.Integer(), server_default="32768", nullable=False),
        sa.Column("priority", sa.SmallInteger(), server_default="0", nullable=False, comment="smaller is served first"),
        sa.Column("max_attempts", sa.SmallInteger(), server_default="3", nullable=False),
        sa.Column("retry_backoff_s", sa.Float(), server_default="30", nullable=False),
        sa.Column("deadline_s", sa.Float(), server_default="300", nullable=False, comment="of one attempt"),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("agents_pkey")),
        sa.UniqueConstraint("slug", name=op.f("agents_slug_key")),
        sa.UniqueConstraint("token", name=op.f("agents_token_key")),
    )
    op.create_table(
        "api_keys",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("scope", sa.Text(), nullable=False),
        sa.Column("key_sha256", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("scope IN ('admin', 'ops', 'read')", name=op.f("api_keys_scope_check")),
        sa.PrimaryKeyConstraint("id", name=op.f("api_keys_pkey")),
        sa.UniqueConstraint("key_sha256", name=op.f("api_keys_key_sha256_key")),
        sa.UniqueConstraint("name", name=op.f("api_keys_name_key")),
    )
    op.create_table(
        "heartbeats",
        sa.Column("part", sa.Text(), nullable=False, comment="sweeper, broker: parts without a row of their own"),
        sa.Column("ran_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "details", postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'::jsonb"), nullable=False
        ),
        sa.PrimaryKeyConstraint("part", name=op.f("heartbeats_pkey")),
        postgresql_with={"fillfactor": "50"},
    )
    op.create_table(
        "job_events",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("job_id", sa.Uuid(), nullable=False, comment="no foreign key: the ledger outlives its jobs"),
        sa.Column("at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False),
        sa.Column("transition", sa.Text(), nullable=False),
        sa.Column("from_state", sa.Text(), nullable=True),
        sa.Column("to_state", sa.Text(), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("worker_id", sa.BigInteger(), nullable=True),
        sa.Column("error_code", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("job_events_pkey")),
    )
    op.create_index("job_events_at_idx", "job_events", ["at"], unique=False, postgresql_using="brin")
    op.create_index("job_events_job_idx", "job_events", ["job_id", "id"], unique=False)
    op.create_table(
        "queues",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("paused_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("name", name=op.f("queues_pkey")),
    )
    op.create_table(
        "ticket_holes",
        sa.Column("queue", sa.Text(), nullable=False),
        sa.Column("priority", sa.SmallInteger(), nullable=False),
        sa.Column("ticket", sa.BigInteger(), nullable=False, comment="given up before it was ever claimed"),
        sa.PrimaryKeyConstraint("queue", "priority", "ticket", name=op.f("ticket_holes_pkey")),
    )
    op.create_table(
        "workers",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("name", sa.Text(), nullable=False, comment="host and process"),
        sa.Column("queues", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("slots", sa.Integer(), nullable=False),
        sa.Column("version", sa.Text(), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("heartbeat_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column(
            "stopped_at", sa.DateTime(timezone=True), nullable=True, comment="it said goodbye, or was declared dead"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("workers_pkey")),
        postgresql_with={"fillfactor": "70"},
    )
    op.create_table(
        "documents",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("agent_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("media_type", sa.Text(), nullable=False),
        sa.Column("size_bytes", sa.Integer(), nullable=False),
        sa.Column("content_sha256", sa.LargeBinary(), nullable=False, comment="of the newest upload"),
        sa.Column(
            "indexed_sha256",
            sa.LargeBinary(),
            nullable=True,
            comment="of the upload that the index holds; null until the first ingestion",
        ),
        sa.Column(
            "indexed_with", sa.Text(), nullable=True, comment="embedding model and chunking the index was made with"
        ),
        sa.Column("chunks", sa.Integer(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column(
            "deleted_at",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="removal asked for; the row goes when the index is clean",
        ),
        sa.ForeignKeyConstraint(["agent_id"], ["agents.id"], name=op.f("documents_agent_id_fkey")),
        sa.PrimaryKeyConstraint("id", name=op.f("documents_pkey")),
    )
    op.create_index(
        "documents_agent_name_idx",
        "documents",
        ["agent_id", "name"],
        unique=True,
        postgresql_where=sa.text("deleted_at IS NULL"),
    )
    op.create_table(
        "jobs",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("queue", sa.Text(), nullable=False),
        sa.Column("agent_id", sa.Uuid(), nullable=False),
        sa.Column("subject_id", sa.Uuid(), nullable=False, comment="the message or the document it works on"),
        sa.Column(
            "serial_key",
            sa.Uuid(),
            nullable=False,
            comment="jobs of one key run one after another: session or document",
        ),
        sa.Column("priority", sa.SmallInteger(), nullable=False),
        sa.Column("ticket", sa.BigInteger(), nullable=False),
        sa.Column("claimed_ticket", sa.BigInteger(), nullable=True, comment="the ticket it was last claimed with"),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column(
            "attempt", sa.Integer(), server_default="0", nullable=False, comment="the fence: rises with every claim"
        ),
        sa.Column(
            "attempt_limit", sa.Integer(), nullable=False, comment="the last attempt that may run; raised by a retry"
        ),
        sa.Column("run_at", sa.DateTime(timezone=True), nullable=True, comment="not before; null means now"),
        sa.Column("worker_id", sa.BigInteger(), nullable=True, comment="of the current or last attempt"),
        sa.Column("error_code", sa.Text(), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("announced_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True, comment="of the current or last attempt"),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "(state IN ('completed', 'failed', 'cancelled')) = (finished_at IS NOT NULL)",
            name=op.f("jobs_finished_check"),
        ),
        sa.CheckConstraint("kind IN ('answer', 'ingest')", name=op.f("jobs_kind_check")),
        sa.CheckConstraint("state <> 'failed' OR error_code IS NOT NULL", name=op.f("jobs_failed_check")),
        sa.CheckConstraint(
            "state <> 'processing' OR (attempt > 0 AND worker_id IS NOT NULL)", name=op.f("jobs_processing_check")
        ),
        sa.CheckConstraint(
            "state IN ('pending', 'queued', 'processing', 'completed', 'failed', 'cancelled')",
            name=op.f("jobs_state_check"),
        ),
        sa.CheckConstraint("attempt >= 0 AND attempt <= attempt_limit", name=op.f("jobs_attempt_check")),
        sa.ForeignKeyConstraint(["agent_id"], ["agents.id"], name=op.f("jobs_agent_id_fkey")),
        sa.ForeignKeyConstraint(["queue"], ["queues.name"], name=op.f("jobs_queue_fkey")),
        sa.PrimaryKeyConstraint("id", name=op.f("jobs_pkey")),
        postgresql_with={
            "fillfactor": "70",
            "autovacuum_vacuum_scale_factor": "0.01",
            "autovacuum_vacuum_threshold": "500",
            "autovacuum_vacuum_cost_delay": "0",
        },
    )
    op.create_index(
        "jobs_claimed_idx",
        "jobs",
        ["queue", "priority", "claimed_ticket"],
        unique=False,
        postgresql_where=sa.text("claimed_ticket > 0"),
    )
    op.create_index("jobs_created_idx", "jobs", ["created_at", "id"], unique=False)
    op.create_index(
        "jobs_finished_idx",
        "jobs",
        ["queue", "state", "finished_at"],
        unique=False,
        postgresql_where=sa.text("finished_at IS NOT NULL"),
    )
    op.create_index(
        "jobs_line_idx",
        "jobs",
        ["queue", "priority", "ticket"],
        unique=True,
        postgresql_where=sa.text("state IN ('pending', 'queued')"),
    )
    op.create_index(
        "jobs_one_at_a_time_idx", "jobs", ["serial_key"], unique=True, postgresql_where=sa.text("state = 'processing'")
    )
    op.create_index(
        "jobs_pending_idx", "jobs", ["created_at"], unique=False, postgresql_where=sa.text("state = 'pending'")
    )
    op.create_index(
        "jobs_serial_idx",
        "jobs",
        ["serial_key"],
        unique=False,
        postgresql_where=sa.text("state IN ('pending', 'queued', 'processing')"),
    )
    op.create_index(
        "jobs_subject_idx", "jobs", ["subject_id"], unique=False, postgresql_where=sa.text("kind = 'ingest'")
    )
    op.create_table(
        "lanes",
        sa.Column("queue", sa.Text(), nullable=False),
        sa.Column("priority", sa.SmallInteger(), nullable=False),
        sa.Column(
            "last_ticket", sa.BigInteger(), server_default="0", nullable=False, comment="tickets are gapless per lane"
        ),
        sa.Column(
            "watermark",
            sa.BigInteger(),
            server_default="0",
            nullable=False,
            comment="every ticket up to it was claimed",
        ),
        sa.ForeignKeyConstraint(["queue"], ["queues.name"], name=op.f("lanes_queue_fkey")),
        sa.PrimaryKeyConstraint("queue", "priority", name=op.f("lanes_pkey")),
        postgresql_with={"fillfactor": "50"},
    )
    op.create_table(
        "sessions",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("agent_id", sa.Uuid(), nullable=False),
        sa.Column("user_ref", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(["agent_id"], ["agents.id"], name=op.f("sessions_agent_id_fkey")),
        sa.PrimaryKeyConstraint("id", name=op.f("sessions_pkey")),
    )
    op.create_table(
        "document_contents",
        sa.Column("document_id", sa.Uuid(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["document_id"], ["documents.id"], name=op.f("document_contents_document_id_fkey"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("document_id", name=op.f("document_contents_pkey")),
    )
    op.create_table(
        "drafts",
        sa.Column("job_id", sa.Uuid(), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("content", sa.Text(), nullable=False, comment="the answer so far; flushed under the fence"),
        sa.ForeignKeyConstraint(["job_id"], ["jobs.id"], name=op.f("drafts_job_id_fkey"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("job_id", name=op.f("drafts_pkey")),
        postgresql_with={
            "fillfactor": "70",
            "autovacuum_vacuum_scale_factor": "0.01",
            "autovacuum_vacuum_threshold": "500",
            "autovacuum_vacuum_cost_delay": "0",
        },
    )
    op.create_table(
        "leases",
        sa.Column("job_id", sa.Uuid(), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("worker_id", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["job_id"], ["jobs.id"], name=op.f("leases_job_id_fkey"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["worker_id"], ["workers.id"], name=op.f("leases_worker_id_fkey")),
        sa.PrimaryKeyConstraint("job_id", name=op.f("leases_pkey")),
        postgresql_with={
            "fillfactor": "70",
            "autovacuum_vacuum_scale_factor": "0.01",
            "autovacuum_vacuum_threshold": "500",
            "autovacuum_vacuum_cost_delay": "0",
        },
    )
    op.create_table(
        "messages",
        sa.Column("id", sa.Uuid(), nullable=False, comment="also the id of its job"),
        sa.Column("seq", sa.BigInteger(), sa.Identity(always=False), nullable=False, comment="order within a session"),
        sa.Column("agent_id", sa.Uuid(), nullable=False),
        sa.Column("session_id", sa.Uuid(), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column("user_ref", sa.Text(), nullable=True),
        sa.Column(
            "metadata", postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'::jsonb"), nullable=False
        ),
        sa.Column("idempotency_key", sa.Text(), nullable=True),
        sa.Column(
            "body_sha256", sa.LargeBinary(), nullable=True, comment="of the request, to tell a replay from a conflict"
        ),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(["agent_id"], ["agents.id"], name=op.f("messages_agent_id_fkey")),
        sa.ForeignKeyConstraint(["session_id"], ["sessions.id"], name=op.f("messages_session_id_fkey")),
        sa.PrimaryKeyConstraint("id", name=op.f("messages_pkey")),
    )
    op.create_index(
        "messages_idempotency_idx",
        "messages",
        ["agent_id", "idempotency_key"],
        unique=True,
        postgresql_where=sa.text("idempotency_key IS NOT NULL"),
    )
    op.create_index("messages_session_seq_idx", "messages", ["session_id", "seq"], unique=False)
    op.create_table(
        "answers",
        sa.Column("message_id", sa.Uuid(), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column("citations", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("grounded", sa.Boolean(), nullable=False),
        sa.Column("model", sa.Text(), nullable=False),
        sa.Column("tokens_prompt", sa.Integer(), nullable=True),
        sa.Column("tokens_completion", sa.Integer(), nullable=True),
        sa.Column("generation_time_ms", sa.Integer(), nullable=True),
        sa.Column(
            "evidence",
            postgresql.JSONB(astext_type=sa.Text()),
            nullable=False,
            comment="retrieval settings, chunk ids, scores, timings",
        ),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["message_id"], ["messages.id"], name=op.f("answers_message_id_fkey"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("message_id", name=op.f("answers_pkey")),
    )
    op.execute("INSERT INTO queues (name) VALUES ('ai-messages'), ('documents')")


def downgrade() -> None:
    op.drop_table("answers")
    op.drop_index("messages_session_seq_idx", table_name="messages")
    op.drop_index(
        "messages_idempotency_idx", table_name="messages", postgresql_where=sa.text("idempotency_key IS NOT NULL")
    )
    op.drop_table("messages")
    op.drop_table("leases")
    op.drop_table("drafts")
    op.drop_table("document_contents")
    op.drop_table("sessions")
    op.drop_table("lanes")
    op.drop_index("jobs_subject_idx", table_name="jobs", postgresql_where=sa.text("kind = 'ingest'"))
    op.drop_index(
        "jobs_serial_idx", table_name="jobs", postgresql_where=sa.text("state IN ('pending', 'queued', 'processing')")
    )
    op.drop_index("jobs_pending_idx", table_name="jobs", postgresql_where=sa.text("state = 'pending'"))
    op.drop_index("jobs_one_at_a_time_idx", table_name="jobs", postgresql_where=sa.text("state = 'processing'"))
    op.drop_index("jobs_line_idx", table_name="jobs", postgresql_where=sa.text("state IN ('pending', 'queued')"))
    op.drop_index("jobs_finished_idx", table_name="jobs", postgresql_where=sa.text("finished_at IS NOT NULL"))
    op.drop_index("jobs_created_idx", table_name="jobs")
    op.drop_index("jobs_claimed_idx", table_name="jobs", postgresql_where=sa.text("claimed_ticket > 0"))
    op.drop_table("jobs")
    op.drop_index("documents_agent_name_idx", table_name="documents", postgresql_where=sa.text("deleted_at IS NULL"))
    op.drop_table("documents")
    op.drop_table("workers")
    op.drop_table("ticket_holes")
    op.drop_table("queues")
    op.drop_index("job_events_job_idx", table_name="job_events")
    op.drop_index("job_events_at_idx", table_name="job_events", postgresql_using="brin")
    op.drop_table("job_events")
    op.drop_table("heartbeats")
    op.drop_table("api_keys")
    op.drop_table("agents")
