"""How the command begins."""

import subprocess
import sys

# What the import system asks first for the module: here it is where Ctrl-C comes.
INTERRUPTED = """
import sys
from relais_cli.__main__ import main

class Interrupted:
    @staticmethod
    def find_spec(name, *_):
        if name == "relais_cli.app":
            raise KeyboardInterrupt

sys.meta_path.insert(0, Interrupted)
main()
"""


def test_ctrl_c_while_it_is_loaded_is_no_traceback() -> None:
    """Whoever changes their mind at once reads one line; the status is that of every interruption."""
    done = subprocess.run([sys.executable, "-c", INTERRUPTED], capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (1, "", "relais: interrupted\n")
