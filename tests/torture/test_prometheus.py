"""`make test-torture`: a real Prometheus (Debian: `apt install prometheus`) takes the settings, and evaluates all."""

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from strangler.local.ports import port_free_pick
from tests.example import ROOT
from tests.observed import Observed, load, observed_stack, wait_until

pytestmark = pytest.mark.torture

FOLDER = ROOT / "strangler" / "metrics" / "prometheus"


@pytest.fixture(scope="module")
def observed() -> Iterator[Observed]:
    with observed_stack() as made:
        yield made


@contextmanager
def prometheus(folder: Path) -> Iterator[httpx.Client]:
    """A real one with the settings in `folder`; gives its API."""
    program = shutil.which("prometheus")
    assert program, "there is no Prometheus: install it (Debian: apt install prometheus)."
    port = port_free_pick()
    with subprocess.Popen(  # noqa: S603 - Prometheus' own
        [
            program,
            "--config.file=prometheus.yml",
            f"--storage.tsdb.path={folder / 'data'}",
            f"--web.listen-address=127.0.0.1:{port}",
        ],
        cwd=folder,
        stderr=subprocess.DEVNULL,
    ) as process:
        try:
            with httpx.Client(base_url=f"http://127.0.0.1:{port}/api/v1/", trust_env=False) as api:
                yield api
        finally:
            process.terminate()


def asked(api: httpx.Client, path: str, **parameters: str) -> Any:
    """What Prometheus' API answers; None while it doesn't listen yet."""
    try:
        answer = api.get(path, params=parameters)
    except httpx.ConnectError:
        return None
    assert answer.status_code == 200, answer.text
    return answer.json()["data"]


def test_prometheus_scrapes_all_three_and_evaluates_every_rule_and_panel(observed: Observed) -> None:
    folder = observed.checkout.path / "prometheus"
    assert observed.checkout.strangler("metrics", "--rules", str(folder)).returncode == 0
    settings = folder / "prometheus.yml"
    settings.write_text(settings.read_text().replace("15s", "1s"))
    load(observed)
    # A panel has FastAPI's share of v1.
    chosen = observed.client.get("/api/tags/", headers={"X-Stack": "fastapi"})
    assert chosen.headers["X-Served-By"] == "fastapi"
    # And one has the ramp that is under way.
    words = ("ramp", "tags.list", "--steps", "50,100", "--hold", "10m", "--detach")
    begun = observed.checkout.strangler(*words, EVIDENCE_EQUAL="0")
    assert begun.returncode == 0, begun.stderr
    with prometheus(folder) as api:

        def scraped() -> bool:
            targets = (asked(api, "targets") or {}).get("activeTargets", [])
            return {(each["scrapePool"], each["health"]) for each in targets} == {
                (job, "up") for job in ("strangler", "django", "fastapi")
            }

        wait_until(scraped)
        wait_until(
            lambda: {rule["health"] for group in asked(api, "rules")["groups"] for rule in group["rules"]} == {"ok"}
        )
        found = asked(api, "query", query="sum by (stack) (strangler_requests_total)")["result"]
        assert {each["metric"]["stack"] for each in found} == {"django", "fastapi"}
        panels = json.loads((folder / "dashboard.json").read_text())["panels"]
        expressions = [target["expr"] for panel in panels for target in panel["targets"]]
        rules = [rule["query"] for group in asked(api, "rules")["groups"] for rule in group["rules"]]
        # What a rule compares; the rule itself gives something while it fires.
        series = {found for rule in rules for found in re.findall(r"(?:strangler_\w+|up)(?:\{[^}]*\})?", rule)}
        assert len(series) > 5
        for expression in [*expressions, *series]:
            text = expression.replace("$__rate_interval", "1m").replace("$route", ".*")
            # A rate has two scrapes.
            wait_until(lambda: asked(api, "query", query=text)["result"])  # noqa: B023 - called here
    ended = observed.checkout.strangler("ramp", "abort")
    assert ended.returncode == 0, ended.stderr


def test_an_alert_fires_while_fastapi_fails_and_is_over_once_it_does_not(observed: Observed) -> None:
    folder = observed.checkout.path / "alerts"
    assert observed.checkout.strangler("metrics", "--rules", str(folder)).returncode == 0
    settings, rules = folder / "prometheus.yml", folder / "alerts.yml"
    settings.write_text(settings.read_text().replace("15s", "1s"))
    # The rules as they are, but for how long they look back and wait: the figures are some seconds old.
    text = re.sub(r"\[\d+[mh]\]", "[20s]", rules.read_text())
    rules.write_text(re.sub(r"for: \d+m", "for: 1s", text))
    chosen = {"X-Stack": "fastapi"}
    with prometheus(folder) as api:

        def firing(status: int) -> set[tuple[str, str]]:
            """The alerts that fire, by name and stack, after one more read by FastAPI, which answers with `status`."""
            answer = observed.client.get("/api/tags/", headers=chosen)
            assert (answer.status_code, answer.headers["X-Served-By"]) == (status, "fastapi")
            alerts = (asked(api, "alerts") or {}).get("alerts", [])
            return {(a["labels"]["alertname"], a["labels"].get("stack", "")) for a in alerts if a["state"] == "firing"}

        failed = {("StackFails", "fastapi"), ("RouteFails", "fastapi")}
        wait_until(lambda: asked(api, "query", query="strangler_requests_total"))
        assert not firing(200) & failed
        with observed.checkout.owner() as owner:
            owner.execute("REVOKE SELECT ON tags FROM strangler_fastapi")
            try:
                wait_until(lambda: firing(503) >= failed)
            finally:
                owner.execute("GRANT SELECT ON tags TO strangler_fastapi")
        wait_until(lambda: not firing(200) & failed)


@pytest.mark.parametrize("folder", ["prometheus", "observability"])
def test_promtool_accepts_the_settings_and_the_rules(folder: str, tmp_path: Path) -> None:
    program = shutil.which("promtool")
    assert program, "there is no promtool: install Prometheus (Debian: apt install prometheus)."
    settings = {"prometheus": FOLDER, "observability": ROOT / "observability"}[folder] / "prometheus.yml"
    for file in (settings, FOLDER / "alerts.yml"):
        shutil.copy(file, tmp_path)
    command = [program, "check", "config", str(tmp_path / "prometheus.yml")]
    done = subprocess.run(command, check=False, capture_output=True, text=True)  # noqa: S603 - Prometheus' own
    assert done.returncode == 0, done.stderr
    assert "rules found" in done.stdout
