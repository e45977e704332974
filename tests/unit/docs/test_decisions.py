"""The decision records."""

import re
import tomllib
from importlib.metadata import PackageNotFoundError, files, metadata
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
RECORDS = sorted((ROOT / "docs" / "adr").glob("*.md"))
SECTIONS = ("## Context", "## Decision", "## Consequences", "## Alternatives")
DEPENDENCIES = (ROOT / "docs" / "adr" / "0002-dependencies.md").read_text()
# How packages spell what the table calls by its SPDX name.
FAMILY = {
    "LGPL": "LGPL|Lesser General Public",
    "GPL": "GPL|General Public",
    "BSD": "BSD",
    "MIT": "MIT",
    "Apache": "Apache",
    "MPL": "MPL|Mozilla",
}


def _declared() -> set[str]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = [*project["dependencies"], *(r for extra in project["optional-dependencies"].values() for r in extra)]
    lines = (ROOT / "requirements" / "llm-model.in").read_text().splitlines()
    wanted += [line for line in lines if line and not line.startswith("#")]
    return {match[0].lower() for requirement in wanted if (match := re.match(r"[A-Za-z0-9._-]+", requirement))}


def _listed() -> dict[str, str]:
    """Names of the tables with their licence, the last cell but one."""
    rows = re.findall(r"^\| `([a-z0-9-]+)` \|(.*)\|$", DEPENDENCIES, re.MULTILINE)
    return {name: cells.split("|")[-2].strip() for name, cells in rows}


@pytest.mark.parametrize("record", RECORDS, ids=lambda path: path.stem)
def test_a_record_says_why_what_and_what_else(record: Path) -> None:
    """A decision that can be weighed again has its context, its consequences and what was rejected, in this order."""
    text = record.read_text()
    assert re.match(rf"# {record.stem[:4]}: ", text)
    places = [text.find(f"\n{section}\n") for section in SECTIONS]
    assert -1 not in places
    assert places == sorted(places)


def test_every_dependency_has_its_reason() -> None:
    """The table of dependencies has every declared one, and no other."""
    assert set(_listed()) == _declared()


def _first_lines(name: str, licence_files: list[str]) -> list[str]:
    """The titles of the licences that a package ships, for one whose metadata don't name any."""
    shipped = [file for file in files(name) or [] if file.name in licence_files and "licenses" in file.parts]
    return [file.read_text().lstrip().partition("\n")[0] for file in shipped]


def test_licences_are_those_of_the_installed_packages() -> None:
    """What the table says of a licence agrees with what the package says of itself."""
    wrong = []
    for name, licence in _listed().items():
        try:
            known = metadata(name)
        except PackageNotFoundError:  # an extra that isn't installed here
            continue
        said = [known.get("License-Expression") or "", known.get("License") or "", *(known.get_all("Classifier") or [])]
        stated = " ".join([*said, *_first_lines(name, known.get_all("License-File") or [])])
        families = [pattern for family, pattern in FAMILY.items() if family in licence]
        if not families or not all(re.search(pattern, stated) for pattern in families):
            wrong.append((name, licence))
    assert wrong == []
