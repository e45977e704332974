"""How many threads and processes run the services."""

from relais_cli.embedded.log_tail import LogTail
from relais_cli.embedded.one_process import OneProcess
from relais_cli.embedded.options import UpOptions
from relais_cli.embedded.processes import Processes
from relais_cli.embedded.servers import is_local_index
from relais_cli.embedded.service_settings import DecidedSettings, ServiceSettings
from relais_cli.embedded.services import Given, Services
from relais_cli.embedded.supervising import Supervisor
from relais_cli.settings import UpSettings


def count_threads(settings: UpSettings, options: UpOptions) -> int:
    """Threads of each worker process: what `--workers` says, unless that counts processes."""
    return options.workers if options.workers and not _counts_processes(settings, options) else settings.worker_threads


def choose_services(options: UpOptions, given: Given, supervisor: Supervisor) -> Services:
    """Put the services together; a wrong setting of any of them ends the process with status 2."""
    checked = ServiceSettings.read(DecidedSettings.of(given))
    if not options.rabbitmq:
        return OneProcess(checked, given.doors)
    return Processes(
        given=given,
        workers=1 if is_local_index(given.addresses.qdrant_url) else options.workers or 1,
        drain_s=checked.worker.drain_timeout_s,
        supervisor=supervisor,
        tail=LogTail(options.verbose),
    )


def _counts_processes(settings: UpSettings, options: UpOptions) -> bool:
    # Qdrant's local mode serves one process: there, several workers are several threads of one.
    return options.rabbitmq and not is_local_index(settings.qdrant_url or "")
