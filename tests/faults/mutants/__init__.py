"""Relais with one safeguard taken out: what the fault suite must notice, or it proves nothing."""
