"""The addresses from which the page reads."""

from collections.abc import Callable
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query, Response
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel
from sqlalchemy import Connection

from relais.store.line import read_lines
from relais.store.monitor_failures import CauseOfFailure, group_failures
from relais.store.monitor_jobs import ListedJob, search_listed
from relais.store.monitor_workers import ListedWorker, list_workers
from relais_monitor.problems import HEADERS, MonitorProblem
from relais_monitor.reading.filters import Search, cursor_after
from relais_monitor.reading.life import Life, read_life
from relais_monitor.reading.overview import Overview, read_overview
from relais_monitor.reading.readings import Readings

_Ref = Annotated[str, Path(pattern="^[0-9a-f]{12}$", description="The first twelve hexadecimal digits of an id.")]


class JobPage(BaseModel):
    """Jobs that match, newest first."""

    jobs: list[ListedJob]
    next_cursor: str | None


class Failures(BaseModel):
    """The causes of failures, the latest first."""

    failures: list[CauseOfFailure]


class Workers(BaseModel):
    """The worker processes, those that work first."""

    workers: list[ListedWorker]


def _never_stored(response: Response) -> None:
    response.headers.update(HEADERS)


# The routes are synchronous: FastAPI runs them in threads, where they may wait for the database.
def build_reading_router(readings: Readings) -> APIRouter:
    """Make the routes over the readings."""
    router = APIRouter(prefix="/api", dependencies=[Depends(_never_stored)])

    @router.get("/overview")
    def show_overview() -> Overview:
        """Show what the status page shows of this moment, from one snapshot."""
        return readings.read("overview", read_overview)

    @router.get("/jobs")
    def show_jobs(which: Annotated[Search, Query()]) -> JobPage:
        """Search jobs, past ones too; the newest come first."""
        return readings.read(which, _search(which), too_slow=_search_too_slow)

    @router.get("/jobs/{ref}")
    def show_job(ref: _Ref) -> Life:
        """Show a job's life: attempts, explanation, figures of the answer."""
        life = readings.read(("job", ref), lambda conn: read_life(conn, ref))
        if life is None:
            detail = "No job has this ref: it never existed, or its retention is over."
            raise MonitorProblem(404, "unknown_job", "There is no such job", detail)
        return life

    @router.get("/failures")
    def show_failures() -> Failures:
        """Show why jobs failed, grouped by cause."""
        return Failures(failures=readings.read("failures", group_failures))

    @router.get("/workers")
    def show_workers() -> Workers:
        """Show the worker processes and what each has in hand."""
        return Workers(workers=readings.read("workers", list_workers))

    return router


def _search_too_slow() -> MonitorProblem:
    detail = "Narrow it: name a state, an agent or a ref."
    return MonitorProblem(504, "search_too_slow", "The search took too long", detail)


def _search(which: Search) -> Callable[[Connection], JobPage]:
    try:
        before = which.before()
    except ValueError as error:
        raise RequestValidationError([{"loc": ("query", "cursor"), "type": "cursor", "msg": str(error)}]) from None

    def run(conn: Connection) -> JobPage:
        found = search_listed(conn, which.criteria(), read_lines(conn), before=before, limit=which.limit + 1)
        shown = found[: which.limit]
        return JobPage(jobs=shown, next_cursor=cursor_after(shown[-1]) if len(found) > which.limit else None)

    return run
