"""The operators' commands against a running Relais."""

import signal

from relais.refs import ref_of
from support.up import RelaisUp
from support.waiting import wait_until


def test_an_agent_from_its_creation_to_its_end(relais: RelaisUp) -> None:
    """Create, list, change, show, preview the deletion, delete."""
    models = ("--chat-model", "extractive", "--embedding-model", "lexical")
    made = relais.call("agents", "create", "short-lived", *models, "--name", "Short", "--json").check().json
    assert made["slug"] == "short-lived"
    assert "short-lived" in relais.call("agents", "list").check().out
    taken = relais.call("agents", "create", "short-lived", *models)
    assert (taken.status, "choose another" in taken.err) == (1, True)

    prompt = relais.folder / "prompt.txt"
    prompt.write_text("Be brief.")
    changes = ("--set", "top_k=3", "--set", "allow_ungrounded=true", "--system-prompt", f"@{prompt}")
    changed = relais.call("agents", "update", "short-lived", *changes, "--json").check().json
    assert (changed["top_k"], changed["allow_ungrounded"], changed["system_prompt"]) == (3, True, "Be brief.")
    shown = relais.call("agents", "show", "short-lived").check().out
    assert f"/c/{made['token']}" in shown
    assert all(len(line) <= 80 for line in shown.splitlines())

    assert "add --execute" in relais.call("agents", "delete", "short-lived").check().out
    assert relais.call("agents", "show", "short-lived").status == 0
    relais.call("agents", "delete", "short-lived", "--execute").check()
    assert relais.call("agents", "show", "short-lived").status == 1


def test_a_wrong_field_is_wrong_usage(relais: RelaisUp) -> None:
    """Every fault is listed, with the field it is about; the status is 2."""
    done = relais.call("agents", "update", "shop", "--set", "top_k=99", "--set", "flavour=sweet")
    assert done.status == 2
    assert "top_k must be less than or equal to 50." in done.err
    assert "flavour is not known here" in done.err


def test_a_change_of_jobs_shows_first_what_it_would_do(relais: RelaisUp, tmp_path) -> None:
    """Without --execute nothing changes; a retry means failed jobs unless told otherwise."""
    (tmp_path / "bad.pdf").write_bytes(b"no PDF")
    job_id = relais.call("ingest", str(tmp_path / "bad.pdf"), "--agent", "shop", "--json").json["documents"][0][
        "job_id"
    ]
    failed = relais.call("queue", "failed", "--kind", "ingest").check().out
    assert ref_of(job_id) in failed
    assert "unreadable_document" in failed
    assert all(len(line) <= 80 for line in failed.splitlines())

    preview = relais.call("queue", "retry", job_id).check().out
    assert preview.startswith("Would retry 1 job.\n")
    assert ref_of(job_id) in preview
    assert "--execute" in preview
    assert relais.call("queue", "retry", job_id, "--json").check().json["changed"] == 0
    assert relais.call("queue", "retry", job_id, "--execute").check().out == "Retried 1 job.\n"
    nothing = relais.call("queue", "cancel", "--agent", "shop", "--state", "pending", "--execute").check().out
    assert nothing == "Cancelled 0 jobs.\n"


def test_the_status_shows_every_kind_of_job(relais: RelaisUp) -> None:
    """Counts by state, what ended lately, the workers, the broker, the sweeper, within 80 columns."""
    shown = relais.call("queue", "status", COLUMNS="80").check().out
    assert {"Kind", "answer", "ingest", "today,", "mean", "Workers:", "Broker:", "Sweeper:"} <= set(shown.split())
    assert all(len(line) <= 80 for line in shown.splitlines())
    assert relais.call("queue", "status", "--json").check().json["database_up"]


def test_the_status_is_watched_until_ctrl_c(relais: RelaisUp) -> None:
    """One picture after another; the end is no failure."""
    watching = relais.begin("queue", "status", "--watch", "--interval", "0.2")
    for _ in range(2):
        assert next(line for line in watching.stdout if line.startswith("Workers: 1 alive"))
    watching.send_signal(signal.SIGINT)
    _, err = watching.communicate(timeout=30)
    assert (watching.returncode, err) == (0, "")


def test_a_paused_queue_is_found_and_mended_as_the_diagnosis_says(relais: RelaisUp) -> None:
    """Its command shows what it would do; executed, the message that waited is answered."""
    token = relais.make_agent("patient")
    relais.call("queue", "pause", "ai-messages", "--execute").check()
    message_id = relais.post(token, "Is anybody there?")
    assert "Paused:  ai-messages" in relais.await_queue_status("Paused:")
    found = {one["code"]: one for one in relais.call("queue", "diagnose", "--json").json["findings"]}
    assert found["queue_paused"]["severity"] == "warning"
    command = found["queue_paused"]["command"].removeprefix("relais ").split()
    assert "1 job waiting" in relais.call(*command).check().out
    relais.call(*command, "--execute").check()
    wait_until(lambda: relais.status(message_id)["status"] == "completed", 30)
    assert "queue_paused" not in relais.call("queue", "diagnose", "--json").out


def test_keys_open_what_their_scope_allows(relais: RelaisUp) -> None:
    """A key made on the database works at once, reaches as far as its scope, and is worthless once revoked."""
    key = relais.call("keys", "add", "viewer", "--scope", "read", "--json").check().json["key"]
    assert relais.call("agents", "list", RELAIS_ADMIN_KEY=key).status == 0
    refused = relais.call("agents", "delete", "shop", "--execute", RELAIS_ADMIN_KEY=key)
    assert (refused.status, "needs a key of scope admin" in refused.err) == (1, True)
    assert "viewer" in relais.call("keys", "list").check().out
    assert key not in relais.call("keys", "list", "--json").check().out
    twice = relais.call("keys", "add", "viewer", "--scope", "ops")
    assert (twice.status, "choose another name" in twice.err) == (1, True)
    relais.call("keys", "revoke", "viewer").check()
    assert relais.call("agents", "list", RELAIS_ADMIN_KEY=key).status == 1


def test_migrate_may_be_repeated(relais: RelaisUp) -> None:
    """On a current schema it changes nothing and says where it is, also while Relais runs."""
    assert relais.call("migrate").check().out.startswith("The schema is at revision ")
