"""What happens to a generation nobody waits for."""

import httpx
import pytest

from support.waiting import wait_until


@pytest.mark.parametrize("stream", [True, False])
def test_a_generation_ends_when_its_client_leaves(server, http, messages, stream):
    """Streaming or not, while tokens are still to come, the server stops making them."""
    before = server.activity("chat")
    server.inject(token_delay_s=5.0)
    with (
        pytest.raises(httpx.ReadTimeout),
        http.stream(
            "POST",
            "/api/chat",
            json={"model": "extractive", "messages": messages, "stream": stream},
            timeout=httpx.Timeout(10, read=0.3),
        ) as reply,
    ):
        reply.read()
    wait_until(lambda: server.activity("chat")["running"] == 0)
    after = server.activity("chat")
    assert after["broken_off"] == before["broken_off"] + 1
    assert after["finished"] == before["finished"]


def test_a_request_that_waits_for_its_headers_ends_too(server, http, messages):
    """Leaving before the first token is noticed as well."""
    server.inject(hang=True)
    with pytest.raises(httpx.ReadTimeout):
        http.post("/api/chat", json={"model": "extractive", "messages": messages}, timeout=httpx.Timeout(10, read=0.2))
    wait_until(lambda: server.activity("chat")["running"] == 0)


def test_others_are_served_meanwhile(server, http, client, messages, answer):
    """A slow reply to one client doesn't hold up the next."""
    server.inject(stall_after=1, limit=1)
    with http.stream("POST", "/api/chat", json={"model": "extractive", "messages": messages}) as slow:
        next(slow.iter_lines())
        assert client.chat("extractive", messages).message.content == answer
