"""The files that are made of the catalogue, or have to agree with it."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from relais.alert_names import ALERT_NAMES
from relais_monitor.alerts.catalogue import RULES
from relais_monitor.alerts.figures import BURN_WINDOWS_S, OBJECTIVE_WAIT_S
from relais_monitor.alerts.recording import RECORDINGS
from relais_monitor.alerts.rules import RUNBOOK, alerting_file, recording_file
from relais_monitor.tally.histogram import DURATIONS_US

ROOT = Path(__file__).parents[4]
PROMETHEUS = ROOT / "infra" / "prometheus"
ALERTMANAGER: dict[str, Any] = yaml.safe_load((ROOT / "infra" / "alertmanager" / "alertmanager.yml").read_text())
NAMES = [rule.name for rule in RULES]


@pytest.mark.parametrize(
    ("name", "text"),
    [("alerts.yml", alerting_file()), ("recording.yml", recording_file())],
    ids=["alerts", "recording"],
)
def test_the_rule_files_are_those_of_the_catalogue(name: str, text: str) -> None:
    """What Prometheus judges is what the monitor judges; `make alert-rules` writes them anew."""
    assert (PROMETHEUS / "rules" / name).read_text() == text
    yaml.safe_load(text)


def test_every_job_that_prometheus_scrapes_is_a_target_that_may_be_down() -> None:
    """The rule names its jobs, since a Prometheus that others use as well has targets that are none of ours."""
    jobs = {job["job_name"] for job in yaml.safe_load((PROMETHEUS / "prometheus.yml").read_text())["scrape_configs"]}
    (rule,) = (rule for rule in RULES if rule.name == "RelaisTargetDown")
    named = {name for found in re.findall(r'job=~?"([^"]+)"', rule.expr) for name in found.split("|")}
    assert named == jobs


def test_every_rule_says_what_it_is() -> None:
    """Names are unique; each alert has its summary, description, evidence and section of the runbook."""
    written = [rule for group in yaml.safe_load(alerting_file())["groups"] for rule in group["rules"]]
    assert [rule["alert"] for rule in written] == NAMES
    assert len(set(NAMES)) == len(NAMES)
    for rule in written:
        assert set(rule["annotations"]) == {"summary", "description", "evidence", "runbook_url"}
        assert rule["annotations"]["summary"].endswith(".")
        assert "for" in rule
        assert rule["labels"]["severity"] in {"critical", "warning"}


def test_every_rule_has_its_section_in_the_runbook() -> None:
    """Who is called finds what the alert means, how to confirm it, how to mend it, and what is safe."""
    sections = re.split(r"^## ", (ROOT / RUNBOOK).read_text(), flags=re.MULTILINE)[1:]
    by_heading = {section.splitlines()[0]: section for section in sections}
    assert [name for name in NAMES if name not in by_heading] == []
    for rule in RULES:
        assert rule.anchor == rule.name.lower()  # as GitHub makes anchors
        missing = [part for part in ("Means:", "Confirm:", "Mend:", "Safe:") if part not in by_heading[rule.name]]
        assert missing == [], rule.name


def test_the_runbook_has_no_section_of_a_rule_that_is_gone() -> None:
    """A page that explains what can't happen misleads."""
    headings = re.findall(r"^## (Relais\w+|RabbitMQ\w+)$", (ROOT / RUNBOOK).read_text(), re.MULTILINE)
    assert sorted(headings) == sorted(NAMES)


def test_every_rule_has_a_promtool_test_that_fires_and_one_that_does_not() -> None:
    """An expression that never fires, or always, would be found."""
    fires, fires_not = set(), set()
    for path in (PROMETHEUS / "tests").glob("*.yml"):
        for test in yaml.safe_load(path.read_text())["tests"]:
            for case in test["promql_expr_test"]:
                name = re.search(r'alertname="(\w+)"', case["expr"])
                samples = str(case["exp_samples"])
                fires |= set(re.findall(r'alertname="(\w+)", alertstate="firing"', samples))
                fires_not |= {name[1]} if name and not case["exp_samples"] else set()
    assert set(NAMES) - fires == set()
    assert set(NAMES) - fires_not == set()


def test_promtool_evaluates_what_is_recorded_before_the_alerts_that_read_it() -> None:
    """Without an order promtool takes the groups in any: alerts may then see the records of the evaluation before."""
    order = [group["name"] for text in (recording_file(), alerting_file()) for group in yaml.safe_load(text)["groups"]]
    tests = {path.name: yaml.safe_load(path.read_text()) for path in (PROMETHEUS / "tests").glob("*.yml")}
    judged = {name: test["group_eval_order"] for name, test in tests.items() if "rule_files" in test}
    assert judged
    assert judged == dict.fromkeys(judged, order)


def test_alertmanager_inhibits_what_the_monitor_does() -> None:
    """One cause, one call, whoever notifies."""
    found = set()
    for rule in ALERTMANAGER["inhibit_rules"]:
        (source,), (target,) = rule["source_matchers"], rule["target_matchers"]
        cause = re.fullmatch(r'alertname="(\w+)"', source)
        follows = re.fullmatch(r'alertname=~"([\w|]+)"', target)
        assert cause
        assert follows
        found |= {(cause[1], each) for each in follows[1].split("|")}
    assert found == {(cause, rule.name) for rule in RULES for cause in rule.inhibited_by}
    assert {cause for cause, _ in found} <= set(NAMES)


def test_alertmanager_has_a_receiver_for_every_severity_and_holds_no_secret() -> None:
    """Both severities reach somebody; passwords and tokens are files."""
    receivers = {receiver["name"] for receiver in ALERTMANAGER["receivers"]}
    named = {ALERTMANAGER["route"]["receiver"], *(route["receiver"] for route in ALERTMANAGER["route"]["routes"])}
    assert named == receivers
    keys = re.findall(
        r"^\s*-?\s*(\w*(?:password|secret|token|credentials)\w*):", yaml.safe_dump(ALERTMANAGER), re.MULTILINE
    )
    assert [key for key in keys if not key.endswith("_file")] == []
    assert keys


def test_the_api_silences_exactly_the_alerts_of_the_catalogue() -> None:
    """The names that it takes are those that the monitor judges."""
    assert sorted(ALERT_NAMES) == sorted(NAMES)


def test_the_objective_is_a_bound_of_the_histogram() -> None:
    """Both Prometheus and the monitor can count who waited longer; the recorded windows are those that are judged."""
    assert OBJECTIVE_WAIT_S * 1_000_000 in DURATIONS_US
    windows = {"5m": 300, "30m": 1800, "1h": 3600, "6h": 21600}
    recorded = {windows[match[1]] for rule in RECORDINGS if (match := re.search(r"ratio_rate(\w+)$", rule.record))}
    assert recorded == set(BURN_WINDOWS_S)
