"""The official Ollama client against the model server."""

import asyncio
import math

import ollama
import pytest


def test_chat_in_one_piece(client, messages, answer):
    """Without `stream`, one reply with role, content, reason, counts and durations in nanoseconds."""
    reply = client.chat("extractive", messages)
    assert reply.message.role == "assistant"
    assert reply.message.content == answer
    assert (reply.model, reply.done, reply.done_reason) == ("extractive", True, "stop")
    assert reply.eval_count == len(answer.split())
    assert reply.prompt_eval_count > 20
    assert 0 < reply.prompt_eval_duration + reply.eval_duration <= reply.total_duration


def test_chat_as_a_stream(client, messages, answer):
    """Several parts, of which only the last is done and carries the counts."""
    parts = list(client.chat("extractive", messages, stream=True))
    assert "".join(part.message.content for part in parts) == answer
    assert len(parts) > 5
    assert [part.done for part in parts] == [False] * (len(parts) - 1) + [True]
    assert parts[-1].eval_count == len(parts) - 1
    assert parts[0].eval_count is None
    assert all(part.message.role == "assistant" for part in parts)


def test_generate(client, messages, answer):
    """A single prompt with its system text is answered as a chat is."""
    system, question = (message["content"] for message in messages)
    assert client.generate("extractive", question, system=system).response == answer
    parts = list(client.generate("extractive", question, system=system, stream=True))
    assert "".join(part.response for part in parts) == answer


def test_async_client(server, messages, answer):
    """The asynchronous client gets the same, several at a time."""

    async def ask_thrice():
        async with ollama.AsyncClient(host=server.url, timeout=10, trust_env=False) as client:
            return await asyncio.gather(*(client.chat("extractive", messages) for _ in range(3)))

    assert [reply.message.content for reply in asyncio.run(ask_thrice())] == [answer] * 3


def test_embed_a_batch(client):
    """One vector of length 1 per text, in their order."""
    reply = client.embed("lexical", ["a lease", "a cat", "a lease"])
    assert [len(vector) for vector in reply.embeddings] == [384] * 3
    assert all(math.isclose(math.hypot(*vector), 1.0) for vector in reply.embeddings)
    assert reply.embeddings[0] == reply.embeddings[2] != reply.embeddings[1]
    assert reply.prompt_eval_count == 6


def test_embed_a_single_text(client):
    """A string gives a list of one vector; the older call gives the vector itself."""
    (vector,) = client.embed("lexical", "a lease").embeddings
    assert vector == client.embeddings("lexical", "a lease").embedding
    assert len(client.embed("lexical", "a lease", dimensions=64).embeddings[0]) == 64


def test_list_show_and_ps_tell_of_the_models(client):
    """Both built-in models are listed, described and loaded."""
    assert [model.model for model in client.list().models] == ["extractive:latest", "lexical:latest"]
    assert [model.model for model in client.ps().models] == ["extractive:latest", "lexical:latest"]
    shown = client.show("lexical")
    assert shown.capabilities == ["embedding"]
    assert shown.modelinfo["lexical.embedding_length"] == 384
    assert client.show("extractive").capabilities == ["completion"]


def test_the_tag_latest_is_the_model_itself(client, messages, answer):
    """Clients that add the default tag reach the same model."""
    assert client.chat("extractive:latest", messages).message.content == answer
    assert client.show("lexical:latest").details.family == "lexical"


@pytest.mark.parametrize("call", ["chat", "stream", "generate", "embed", "show"])
def test_a_missing_model_is_a_404_that_names_it(client, messages, call):
    """In Ollama's words, on every call."""
    calls = {
        "chat": lambda: client.chat("nope", messages),
        "stream": lambda: list(client.chat("nope", messages, stream=True)),
        "generate": lambda: client.generate("nope", "hi"),
        "embed": lambda: client.embed("nope", "hi"),
        "show": lambda: client.show("nope"),
    }
    with pytest.raises(ollama.ResponseError) as refusal:
        calls[call]()
    assert refusal.value.status_code == 404
    assert refusal.value.error == 'model "nope" not found, try pulling it first'


def test_options_are_honoured(client, messages):
    """`num_predict` and `stop` end the answer; the reason says which."""
    short = client.chat("extractive", messages, options={"num_predict": 3})
    assert (short.message.content, short.done_reason, short.eval_count) == ("A lease lasts", "length", 3)
    stopped = client.chat("extractive", messages, options={"stop": [" and"]})
    assert (stopped.message.content, stopped.done_reason) == ("A lease lasts 20 seconds", "stop")
    endless = client.chat("extractive", messages, options={"num_predict": -1})
    assert endless.done_reason == "stop"
