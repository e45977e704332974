"""From when on silence means something; ages in seconds. Every place that judges it takes it from here."""

from typing import Final

# The sweeper runs each second; it stands still while the database starts, and for a round after a lost connection.
SWEEPER_LATE_S: Final = 15.0
# Ten beats of a worker: whoever asks after its job hears that it is silent, and `unlock` may take the job.
HOLDER_SILENT_S: Final = 5.0


def sweeper_is_late(age_s: float | None) -> bool:
    """Whether the sweeper's last round lies too far back; None when it never ran."""
    return age_s is None or age_s > SWEEPER_LATE_S
