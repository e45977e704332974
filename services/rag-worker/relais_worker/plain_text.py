"""Text that PostgreSQL and JSON can hold, whatever a parser or a model produced."""

import re

# C0 controls but tab and line feed, DEL, C1 controls, byte order marks, and halves of surrogate pairs.
_CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ufeff]")
_SURROGATES = re.compile("[\ud800-\udfff]")


def plain_text(text: str) -> str:
    """Drop control characters (PostgreSQL refuses U+0000), replace lone surrogates, which have no UTF-8."""
    return _SURROGATES.sub("\ufffd", _CONTROLS.sub("", text))
