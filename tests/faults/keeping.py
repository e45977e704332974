"""Keeps what a person needs to understand a violation: the evidence and every log."""

import json
import shutil
import tempfile
from dataclasses import asdict
from pathlib import Path

from faults.checker.evidence import Evidence
from faults.result import TrialResult
from faults.rig import Rig

_LOGS = ("*.log", "history.jsonl", "postgres/*.log", "rabbitmq/*.log", "rabbitmq/log/*", "models/*.log", "qdrant/*.log")


def kept_folder(name: str) -> Path:
    """A new folder among the temporary files."""
    root = Path(tempfile.gettempdir()) / "relais-faults-kept"
    root.mkdir(exist_ok=True)
    return Path(tempfile.mkdtemp(prefix=f"{name}-", dir=root))


def keep(rig: Rig, result: TrialResult, evidence: Evidence) -> Path:
    """Copy the logs, write result and evidence; return the folder."""
    folder = keep_logs(rig, f"{result.fault}-{result.seed}")
    (folder / "result.json").write_text(result.to_json())
    (folder / "evidence.json").write_text(json.dumps(asdict(evidence), default=str, indent=1))
    return folder


def keep_logs(rig: Rig, name: str) -> Path:
    """Copy the logs; return the folder."""
    folder = kept_folder(name)
    for pattern in _LOGS:
        for path in rig.folder.glob(pattern):
            if path.is_file():
                shutil.copy(path, folder / "-".join(path.relative_to(rig.folder).parts))
    return folder
