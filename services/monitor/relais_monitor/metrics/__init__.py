"""The figures as Prometheus metrics."""
