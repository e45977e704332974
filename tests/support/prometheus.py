"""Prometheus and Alertmanager as real programs, from infra/ with only addresses and times changed."""

import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from relais_cli.parts.ports import free_port
from support.servers import missing
from support.waiting import wait_until

INFRA = Path(__file__).parents[2] / "infra"
_READY_S = 60  # on a loaded machine
FASTER = 30
"""How many times shorter the rules' `for` is than in production: a minute is two seconds."""


@dataclass(frozen=True)
class Watchers:
    """The addresses of a running Prometheus and Alertmanager."""

    prometheus: str
    alertmanager: str

    def query(self, promql: str) -> list[dict[str, Any]]:
        """Run an instant query; the samples as Prometheus gives them."""
        reply = httpx.get(f"{self.prometheus}/api/v1/query", params={"query": promql}, timeout=10)
        reply.raise_for_status()
        found: list[dict[str, Any]] = reply.json()["data"]["result"]
        return found

    def alerts(self) -> dict[str, str]:
        """The state of each alert that is pending or firing, by its name."""
        found = httpx.get(f"{self.prometheus}/api/v1/alerts", timeout=10).json()["data"]["alerts"]
        return {alert["labels"]["alertname"]: alert["state"] for alert in found}


@contextmanager
def watching(folder: Path, *, monitor: str, webhook: str) -> Iterator[Watchers]:
    """Run both, scraping the monitor at an address `host:port`, telling the webhook at a URL of who is on call."""
    ports = {"prometheus": free_port(), "alertmanager": free_port()}
    _copy(folder, monitor=monitor, webhook=webhook, ports=ports)
    address = {name: f"127.0.0.1:{port}" for name, port in ports.items()}
    with ExitStack() as ends:
        ends.enter_context(
            _running(
                ("prometheus-alertmanager", "alertmanager"),
                f"--config.file={folder}/alertmanager.yml",
                f"--storage.path={folder}/alertmanager",
                f"--web.listen-address={address['alertmanager']}",
                "--cluster.listen-address=",
                log=folder / "alertmanager.log",
            )
        )
        ends.enter_context(
            _running(
                ("prometheus",),
                f"--config.file={folder}/prometheus.yml",
                f"--storage.tsdb.path={folder}/prometheus",
                f"--web.listen-address={address['prometheus']}",
                log=folder / "prometheus.log",
            )
        )
        watchers = Watchers(f"http://{address['prometheus']}", f"http://{address['alertmanager']}")
        for url in (watchers.alertmanager, watchers.prometheus):
            wait_until(lambda url=url: _is_ready(url), _READY_S, f"{url} is ready")
        yield watchers


def _copy(folder: Path, *, monitor: str, webhook: str, ports: Mapping[str, int]) -> None:
    """Copy the configuration, with other addresses and shorter times."""
    alertmanager = f"127.0.0.1:{ports['alertmanager']}"
    targets = {"monitor:9108": monitor, "alertmanager:9093": alertmanager, "rabbitmq:15692": alertmanager}
    text = (INFRA / "prometheus" / "prometheus.yml").read_text()
    for name, address in targets.items():
        assert name in text
        text = text.replace(name, address)
    text = re.sub(r"(scrape_interval|scrape_timeout|evaluation_interval): \d+s", r"\1: 1s", text)
    (folder / "prometheus.yml").write_text(text)
    (folder / "rules").mkdir()
    for rules in (INFRA / "prometheus" / "rules").glob("*.yml"):
        faster = re.sub(r"for: (\d+)s", lambda match: f"for: {int(match[1]) // FASTER}s", rules.read_text())
        (folder / "rules" / rules.name).write_text(faster)
    _copy_alertmanager(folder, webhook)


def _copy_alertmanager(folder: Path, webhook: str) -> None:
    (folder / "secrets").mkdir()
    for name in ("smtp_password", "webhook_token"):
        (folder / "secrets" / name).write_text(f"test-{name}")
    text = (INFRA / "alertmanager" / "alertmanager.yml").read_text()
    addresses = {
        "https://on-call.example.org/relais": webhook,
        "mail.example.org:587": "127.0.0.1:9",  # nobody listens there
        "/etc/alertmanager/secrets": str(folder / "secrets"),
        "group_wait: 10s": "group_wait: 1s",
        "group_interval: 1m": "group_interval: 1s",
    }
    for name, replacement in addresses.items():
        assert name in text
        text = text.replace(name, replacement)
    (folder / "alertmanager.yml").write_text(text)


@contextmanager
def _running(names: Sequence[str], *options: str, log: Path) -> Iterator[None]:
    program = next((found for name in names if (found := shutil.which(name))), None)
    if program is None:
        missing(f"{names[0]} is not installed; on Debian: apt-get install {names[0]}")
    with log.open("wb") as out, subprocess.Popen([program, *options], stdout=out, stderr=out) as process:
        try:
            yield
        finally:
            process.terminate()
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()


def _is_ready(url: str) -> bool:
    try:
        return httpx.get(f"{url}/-/ready", timeout=2).status_code == 200
    except httpx.HTTPError:
        return False
