"""What a limited line needs: how many wait in it, and which of an agent's messages do."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "admissions",
        sa.Column("scope", sa.Uuid(), nullable=False, comment="an agent; zeros are all messages together"),
        sa.Column("waiting", sa.Integer(), nullable=False, comment="at most so many wait; counted, plus let in since"),
        sa.Column("counted_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("scope", name=op.f("admissions_pkey")),
        postgresql_with={"fillfactor": "50"},
    )
    op.create_index(
        "jobs_agent_line_idx",
        "jobs",
        ["agent_id", "priority", "ticket"],
        unique=False,
        postgresql_where=sa.text("queue = 'ai-messages' AND state IN ('pending', 'queued')"),
    )


def downgrade() -> None:
    op.drop_index(
        "jobs_agent_line_idx",
        table_name="jobs",
        postgresql_where=sa.text("queue = 'ai-messages' AND state IN ('pending', 'queued')"),
    )
    op.drop_table("admissions")
