"""What operating needs: past jobs beside the hot table, paused agents, the operators' log, silences of alerts."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _keep_past_jobs()
    op.add_column("agents", sa.Column("paused_at", sa.DateTime(timezone=True), comment="no job of it is claimed"))
    op.create_table(
        "operator_actions",
        sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False, comment="the name of the key that was used"),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column(
            "target", postgresql.JSONB(), nullable=False, comment="the filter, or the queue, agent or rule by name"
        ),
        sa.Column("matching", sa.Integer(), comment="jobs that the filter meant; NULL where none was given"),
        sa.Column("changed", sa.Integer(), nullable=False),
        sa.Column("job_ids", postgresql.ARRAY(sa.Uuid()), server_default="{}", nullable=False, comment="the first 100"),
        sa.PrimaryKeyConstraint("id", name=op.f("operator_actions_pkey")),
    )
    op.create_table(
        "silences",
        sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column("rule", sa.Text(), nullable=False, comment="of an alert"),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), server_default="", nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("silences_pkey")),
    )
    op.create_index("silences_rule_idx", "silences", ["rule", "ends_at"])


def _keep_past_jobs() -> None:
    op.execute("CREATE TABLE past_jobs (LIKE jobs INCLUDING DEFAULTS INCLUDING COMMENTS)")
    op.create_primary_key(op.f("past_jobs_pkey"), "past_jobs", ["id"])
    op.create_index("past_jobs_created_idx", "past_jobs", ["created_at", "id"])
    op.create_index("past_jobs_finished_idx", "past_jobs", ["state", "finished_at", "queue"])
    op.create_index("past_jobs_subject_idx", "past_jobs", ["subject_id"], postgresql_where=sa.text("kind = 'ingest'"))
    op.create_index("past_jobs_serial_idx", "past_jobs", ["serial_key"])
    op.execute("CREATE VIEW every_job AS SELECT * FROM jobs UNION ALL SELECT * FROM past_jobs")


def downgrade() -> None:
    op.drop_table("silences")
    op.drop_table("operator_actions")
    op.drop_column("agents", "paused_at")
    op.execute("DROP VIEW every_job")
    op.execute("INSERT INTO jobs SELECT * FROM past_jobs")  # it was made like `jobs`, column by column
    op.drop_table("past_jobs")
