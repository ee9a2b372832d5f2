"""`strangler metrics`: what the access log says, for Prometheus."""

import signal
from pathlib import Path
from typing import Annotated

import typer

from strangler.addresses import require_port
from strangler.cli.output import out, say
from strangler.cli.ramp_run import ramp_log
from strangler.deployment.metrics import COUNTERS_FILE, metrics_read, rules_write
from strangler.deployment.metrics_server import MetricsServer
from strangler.errors import UsageError
from strangler.settings import LocalSettings, settings_load


def metrics(
    log: Annotated[
        Path | None, typer.Option("--log", metavar="FILE", help="Read this access log; else that of strangler up.")
    ] = None,
    serve: Annotated[
        str | None,
        typer.Option("--serve", metavar="HOST:PORT", help="Go on, and answer GET /metrics there; needs --log."),
    ] = None,
    rules: Annotated[
        Path | None,
        typer.Option("--rules", metavar="FOLDER", help="Write Prometheus' settings, alerts and a dashboard there."),
    ] = None,
) -> None:
    """Show the requests, errors and times of each route and stack in Prometheus' text format.

    Counts all that the log and its archives hold by default, and reads on from there when it is called again. nginx
    serves the same at /gateway/metrics while strangler up runs. With --serve the log is this command's own: it is
    renamed and removed once it is long.

    Example: strangler metrics
    """
    settings = settings_load()
    if rules is not None:
        for file in rules_write(rules, url=settings.proxy_url, service_metrics=settings.service_metrics):
            say(f"+ {file}")
        return
    if serve is not None:
        _serve(serve, log, settings)
        return
    state = settings.state_dir
    read = metrics_read(
        log=ramp_log(settings, named=log), counters=state / COUNTERS_FILE, state_dir=state, url=settings.proxy_url
    )
    for line in read:
        out.out(line)


def _serve(address: str, log: Path | None, settings: LocalSettings) -> None:
    host, _, port = address.rpartition(":")
    try:
        require_port(f"{host}:{port}")
    except ValueError:
        host = ""
    if not host:
        raise UsageError(f"{address!r} is no address", "write one such as 127.0.0.1:9145")
    if log is None:
        raise UsageError("--serve renames and removes the log that it reads", "name one of its own with --log")
    server = MetricsServer(
        host=host.strip("[]"), port=int(port), log=log, state_dir=settings.state_dir, url=settings.proxy_url
    )
    for each in (signal.SIGINT, signal.SIGTERM):
        signal.signal(each, lambda *_: server.end())
    say(f"{server.address}  (Ctrl-C ends it)")
    server.run()
