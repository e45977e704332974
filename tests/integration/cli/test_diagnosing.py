"""`relais queue diagnose`, and looking again and again."""

import json
import signal
import subprocess
from uuid import UUID

import pytest

from relais.diagnosis import Code
from relais.refs import ref_of
from relais.store.pausing import pause_queue
from support.diagnosing import do, sql
from support.operators import Operator
from support.seeding import accept_many, claim, make_agent, make_worker


def _end(watching: subprocess.Popen[str]) -> None:
    """Press Ctrl-C: no failure, and nothing on stderr."""
    watching.send_signal(signal.SIGINT)
    _, err = watching.communicate(timeout=30)
    assert (watching.returncode, err) == (0, "")


@pytest.fixture
def stuck(operator: Operator) -> UUID:
    """A job in processing without a lease."""
    [job_id] = accept_many(operator.engine, make_agent(operator.engine), 1)
    claim(operator.engine, make_worker(operator.engine))
    sql(operator.engine, "DELETE FROM leases")
    return job_id


def test_nothing_wrong_is_status_0(operator: Operator) -> None:
    """In words and as JSON; what is only worth knowing is nothing wrong."""
    assert operator.queue("diagnose").check().out == "Nothing is wrong.\n"
    do(operator.engine, pause_queue, "documents")
    assert "INFO  queue_paused" in operator.queue("diagnose").check().out
    assert operator.queue("diagnose", "--json").check().json["healthy"] is True


@pytest.mark.parametrize("columns", ["80", "140"])
def test_what_is_wrong_is_status_1_with_the_command_that_mends_it(
    operator: Operator, stuck: UUID, columns: str
) -> None:
    """The severity, the figures, the remedy, the evidence, within the terminal."""
    found = operator.queue("diagnose", COLUMNS=columns)
    assert found.status == 1
    assert found.out.startswith("Found: 1 critical.\n\nCRITICAL  no_lease\n")
    assert f"relais queue unlock {ref_of(stuck)}" in found.out
    assert all(len(line) <= int(columns) for line in found.out.splitlines())


def test_the_command_of_a_finding_mends_it(operator: Operator, stuck: UUID) -> None:
    """Typed as it stands it shows what it would do; with `--execute` the finding is gone."""
    found = operator.queue("diagnose", "--json")
    [finding] = found.json["findings"]
    assert (found.status, finding["code"]) == (1, Code.NO_LEASE)
    command = finding["command"].removeprefix("relais queue ").split()
    assert operator.queue(*command).check().out.startswith("Would unlock 1 job.\n")
    operator.queue(*command, "--execute").check()
    codes = {one["code"] for one in operator.queue("diagnose", "--json").json["findings"]}
    assert Code.NO_LEASE not in codes


@pytest.mark.parametrize("command", [("diagnose",), ("failed",)], ids=" ".join)
def test_watching_as_json_is_a_line_each_time_until_ctrl_c(operator: Operator, command: tuple[str, ...]) -> None:
    """A program can read line by line; Ctrl-C is the end, not a failure."""
    with operator.begun(*command, "--watch", "--interval", "0.2", "--json") as watching:
        for _ in range(3):
            assert {"findings", "jobs"} & set(json.loads(watching.stdout.readline()))
        _end(watching)


def test_watching_follows_what_happens(operator: Operator) -> None:
    """Without a terminal one picture follows another."""
    with operator.begun("diagnose", "--watch", "--interval", "0.2") as watching:
        assert watching.stdout.readline() == "Nothing is wrong.\n"
        sql(operator.engine, "UPDATE heartbeats SET ran_at = now() - interval '1 minute'")
        assert next(line for line in watching.stdout if "CRITICAL" in line) == "CRITICAL  sweeper_silent\n"
        _end(watching)


def test_watching_what_was_never_there_fails_at_once(operator: Operator) -> None:
    """A wrong address is no outage to wait for."""
    done = operator.queue("status", "--watch")
    assert (done.status, "no monitor at" in done.err) == (1, True)
