"""What `relais` shows in the quickstart while its model server is away."""

from relais_cli.parts.model_server import ModelServer
from support.servers import running, short_folder
from support.up import relais_home
from support.waiting import wait_until


def test_a_question_asked_while_the_model_server_is_away_says_so_and_is_answered() -> None:
    """`ask` says what it waits for, `queue explain` and `queue status` say what to do; then the answer comes."""
    with (
        short_folder("models") as folder,
        running(ModelServer(folder)) as models,
        relais_home(RELAIS_OLLAMA_URL=models.url) as relais,
    ):
        relais.start("--no-demo")
        token = relais.make_agent("talker")
        models.kill()
        asking = relais.begin("ask", "What is a lease?", "--agent", "talker")
        said = next(line for line in asking.stderr if "is down" in line)
        assert said == "Waiting: the model server (Ollama) is down; the answer comes once Relais can reach it.\n"
        message_id = relais.post(token, "And another?")
        wait_until(lambda: "part_down" in relais.call("queue", "explain", message_id).check().out, 10)
        explained = relais.call("queue", "explain", message_id).check().out
        assert "None of the 1 worker can reach the model server (Ollama)" in explained
        assert "What to do: For the model server (Ollama): start it" in explained
        assert relais.call("queue", "explain", message_id, "--json").check().json["cause"] == "part_down"
        shown = relais.await_queue_status("Down:")
        assert "Down:    the model server (Ollama), for 1 of 1 worker" in shown
        found = relais.call("queue", "diagnose")
        assert (found.status, found.out.count("CRITICAL  part_down")) == (1, 1)
        assert "What to do: For the model server (Ollama): start it" in found.out
        models.start()
        out, _ = asking.communicate(timeout=30)
        assert asking.returncode == 0
        assert out.strip()
        models.kill()
        relais.post(token, "One more?")
        assert relais.stop() == 0
