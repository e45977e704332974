"""Brings the database of the settings to the schema of this release."""

from sqlalchemy.exc import DBAPIError

from relais.store.migrate import upgrade
from relais_cli.database import database_error, running_database
from relais_cli.settings import StoreSettings


def bring_up_to_date(settings: StoreSettings) -> str:
    """Apply what is missing; the revision reached.

    Raises:
        CliError, PartError: the database can't be used.
    """
    with running_database(settings) as url:
        try:
            return upgrade(url)
        except DBAPIError as error:
            raise database_error(error) from None
