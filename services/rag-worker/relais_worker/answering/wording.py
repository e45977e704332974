"""What the words of a question tell about it: whether it stands alone, and what it names exactly."""

import re

_WORD = re.compile(r"[^\W_]+(?:['\u2019][^\W_]+)?")
# Function words of English, and of German, French and Spanish where they don't collide with content words.
_STOPWORDS = frozenset(
    """a about above after again all also am an and any are as at be because been before being below between both but by
    can could did do does doing done don't down during each few for from further get gets had has have having he her
    here hers him his how i if in into is it it's its itself just let's like me more most my no nor not now of off on
    once only or other our out over own please same shall she should so some such tell than that that's the their them
    then there these they this those through to too under until up us very was we were what what's when where which
    while who whom why will with would you your yours
    aber als am an auch auf aus bei das dem den der des ein eine einen einer es für gibt hat ich im in ist kann mit
    nach nicht oder sein sich sie sind über um und von vor wann warum was welche wenn wer werden wie wir wird wo zu zum
    zur au aux avec ce cette comment dans de du elle en est et il la le les mais ou où par pas pour pourquoi que quel
    quelle qui sur un une al como con cuál cuándo dónde el ella es esta este los más para pero por qué
    se su una y""".split()  # noqa: SIM905 -- a list of 200 quoted words hides them
)
_POINTS_BACK = frozenset(
    """it its they them their theirs this that these those he she him her his former latter otherwise dort davon dazu
    damit dafür dessen deren diese dieser dieses cela ça celui celle ello eso
    esto""".split()  # noqa: SIM905 -- as above
)
_SELF_CONTAINED = 5  # words of content: "it" then mostly stands for something in the same question
_CONTINUES = re.compile(
    r"\s*(and|but|or|so|then|also|what about|how about|what if|und|aber|oder|was ist mit|wie ist es mit|et|mais|y|pero)"
    r"\b",
    re.IGNORECASE,
)
_FEWEST_CONTENT_WORDS = 2
# A letter and a digit, or an underscore, or a dot or hyphen within: E1042, RELAIS_HOME, X-200, definitions.json.
_IDENTIFIER = re.compile(
    r"(?<![\w.-])(?=[\w.-]*[^\W\d_])(?=[\w.-]*(?:\d|_|\w{2}\.\w{2}))[^\W_][\w.-]*\w(?![\w-])", re.IGNORECASE
)


def content_words(text: str) -> list[str]:
    """List the words that carry meaning, in their order."""
    return [word for word in _WORD.findall(text) if word.lower() not in _STOPWORDS]


def needs_context(question: str) -> bool:
    """Tell whether a question can only be understood with what was said before it, such as "and to Canada?".

    Deterministic signs, since a model call to rewrite the question would double the wait: it begins as a continuation,
    is short and points back ("it", "those"), or has fewer than two words of content. A false alarm costs little,
    because the earlier question then only adds to the search.
    """
    words = {word.lower().replace("\u2019", "'").split("'")[0] for word in _WORD.findall(question)}
    content = len(content_words(question))
    points_back = content < _SELF_CONTAINED and not _POINTS_BACK.isdisjoint(words)
    return bool(_CONTINUES.match(question)) or points_back or content < _FEWEST_CONTENT_WORDS


def identifiers(text: str) -> set[str]:
    """Find the exact names in a text: error codes, setting names, product numbers, file names; in lower case."""
    return {found.lower() for found in _IDENTIFIER.findall(text)}
