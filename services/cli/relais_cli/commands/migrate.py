"""`relais migrate`: the database gets the schema of this release."""

from sqlalchemy.exc import DBAPIError

from relais.settings import load_settings
from relais.store.migrate import upgrade
from relais_cli.commands.options import Json
from relais_cli.database import database_error, running_database
from relais_cli.render import print_json, stdout
from relais_cli.settings import StoreSettings


def migrate(*, as_json: Json = False) -> None:
    """Bring the database to the schema of this release.

    The database is that of RELAIS_DATABASE_URL, or the embedded one in RELAIS_HOME. Safe to repeat.
    """
    with running_database(load_settings(StoreSettings)) as url:
        try:
            revision = upgrade(url)
        except DBAPIError as error:
            raise database_error(error) from None
    if as_json:
        print_json({"revision": revision})
    else:
        stdout().print(f"The schema is at revision {revision}.")
