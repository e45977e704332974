"""A cheap upper estimate of how many tokens a text is."""

_BYTES_PER_TOKEN = 3


def estimate_tokens(text: str) -> int:
    """Estimate tokens as one per three bytes of UTF-8.

    The true tokenizer belongs to the model and can't be asked before each cut, so the estimate errs on the safe side:
    English prose has 4 to 4.5 bytes per token in byte-pair vocabularies, code about 3, Cyrillic 4 to 6 (two to three
    characters of two bytes), Chinese 2 to 3 (one character of three bytes or a little less).
    """
    return -(-len(text.encode(errors="replace")) // _BYTES_PER_TOKEN)
