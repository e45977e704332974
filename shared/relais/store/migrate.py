"""Brings a database to the schema of this release; `python -m relais.store.migrate` does it once."""

import logging
import sys
from pathlib import Path

import structlog
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, NullPool, create_engine, text
from sqlalchemy.exc import DBAPIError

from relais.settings import DatabaseSettings, load_settings
from relais.store.engine import sqlalchemy_url
from relais.telemetry import configure_logging

_MIGRATION_LOCK = 7_235_001
_TAKE_LOCK = text("SELECT pg_advisory_xact_lock(:key)")


def _config(connection: Connection | None = None) -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.attributes["connection"] = connection
    return config


def head_revision() -> str:
    """The revision that this release expects."""
    head = ScriptDirectory.from_config(_config()).get_current_head()
    assert head is not None, "the package ships at least one migration"  # noqa: S101 -- a broken build, not an input
    return head


def current_revision(conn: Connection) -> str | None:
    """The revision that the database has; None when it was never migrated."""
    return MigrationContext.configure(conn).get_current_revision()


def upgrade(url: str) -> str:
    """Apply what is missing, one process at a time, in one transaction; return the revision reached.

    Raises:
        sqlalchemy.exc.OperationalError: the database can't be reached.
    """
    engine = create_engine(sqlalchemy_url(url), poolclass=NullPool)
    with engine.begin() as conn:
        conn.execute(_TAKE_LOCK, {"key": _MIGRATION_LOCK})
        command.upgrade(_config(conn), "head")
    return head_revision()


def main() -> int:
    """Migrate the database of `RELAIS_DATABASE_URL`; the exit status."""
    settings = load_settings(DatabaseSettings)
    configure_logging(log_format=settings.log_format, level=settings.log_level)
    # A service only asks for the revision, again and again; here each step is worth a line.
    logging.getLogger("alembic").setLevel(logging.INFO)
    log = structlog.get_logger(__name__)
    try:
        revision = upgrade(settings.database_url.get_secret_value())
    except DBAPIError as error:
        log.critical(
            "migration.failed", error=str(error.orig), remedy="check RELAIS_DATABASE_URL and the role's rights"
        )
        return 1
    log.info("database.migrated", revision=revision)
    return 0


if __name__ == "__main__":
    sys.exit(main())
