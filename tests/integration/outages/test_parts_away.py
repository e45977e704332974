"""Ollama or Qdrant away, for one worker or for all, with real processes."""

import time

import httpx
from sqlalchemy import Engine, text

from support.clients import Poster
from support.proxy import Proxy
from support.soundness import assert_each_answered_once, times_taken, unfinished
from support.waiting import wait_until


def _waiting(engine: Engine) -> list[list[str]]:
    """What each live worker waits for, in the order of their registration."""
    with engine.begin() as conn:
        return list(
            conn.execute(text("SELECT waiting_for FROM workers WHERE stopped_at IS NULL ORDER BY id")).scalars()
        )


def _spent(engine: Engine) -> int:
    """Attempts that were counted beyond each job's first: a hand-back raises the limit with the attempt."""
    with engine.begin() as conn:
        return int(conn.execute(text("SELECT sum(attempt - (attempt_limit - 3) - 1) FROM jobs")).scalar_one())


def _status(url: str, message_id: str) -> dict:
    return httpx.get(f"{url}/api/messages/{message_id}/status", timeout=10).json()


def test_a_model_server_that_is_killed_costs_no_attempt_and_no_thread(engine: Engine, make_stack, own_models):
    """Messages posted meanwhile wait and say why; all are answered within seconds of its return."""
    stack = make_stack()
    stack.start_api()
    poster = Poster(stack.url, stack.make_agent())
    stack.start_sweeper()
    worker = stack.start_worker()
    accepted = poster.post_many(5)
    wait_until(lambda: unfinished(engine) == 0, 40, "it works")
    own_models.kill()
    accepted += poster.post_many(12)
    last = accepted[-1]
    wait_until(lambda: _status(stack.url, last)["waiting_for"] == ["ollama"], 20, "the status says why")
    degraded = httpx.get(f"{stack.url}/readyz", timeout=10).json()["degraded"]
    assert "ollama" in [part["part"] for part in degraded]
    own_models.start()
    back_at = time.monotonic()
    wait_until(lambda: _status(stack.url, last)["waiting_for"] is None, 20, "the worker noticed")
    wait_until(lambda: unfinished(engine) == 0, 30, "all answered")
    assert time.monotonic() - back_at < 10, "probe interval 2 s, a second more, twelve answers, and a busy machine"
    assert_each_answered_once(engine, accepted)
    assert _spent(engine) == 0
    assert worker.popen.poll() is None
    log = worker.log.read_text()
    assert log.count("breaker.opened") == log.count("breaker.closed") == 1


def test_only_the_worker_that_cannot_reach_the_model_server_waits(engine: Engine, make_stack, own_models):
    """The other one does all the work, no message spends an attempt; told to stop, the waiting one leaves with 0."""
    proxy = Proxy(own_models.url).start()
    stack = make_stack()
    stack.start_api()
    poster = Poster(stack.url, stack.make_agent())
    stack.start_sweeper()
    stack.start_worker()
    wait_until(lambda: _waiting(engine) == [[]], 20, "the first is there")
    stack.ollama_url = proxy.url
    cut_off = stack.start_worker()
    wait_until(lambda: _waiting(engine) == [[], []], 20, "both work")
    proxy.cut()
    accepted = poster.post_many(60)
    wait_until(lambda: _waiting(engine) == [[], ["ollama"]], 20, "the second has noticed")
    accepted += poster.post_many(20)
    assert _status(stack.url, accepted[-1])["waiting_for"] is None
    wait_until(lambda: unfinished(engine) == 0, 40, "all answered by the first")
    assert_each_answered_once(engine, accepted)
    assert _spent(engine) == 0
    asked_at = time.monotonic()
    assert cut_off.stop() == 0
    assert time.monotonic() - asked_at < 12
    proxy.stop()


def test_a_model_server_that_hangs_spends_only_the_attempts_under_way(engine: Engine, make_stack, own_models):
    """It may be their fault that it hangs, so those count; what waits behind them is not touched."""
    proxy = Proxy(own_models.url).start()
    stack = make_stack(RELAIS_OLLAMA_IDLE_TIMEOUT_S="2")
    stack.ollama_url = proxy.url
    stack.start_api()
    poster = Poster(stack.url, stack.make_agent())
    stack.start_sweeper()
    stack.start_worker()
    accepted = poster.post_many(1)
    # Else the worker's first probe could be what hangs: it would wait before its threads have claimed.
    wait_until(lambda: unfinished(engine) == 0 and proxy.connections == 0, 40, "it works, and asks nothing")
    proxy.freeze()
    accepted += poster.post_many(12)
    wait_until(lambda: _waiting(engine) == [["ollama"]], 30, "it waits")
    wait_until(lambda: times_taken(engine, "retry_later") == 4, 20, "its four threads ended")
    assert times_taken(engine, "claim") == 5, "the first message, and one for each thread"
    proxy.pass_on()
    wait_until(lambda: unfinished(engine) == 0, 30, "all answered")
    assert_each_answered_once(engine, accepted)
    assert _spent(engine) == 4
    proxy.stop()


def test_without_the_search_index_documents_and_questions_wait(engine: Engine, make_stack, own_qdrant):
    """A document uploaded and a question asked while Qdrant is gone are done when it is back, on the first attempt."""
    stack = make_stack(RELAIS_QDRANT_URL=own_qdrant.url)
    stack.start_api()
    poster = Poster(stack.url, stack.make_agent())
    stack.start_sweeper()
    stack.start_worker()
    wait_until(lambda: _waiting(engine) == [[]], 20, "it works")
    own_qdrant.kill()
    with httpx.Client(base_url=stack.url, headers=stack.admin, timeout=20) as client:
        upload = client.post(
            "/api/agents/agent/documents", files={"file": ("a.md", b"# Lease\n\nA lease is 20 s long.")}
        )
        assert upload.status_code == 202, upload.text
        wait_until(lambda: _waiting(engine) == [["qdrant"]], 30, "the worker waits")
        (question,) = poster.post_many(1)
        wait_until(lambda: _status(stack.url, question)["waiting_for"] == ["qdrant"], 10, "the status says why")
    own_qdrant.start()
    wait_until(lambda: unfinished(engine) == 0, 30, "both are done")
    assert_each_answered_once(engine, [question])
    assert _spent(engine) == 0
