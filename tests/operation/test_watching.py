"""Alerts, recording rules and the dashboard speak of what the relay tells, and lead to the
runbook."""

import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest
import requests
import yaml

from tests.accounts import Account
from tests.stack import ROOT, wait_until

PROMETHEUS = ROOT / "deploy" / "prometheus"
RULES = ("alerts.yaml", "records.yaml")
DASHBOARD = ROOT / "deploy" / "grafana" / "relay.json"
METRICS = (ROOT / "docs" / "metrics.md").read_text(encoding="utf-8")
# Not there before it has happened once, or where a channel says nothing of it.
RARE = {
    "relay_channel_headroom",
    "relay_channel_probe_ok",
    "relay_channel_probe_seconds",
    "relay_limit_decisions_total",
    "relay_malformed_rows_total",
    "relay_proof_age_seconds",
    "relay_proof_contradictions",
    "relay_upstream_call_failures_total",
}
_NAME = re.compile(r"\brelay_[a-z0-9_]+")
_RECORD = re.compile(r"\brelay:[a-z0-9_]+:[a-z0-9_]+")


def documented() -> set[str]:
    """The first column of the tables of metrics."""
    return set(re.findall(r"^\| `(relay_\w+)` \|", METRICS, re.MULTILINE))


def rules(*files: str) -> Iterator[dict[str, Any]]:
    for name in files:
        for group in yaml.safe_load((PROMETHEUS / name).read_text())["groups"]:
            yield from group["rules"]


def panels() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(DASHBOARD.read_text())["panels"]
    return found


def expressions() -> Iterator[str]:
    for rule in rules(*RULES):
        yield rule["expr"]
    for panel in panels():
        for target in panel.get("targets", ()):
            yield target["expr"]


def without_suffix(name: str) -> str:
    """A histogram is several series."""
    return re.sub(r"(relay_upstream_call_seconds)_(bucket|count|sum)$", r"\1", name)


def test_the_documented_metrics_are_those_of_the_code() -> None:
    source = "".join(
        (ROOT / "relay/watch" / f"{name}.py").read_text() for name in ("metrics", "gauges")
    )
    counters = set(re.findall(r'Counter\(\s*"(relay_\w+)"', source))
    made = set(re.findall(r'"(relay_\w+)"', source)) - counters
    assert made | {f"{name}_total" for name in counters} == documented()


def test_what_is_told_is_documented_and_the_other_way_round(account: Account) -> None:
    hook = account.stack.inbox_url(account.tenant.name)
    task = account.draw("watched", notifyHook=hook)
    account.finish(task)
    wait_until(lambda: account.callback(task).state == "delivered")

    def told() -> set[str]:
        text = requests.get(f"{account.stack.url}/metrics", timeout=10).text
        return set(re.findall(r"^# TYPE (relay_\w+)", text, re.MULTILINE))

    wait_until(lambda: documented() - RARE <= told(), what="what has happened")
    # (The library writes a counter's family without its ending.)
    assert {re.sub("_total$", "", name) for name in told()} <= {
        re.sub("_total$", "", name) for name in documented()
    }


def test_money_is_told_in_units(account: Account) -> None:
    account.finish(account.draw("watched"))

    def value(name: str) -> float:
        text = requests.get(f"{account.stack.url}/metrics", timeout=10).text
        (line,) = (line for line in text.splitlines() if line.startswith(f"{name} "))
        return float(line.rpartition(" ")[2])

    assert value("relay_money_balance") >= 99.9
    assert value("relay_money_held") >= 0
    wait_until(lambda: value('relay_money_today{kind="capture"}') >= 0.1, what="a roll-up")


def test_rules_and_dashboard_name_what_there_is() -> None:
    recorded = {rule["record"] for rule in rules("records.yaml")}
    all_of_it = " ".join(expressions())
    assert {without_suffix(name) for name in _NAME.findall(all_of_it)} <= documented()
    assert set(_RECORD.findall(all_of_it)) <= recorded
    # Nothing is recorded that nobody asks for, and what matters is asked for.
    assert recorded - {"relay:submits:rate5m", "relay:upstream_call_failures:ratio5m"} <= set(
        _RECORD.findall(all_of_it)
    )
    assert documented() <= {without_suffix(name) for name in _NAME.findall(all_of_it)}


def test_every_alert_leads_to_a_chapter_of_the_runbook() -> None:
    runbook = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
    chapters = {
        re.sub(r"[^a-z0-9 -]", "", line.lower()).strip().replace(" ", "-")
        for line in re.findall(r"^##+ (.*)$", runbook, re.MULTILINE)
    }
    names = [rule["alert"] for rule in rules("alerts.yaml")]
    assert len(set(names)) == len(names)
    for rule in rules("alerts.yaml"):
        file, _, anchor = rule["annotations"]["runbook"].partition("#")
        assert file == "docs/operations.md"
        assert anchor in chapters, rule["alert"]
        assert rule["labels"]["severity"] in ("page", "ticket")
        assert rule["annotations"]["summary"]


def test_the_dashboard_can_be_imported() -> None:
    ids = [panel["id"] for panel in panels()]
    assert len(set(ids)) == len(ids)
    places = [tuple(panel["gridPos"].values()) for panel in panels()]
    assert len(set(places)) == len(places)
    for panel in panels():
        position = panel["gridPos"]
        assert position["x"] + position["w"] <= 24
        assert panel["title"]
        for target in panel.get("targets", ()):
            assert target["datasource"]["uid"] == "${source}"


@pytest.mark.skipif(
    not shutil.which("promtool") and not os.environ.get("PROMTOOL_REQUIRED"),
    reason="no promtool (Debian: prometheus)",
)
@pytest.mark.parametrize(
    "words",
    [
        ["check", "rules", *RULES],
        ["test", "rules", "alerts.test.yaml"],
        ["check", "config", "--syntax-only", "prometheus.yml"],
    ],
)
def test_promtool_has_nothing_to_say_against_it(words: list[str]) -> None:
    done = subprocess.run(
        ["promtool", *words], cwd=PROMETHEUS, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
