"""A real language model behind the whole path: `relais up --llm`, a document, a question, an answer with its source."""

from pathlib import Path

import pytest

from support.up import relais_home

pytestmark = [pytest.mark.llm, pytest.mark.timeout(300)]


def test_a_real_model_answers_from_a_document(smollm2: Path, tmp_path: Path) -> None:
    """SmolLM2 generates the answer, token by token, from the passage that retrieval found; its counts are stored."""
    page = tmp_path / "harbour.md"
    page.write_text("# The harbour\n\nThe lighthouse of Port Emil is 41 metres high and was built in 1871.\n")
    with relais_home() as home:
        home.start("--no-demo", "--llm", str(smollm2))
        model = smollm2.stem.lower()
        home.run("agents", "create", "port", "--chat-model", model, "--embedding-model", "lexical").check()
        home.run("ingest", str(page), "--agent", "port").check()
        question = "How high is the lighthouse of Port Emil?"
        answer = home.run("ask", question, "--agent", "port", "--json").check().json
        assert answer["model"] == model
        assert answer["grounded"]
        assert answer["citations"][0]["document"] == "harbour.md"
        assert "41" in answer["content"]
        assert answer["tokens_prompt"] > 20
        assert answer["tokens_completion"] > 1
        assert home.stop() == 0
