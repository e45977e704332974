"""Settings of the API service."""

from pydantic import Field, SecretStr, field_validator

from relais.settings import BrokerSettings, DatabaseSettings

_SHORTEST_KEY = 16


class ApiSettings(DatabaseSettings, BrokerSettings):
    """What the API reads from `RELAIS_*` variables and `.env`."""

    api_host: str = Field("127.0.0.1", description="Address the API listens on; `0.0.0.0` in a container.")
    api_port: int = Field(8000, ge=0, le=65535, description="Port the API listens on.")
    api_pool_size: int = Field(10, ge=2, le=100, description="Connections to PostgreSQL that one API process keeps.")
    api_publish_budget_s: float = Field(
        0.05, ge=0, le=5, description="How long a reply waits for the broker before it says `pending`."
    )
    api_drain_s: int = Field(5, ge=0, le=300, description="How long open requests may finish when the API stops.")
    admin_key: SecretStr | None = Field(
        None, description="Key with scope `admin`, at least 16 characters; without it only stored keys are valid."
    )
    max_waiting: int | None = Field(
        None, ge=1, description="Messages that may wait in all; further ones are refused with 429. None: any number."
    )
    max_body_bytes: int = Field(
        1_048_576, ge=1024, description="Largest request body; uploads of documents have their own limit."
    )
    max_document_bytes: int = Field(20_971_520, ge=1, description="Largest document.")
    max_upload_bytes: int = Field(104_857_600, ge=1, description="Largest upload of several documents together.")
    cors_origins: str = Field(
        "", description="Origins, separated by commas, whose pages may call the API; none by default."
    )

    @field_validator("admin_key")
    @classmethod
    def _long_enough(cls, key: SecretStr | None) -> SecretStr | None:
        if key is not None and len(key.get_secret_value()) < _SHORTEST_KEY:
            raise ValueError(f"must have at least {_SHORTEST_KEY} characters")
        return key
