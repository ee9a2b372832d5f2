"""`strangler metrics`: what the access log says, for Prometheus."""

from pathlib import Path
from typing import Annotated

import typer

from strangler.cli.output import out, say
from strangler.cli.ramp_run import ramp_log
from strangler.deployment.metrics import metrics_read, rules_write
from strangler.settings import settings_load


def metrics(
    log: Annotated[
        Path | None, typer.Option("--log", metavar="FILE", help="Read this access log; else that of strangler up.")
    ] = None,
    rules: Annotated[
        Path | None,
        typer.Option("--rules", metavar="FOLDER", help="Write Prometheus' settings, alerts and a dashboard there."),
    ] = None,
) -> None:
    """Show the requests, errors and times of each route and stack in Prometheus' text format.

    Counts all that the log and its archives hold by default, and reads on from there when it is called again. nginx
    serves the same at /gateway/metrics while strangler up runs.

    Example: strangler metrics
    """
    settings = settings_load()
    if rules is not None:
        for file in rules_write(rules, url=settings.proxy_url):
            say(f"+ {file}")
        return
    for line in metrics_read(log=ramp_log(settings, named=log), state_dir=settings.state_dir, url=settings.proxy_url):
        out.out(line)
