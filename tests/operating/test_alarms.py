"""The dashboard and the alarms ask for what there is; the runbook explains every alarm."""

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from flask import Flask
from prometheus_client.parser import text_string_to_metric_families

from licensing import heartbeats, metrics
from licensing.api import problems
from tests.http import Calling, a_client, calling
from tests.receivers import Receiver
from tests.requiring import needs
from tests.serving import ROOT
from tests.webhooks.stage import a_stage
from tests.world import Hands, an_account
from webhooks.rules import Verdict

DASHBOARD = json.loads((ROOT / "deploy/grafana/seatkeeper.json").read_text())
RULES = yaml.safe_load((ROOT / "deploy/prometheus/alerts.yaml").read_text())
ALARMS = [rule for group in RULES["groups"] for rule in group["rules"]]
PANELS = [panel for panel in DASHBOARD["panels"] if panel["type"] != "row"]
# What Prometheus itself adds to what it scrapes.
ADDED = {"job", "instance"}
OUTCOMES = {"done", "refused", "collided", "busy", "failed"}
SELECTOR = re.compile(r'(\w+)\s*(=~|!~|!=|=)\s*"([^"]*)"')
METRIC = re.compile(r"\b(seatkeeper_\w+)(?:\{([^}]*)\})?")


@pytest.fixture
def shown(app: Flask, hands: Hands) -> dict[str, dict[str, set[str]]]:
    """What /metrics prints after some use: for each name its labels with their values."""
    account = an_account(core=1)
    api = calling(app, account)
    with Receiver() as receiver, a_stage(hands) as stage:
        stage.endpoint(receiver, account)
        for user_id in (account.user(), account.user()):
            api.post("seats", {"user_id": user_id, "seat_type": "core"})
        stage.deliver()
    Calling(a_client(app), None, account.id).get("pools")
    for name in ("scheduler", "dispatcher"):
        heartbeats.beat(name)
    with pytest.MonkeyPatch.context() as world:
        world.setattr(metrics, "SECONDS_FRESH", 0.0)
        text = metrics.exposition().decode()
    for name in ("scheduler", "dispatcher"):
        heartbeats.rest(name)
    found: dict[str, dict[str, set[str]]] = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            labels = found.setdefault(sample.name, {})
            for label, value in sample.labels.items():
                labels.setdefault(label, set()).add(value)
    return found


def _mistakes(expression: str, shown: dict[str, dict[str, set[str]]]) -> list[str]:
    """What an expression asks for in vain."""
    asked = [(match[1], match[2] or "") for match in METRIC.finditer(expression)]
    known = {label for name, _ in asked for label in shown.get(name, {})} | ADDED
    mistakes = [f"there is no {name}" for name, _ in asked if name not in shown]
    for name, selectors in asked:
        for label, how, value in SELECTOR.findall(selectors):
            if label not in {*shown.get(name, {}), *ADDED}:
                mistakes.append(f"{name} has no label {label}")
            elif label not in ADDED and not _can_be(label, how, value, shown[name][label]):
                mistakes.append(f"{label} of {name} is never {value}")
    for grouping in re.findall(r"\b(?:by|without|on|ignoring)\s*\(([^)]*)\)", expression):
        for label in re.split(r"\s*,\s*", grouping.strip()):
            if label not in known:
                mistakes.append(f"nothing has a label {label}")
    return mistakes


def _can_be(label: str, how: str, value: str, seen: set[str]) -> bool:
    possible = seen | {
        "code": {kind.code for kind in problems.all_refusals()},
        "outcome": OUTCOMES,
        "status": {"503"},
        "verdict": {str(verdict) for verdict in Verdict},
    }.get(label, set())
    if how in ("=", "!="):
        return value in possible
    return any(re.fullmatch(value, one) for one in possible)


def _expressions() -> list[tuple[str, str]]:
    of_panels = [
        (panel["title"], target["expr"]) for panel in PANELS for target in panel["targets"]
    ]
    return [*of_panels, *((rule["alert"], rule["expr"]) for rule in ALARMS)]


