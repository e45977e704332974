"""Expressions that several panels need.

Two monitors report the same figures, so that each is taken once (`max by`) before anything is added up.
"""

INTERVAL = "$__rate_interval"
"""Grafana puts a range there that holds at least four scrapes."""


def once(labels: str, expr: str) -> str:
    """Each series once, however many monitors report it."""
    return f"max by ({labels}) ({expr})"


def rate(metric: str) -> str:
    """How fast a counter grows per second."""
    return f"rate({metric}[{INTERVAL}])"


def total(labels: str, expr: str, *, of: str) -> str:
    """The sum by `labels` (none: of everything) of series that differ by the labels `of`, each taken once."""
    by = f" by ({labels})" if labels else ""
    return f"sum{by} ({once(of, expr)})"


def gained(labels: str, counter: str, window: str) -> str:
    """By how much a counter grew within the window, its first count included.

    `increase` overlooks the count with which a series appears, which is the first failure of each reason. What wasn't
    there before counts from 0, but only if the ledger was read then: a counter that always exists says so. What is less
    than before began anew in between, and counts from 0, too.
    """
    now, before = once(labels, counter), once(labels, f"{counter} offset {window}")
    known = f"max(relais_leases_expired_total offset {window})"
    return f"({now} - {before} >= 0 or {now} and on () {known})"


def quantile(share: float, histogram: str, *, of: str, by: str = "") -> str:
    """The value that `share` of the histogram's observations don't exceed, by `by`, over series that differ by `of`."""
    name, brace, selector = histogram.partition("{")
    buckets = rate(f"{name}_bucket{brace}{selector}")
    keep = ", ".join(filter(None, ("le", by)))
    return f"histogram_quantile({share}, {total(keep, buckets, of=', '.join(filter(None, ('le', of))))})"


def mean(histogram: str, *, of: str, by: str = "") -> str:
    """The mean of a histogram's observations."""
    return f"{total(by, rate(f'{histogram}_sum'), of=of)} / {total(by, rate(f'{histogram}_count'), of=of)}"
