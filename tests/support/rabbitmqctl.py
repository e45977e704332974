"""RabbitMQ's command-line tool, for what its HTTP API can't do."""

import subprocess
from pathlib import Path

from relais_cli.parts.rabbitmq_node import RabbitMQNode, find_server


def rabbitmqctl(node: RabbitMQNode, *arguments: str) -> str:
    """Run a command against a node; what it printed. Costs about two seconds.

    Raises:
        subprocess.CalledProcessError: it failed.
    """
    tool = Path(find_server()).with_name("rabbitmqctl")
    done = subprocess.run(
        [str(tool), "--quiet", *arguments],
        env=node._environment(),
        check=True,
        capture_output=True,
        text=True,
        timeout=60,
    )
    return done.stdout
