"""How many messages of an agent may wait, and which parts a worker waits for."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "agents",
        sa.Column("max_waiting", sa.Integer(), comment="messages that may wait; NULL is no limit of its own"),
    )
    op.create_check_constraint(op.f("agents_max_waiting_check"), "agents", "max_waiting > 0")
    op.add_column(
        "workers",
        sa.Column(
            "waiting_for",
            postgresql.ARRAY(sa.Text()),
            server_default="{}",
            nullable=False,
            comment="parts that are down, as it last saw them",
        ),
    )
