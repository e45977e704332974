"""The figures as JSON."""
