"""The settings with which the services run in a campaign, and in the short cut."""

from collections.abc import Mapping

DEFAULT_LEASE_S = 20.0

# The product's own timings, but for what would only make trials long.
CAMPAIGN: Mapping[str, str] = {
    "RELAIS_OLLAMA_IDLE_TIMEOUT_S": "3",
    "RELAIS_QDRANT_TIMEOUT_S": "2",
    "RELAIS_STALL_TIMEOUT_S": "6",
    "RELAIS_MONITOR_CACHE_S": "0",
    "RELAIS_DRAIN_TIMEOUT_S": "25",
}
SHORT: Mapping[str, str] = {
    **CAMPAIGN,
    "RELAIS_LEASE_S": "6",  # a busy machine may keep the heartbeats waiting for seconds
    "RELAIS_HEARTBEAT_S": "0.5",
    "RELAIS_SWEEP_S": "0.5",
    "RELAIS_DRAIN_TIMEOUT_S": "2",
}
