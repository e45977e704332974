"""Hashing weighted features into a vector of unit length.

Feature hashing with signs (Weinberger et al., 2009): collisions cancel out on average, so that texts without common
features score about zero. The hash is a fixed one; Python's own differs from process to process.
"""

import math
from functools import lru_cache
from hashlib import blake2b

from relais_models.lexical.features import features

DIMENSIONS = 384
# Each feature is spread over several places: a collision then costs a part of it, not the whole.
_PLACES = 3


def embed(text: str, dimensions: int = DIMENSIONS) -> list[float]:
    """The vector of `text`: `dimensions` numbers of Euclidean length 1, the same in every process and version."""
    vector = [0.0] * dimensions
    for feature, weight in features(text).items():
        for place, sign in _places(feature):
            vector[place % dimensions] += sign * weight
    length = math.sqrt(sum(number * number for number in vector))
    return [number / length for number in vector] if length else [1.0, *vector[1:]]


@lru_cache(maxsize=200_000)
def _places(feature: str) -> tuple[tuple[int, int], ...]:
    digest = blake2b(feature.encode(), digest_size=4 * _PLACES).digest()
    numbers = (int.from_bytes(digest[at : at + 4], "big") for at in range(0, 4 * _PLACES, 4))
    return tuple(((number >> 1) % DIMENSIONS, 1 if number & 1 else -1) for number in numbers)
