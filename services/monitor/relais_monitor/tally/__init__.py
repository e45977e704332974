"""Follows the ledger: counts, durations and the last day by the minute, each event once."""
