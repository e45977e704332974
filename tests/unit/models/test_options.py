"""The command line of the model server."""

import pytest

from relais_models.options import read_options


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["--port", "x"], "--port"),
        (["--port", "70000"], "--port"),
        (["--unknown"], "--unknown"),
        (["--llm", "/nowhere/model.gguf"], "no such file"),
        (["--llm-context", "0"], "--llm-context"),
        (["--faults", "{"], "--faults"),
        (["--faults", '{"error_rate": 2}'], "error_rate"),
    ],
)
def test_a_wrong_option_is_named_in_one_line(capsys, arguments, named):
    """Status 2, one line on stderr, nothing on stdout."""
    with pytest.raises(SystemExit) as end:
        read_options(arguments)
    output = capsys.readouterr()
    assert end.value.code == 2
    assert output.out == ""
    assert output.err.count("\n") == 1
    assert named in output.err


def test_a_file_that_is_no_model_is_refused(tmp_path, capsys):
    """The file's first bytes tell; its name doesn't."""
    (tmp_path / "model.gguf").write_bytes(b"PK\x03\x04")
    with pytest.raises(SystemExit):
        read_options(["--llm", str(tmp_path / "model.gguf")])
    assert "is not a GGUF file" in capsys.readouterr().err


def test_a_model_is_named_after_its_file(tmp_path):
    """The stem in lower case, or the name given after the path."""
    file = tmp_path / "Tiny-Chat=Q4.gguf"
    file.write_bytes(b"GGUF....")
    assert read_options(["--llm", str(file)]).llms[0].name == "tiny-chat=q4"
    assert read_options(["--llm", f"{file}=tiny"]).llms[0].name == "tiny"


def test_two_models_of_one_name_are_refused(tmp_path, capsys):
    """Otherwise one of them could never be reached."""
    file = tmp_path / "extractive.gguf"
    file.write_bytes(b"GGUF....")
    with pytest.raises(SystemExit):
        read_options(["--llm", str(file)])
    assert "PATH=NAME" in capsys.readouterr().err


def test_defaults():
    """Ollama's own port on the loopback, without faults."""
    options = read_options([])
    assert (options.host, options.port, options.faults, options.exit_with_parent) == ("127.0.0.1", 11434, None, False)
