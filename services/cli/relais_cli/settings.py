"""The settings of the commands, by what they do: talk to a running Relais, start one, use the database."""

from pathlib import Path

from pydantic import Field, SecretStr, field_validator

from relais.settings import RelaisSettings, check_broker_url, check_database_url, default_home


class HomeSettings(RelaisSettings):
    """Where the embedded parts keep their data."""

    home: Path = Field(default_factory=default_home, description="Folder of the embedded parts' data.")


class ClientSettings(HomeSettings):
    """How to reach a running Relais; what is not set is taken from the home of `relais up`."""

    api_url: str | None = Field(
        None, pattern="^https?://", description="The API, as commands reach it, such as `https://relais.example`."
    )
    monitor_url: str | None = Field(None, pattern="^https?://", description="The monitor, as commands reach it.")
    admin_key: SecretStr | None = Field(None, description="An operator's key.")
    api_port: int = Field(8000, ge=0, le=65535, description="Port of the API, when `api_url` is not set.")
    monitor_port: int = Field(9108, ge=0, le=65535, description="Port of the monitor, when `monitor_url` is not set.")


class StoreSettings(HomeSettings):
    """Where the database is; the embedded one unless set."""

    database_url: SecretStr | None = Field(None, description="PostgreSQL, instead of the embedded one.")

    @field_validator("database_url")
    @classmethod
    def _is_postgresql(cls, url: SecretStr | None) -> SecretStr | None:
        return url and check_database_url(url)


class UpSettings(StoreSettings):
    """What `relais up` starts: an address that is set takes the place of the embedded part."""

    broker_url: SecretStr | None = Field(None, description="RabbitMQ, instead of the memory of one process.")
    qdrant_url: str | None = Field(None, description="Qdrant, instead of its local mode under the home.")
    ollama_url: str | None = Field(None, pattern="^https?://", description="Ollama, instead of the embedded models.")
    admin_key: SecretStr | None = Field(None, description="The administrator's key, instead of a made one.")
    api_host: str = Field("127.0.0.1", description="Address the API listens on.")
    api_port: int = Field(8000, ge=0, le=65535, description="Port of the API; 0 takes a free one.")
    monitor_host: str = Field("127.0.0.1", description="Address the monitor listens on.")
    monitor_port: int = Field(9108, ge=0, le=65535, description="Port of the monitor; 0 takes a free one.")
    worker_threads: int = Field(4, ge=1, le=64, description="Jobs that one worker process runs at once.")

    @field_validator("broker_url")
    @classmethod
    def _is_a_broker(cls, url: SecretStr | None) -> SecretStr | None:
        return url and check_broker_url(url)
