"""The table at the end: what each fault did to how many messages."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Row:
    """One fault under load."""

    fault: str
    accepted: int
    lost: int
    duplicated: int
    recovered_s: float
    refused_503: int
    unanswered: int
    unanswered_for_s: float
    slowest_s: float


HEAD = ("fault", "accepted", "lost", "twice", "recovered in", "503", "no reply", "for", "slowest reply")


def table(rows: list[Row]) -> list[str]:
    """Lines of equal columns."""
    cells = [HEAD, *(_cells(row) for row in rows)]
    widths = [max(len(line[column]) for line in cells) for column in range(len(HEAD))]
    return [
        "  ".join(cell.ljust(width) if not column else cell.rjust(width) for column, (cell, width) in enumerate(pairs))
        for pairs in (list(zip(line, widths, strict=True)) for line in cells)
    ]


def _cells(row: Row) -> tuple[str, ...]:
    return (
        row.fault,
        str(row.accepted),
        str(row.lost),
        str(row.duplicated),
        f"{row.recovered_s:.1f} s",
        str(row.refused_503),
        str(row.unanswered),
        f"{row.unanswered_for_s:.1f} s",
        f"{row.slowest_s:.1f} s",
    )
