"""Alerts over a real database: who is told what, how often, and by whom."""

import httpx
import pytest
from pydantic import SecretStr
from sqlalchemy import text
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from relais.store.settle import settle_failed
from relais.store.silences import add_silence, end_silence
from relais_monitor.alerts.instance import Phase
from relais_monitor.main import make_server
from relais_monitor.settings import MonitorSettings
from support.api import serving
from support.seeding import accept_many, claim, make_agent, make_worker
from support.waiting import wait_until

NO_WORKER = "RelaisNoWorker"
FIRING, RESOLVED = ("alert.firing", NO_WORKER), ("alert.resolved", NO_WORKER)
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKYqr"  # noqa: S105 -- of this test alone


@pytest.fixture(autouse=True)
def sweeper_runs(engine):
    """So that the only alert is the test's own: a sweeper whose last run lies ahead."""
    with engine.begin() as conn:
        conn.execute(text("INSERT INTO heartbeats (part, ran_at) VALUES ('sweeper', now() + interval '1 day')"))


@pytest.fixture
def waiting(engine):
    """Two messages wait, and nobody works."""
    return accept_many(engine, make_agent(engine), 2)


def _told(receiver, *events):
    wait_until(lambda: receiver.events() == list(events), message=f"told {events}")


def _is_well(watched):
    channel = watched.watch.channels()[0]
    return channel.undelivered == 0 and channel.error is None


def _fire(watched):
    watched.look()
    watched.look(after_s=61)


def test_tells_once_that_an_alert_fires_and_once_that_it_resolved(make_watch, database_url, engine, receiver, waiting):
    """However often the watch looks, people hear of a beginning and of an end, signed, in words, without any id."""
    watched = make_watch(database_url)
    watched.look()
    assert watched.phases() == {NO_WORKER: Phase.PENDING}
    watched.look(after_s=61)
    _told(receiver, FIRING)
    watched.look(after_s=5)
    make_worker(engine)
    watched.look(after_s=5)
    watched.look(after_s=5)
    _told(receiver, FIRING, RESOLVED)
    first, second = receiver.deliveries
    for delivery in (first, second):
        Webhook(SECRET).verify(delivery.body, delivery.headers)
        with pytest.raises(WebhookVerificationError):
            Webhook(SECRET).verify(delivery.body.replace(b"critical", b"warning!"), delivery.headers)
    data = first.document["data"]
    assert data["evidence"] == "2 jobs waiting without a worker"
    assert data["runbook"] == "docs/runbook.md#relaisnoworker"
    assert second.document["data"]["resolved_at"] is not None
    assert not any(str(message_id).encode() in first.body for message_id in waiting)


def test_a_delivery_that_fails_is_tried_again_under_the_same_id(make_watch, database_url, receiver, waiting):
    """A receiver that stumbles gets the same event until it takes it; then never again."""
    receiver.statuses.extend([500, 429])
    watched = make_watch(database_url)
    _fire(watched)
    wait_until(lambda: len(receiver.deliveries) == 3, message="tried three times")
    wait_until(lambda: _is_well(watched), message="delivered, and its error forgotten")
    watched.look(after_s=5)
    assert len({delivery.headers["webhook-id"] for delivery in receiver.deliveries}) == 1
    assert len(receiver.deliveries) == 3


def test_what_cannot_be_delivered_is_said(make_watch, database_url, receiver, waiting):
    """A receiver that refuses shows in the report, with the status and without the address."""
    receiver.statuses.extend([403] * 1000)
    watched = make_watch(database_url)
    _fire(watched)
    wait_until(lambda: watched.watch.channels()[0].error == "HTTP status 403")
    assert watched.watch.channels()[0].undelivered == 1
    receiver.statuses.clear()
    wait_until(lambda: watched.watch.channels()[0].undelivered == 0, message="delivered in the end")


def test_a_silence_keeps_it_quiet_until_it_ends(make_watch, database_url, engine, receiver, waiting):
    """Nobody is told while the rule is silenced; when the silence ends and it still fires, somebody is."""
    with engine.begin() as conn:
        silence = add_silence(conn, rule=NO_WORKER, minutes=60, actor="me", reason="maintenance")
    watched = make_watch(database_url)
    _fire(watched)
    assert watched.phases() == {NO_WORKER: Phase.FIRING}
    assert watched.watch.board.silences[NO_WORKER].actor == "me"
    assert watched.watch.channels()[0].undelivered == 0
    with engine.begin() as conn:
        end_silence(conn, silence.id)
    watched.look(after_s=5)
    _told(receiver, FIRING)


@pytest.mark.usefixtures("waiting")
def test_a_restart_tells_nothing_twice(make_watch, database_url, engine, receiver, tmp_path):
    """With a state folder a new process knows what fires and what was told, and tells the end."""
    before = make_watch(database_url, home=tmp_path)
    _fire(before)
    _told(receiver, FIRING)
    wait_until(lambda: before.watch.channels()[0].undelivered == 0)
    before.look(after_s=1)
    before.watch._desk.stop()
    after = make_watch(database_url, home=tmp_path, clock=before.clock)
    after.look(after_s=5)
    assert after.phases() == {NO_WORKER: Phase.FIRING}
    make_worker(engine)
    after.look(after_s=5)
    _told(receiver, FIRING, RESOLVED)


