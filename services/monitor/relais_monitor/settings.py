"""Settings of the monitor."""

from pathlib import Path

from pydantic import Field, field_validator

from relais.settings import DatabaseSettings, check_http_origin
from relais_monitor.alerts.settings import AlertSettings


class MonitorSettings(DatabaseSettings, AlertSettings):
    """What the monitor reads from `RELAIS_*` variables and `.env`; a role that can only read is enough."""

    monitor_host: str = Field("127.0.0.1", description="Address the monitor listens on; `0.0.0.0` in a container.")
    monitor_port: int = Field(9108, ge=0, le=65535, description="Port the monitor listens on.")
    monitor_cache_s: float = Field(
        1.0, ge=0, le=60, description="Scrapes within this many seconds share one reading of the database."
    )
    monitor_home: Path | None = Field(
        None,
        description="Folder for the monitor's counts and alerts over a restart; without it, the ledger is read again.",
    )
    monitor_api_url: str = Field(
        "http://127.0.0.1:8000",
        pattern="^https?://",
        description="The API, as the monitor reaches it: the page's actions go there, with the operator's key.",
    )

    @field_validator("monitor_api_url")
    @classmethod
    def _is_an_origin(cls, url: str) -> str:
        return check_http_origin(url)
