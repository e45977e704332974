"""Each event of the ledger is counted once: however late it is committed, and whatever happens to the process."""

import json
import threading

import pytest
from sqlalchemy import text
from sqlalchemy.exc import OperationalError
from structlog.testing import capture_logs

from relais.store.backlog import count_finished
from relais.store.jobs import cancel_job
from relais.store.settle import settle_completed
from relais_monitor import finished
from relais_monitor.report.figures import report
from relais_monitor.snapshot import SnapshotReader
from relais_monitor.tally import follow
from relais_monitor.tally.follow import Tally
from support.seeding import accept_many, answer, claim, make_agent, make_worker
from support.waiting import wait_until


def complete(engine, worker_id, count):
    for _ in range(count):
        job = claim(engine, worker_id)
        with engine.begin() as conn:
            settle_completed(conn, job.id, job.attempt, answer())


def update(engine, tally, **options) -> bool:
    with engine.begin() as conn:
        return tally.update(conn, **options)


def figures(tally):
    """Everything that it counted."""
    plain = tally.state.to_plain()
    return (
        sorted(map(str, plain["totals"]["counters"])),
        sorted(map(str, plain["totals"]["histograms"])),
        plain["minutes"],
    )


@pytest.fixture
def worker(engine):
    """A worker, and six messages that wait for it."""
    accept_many(engine, make_agent(engine), 6)
    return make_worker(engine, slots=6)


def test_a_late_commit_is_in_every_figure_once(engine, worker):
    """An event that becomes visible after a higher one was counted is in counters, histograms and its minute."""
    slow, fast = claim(engine, worker), claim(engine, worker)
    tally = Tally()
    with engine.begin() as late:
        settle_completed(late, slow.id, slow.attempt, answer())
        with engine.begin() as conn:
            settle_completed(conn, fast.id, fast.attempt, answer())
        update(engine, tally)
        assert tally.state.totals.count("finished") == 1
    for _ in range(2):
        update(engine, tally)
        assert tally.state.totals.count("finished") == 2
        assert tally.state.totals.histogram("processing").count == 2
        assert sum(sums.count("finished") for sums in tally.state.minutes.view().minutes.values()) == 2
    again = Tally()
    update(engine, again)
    assert figures(again) == figures(tally)


def test_what_was_rolled_back_is_waited_for_no_longer_than_a_minute(engine, worker):
    """An id that nobody will ever commit is remembered only as long as somebody might."""
    job = claim(engine, worker)
    tally = Tally()
    with engine.connect() as conn:
        settle_completed(conn, job.id, job.attempt, answer())
        conn.rollback()
    complete(engine, worker, 1)
    update(engine, tally)
    assert len(tally.state.missing) == 1
    with engine.begin() as conn:
        conn.execute(text("UPDATE job_events SET at = at - interval '2 minutes'"))
    complete(engine, worker, 1)
    update(engine, tally)
    assert tally.state.missing == set()
    assert tally.state.totals.count("finished") == 2


def test_a_state_that_is_behind_catches_up(engine, worker, tmp_path):
    """A process that was killed after its last save reads what came since, once."""
    tally = Tally(tmp_path)
    complete(engine, worker, 2)
    update(engine, tally)
    tally.save(at_once=True)
    complete(engine, worker, 2)
    update(engine, tally)
    after = Tally(tmp_path)
    update(engine, after)
    assert after.state.totals.count("finished") == 4
    assert figures(after) == figures(tally)


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]", b"null", b'{"layout": [0]}', b'{"layout": 1}', b"\xff\xfe"],
    ids=["empty", "cut-off", "a-list", "null", "another-release", "no-list", "no-text"],
)  # fmt: skip
def test_a_file_that_is_no_state_is_not_trusted(engine, worker, tmp_path, content):
    """It is logged and overwritten; the figures come from the ledger."""
    (tmp_path / "tally.json").write_bytes(content)
    complete(engine, worker, 3)
    tally = Tally(tmp_path)
    with capture_logs() as logs:
        update(engine, tally)
    assert [entry["event"] for entry in logs] == ["tally.unreadable"]
    assert tally.state.totals.count("finished") == 3
    tally.save(at_once=True)
    assert json.loads((tmp_path / "tally.json").read_bytes())["top"] == tally.state.top


