"""The command line."""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from pydantic import ValidationError

from relais_models.faults.plan import FaultPlan
from relais_models.llm.gguf import NotAModelError, check_gguf

_BUILT_IN = ("extractive", "lexical")
_LAST_PORT = 65535


@dataclass(frozen=True, slots=True)
class LlmOption:
    """A GGUF file with the name under which it is served."""

    path: Path
    name: str


@dataclass(frozen=True, slots=True)
class Options:
    """What to serve where; `faults` is None when fault injection is off."""

    host: str
    port: int
    llms: tuple[LlmOption, ...]
    llm_context: int
    faults: FaultPlan | None
    exit_with_parent: bool


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {message} (see --help)\n")


def read_options(arguments: Sequence[str] | None = None) -> Options:
    """Read the command line; a wrong one ends the process with status 2 after one line that names the option."""
    parser = _parser()
    given = parser.parse_args(arguments)
    names = [*_BUILT_IN, *(llm.name for llm in given.llm)]
    if len(set(names)) < len(names):
        parser.error(f"--llm: the names {', '.join(names)} are not all different; give PATH=NAME")
    return Options(
        host=given.host,
        port=given.port,
        llms=tuple(given.llm),
        llm_context=given.llm_context,
        faults=given.faults,
        exit_with_parent=given.exit_with_parent,
    )


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="relais-models", description="A small model server that speaks Ollama's HTTP API.", allow_abbrev=False
    )
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    parser.add_argument("--port", type=_port, default=11434, help="port; 0 takes a free one (default: %(default)s)")
    parser.add_argument(
        "--llm",
        type=_llm,
        action="append",
        default=[],
        metavar="PATH[=NAME]",
        help="serve this GGUF model too, as NAME (default: the file's name in lower case); may be repeated",
    )
    parser.add_argument(
        "--llm-context",
        type=_positive,
        default=8192,
        metavar="TOKENS",
        help="tokens that one request to an --llm may take, prompt and answer together (default: %(default)s)",
    )
    parser.add_argument(
        "--faults",
        type=_faults,
        nargs="?",
        const=FaultPlan(),
        metavar="JSON",
        help="for tests: inject these faults (see FaultPlan) and let PUT /faults change them",
    )
    parser.add_argument("--exit-with-parent", action="store_true", help="end when standard input is closed")
    return parser


def _port(text: str) -> int:
    if not text.isdecimal() or int(text) > _LAST_PORT:
        raise argparse.ArgumentTypeError(f"{text!r} is not a port number (0 to {_LAST_PORT})")
    return int(text)


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) == 0:
        raise argparse.ArgumentTypeError(f"{text!r} is not a positive whole number")
    return int(text)


def _llm(text: str) -> LlmOption:
    path, given, name = text.rpartition("=") if not Path(text).exists() else (text, "", "")
    file = Path(path if given else text)
    try:
        check_gguf(file)
    except NotAModelError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
    return LlmOption(file, (name or file.stem).lower())


def _faults(text: str) -> FaultPlan:
    try:
        return FaultPlan.model_validate_json(text)
    except ValidationError as error:
        problem = error.errors(include_url=False, include_input=False, include_context=False)[0]
        raise argparse.ArgumentTypeError(f"{'.'.join(map(str, problem['loc'])) or text!r}: {problem['msg']}") from None
