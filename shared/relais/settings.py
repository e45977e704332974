"""What every service's settings have in common, and how a wrong one stops the boot.

Each service composes one frozen class from these; only its composition root reads it (house style 4).
"""

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn, TypeVar
from urllib.parse import urlsplit

import platformdirs
from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

PREFIX = "RELAIS_"


def default_home() -> Path:
    """Where the embedded parts keep their data: the user's data folder; `/var/lib/relais` for root.

    The embedded PostgreSQL makes every folder above its data readable to its own system user when it runs as root,
    which root's home must not become.
    """
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        return Path("/var/lib/relais")
    return Path(platformdirs.user_data_dir("relais"))


class RelaisSettings(BaseSettings):
    """Environment variables `RELAIS_*` and `.env`; frozen; unknown variables are left to other services."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_file=".env", env_ignore_empty=True, extra="ignore", frozen=True
    )

    log_format: str = Field(
        "console", pattern="^(console|json)$", description="`console` for people, `json` for machines."
    )
    log_level: str = Field(
        "info", pattern="^(debug|info|warning|error)$", description="Least severe level that is logged."
    )


class DatabaseSettings(RelaisSettings):
    """Where the truth is."""

    database_url: SecretStr = Field(description="PostgreSQL, as `postgresql://user:password@host:port/database`.")
    database_pool_timeout_s: float = Field(
        3.0, gt=0, le=30, description="How long a request waits for a connection before it is refused with 503."
    )

    @field_validator("database_url")
    @classmethod
    def _is_postgresql(cls, url: SecretStr) -> SecretStr:
        return check_database_url(url)


class BrokerSettings(RelaisSettings):
    """Where the wake-ups go."""

    broker_url: SecretStr = Field(
        description="RabbitMQ, as `amqp://user:password@host:5672/vhost`; `memory://` within one process."
    )

    @field_validator("broker_url")
    @classmethod
    def _is_a_broker(cls, url: SecretStr) -> SecretStr:
        return check_broker_url(url)


def check_database_url(url: SecretStr) -> SecretStr:
    """Return the URL of a PostgreSQL database, or raise ValueError without repeating any of it."""
    return _check(url, "postgresql://", "postgres://", "postgresql+psycopg://")


def check_broker_url(url: SecretStr) -> SecretStr:
    """Return the URL of a broker, or raise ValueError without repeating any of it."""
    return _check(url, "amqp://", "amqps://", "memory://")


def check_http_origin(url: str) -> str:
    """Return an address of scheme, host and port without a slash at its end, or raise ValueError.

    A path or a query would be lost or doubled by whoever appends the path of a request; a password would be sent on.
    """
    parts = urlsplit(url.rstrip("/"))
    if not parts.hostname or parts.path or parts.query or parts.fragment or "@" in parts.netloc:
        raise ValueError("must be scheme, host and port alone, such as http://127.0.0.1:8000")
    return url.rstrip("/")


def _check(url: SecretStr, *schemes: str) -> SecretStr:
    if not url.get_secret_value().startswith(schemes):
        raise ValueError(f"must begin with {' or '.join(schemes)}")
    if not _is_divided_as_meant(url.get_secret_value()):
        raise ValueError(
            "can't be read as a URL; percent-encode special characters of the user and the password, such as %40 for @"
        )
    return url


def _is_divided_as_meant(url: str) -> bool:
    # A bare @ / ? # in a password ends it early: drivers would take its rest for a host, and name that in their errors.
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        return False
    return parts.netloc.count("@") <= 1 and "@" not in parts.path + parts.query and not parts.fragment


SettingsT = TypeVar("SettingsT", bound=RelaisSettings)


def load_settings(factory: Callable[[], SettingsT]) -> SettingsT:
    """Read a service's settings, or end the process with one line per wrong variable.

    Raises:
        SystemExit: with status 2, after naming each variable, what is wrong with it and where it is documented.
    """
    try:
        return factory()
    except ValidationError as error:
        _refuse(error)


def _refuse(error: ValidationError) -> NoReturn:
    for problem in error.errors(include_url=False, include_input=False):
        variable = PREFIX + "_".join(str(part) for part in problem["loc"]).upper()
        reason = "is required and not set" if problem["type"] == "missing" else _in_words(problem["msg"])
        print(f"relais: {variable}: {reason} (see docs/configuration.md)", file=sys.stderr)  # noqa: T201 -- logging is not configured yet
    raise SystemExit(2)


def _in_words(message: str) -> str:
    return message.removeprefix("Value error, ").replace("Input should", "must", 1)
