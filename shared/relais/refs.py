"""Names a job, or a session, in public by the start of its id.

The whole id is a capability: who has it can read the message. Its first twelve hexadecimal digits find the job among
billions, and leave 74 random bits that nobody can guess (docs/adr/0012-refs-instead-of-ids-on-the-monitor.md).
"""

import re
from uuid import UUID

_DIGITS = 12
_REST = 32 - _DIGITS
_REF = re.compile(r"[0-9a-f]{12}")
_ID = re.compile(r"[0-9a-f]{8}-?([0-9a-f]{4}-?){3}[0-9a-f]{12}")


def ref_of(whole: UUID | str) -> str:
    """The ref of an id.

    Raises:
        ValueError: `whole` is no UUID.
    """
    return UUID(str(whole)).hex[:_DIGITS]


def bounds_of(ref: str) -> tuple[UUID, UUID]:
    """The smallest and the largest id that a ref may mean; twice the same for a whole id.

    Raises:
        ValueError: it is neither.
    """
    digits = ref.strip().lower()
    if _ID.fullmatch(digits):
        return UUID(digits), UUID(digits)
    if not _REF.fullmatch(digits):
        raise ValueError("must be a ref of twelve hexadecimal digits, or a whole id")
    return UUID(digits + "0" * _REST), UUID(digits + "f" * _REST)
