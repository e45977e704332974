"""`relais up --llm`: a real language model answers."""

from pathlib import Path

import pytest

from support.up import relais_home

pytestmark = [pytest.mark.llm, pytest.mark.timeout(300)]
BRIEF = ("--system-prompt", "Answer in one short sentence.", "--set", "temperature=0", "--set", "allow_ungrounded=true")


def test_a_real_model_answers(smollm2: Path) -> None:
    """The GGUF file serves every agent that names it, and is the model of `demo` until a start without it."""
    name = smollm2.stem.lower()
    with relais_home() as home:
        home.start("--llm", str(smollm2))
        assert home.call("agents", "show", "demo", "--json").check().json["chat_model"] == name
        home.call("agents", "create", "brief", "--chat-model", name, "--embedding-model", "lexical", *BRIEF).check()
        answer = home.call("ask", "What is the capital of France?", "--agent", "brief", "--json").check().json
        assert "Paris" in answer["content"]
        assert (answer["model"], answer["grounded"]) == (name, False)
        assert answer["tokens_completion"] > 1
        assert home.stop() == 0

        home.start()
        assert home.call("agents", "show", "demo", "--json").check().json["chat_model"] == "extractive"
        assert home.stop() == 0


def test_a_file_that_is_no_model_is_named(tmp_path: Path) -> None:
    """One line says which file and what is wrong with it, before anything starts."""
    not_a_model = tmp_path / "notes.gguf"
    not_a_model.write_text("These are my notes.")
    with relais_home() as home:
        refused = home.run("up", "--port", "0", "--llm", str(not_a_model))
        assert refused.status == 1
        assert refused.err.startswith(f"relais: --llm: {not_a_model}")
        assert len(refused.err.splitlines()) == 1
