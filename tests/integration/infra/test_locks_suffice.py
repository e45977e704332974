"""What each image installs is enough to start its programs."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from support.servers import missing

ROOT = Path(__file__).parents[3]
PACKAGES = {
    "api": ["services/api"],
    "worker": ["services/rag-worker"],
    "monitor": ["services/monitor"],
    "runtime": ["services/api", "services/rag-worker", "services/monitor", "services/model-server", "services/cli"],
}


@pytest.fixture(scope="module")
def install(tmp_path_factory: pytest.TempPathFactory):
    """Makes an environment of exactly one lock file; the downloads are in uv's cache already."""
    uv = shutil.which("uv", path=str(Path(sys.executable).parent))
    if uv is None:
        missing("uv is not installed: run the tests by `make test`")

    def install_lock(lock: str) -> list[str]:
        folder = tmp_path_factory.mktemp(lock)
        python = folder / "bin" / "python"
        subprocess.run([uv, "venv", "--quiet", "--python", sys.executable, "--clear", folder], check=True)
        requirements = ROOT / "requirements" / f"{lock}.lock"
        options = ["--quiet", "--python", python, "--require-hashes", "-r", requirements]
        subprocess.run([uv, "pip", "install", *options], check=True)
        return [str(python)]

    made: dict[str, list[str]] = {}
    return lambda lock: made[lock] if lock in made else made.setdefault(lock, install_lock(lock))


def _run(python: list[str], lock: str, *arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("RELAIS_", "PYTHON"))}
    environment["PYTHONPATH"] = ":".join(str(ROOT / package) for package in ["shared", *PACKAGES[lock]])
    return subprocess.run(
        [*python, *arguments], env=environment, cwd=folder, capture_output=True, text=True, check=False, timeout=60
    )


@pytest.mark.parametrize(
    ("lock", "module"),
    [
        ("api", "relais_api"),
        ("api", "relais.store.migrate"),
        ("worker", "relais_worker"),
        ("worker", "relais_worker.sweeper"),
        ("monitor", "relais_monitor"),
    ],
)
def test_a_service_starts_from_its_lock_file_and_names_what_is_not_set(
    install, lock: str, module: str, tmp_path: Path
) -> None:
    """With nothing else installed, the boot gets as far as the settings: one line per variable, no traceback."""
    outcome = _run(install(lock), lock, "-m", module, folder=tmp_path)
    assert outcome.returncode == 2, outcome.stderr
    lines = outcome.stderr.strip().splitlines()
    assert any(line.startswith("relais: RELAIS_DATABASE_URL: is required") for line in lines)
    assert all(line.startswith("relais: RELAIS_") for line in lines)


@pytest.mark.parametrize("module", ["relais_cli", "relais_models"])
def test_make_up_needs_no_more_than_the_runtime_lock(install, module: str, tmp_path: Path) -> None:
    """The command and the model server run in the environment that `make up` makes."""
    outcome = _run(install("runtime"), "runtime", "-m", module, "--help", folder=tmp_path)
    assert outcome.returncode == 0, outcome.stderr


def test_everything_that_up_starts_can_be_imported_from_the_runtime_lock(install, tmp_path: Path) -> None:
    """No module of any package needs a development dependency."""
    code = """
import importlib, pkgutil, relais, relais_api, relais_worker, relais_monitor, relais_models, relais_cli
for package in (relais, relais_api, relais_worker, relais_monitor, relais_models, relais_cli):
    for module in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
        if not module.name.endswith("__main__") and ".migrations" not in module.name and ".llm" not in module.name:
            importlib.import_module(module.name)
"""
    outcome = _run(install("runtime"), "runtime", "-W", "ignore", "-c", code, folder=tmp_path)
    assert outcome.returncode == 0, outcome.stderr
