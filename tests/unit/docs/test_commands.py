"""The commands of the documents.

Convention: a command that a reader is to type stands in a block fenced with ```console, after `$ `. The same blocks of
the README are executed end to end elsewhere; here every command of every page is held against what it calls.
"""

import re
import shlex
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml

from relais.broker import Publisher, make_broker
from relais.store.engine import make_async_engine
from relais_api.app import build_app
from relais_api.parts import Dependencies
from relais_cli.app import make_app

ROOT = Path(__file__).parents[3]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
PLANNED = {"roadmap.md"}
_CONSOLE = re.compile(r"^```console\n(.*?)^```", re.DOTALL | re.MULTILINE)
_INLINE_RELAIS = re.compile(r"`relais((?: [a-z]+)+)")
_HOSTS = ("http://127.0.0.1:8000", "$RELAIS")
USAGE_ERROR = typer.BadParameter.__bases__[0]


def _name(path: Path) -> str:
    return str(path.relative_to(ROOT))


def _commands(page: Path) -> list[str]:
    """Each command on one line; a line without `$ ` goes on with one that ended in a backslash, or is output."""
    blocks = _CONSOLE.findall(page.read_text())
    lines = "\n".join(blocks).replace("\\\n", " ").splitlines()
    return [line.removeprefix("$ ") for line in lines if line.startswith("$ ")]


def _words(command: str) -> tuple[dict[str, str], list[str]]:
    """Split into the settings before it and its words."""
    words = shlex.split(command)
    given = {}
    while words and re.fullmatch(r"[A-Z_]+=.*", words[0]):
        name, _, value = words.pop(0).partition("=")
        given[name] = value
    return given, words


@cache
def _relais() -> Any:
    return typer.main.get_command(make_app())


def _check_relais(words: list[str]) -> None:
    """Parse as the program would; a wrong command, option or value raises."""
    command, name = _relais(), "relais"
    while hasattr(command, "commands"):
        assert words, f"{name} needs a subcommand"
        assert words[0] in command.commands, f"{name} has no subcommand {words[0]}"
        command, name, words = command.commands[words[0]], f"{name} {words[0]}", words[1:]
    try:
        command.make_context(name, list(words))
    except USAGE_ERROR as error:
        pytest.fail(f"{name} {words}: {error}")


def _check_make(words: list[str]) -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    for word in words:
        name, is_variable, value = word.partition("=")
        assert is_variable or name in targets, f"make has no target {name}"
        if name == "ARGS" and "up" in words:
            _check_relais(["up", *shlex.split(value)])


def _check_docker(words: list[str]) -> None:
    services = set(yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"])
    assert words[0] == "compose"
    action, *rest = words[1:]
    scaled = [word.partition("=")[0] for word in rest if re.fullmatch(r"[a-z-]+=\d+", word)]
    named = [word for word in rest if not word.startswith("-") and "=" not in word]
    assert set(scaled) | set(named[:1] if action in ("exec", "run") else named) <= services, words


def _check_curl(words: list[str]) -> None:
    [address] = [word for word in words if word.startswith(_HOSTS)]
    path = address.partition("?")[0]
    for host in _HOSTS:
        path = path.removeprefix(host)
    sends = any(word in ("-d", "-F") for word in words)
    method = words[words.index("-X") + 1] if "-X" in words else "POST" if sends else "GET"
    assert any(_matches(path, template) and method.lower() in methods for template, methods in _api().items()), words


@cache
def _api() -> dict[str, Any]:
    engine = make_async_engine("postgresql://nobody@127.0.0.1:1/none", pool_size=2)
    app = build_app(Dependencies(engine=engine, publisher=Publisher(make_broker("memory://"))))
    paths: dict[str, Any] = app.openapi()["paths"]
    return paths


def _matches(path: str, template: str) -> bool:
    pattern = re.sub(r"\\\{\w+\\\}", "[^/]+", re.escape(template))
    return re.fullmatch(pattern, path) is not None


def _check_copy(words: list[str]) -> None:
    assert (ROOT / words[0]).exists(), words


def _check_nothing(words: list[str]) -> None:
    """A shell variable of an example."""


CHECKS = {
    "make": _check_make,
    ".venv/bin/relais": _check_relais,
    "docker": _check_docker,
    "curl": _check_curl,
    "cp": _check_copy,
    "export": _check_nothing,
}


@pytest.mark.parametrize("page", [page for page in PAGES if _commands(page)], ids=_name)
def test_every_command_of_a_page_exists(page: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Targets, subcommands, options, services and addresses are there as a page names them."""
    monkeypatch.chdir(ROOT)
    for command in _commands(page):
        _, (program, *words) = _words(command.split(" > ")[0])
        assert program in CHECKS, f"no check for {command}"
        CHECKS[program](words)


@pytest.mark.parametrize("page", [page for page in PAGES if page.name not in PLANNED], ids=_name)
def test_every_relais_command_in_the_text_exists(page: Path) -> None:
    """What a sentence calls `relais …` can be typed."""
    for words in _inline(page):
        command = _relais()
        for word in words:
            if not hasattr(command, "commands"):
                break
            assert word in command.commands, f"relais {' '.join(words)}"
            command = command.commands[word]


def test_the_page_of_the_command_line_has_every_command_and_option() -> None:
    """What `--help` lists is documented, each option in the section of its command."""
    page = (ROOT / "docs" / "command-line.md").read_text()
    missing = []
    for name, command in _relais().commands.items():
        section = _unwrapped(page.split(f"\n## relais {name}\n")[1].split("\n## ")[0])
        for leaf in _leaves(f"relais {name}", command):
            missing += [wanted for wanted in leaf if wanted not in section]
    assert missing == []


def _leaves(name: str, command: Any) -> Iterator[list[str]]:
    """The name of each command below `command`, with its long options."""
    if hasattr(command, "commands"):
        for word, below in command.commands.items():
            yield from _leaves(f"{name} {word}", below)
        return
    flags = [flag for param in command.params for flag in (*param.opts, *param.secondary_opts)]
    yield [f"`{name}", *(f"`{flag}" for flag in flags if flag.startswith("--") and flag != "--help")]


def _inline(page: Path) -> Iterator[list[str]]:
    return (found.split() for found in _INLINE_RELAIS.findall(_unwrapped(page.read_text())))


def _unwrapped(text: str) -> str:
    return " ".join(text.split())


def test_the_readme_begins_with_the_two_commands_of_the_quickstart() -> None:
    """A reader comes from nothing to an answer with two commands."""
    first, second, *_ = _commands(ROOT / "README.md")
    assert first == "make up"
    assert second.startswith(".venv/bin/relais ask ")
