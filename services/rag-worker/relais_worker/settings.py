"""The settings of the worker and of the sweeper."""

from pathlib import Path
from typing import Annotated, Self

from pydantic import Field, SecretStr, field_validator, model_validator
from pydantic_settings import NoDecode

from relais.liveness import HOLDER_SILENT_S
from relais.queues import QUEUE_NAMES
from relais.settings import BrokerSettings, DatabaseSettings, default_home


class LeaseSettings(DatabaseSettings, BrokerSettings):
    """What the worker and the sweeper must agree on."""

    lease_s: float = Field(20.0, ge=1, le=600, description="How long a worker may be silent before its jobs are taken.")
    heartbeat_s: float = Field(
        0.5,
        ge=0.2,
        le=HOLDER_SILENT_S / 2,
        description="How often a worker renews its leases; at most a quarter of one.",
    )

    @model_validator(mode="after")
    def _beats_within_a_lease(self) -> Self:
        if self.heartbeat_s > self.lease_s / 4:
            raise ValueError(
                f"RELAIS_HEARTBEAT_S ({self.heartbeat_s:g}) must be at most a quarter of RELAIS_LEASE_S "
                f"({self.lease_s:g}), else leases of living workers lapse"
            )
        return self


class WorkerSettings(LeaseSettings):
    """One worker process."""

    worker_threads: int = Field(4, ge=1, le=64, description="Jobs that one worker process runs at once.")
    worker_queues: Annotated[tuple[str, ...], NoDecode] = Field(
        QUEUE_NAMES, description="Queues that it serves, separated by commas."
    )
    stall_timeout_s: float = Field(
        150.0, ge=1, le=1200, description="An attempt without a sign of life for this long is given up and tried again."
    )
    drain_timeout_s: float = Field(
        25.0,
        ge=0,
        le=600,
        description="On SIGTERM, how long running jobs may take to finish before they are handed back.",
    )
    watchdog_grace_s: float = Field(
        60.0,
        ge=1,
        le=600,
        description="How long a thread may go on after its attempt was told to stop; then the process ends.",
    )
    worker_health_file: Path | None = Field(
        None, description="Touched with every heartbeat, for a container's health check."
    )
    ollama_url: str = Field("http://127.0.0.1:11434", pattern="^https?://", description="The model server.")
    ollama_idle_timeout_s: float = Field(
        120.0, ge=1, le=1000, description="Longest silence of the model server, loading a model included."
    )
    qdrant_url: str = Field(
        description="Qdrant, as `http://host:6333`, or the path of a folder for the local mode of one process."
    )
    qdrant_api_key: SecretStr | None = Field(None, description="Key of the Qdrant server, if it asks for one.")
    qdrant_timeout_s: int = Field(10, ge=1, le=120, description="Longest wait for Qdrant.")
    probe_s: float = Field(
        2.0, ge=0.1, le=60, description="How often a worker asks Ollama or Qdrant, once down, whether it is back."
    )

    @field_validator("worker_queues", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value

    @field_validator("worker_queues")
    @classmethod
    def _known(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        unknown = set(names) - set(QUEUE_NAMES)
        if unknown or not names:
            raise ValueError(f"must be some of {', '.join(QUEUE_NAMES)}, separated by commas")
        return names


class SweeperSettings(LeaseSettings):
    """The sweeper process."""

    sweep_s: float = Field(1.0, ge=0.1, le=60, description="How often the sweeper looks for work to repair.")
    retention_completed_hours: float = Field(
        24.0, ge=0, le=87_600, description="Completed jobs leave the hot table after this long; nothing is lost by it."
    )
    retention_completed_max: int = Field(
        1_000, ge=0, description="Completed jobs that the hot table holds; the newest stay."
    )
    retention_failed_days: float = Field(
        7.0, ge=0, le=3_650, description="Failed jobs leave the hot table after this long; they can be retried after."
    )
    retention_cancelled_days: float = Field(
        7.0, ge=0, le=3_650, description="Cancelled jobs leave the hot table after this long."
    )
    retention_days: int = Field(
        90,
        ge=0,
        le=36_500,
        description="Finished jobs, with their messages and answers, are deleted after this long; 0: never.",
    )
    ledger_retention_days: int = Field(
        30, ge=1, le=36_500, description="Entries of the ledger, and stopped workers, are kept this long."
    )


__all__ = ["SweeperSettings", "WorkerSettings", "default_home"]
