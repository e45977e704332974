"""Secrets in settings: refused without being repeated, and hidden wherever settings are shown."""

import traceback

import pytest
from pydantic import SecretStr, ValidationError

from relais.settings import load_settings
from relais_api.settings import ApiSettings
from relais_cli.settings import StoreSettings, UpSettings
from relais_worker.settings import WorkerSettings

GOOD = {"database_url": "postgresql://relais:s3cret@db/relais", "broker_url": "amqp://relais:s3cret@mq/relais"}
# Each would make a driver take a part of the password for the host, the port or the database, and name it in an error.
BROKEN = ["p@s3cret", "p/s3cret", "p?s3cret", "p#s3cret", "[s3cret", "5432/s3cret@x:s3cret"]


@pytest.mark.parametrize("password", BROKEN)
@pytest.mark.parametrize(
    ("settings", "variable", "scheme"),
    [
        (ApiSettings, "database_url", "postgresql"),
        (WorkerSettings, "broker_url", "amqp"),
        (StoreSettings, "database_url", "postgresql"),
        (UpSettings, "broker_url", "amqp"),
    ],
)
def test_a_password_that_breaks_its_url_is_refused_unrepeated(settings, variable, scheme, password, capsys):
    """The boot ends with the variable and the remedy, and no part of the password is printed."""
    wrong = GOOD | {variable: f"{scheme}://relais:{password}@host:5432/relais", "qdrant_url": "/q"}
    with pytest.raises(SystemExit):
        load_settings(lambda: settings(_env_file=None, **wrong))
    printed = capsys.readouterr().err
    assert f"RELAIS_{variable.upper()}: can't be read as a URL; percent-encode" in printed
    assert "s3cret" not in printed


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://relais:p%40s%2F%23@db.example:5432/relais?sslmode=verify-full",
        "postgresql+psycopg://postgres@/relais?host=/run/postgresql&port=5432",
        "postgres://db/relais",
        "postgresql://relais:s@[::1]:5432/relais",
    ],
)
def test_well_formed_urls_are_taken(url):
    """With encoded passwords, over sockets, without a password, to an IPv6 address."""
    made = ApiSettings(_env_file=None, **GOOD | {"database_url": url})
    assert made.database_url.get_secret_value() == url


def test_settings_show_no_secret():
    """Neither `repr` nor `str` nor a dump nor a traceback of settings has a password or a key."""
    keys = {"admin_key": "s3cret-admin-key-0123"}
    made = [
        ApiSettings(_env_file=None, **GOOD, **keys),
        WorkerSettings(_env_file=None, **GOOD, qdrant_url="http://q:6333", qdrant_api_key="s3cret"),
        UpSettings(_env_file=None, **GOOD, **keys),
    ]
    for settings in made:
        shown = f"{settings!r} {settings} {settings.model_dump()} {settings.model_dump_json()}"
        assert "s3cret" not in shown
        secrets = [value for value in settings.model_dump().values() if isinstance(value, SecretStr)]
        assert len(secrets) >= 3


def test_a_refused_secret_is_not_in_the_exception_that_boots_print():
    """The one line per variable is made of the reason, never of the value."""
    with pytest.raises(ValidationError) as caught:
        ApiSettings(_env_file=None, **GOOD, admin_key="s3cret")
    with pytest.raises(SystemExit) as ended:
        load_settings(lambda: ApiSettings(_env_file=None, **GOOD, admin_key="s3cret"))
    assert "admin_key" in str(caught.value)
    assert "s3cret" not in "".join(traceback.format_exception_only(ended.value))
