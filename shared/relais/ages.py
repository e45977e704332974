"""Reads ages as people type them: seconds, or a number with its unit."""

import re

_AGE = re.compile(r"(\d{1,9}(?:\.\d{1,3})?)([smhd]?)")
_UNIT_S = {"": 1, "s": 1, "m": 60, "h": 3_600, "d": 86_400}
LONGEST_AGE_S = 10 * 365 * 86_400


def read_age(text: str) -> float:
    """Give the seconds that `90`, `15m`, `2h` or `7d` mean.

    Raises:
        ValueError: it is no age, or one above ten years.
    """
    found = _AGE.fullmatch(text.strip())
    if not found or float(found[1]) * _UNIT_S[found[2]] > LONGEST_AGE_S:
        raise ValueError("must be seconds, or a number with s, m, h or d, like 90, 15m or 2d")
    return float(found[1]) * _UNIT_S[found[2]]
