"""Alerts: the conditions that somebody has to hear of, judged by the monitor itself and, as rules, by Prometheus."""
