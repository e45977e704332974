"""Diagnoses the whole system."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from fastapi import APIRouter
from pydantic import BaseModel, Field
from sqlalchemy import Connection

from relais.diagnosis import Code, Finding, Severity, diagnose
from relais.store.diagnosis import read_diagnosis
from relais_api.admin.keys import NEEDS_READ
from relais_api.http import problems
from relais_api.http.openapi import problem_responses
from relais_api.messages.bodies import UtcTime
from relais_api.parts import PartsOf

router: Final = APIRouter(
    prefix="/api/diagnosis",
    tags=["Administration"],
    dependencies=[NEEDS_READ],
    responses=problem_responses(problems.Unauthorized, problems.Forbidden, problems.DatabaseUnavailable),
)


class FindingBody(BaseModel):
    """One thing that is wrong, or worth knowing; `evidence` names jobs by their refs, at most ten; times are seconds.

    `recommendation` is the safe next step, `command` what to type for it; it changes nothing without `--execute`.
    """

    code: Code
    severity: Severity
    title: str
    count: int
    recommendation: str
    command: str | None
    evidence: list[dict[str, Any]]


class Diagnosis(BaseModel):
    """All findings, the worst first, and causes before what follows from them."""

    checked_at: UtcTime
    healthy: bool = Field(description="Whether there is neither a critical finding nor a warning.")
    findings: list[FindingBody]


@router.get("")
async def show_diagnosis(parts: PartsOf) -> Diagnosis:
    """Say what is wrong with the queues, what shows it, and what to do."""
    found = await parts.database.snapshot(_find)
    return Diagnosis(
        checked_at=datetime.now(UTC),
        healthy=all(one.severity is Severity.INFO for one in found),
        findings=[_body(one) for one in found],
    )


def _find(conn: Connection) -> list[Finding]:
    return diagnose(read_diagnosis(conn))


def _body(one: Finding) -> FindingBody:
    return FindingBody(
        code=one.code,
        severity=one.severity,
        title=one.title,
        count=one.count,
        recommendation=one.recommendation,
        command=one.command,
        evidence=[_rounded(entry) for entry in one.evidence],
    )


def _rounded(entry: Mapping[str, object]) -> dict[str, object]:
    return {name: round(value, 1) if isinstance(value, float) else value for name, value in entry.items()}
