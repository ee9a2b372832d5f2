"""Alert rules and dashboard: every metric in them is one that is exported, every page one that is there."""

import datetime as dt
import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.cog.plugins import register_default_plugins
from grafana_foundation_sdk.models.dashboard import Dashboard

from shared_schema.service_metrics import ServiceMetrics
from strangler.deployment.metrics import exposition, rules_write
from strangler.errors import UsageError
from strangler.gateway.interface import Ejection
from strangler.metrics.access_log import LoggedRequest
from strangler.metrics.counters import Counters
from strangler.ramp.state import Phase, RampPlan, RampState
from tests.example import ROOT

FOLDER = ROOT / "strangler" / "metrics" / "prometheus"


def exported() -> list[str]:
    counters = Counters()
    now = dt.datetime(2027, 1, 1, tzinfo=dt.UTC)
    counters.add([LoggedRequest(now, "v1", "wares.list", 200, "user:1", "", "fastapi", "", 0.01)])
    plan = RampPlan(
        routes=["wares.list"],
        steps=[5.0],
        hold=1,
        between=None,
        approvals=[],
        limits={},
        before={},
        differences={},
        who="",
        command="",
    )
    ramp = RampState(plan=plan, phase=Phase.WATCHING, began=0, since=0)
    return list(exposition(counters, ramp=ramp, ejection=Ejection(ejected=True, since=None, ejections=1)))


def exported_by_stacks() -> list[str]:
    metrics = ServiceMetrics()
    metrics.begin()
    metrics.end(route="wares.list", method="GET", status=200, seconds=0.01)
    # Prometheus adds the name of its job to each value.
    lines = [line for line in metrics.text()[0].decode().splitlines() if not line.startswith("#")]
    return [re.sub(r"^(\w+)\{?", r'\1{job="",', line) for line in lines]


def series(expression: str) -> set[tuple[str, frozenset[str]]]:
    """The metrics of an expression with the labels that are picked or summed by."""
    found = re.findall(r"(?:by \(([^)]*)\) \((?:rate\()?)?((?:strangler|http|db)_\w+)(?:\{([^}]*)\})?", expression)
    return {(name, frozenset(re.findall(r"\w+(?=[,=]|$)", f"{by},{labels}"))) for by, name, labels in found}


def expressions() -> list[str]:
    rules: dict[str, Any] = yaml.safe_load((FOLDER / "alerts.yml").read_text())
    dashboard: dict[str, Any] = json.loads((FOLDER / "dashboard.json").read_text())
    alerts = [rule["expr"] for group in rules["groups"] for rule in group["rules"]]
    return alerts + [target["expr"] for panel in dashboard["panels"] for target in panel["targets"]]


def test_each_metric_of_an_alert_or_a_panel_is_exported_with_its_labels() -> None:
    values = {
        line.partition("{")[0].partition(" ")[0]: line
        for line in exported() + exported_by_stacks()
        if not line.startswith("#")
    }
    wanted = set().union(*map(series, expressions()))
    assert wanted
    for name, labels in wanted:
        assert name in values
        assert {label for label in labels if f'{label}="' not in values[name]} == set()


def unknown_keys(given: Any, known: Any, place: str = "$") -> list[str]:
    """The places of what Grafana's own model of a dashboard doesn't have, or has otherwise."""
    if isinstance(given, dict) and isinstance(known, dict):
        return [
            found
            for key, value in given.items()
            for found in ([f"{place}.{key}"] if key not in known else unknown_keys(value, known[key], f"{place}.{key}"))
        ]
    if isinstance(given, list) and isinstance(known, list) and len(given) == len(known):
        pairs = enumerate(zip(given, known, strict=True))
        return [found for number, (a, b) in pairs for found in unknown_keys(a, b, f"{place}[{number}]")]
    return [] if given == known else [place]


def test_the_dashboard_is_as_grafana_reads_one() -> None:
    """Read into Grafana's model and written again nothing is lost, in the panels' own options and queries neither."""
    register_default_plugins()
    dashboard: dict[str, Any] = json.loads((FOLDER / "dashboard.json").read_text())

    def lost() -> list[str]:
        return unknown_keys(dashboard, json.loads(json.dumps(Dashboard.from_json(dashboard), cls=JSONEncoder)))

    assert lost() == []
    # All but the first are of a plugin's own model.
    dashboard["panels"][0]["tittle"] = dashboard["panels"][0]["fieldConfig"]["defaults"]["unitt"] = "s"
    dashboard["panels"][0]["targets"][0]["exprr"] = "up"
    assert lost() == ["$.panels[0].fieldConfig.defaults.unitt", "$.panels[0].targets[0].exprr", "$.panels[0].tittle"]


def test_a_project_gets_them_with_its_own_address(tmp_path: Path) -> None:
    rules_write(tmp_path / "prometheus", url="http://10.0.0.7:9080", service_metrics=False)
    assert sorted(file.name for file in (tmp_path / "prometheus").iterdir()) == sorted(
        file.name for file in FOLDER.iterdir()
    )
    configuration = yaml.safe_load((tmp_path / "prometheus" / "prometheus.yml").read_text())
    assert [each["job_name"] for each in configuration["scrape_configs"]] == ["strangler"]
    assert configuration["scrape_configs"][0]["static_configs"] == [{"targets": ["10.0.0.7:9080"]}]
    rules_write(tmp_path / "counting", url="http://10.0.0.7:9080", service_metrics=True)
    configuration = yaml.safe_load((tmp_path / "counting" / "prometheus.yml").read_text())
    assert [(each["metrics_path"], each["static_configs"]) for each in configuration["scrape_configs"]] == [
        (path, [{"targets": ["10.0.0.7:9080"]}])
        for path in ("/gateway/metrics", "/gateway/metrics/django", "/gateway/metrics/fastapi")
    ]
    assert (tmp_path / "prometheus" / "alerts.yml").read_bytes() == (FOLDER / "alerts.yml").read_bytes()
    with pytest.raises(UsageError, match="is there already"):
        rules_write(tmp_path / "prometheus", url="http://10.0.0.7:9080", service_metrics=True)


def test_each_alert_names_a_page_of_the_runbook() -> None:
    rules: dict[str, Any] = yaml.safe_load((FOLDER / "alerts.yml").read_text())
    titles = re.findall(r"^## (.+)$", (ROOT / "docs" / "runbook.md").read_text(), re.MULTILINE)
    anchors = {re.sub(r"[^a-z0-9 -]", "", title.lower()).replace(" ", "-") for title in titles}
    for group in rules["groups"]:
        for rule in group["rules"]:
            file, _, anchor = rule["annotations"]["runbook"].partition("#")
            assert (file, anchor in anchors) == ("docs/runbook.md", True), rule["alert"]
