"""The dashboard of answering: how fast the models are, what they cost, how good the answers rest."""

from typing import Final

from relais_dashboards.layout import Dashboard, Section
from relais_dashboards.panels import Panel, Query
from relais_dashboards.promql import mean, once, quantile, rate, total

_NO_AGENT = "while there is no agent"
_TOKENS = "relais_model_tokens_total"


def _by_model(histogram: str) -> tuple[Query, ...]:
    return tuple(
        Query(quantile(share, histogram, of="model", by="model"), f"{{{{model}}}} {share:.0%}", _NO_AGENT)
        for share in (0.5, 0.95)
    )


def _by_agent(histogram: str) -> tuple[Query, ...]:
    return tuple(
        Query(quantile(share, histogram, of="agent", by="agent"), f"{{{{agent}}}} {share:.0%}", _NO_AGENT)
        for share in (0.5, 0.95)
    )


_SPEED = Section(
    "Speed",
    (
        Panel(
            "Time to the first token",
            "From the request to the model to the first token that a reader sees.",
            _by_model("relais_time_to_first_token_seconds"),
            unit="s",
        ),
        Panel(
            "Time of the generation",
            "From the request to the model to its last token.",
            _by_model("relais_generation_seconds"),
            unit="s",
        ),
        Panel(
            "Tokens per second of generation",
            "How fast a model writes, over the last five minutes.",
            (
                Query(
                    once("model", 'relais_window_tokens_per_second{window="5m"}'),
                    "{{model}}",
                    "while no model has written for five minutes",
                ),
            ),
        ),
    ),
)
_USE = Section(
    "Use",
    (
        Panel(
            "Tokens per minute",
            "Tokens that models read (prompt) and wrote (completion).",
            (
                Query(
                    f"60 * {once('model, direction', rate(_TOKENS))}",
                    "{{model}} {{direction}}",
                    _NO_AGENT,
                ),
            ),
        ),
        Panel(
            "Tokens per answer",
            "What one answer takes on average.",
            (
                Query(
                    f"{total('direction', rate(_TOKENS), of='model, direction')} / ignoring (direction) group_left "
                    + total("", rate("relais_answers_total"), of="agent, grounded"),
                    "{{direction}}",
                    _NO_AGENT,
                ),
            ),
        ),
        Panel(
            "Answers per minute",
            "By agent.",
            (
                Query(
                    f"60 * {total('agent', rate('relais_answers_total'), of='agent, grounded')}",
                    "{{agent}}",
                    _NO_AGENT,
                ),
            ),
            stacked=True,
        ),
    ),
)
_ANSWERS = Section(
    "Answers",
    (
        Panel(
            "Search for passages",
            "Time of the search for an answer.",
            _by_agent("relais_retrieval_seconds"),
            unit="s",
        ),
        Panel(
            "Share that rests on passages",
            "Grounded answers in all answers: it falls when documents are missing, or questions change.",
            (
                Query(
                    total("agent", rate('relais_answers_total{grounded="true"}'), of="agent, grounded")
                    + " / "
                    + total("agent", rate("relais_answers_total"), of="agent, grounded"),
                    "{{agent}}",
                    _NO_AGENT,
                ),
            ),
            unit="percentunit",
            most=1,
        ),
        Panel(
            "Mean processing time",
            "Of the last attempts, by agent and kind.",
            (
                Query(
                    mean("relais_processing_seconds", of="kind, agent", by="kind, agent"),
                    "{{agent}} {{kind}}",
                    _NO_AGENT,
                ),
            ),
            unit="s",
        ),
    ),
)
MODELS: Final = Dashboard(
    "relais-models",
    "Relais: models",
    "How fast are the models, what do they cost, and do the answers rest on documents?",
    (_SPEED, _USE, _ANSWERS),
)
