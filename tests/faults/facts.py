"""What the documents of a trial say: one fact for each question, so that an answer is right or wrong, word for word."""

import re
from collections.abc import Mapping

_THINGS = (
    "amber lantern",
    "bronze compass",
    "crimson anvil",
    "dotted kettle",
    "emerald violin",
    "foggy sextant",
    "golden turnip",
    "hollow drum",
)
_CITATION = re.compile(r"\s*\[\d+\]")

# By question. No two share a word but those that all of them share, and the last word tells a whole answer.
FACTS: Mapping[str, str] = {
    f"What does the {thing} weigh?": f"The {thing} weighs {130 + 7 * number} grams on scale {thing.split()[1].upper()}."
    for number, thing in enumerate(_THINGS)
}


def document_of(fact: str) -> tuple[str, bytes]:
    """The name and the text of the document that states a fact."""
    name = "-".join(fact.split()[1:3])
    return f"{name}.md", f"# Inventory\n\n{fact}\n".encode()


def uncited(answer: str) -> str:
    """An answer without its citations."""
    return _CITATION.sub("", answer).strip()
