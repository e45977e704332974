"""A real language model, SmolLM2-135M-Instruct, through the model server."""

import asyncio
import subprocess
import sys

import httpx
import ollama
import pytest

from support.waiting import wait_until

pytestmark = [pytest.mark.llm, pytest.mark.timeout(180)]

QUESTION = [{"role": "user", "content": "What is the capital of France? Answer in one short sentence."}]
CERTAIN = {"temperature": 0, "num_predict": 40}


@pytest.fixture
def llm(llm_server):
    llm_server.inject()
    with ollama.Client(host=llm_server.url, timeout=120, trust_env=False) as client:
        yield client


def test_it_answers(llm):
    """The chat template is applied: the model answers the question instead of continuing it."""
    reply = llm.chat("smollm2", QUESTION, options=CERTAIN)
    assert "Paris" in reply.message.content
    assert (reply.done_reason, reply.message.role) == ("stop", "assistant")
    assert 20 < reply.prompt_eval_count < 60
    assert 1 < reply.eval_count <= 40


def test_it_streams_tokens(llm):
    """The stream gives the same answer, token by token, with the counts at its end."""
    parts = list(llm.chat("smollm2:latest", QUESTION, stream=True, options=CERTAIN))
    assert (
        "".join(part.message.content for part in parts)
        == llm.chat("smollm2", QUESTION, options=CERTAIN).message.content
    )
    assert len(parts) > 4
    assert [part.done for part in parts].count(True) == 1
    assert parts[-1].eval_count >= len(parts) - 1


def test_it_generates(llm):
    """A single prompt is put into the chat template too."""
    assert "Paris" in llm.generate("smollm2", QUESTION[0]["content"], options=CERTAIN).response


def test_limits_are_honoured(llm):
    """`num_predict` and `stop` end an answer; the reason says which."""
    short = llm.chat("smollm2", QUESTION, options={"temperature": 0, "num_predict": 3})
    assert (short.done_reason, short.eval_count) == ("length", 3)
    stopped = llm.chat("smollm2", QUESTION, options={**CERTAIN, "stop": ["Paris"]})
    assert "Paris" not in stopped.message.content


def test_the_oldest_turns_give_way_to_a_small_context(llm):
    """A conversation longer than `num_ctx` loses its beginning, never its question."""
    old = [
        {"role": "user", "content": "Tell me about cats. " * 30},
        {"role": "assistant", "content": "Cats sleep. " * 30},
    ]
    reply = llm.chat("smollm2", [*old, *QUESTION], options={**CERTAIN, "num_ctx": 128})
    assert reply.prompt_eval_count < 128
    assert "Paris" in reply.message.content


def test_a_question_that_is_too_long_is_refused(llm):
    """Not cut silently: the message says by how much it is too long."""
    with pytest.raises(ollama.ResponseError) as refusal:
        llm.chat("smollm2", [{"role": "user", "content": "cats " * 300}], options={"num_ctx": 128})
    assert refusal.value.status_code == 400
    assert "the context has 128" in refusal.value.error


def test_it_is_listed_and_described(llm):
    """With its size and quantization, as Ollama lists models."""
    assert [model.model for model in llm.list().models] == ["extractive:latest", "smollm2:latest", "lexical:latest"]
    shown = llm.show("smollm2")
    assert shown.details.format == "gguf"
    assert shown.details.parameter_size == "134.5M"
    assert shown.details.quantization_level == "Q4_1"


def test_a_generation_ends_when_its_client_leaves(llm_server, llm):
    """The model stops making tokens, so that the next request has the processor."""
    body = {"model": "smollm2", "messages": [{"role": "user", "content": "Tell a very long story."}]}
    with httpx.stream("POST", f"{llm_server.url}/api/chat", json=body, timeout=60, trust_env=False) as reply:
        next(reply.iter_lines())
    wait_until(lambda: llm_server.activity("chat")["running"] == 0)
    assert llm.chat("smollm2", QUESTION, options=CERTAIN).done


def test_more_requests_than_slots_are_all_answered(llm_server):
    """Further ones wait for their turn."""

    async def ask_five():
        async with ollama.AsyncClient(host=llm_server.url, timeout=120, trust_env=False) as client:
            calls = [client.chat("smollm2", QUESTION, options={**CERTAIN, "num_predict": 8}) for _ in range(5)]
            return await asyncio.gather(*calls)

    assert all(reply.done for reply in asyncio.run(ask_five()))


def test_a_file_that_cannot_be_loaded_is_one_line(smollm2, tmp_path):
    """A download that was cut off has the right first bytes; the line names the file."""
    cut = tmp_path / "cut.gguf"
    cut.write_bytes(smollm2.read_bytes()[:300_000])
    command = [sys.executable, "-m", "relais_models", "--port", "0", "--llm", str(cut)]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (ended.returncode, ended.stdout, ended.stderr.count("\n")) == (1, "", 1)
    assert "cut.gguf" in ended.stderr
