"""`relais ingest` against a running Relais."""

from pathlib import Path

from relais_api.admin.uploads import MEDIA_TYPES
from relais_cli.collecting import SUFFIXES
from support.up import RelaisUp


def test_a_folder_is_ingested_and_each_bad_document_is_named(relais: RelaisUp, folder: Path) -> None:
    """Good documents become answers, a bad one fails alone with its reason, other files are left out."""
    done = relais.call("ingest", str(folder), "--agent", "shop")
    assert done.status == 1
    assert "2 of 4 documents ingested." in done.out
    assert "broken.pdf" in done.err
    assert "(unreadable_document)" in done.err
    assert "empty.txt is empty." in done.err
    assert "hidden.md" not in done.out
    assert "nine days" in relais.call("ask", "How long do parcels to Canada take?", "--agent", "shop").check().out


def test_an_unchanged_document_is_said_to_be_so(relais: RelaisUp) -> None:
    """Ingesting the same again embeds nothing."""
    document = relais.call("ingest", str(relais.folder / "refunds.md"), "--agent", "shop", "--json").check().json
    assert [(row["name"], row["state"], row["unchanged"]) for row in document["documents"]] == [
        ("refunds.md", "completed", True)
    ]


def test_without_waiting_the_jobs_are_told(relais: RelaisUp, tmp_path: Path) -> None:
    """`--no-wait` ends once all are accepted."""
    (tmp_path / "later.md").write_text("# Later\n\nSometime.\n")
    done = relais.call("ingest", str(tmp_path), "--agent", "shop", "--no-wait", "--json").check().json
    assert done["documents"][0]["job_id"]


def test_two_files_of_one_name_are_refused(relais: RelaisUp, tmp_path: Path) -> None:
    """Documents are told apart by name; one would silently replace the other."""
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "README.md").write_text(name)
    done = relais.call("ingest", str(tmp_path), "--agent", "shop")
    assert done.status == 1
    assert "rename one of each pair" in done.err


def test_what_can_not_be_ingested_is_named(relais: RelaisUp, tmp_path: Path) -> None:
    """A missing path, a foreign type, an empty folder, an unknown agent: one line each, before anything is sent."""
    (tmp_path / "x.exe").write_bytes(b"MZ")
    (tmp_path / "x.md").write_text("x")
    (tmp_path / "nothing").mkdir()
    for path, agent, reason in (
        ("absent.md", "shop", "absent.md does not exist"),
        ("x.exe", "shop", "has a type that can't be read"),
        ("nothing", "shop", "nothing to ingest there"),
        ("x.md", "nobody", "No agent has this slug"),
    ):
        done = relais.call("ingest", str(tmp_path / path), "--agent", agent)
        assert (done.status, len(done.err.splitlines())) == (1, 1)
        assert reason in done.err


def test_the_command_takes_what_the_api_takes() -> None:
    """Both know the same types of documents."""
    assert set(SUFFIXES) == set(MEDIA_TYPES)