def test_dashboard_and_alarms_ask_for_metrics_and_labels_that_there_are(
    shown: dict[str, dict[str, set[str]]],
) -> None:
    wrong = {
        f"{where}: {mistake}"
        for where, expression in _expressions()
        for mistake in _mistakes(expression, shown)
    }

    assert wrong == set()


def test_every_metric_is_on_the_dashboard(shown: dict[str, dict[str, set[str]]]) -> None:
    asked = {name for _, expression in _expressions() for name, _ in METRIC.findall(expression)}
    families = {re.sub(r"_(bucket|sum|count)$", "", name) for name in shown}

    assert {re.sub(r"_bucket$", "", name) for name in asked} == families


@pytest.mark.parametrize(
    ("expression", "mistake"),
    [
        ("sum(seatkeeper_request_total)", "there is no seatkeeper_request_total"),
        ("sum by (lane) (seatkeeper_webhook_lanes)", "nothing has a label lane"),
        (
            'seatkeeper_webhook_lanes{status="blocked"}',
            "seatkeeper_webhook_lanes has no label status",
        ),
        (
            'seatkeeper_webhook_lanes{state="stuck"}',
            "state of seatkeeper_webhook_lanes is never stuck",
        ),
        (
            'rate(seatkeeper_requests_total{status=~"9.."}[5m])',
            "status of seatkeeper_requests_total is never 9..",
        ),
    ],
)
def test_what_there_is_not_would_be_found(
    shown: dict[str, dict[str, set[str]]], expression: str, mistake: str
) -> None:
    assert _mistakes(expression, shown) == [mistake]


def test_every_panel_says_what_it_shows_and_in_which_unit() -> None:
    ids = [panel["id"] for panel in DASHBOARD["panels"]]

    assert len(ids) == len(set(ids))
    assert len({panel["title"] for panel in PANELS}) == len(PANELS)
    assert [p["title"] for p in PANELS if not p["description"].endswith(".")] == []
    assert [p["title"] for p in PANELS if not p["fieldConfig"]["defaults"]["unit"]] == []
    for panel in PANELS:
        references = [target["refId"] for target in panel["targets"]]
        assert len(references) == len(set(references))


def test_panels_do_not_lie_on_each_other() -> None:
    taken: dict[tuple[int, int], str] = {}
    for panel in DASHBOARD["panels"]:
        at = panel["gridPos"]
        assert at["x"] + at["w"] <= 24
        for x in range(at["x"], at["x"] + at["w"]):
            for y in range(at["y"], at["y"] + at["h"]):
                assert taken.setdefault((x, y), panel["title"]) == panel["title"]


def _anchors(document: Path) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", document.read_text(), re.MULTILINE)
    return {
        re.sub(r"[^\w -]", "", heading).strip().lower().replace(" ", "-") for heading in headings
    }


def test_every_alarm_and_every_trouble_has_a_section_in_the_runbook(
    shown: dict[str, dict[str, set[str]]],
) -> None:
    troubles = shown["seatkeeper_troubles"]["trouble"]
    wanted: set[str] = set()
    for alarm in ALARMS:
        document, _, anchor = alarm["annotations"]["runbook_url"].partition("#")
        assert document == "docs/runbook.md"
        of_each = {anchor.replace("{{ $labels.trouble }}", trouble) for trouble in troubles}
        wanted |= of_each

    assert wanted - _anchors(ROOT / "docs/runbook.md") == set()
    assert troubles == {"clock", "database", "disk", "dispatcher", "scheduler", "schema"}


def test_alarms_are_raised_when_they_should_be() -> None:
    promtool = shutil.which("promtool")
    needs("promtool", promtool is not None, "promtool (Debian: prometheus)")

    tested: Any = subprocess.run(  # noqa: S603 the tool of Prometheus
        [str(promtool), "test", "rules", "alerts_test.yaml"],
        cwd=ROOT / "tests/operating",
        capture_output=True,
        text=True,
    )

    assert tested.returncode == 0, tested.stdout + tested.stderr
    scenes = yaml.safe_load((ROOT / "tests/operating/alerts_test.yaml").read_text())["tests"]
    raised = {case["alertname"] for scene in scenes for case in scene["alert_rule_test"]}
    assert raised == {alarm["alert"] for alarm in ALARMS}
