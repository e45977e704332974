"""`relais migrate`: the database gets the schema of this release."""

from relais.settings import load_settings
from relais_cli.commands.options import Json
from relais_cli.render import print_json, stdout
from relais_cli.settings import StoreSettings


def migrate(*, as_json: Json = False) -> None:
    """Bring the database to the schema of this release.

    The database is that of RELAIS_DATABASE_URL, or the embedded one in RELAIS_HOME. Safe to repeat.
    """
    from relais_cli.migrating import bring_up_to_date  # noqa: PLC0415 -- loads SQLAlchemy: slow

    revision = bring_up_to_date(load_settings(StoreSettings))
    if as_json:
        print_json({"revision": revision})
    else:
        stdout().print(f"The schema is at revision {revision}.")
