"""The start of `relais up`, step by step."""

from functools import partial

from sqlalchemy.exc import DBAPIError

from relais.store.migrate import upgrade
from relais_cli.client import Address, Client, connected
from relais_cli.database import database_error
from relais_cli.embedded.aftermath import declare_workers_dead
from relais_cli.embedded.context import Run
from relais_cli.embedded.demo_step import prepare_demo
from relais_cli.embedded.farewell import say_what_waits
from relais_cli.embedded.ready import wait_until_ready
from relais_cli.embedded.ready_box import show_ready
from relais_cli.embedded.servers import is_local_index
from relais_cli.embedded.services import Vital
from relais_cli.render import counted
from relais_cli.running import Running


def start(run: Run) -> list[Vital]:
    """Start everything, and tell when it is ready.

    Raises:
        StopRequested: somebody asked to stop meanwhile.
        CliError, PartError: something can't start.
    """
    _start_servers(run)
    _migrate(run)
    doors = run.given.doors
    with connected(Address(doors.api.url, "API", "its log has the reason"), run.given.admin_key) as client:
        vitals = _start_services(run, client)
        run.requests.check()
        running = Running(doors.api.url, doors.monitor.url)
        running.write(run.given.home.root)
        token = prepare_demo(run, client) if run.options.demo else None
    show_ready(run, running, token)
    return vitals


def _start_servers(run: Run) -> None:
    for named in run.servers.named(run.given.home):
        run.requests.check()
        with run.steps.step(named.name, f"Starting {named.name}"):
            run.ending.add(named.name, named.server.stop, named.server.kill)
            named.server.start()
        run.supervisor.add(named)


def _migrate(run: Run) -> None:
    run.requests.check()
    url = run.given.addresses.database_url
    with run.steps.step("Database", "Bringing the database up to date") as note:
        try:
            note.text = f"schema {upgrade(url)}"
            if run.servers.postgres is not None:
                declare_workers_dead(url)
        except DBAPIError as error:
            raise database_error(error) from None
    run.ending.add("", partial(say_what_waits, run))


def _start_services(run: Run, client: Client) -> list[Vital]:
    run.requests.check()
    with run.steps.step("Services", "Starting API, worker, sweeper and monitor") as note:
        try:
            vitals = run.services.start(run.ending)
        except DBAPIError as error:
            raise database_error(error) from None
        wait_until_ready(client, run.requests, run.supervisor)
        note.text = _describe(run)
    _say_why_one_process(run)
    return vitals


def _describe(run: Run) -> str:
    threads = counted(run.given.worker_threads, "worker thread")
    if not run.options.rabbitmq:
        return f"in one process, {threads}"
    processes = 1 if is_local_index(run.given.addresses.qdrant_url) else run.options.workers or 1
    return f"{counted(processes, 'worker process', 'worker processes')} with {threads}"


def _say_why_one_process(run: Run) -> None:
    wanted = run.options.workers or 1
    if run.options.rabbitmq and wanted > 1 and is_local_index(run.given.addresses.qdrant_url):
        run.steps.say(
            f"Qdrant's local mode serves one process, so the {wanted} workers are threads of one.\n"
            "Set RELAIS_QDRANT_URL to a Qdrant server's address to run them as processes."
        )
