"""A missing or wrong setting ends the boot with one line per variable, never a traceback."""

import os
import subprocess
import sys

import pytest

GOOD = {"RELAIS_DATABASE_URL": "postgresql://x", "RELAIS_BROKER_URL": "memory://"}


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"RELAIS_DATABASE_URL": ""}, "RELAIS_DATABASE_URL: is required and not set"),
        ({"RELAIS_DATABASE_URL": "mysql://u:hunter2@x"}, "RELAIS_DATABASE_URL: must begin with postgresql://"),
        ({"RELAIS_BROKER_URL": "redis://:hunter2@x"}, "RELAIS_BROKER_URL: must begin with amqp://"),
        ({"RELAIS_API_PORT": "99999"}, "RELAIS_API_PORT: must be less than or equal to 65535"),
        ({"RELAIS_API_POOL_SIZE": "many"}, "RELAIS_API_POOL_SIZE: must be a valid integer"),
        ({"RELAIS_ADMIN_KEY": "hunter2"}, "RELAIS_ADMIN_KEY: must have at least 16 characters"),
        ({"RELAIS_LOG_LEVEL": "loud"}, "RELAIS_LOG_LEVEL: "),
    ],
)
def test_a_wrong_setting_is_named_in_one_line(wrong, said, tmp_path):
    """Exit status 2, the variable, the reason, and no secret."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("RELAIS_")}
    command = [sys.executable, "-m", "relais_api"]
    ran = subprocess.run(
        command, env=kept | GOOD | wrong, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False
    )
    assert ran.returncode == 2, ran.stderr
    assert len(ran.stderr.splitlines()) == 1
    assert ran.stderr.startswith(f"relais: {said}")
    assert "hunter2" not in ran.stderr