def test_the_state_of_another_database_is_not_taken_over(engine, worker, tmp_path):
    """The file names the job of its newest event: where the ledger has another one, counting begins anew."""
    complete(engine, worker, 3)
    tally = Tally(tmp_path)
    update(engine, tally)
    tally.save(at_once=True)
    with engine.begin() as conn:
        conn.execute(text("TRUNCATE job_events, jobs, past_jobs, messages RESTART IDENTITY CASCADE"))
    accept_many(engine, make_agent(engine), 9)
    complete(engine, worker, 4)
    for other in (tally, Tally(tmp_path)):
        with capture_logs() as logs:
            update(engine, other)
        assert [entry["event"] for entry in logs] == ["tally.begins_anew"]
        assert other.state.totals.count("finished") == 4


def test_a_folder_that_cannot_be_written_to_costs_no_figure(engine, worker, tmp_path):
    """It is logged once; figures go on."""
    (tmp_path / "file").write_text("in the way")
    tally = Tally(tmp_path / "file")
    with capture_logs() as logs:
        for done in (1, 2):
            complete(engine, worker, 1)
            update(engine, tally)
            tally.save(at_once=True)
            assert tally.state.totals.count("finished") == done
    assert [entry["event"] for entry in logs if entry["event"] == "tally.not_saved"] == ["tally.not_saved"]


def test_a_long_ledger_is_read_in_the_background(engine, worker, monkeypatch):
    """Until it is read what it says is unknown; the figures of the moment are there at once."""
    monkeypatch.setattr(follow, "_STEP", 3)
    complete(engine, worker, 6)
    tally = Tally()
    assert not update(engine, tally)
    reader = SnapshotReader(engine, cache_s=0, tally=tally)
    with engine.begin() as conn:
        assert cancel_job(conn, accept_many(engine, make_agent(engine), 1)[0])
    snapshot = wait_until(lambda: (found := reader.read()) and found.history and found)
    assert snapshot.history.totals.count("finished") == 7
    snapshot = wait_until(lambda: (found := reader.read()) and ("answer", "completed") in found.jobs and found)
    assert snapshot.jobs["answer", "completed"] == 6
    assert snapshot.jobs["answer", "cancelled"] == 1
    reader.close()


def test_finished_jobs_follow_the_ledger_between_two_counts(engine, worker):
    """They aren't counted for every scrape, and are right all the same: with a person's retry they become fewer."""
    reader = SnapshotReader(engine, cache_s=0)
    wait_until(lambda: ("answer", "completed") in reader.read().jobs, message="counted")
    for done in (2, 4):
        complete(engine, worker, 2)
        assert reader.read().jobs["answer", "completed"] == done
    reader.close()


def test_a_count_that_takes_too_long_costs_no_other_figure(engine, worker, monkeypatch):
    """Finished jobs stay unknown, nothing else does; it isn't tried again with every reading."""
    tried = []

    def count(_conn):
        tried.append(True)
        raise OperationalError("SELECT", {}, Exception("canceling statement due to statement timeout"))

    monkeypatch.setattr(finished, "count_finished", count)
    complete(engine, worker, 2)
    reader = SnapshotReader(engine, cache_s=0)
    wait_until(lambda: reader.read() and tried, message="tried")
    for _ in range(5):
        snapshot = reader.read()
        assert snapshot.history.totals.count("finished") == 2
        assert snapshot.jobs["answer", "queued"] + snapshot.jobs["answer", "pending"] == 4
        assert ("answer", "completed") not in snapshot.jobs
        assert report(snapshot).figures.jobs["answer"].keys() == {"pending", "queued", "processing"}
    assert len(tried) == 1
    reader.close()


def test_a_count_that_goes_on_holds_no_reading(engine, worker, monkeypatch):
    """However long it takes, figures are fresh meanwhile, and it is right in the end."""
    go_on = threading.Event()

    def count(conn):
        counts = count_finished(conn)
        assert go_on.wait(30)
        return counts

    monkeypatch.setattr(finished, "count_finished", count)
    reader = SnapshotReader(engine, cache_s=0, patience_s=10)
    assert reader.read() is not None
    for done in (2, 4):
        complete(engine, worker, 2)
        assert reader.read().history.totals.count("finished") == done
    go_on.set()
    wait_until(lambda: reader.read().jobs.get(("answer", "completed")) == 4, message="counted")
    reader.close()


def test_after_its_end_a_reader_gives_nothing(engine, tmp_path):
    """Who still asks while the process stops gets no figures and no error; the state is saved, once."""
    reader = SnapshotReader(engine, cache_s=60, tally=Tally(tmp_path))
    assert reader.read() is not None
    for _ in range(2):
        reader.close()
        assert reader.read() is None
    wait_until((tmp_path / "tally.json").exists)
