"""Reads the totals as series: with agents by name, and all that is known in advance beginning at 0."""

from collections import Counter
from collections.abc import Iterable
from itertools import product
from uuid import UUID

from relais.lifecycle import TERMINAL
from relais.queues import Kind
from relais.store.stats import Stats
from relais_monitor.tally.histogram import Histogram
from relais_monitor.tally.recording import COMPLETION, KNOWN_REASONS, PROMPT, RETRY_CAUSES
from relais_monitor.tally.sums import Labels, Sums, bounds_of

OUTCOMES = sorted(TERMINAL)


class Series:
    """The series of one moment's totals."""

    def __init__(self, stats: Stats, totals: Sums) -> None:
        self._totals = totals
        self._live = sorted(stats.agents.values())
        self._slugs = {**stats.deleted_agents, **stats.agents}
        self._models = sorted(stats.models)

    def finished(self) -> Counter[Labels]:
        """Final states by kind, agent and outcome."""
        return self._counter("finished", product(Kind, self._live, OUTCOMES), agent_at=1)

    def failures(self) -> Counter[Labels]:
        """Failed attempts by kind and reason."""
        return self._counter("failures", product(Kind, KNOWN_REASONS))

    def retries(self) -> Counter[Labels]:
        """Returns into the line by kind and cause."""
        return self._counter("retries", product(Kind, RETRY_CAUSES.values()))

    def cancels(self) -> Counter[Labels]:
        """Cancelled jobs by kind, and by what they were doing."""
        return self._counter("cancels", product(Kind, ("processing", "waiting")))

    def answers(self) -> Counter[Labels]:
        """Answers by agent, and whether they rest on passages."""
        return self._counter("answers", product(self._live, ("false", "true")), agent_at=0)

    def tokens(self) -> Counter[Labels]:
        """Tokens by model and direction."""
        return self._counter("tokens", product(self._models, (COMPLETION, PROMPT)))

    def waits(self) -> dict[Labels, Histogram]:
        """Times until the first claim, by kind."""
        return self._histogram("wait", product(Kind))

    def processing(self) -> dict[Labels, Histogram]:
        """Times of last attempts, by kind and agent."""
        return self._histogram("processing", product(Kind, self._live), agent_at=1)

    def attempts(self) -> dict[Labels, Histogram]:
        """Numbers of attempts, by kind and outcome."""
        return self._histogram("attempts", product(Kind, OUTCOMES))

    def retrieval(self) -> dict[Labels, Histogram]:
        """Times of searches, by agent."""
        return self._histogram("retrieval", product(self._live), agent_at=0)

    def first_token(self) -> dict[Labels, Histogram]:
        """Times to the first token, by model."""
        return self._histogram("first_token", product(self._models))

    def generation(self) -> dict[Labels, Histogram]:
        """Times of generations, by model."""
        return self._histogram("generation", product(self._models))

    def _counter(self, name: str, known: Iterable[Labels], *, agent_at: int | None = None) -> Counter[Labels]:
        counts: Counter[Labels] = Counter()
        counts.update({tuple(map(str, key)): 0 for key in known})
        for labels, count in self._totals.counters(name):
            counts[self._named(labels, agent_at)] += count
        return counts

    def _histogram(self, name: str, known: Iterable[Labels], *, agent_at: int | None = None) -> dict[Labels, Histogram]:
        series = {tuple(map(str, key)): Histogram(bounds_of(name)) for key in known}
        for labels, histogram in self._totals.histograms(name):
            series.setdefault(self._named(labels, agent_at), Histogram(bounds_of(name))).merge(histogram)
        return series

    def _named(self, labels: Labels, agent_at: int | None) -> Labels:
        """Write an agent's slug for its id: totals belong to the agent, whatever it is called."""
        if agent_at is None:
            return labels
        slug = self._slugs.get(UUID(labels[agent_at]), "unknown")
        return (*labels[:agent_at], slug, *labels[agent_at + 1 :])
