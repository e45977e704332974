"""What an operator does through the API, and what a test does behind its back."""

from typing import Any
from uuid import UUID

from sqlalchemy import CursorResult, text

from relais.store.settle import settle_failed
from support.api import Api
from support.seeding import accept_many, claim

LET_THE_LEASE_EXPIRE = "UPDATE leases SET expires_at = now() - interval '1 s' WHERE job_id = :id"


def act(api: Api, action: str, *, headers: dict[str, str] | None = None, **wanted: object) -> dict[str, Any]:
    """Take a bulk action by JSON."""
    reply = api.http.post(f"/api/jobs/{action}", headers=headers or api.admin, json=wanted)
    assert reply.status_code == 200, reply.text
    return reply.json()


def audit(api: Api, **params: str | int) -> list[dict[str, Any]]:
    """The record of what operators did, the newest first."""
    return api.http.get("/api/audit", headers=api.admin, params=params).json()["actions"]


def demo(api: Api) -> UUID:
    """The id of the agent."""
    return UUID(api.http.get("/api/agents/demo", headers=api.admin).json()["id"])


def sql(api: Api, statement: str, **values: object) -> CursorResult[Any]:
    """Change something behind the API."""
    with api.engine.begin() as conn:
        return conn.execute(text(statement), values)


def run_one(api: Api, worker: int) -> UUID:
    """A job that the worker works on."""
    job = accept_many(api.engine, demo(api), 1)[0]
    assert claim(api.engine, worker).id == job
    return job


def fail_one(api: Api, worker: int, error_code: str = "model_missing") -> UUID:
    """A job that failed."""
    job = run_one(api, worker)
    with api.engine.begin() as conn:
        settle_failed(conn, job, 1, error_code=error_code, error="No such model.")
    return job
