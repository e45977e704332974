"""The database of commands that use it themselves: the one that is set, or the embedded one of the home."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError, ProgrammingError

from relais.store.engine import make_engine
from relais_cli.errors import CliError
from relais_cli.parts.errors import PartError
from relais_cli.parts.home import Home, HomeLock
from relais_cli.parts.postgres import EmbeddedPostgres
from relais_cli.settings import StoreSettings


@contextmanager
def running_database(settings: StoreSettings) -> Iterator[str]:
    """Give the address of a running database; the embedded one is started for as long as the block runs.

    While `relais up` runs on the home, its server is used as it is.

    Raises:
        PartError: the embedded one can't be started.
    """
    if settings.database_url is not None:
        yield settings.database_url.get_secret_value()
        return
    home = Home(settings.home.expanduser().absolute())
    home.prepare()
    server = EmbeddedPostgres(home.postgres)
    with ExitStack() as ends:
        try:
            ends.enter_context(HomeLock(home))
        except PartError:
            yield server.url()
            return
        ends.callback(server.stop)
        server.start()
        yield server.url()


@contextmanager
def transaction(settings: StoreSettings) -> Iterator[Connection]:
    """Open a transaction on it.

    Raises:
        CliError: the database is away, or has no schema yet.
    """
    with running_database(settings) as url:
        engine = make_engine(url, pool_size=1, application_name="relais-cli")
        try:
            with engine.begin() as conn:
                yield conn
        except DBAPIError as error:
            raise database_error(error) from None
        finally:
            engine.dispose()


def database_error(error: DBAPIError) -> CliError:
    """Say in one line what is wrong with the database."""
    if isinstance(error, ProgrammingError):
        return CliError(f"the database has not the schema of this release ({_reason(error)}): run `relais migrate`")
    return CliError(f"the database can't be used ({_reason(error)}): check RELAIS_DATABASE_URL")


def _reason(error: DBAPIError) -> str:
    lines = str(error.orig).strip().splitlines()
    return lines[0] if lines else type(error).__name__
