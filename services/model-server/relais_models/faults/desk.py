"""Deciding for each request what goes wrong with it."""

import random
from collections import Counter
from http import HTTPStatus

from relais_models.contract import ModelError
from relais_models.faults.plan import NO_FAULTS, Endpoint, FaultPlan


class FaultDesk:
    """Holds the plan; counts the requests of each endpoint with how they ended."""

    def __init__(self, plan: FaultPlan = NO_FAULTS) -> None:
        self._counts: Counter[tuple[Endpoint, str]] = Counter()
        self.replace(plan)

    @property
    def plan(self) -> FaultPlan:
        """The plan in force."""
        return self._plan

    def replace(self, plan: FaultPlan) -> None:
        """Put `plan` in force for the requests from now on; its `limit` and `seed` start anew."""
        self._plan = plan
        self._left = plan.limit
        self._dice = random.Random(plan.seed)  # noqa: S311 -- repeatable on purpose

    def admit(self, endpoint: Endpoint) -> FaultPlan:
        """The faults of one request, which is counted; the caller must `close` it.

        Raises:
            ModelError: with the planned status, when it is this request's turn to fail.
        """
        self._counts[endpoint, "requests"] += 1
        if endpoint not in self._plan.endpoints or self._left == 0:
            return NO_FAULTS
        plan = self._plan
        fails = self._dice.random() < plan.error_rate
        if self._left is not None:
            self._left -= 1
        if fails:
            self.close(endpoint, finished=False)
            raise ModelError(_says(plan.error_status), plan.error_status)
        return plan

    def close(self, endpoint: Endpoint, *, finished: bool) -> None:
        """Count how a request ended."""
        self._counts[endpoint, "finished" if finished else "broken_off"] += 1

    def activity(self) -> dict[str, dict[str, int]]:
        """By endpoint: how many requests came, were finished, broke off, are running."""
        return {endpoint: self._activity(endpoint) for endpoint in ("chat", "generate", "embed")}

    def _activity(self, endpoint: Endpoint) -> dict[str, int]:
        requests, finished, broken_off = (
            self._counts[endpoint, what] for what in ("requests", "finished", "broken_off")
        )
        running = requests - finished - broken_off
        return {"requests": requests, "finished": finished, "broken_off": broken_off, "running": running}


def _says(status: int) -> str:
    cause = "model not found" if status == HTTPStatus.NOT_FOUND else f"status {status}"
    return f"injected fault: {cause}"