def test_of_two_monitors_one_notifies_and_the_other_takes_over(make_watch, database_url, engine, receiver, waiting):
    """Both see the alert, one tells; when that one is gone the other tells once more what fires, then its end."""
    first, second = make_watch(database_url), make_watch(database_url)
    for watched in (first, second):
        _fire(watched)
    assert first.phases() == second.phases() == {NO_WORKER: Phase.FIRING}
    assert (first.watch.notifies, second.watch.notifies) == (True, False)
    _told(receiver, FIRING)
    second.look(after_s=61)
    first.watch._desk.stop()
    wait_until(lambda: second.look() or second.watch.notifies, message="the second one notifies")
    _told(receiver, FIRING, FIRING)
    make_worker(engine)
    second.look(after_s=5)
    _told(receiver, FIRING, FIRING, RESOLVED)


def test_what_a_monitor_could_not_deliver_is_told_by_the_next(make_watch, database_url, receiver, waiting):
    """A receiver was away for all of the first monitor's life: the second one, which only watched, tells it."""
    receiver.statuses.extend([503] * 100_000)
    first, second = make_watch(database_url), make_watch(database_url)
    for watched in (first, second):
        _fire(watched)
    wait_until(lambda: first.watch.channels()[0].error == "HTTP status 503", message="refused")
    second.look(after_s=61)
    first.watch._desk.stop()
    receiver.statuses.clear()
    receiver.deliveries.clear()
    wait_until(lambda: second.look() or second.watch.notifies, message="the second one notifies")
    _told(receiver, FIRING)


def test_failed_jobs_are_seen_as_the_ledger_has_them(make_watch, database_url, engine):
    """The conditions stand on the figures of the metrics: eleven failures are eleven."""
    accept_many(engine, make_agent(engine), 11)
    worker_id = make_worker(engine)
    for _ in range(11):
        job = claim(engine, worker_id)
        with engine.begin() as conn:
            settle_failed(conn, job.id, job.attempt, error_code="model_missing", error="No model.")
    watched = make_watch(database_url)
    watched.look()
    found = {alert.rule: alert.value for alert in watched.watch.board.alerts.values()}
    assert found == {"RelaisManyFailures": 11, "RelaisFailureRatioHigh": 1.0}


def test_a_job_completed_twice_is_an_alert_for_a_day(make_watch, database_url, engine):
    """It fires at once, and resolves although the total never falls."""
    accept_many(engine, make_agent(engine), 1)
    job = claim(engine, make_worker(engine))
    for _ in range(2):
        with engine.begin() as conn:
            conn.execute(
                text("""
                INSERT INTO job_events (job_id, transition, from_state, to_state, attempt)
                VALUES (:job_id, 'complete', 'processing', 'completed', 1)"""),
                {"job_id": job.id},
            )
    watched = make_watch(database_url)
    watched.look()
    assert watched.phases() == {"RelaisDuplicateAnswer": Phase.FIRING}
    with engine.begin() as conn:
        conn.execute(text("UPDATE job_events SET at = at - interval '25 hours'"))
    after = make_watch(database_url)
    after.look()
    assert after.phases() == {}
    snapshot = after.reader.read()
    assert snapshot.history.totals.count("duplicates") == 1


def test_a_paused_queue_is_seen(make_watch, database_url, engine):
    """It is pending for an hour before it fires."""
    with engine.begin() as conn:
        conn.execute(text("UPDATE queues SET paused_at = now() WHERE name = 'documents'"))
    watched = make_watch(database_url)
    watched.look()
    assert watched.phases() == {"RelaisQueuePaused": Phase.PENDING}
    watched.look(after_s=3600)
    assert watched.phases() == {"RelaisQueuePaused": Phase.FIRING}


def test_the_report_over_http_with_a_role_that_can_only_read(database_url, engine, waiting):
    """`/api/alerts` shows every rule, what needs attention first; reading, and the lock, need no right to write."""
    with engine.begin() as conn:
        conn.execute(text("CREATE ROLE relais_alerts_reader LOGIN PASSWORD 'reader'"))
        conn.execute(text("GRANT SELECT ON ALL TABLES IN SCHEMA public TO relais_alerts_reader"))
        conn.execute(text("ALTER ROLE relais_alerts_reader SET default_transaction_read_only = on"))
    url = engine.url.set(username="relais_alerts_reader", password="reader")  # noqa: S106 -- exists for this test only
    settings = MonitorSettings(
        _env_file=None,
        database_url=SecretStr(url.render_as_string(hide_password=False)),
        monitor_port=0,
        alert_every_s=0.2,
        alert_webhook_url=SecretStr("http://127.0.0.1:9/T0K3N"),
        alert_webhook_secret=SecretStr(SECRET),
    )
    try:
        with serving(make_server(settings)) as http:
            wait_until(lambda: _alerts(http)["notifies"], message="looked")
            report = _alerts(http)
            assert report["database_up"] is True
            assert report["channels"] == [{"channel": "webhook", "undelivered": 0, "error": None}]
            first = report["alerts"][0]
            assert (first["rule"], first["state"], first["severity"]) == (NO_WORKER, "pending", "critical")
            assert first["evidence"] == "2 jobs waiting without a worker"
            states = {alert["rule"]: alert["state"] for alert in report["alerts"]}
            assert states["RelaisBrokerDown"] == "unknown"
            assert states["RelaisQueuePaused"] == "inactive"
            assert {a["rule"] for a in report["alerts"] if a["watched_by"] == "prometheus"} == {
                "RelaisMonitorDown",
                "RelaisTargetDown",
            }
    finally:
        with engine.begin() as conn:
            conn.execute(text("DROP OWNED BY relais_alerts_reader"))
            conn.execute(text("DROP ROLE relais_alerts_reader"))


def _alerts(http: httpx.Client):
    return http.get("/api/alerts").json()
