"""`make test-torture`: a real Prometheus (Debian: `apt install prometheus`) takes the settings, and evaluates all."""

import json
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
        for expression in (target["expr"] for panel in panels for target in panel["targets"]):
            text = expression.replace("$__rate_interval", "1m").replace("$route", ".*")
            # A rate has two scrapes; no ramp is under way.
            wait_until(lambda: asked(api, "query", query=text)["result"] or "ramp" in text)  # noqa: B023 - called here


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
