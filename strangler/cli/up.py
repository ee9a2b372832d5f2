"""`strangler up`: the whole stack on this machine, in front or in the background."""

import time
from enum import StrEnum
from typing import Annotated

import typer

from strangler.cli.down import down
from strangler.cli.output import err, log_line, logged_show, note, out, say
from strangler.cli.ramp_background import RampKeeper, command_begin
from strangler.deployment.deploys import Deployer
from strangler.deployment.leaving import paths_lost, routes_require
from strangler.deployment.local_stack import LocalStack
from strangler.deployment.metrics import MetricsFile
from strangler.errors import FailedError
from strangler.local.logs import LogTail, log_trim
from strangler.local.process import StopRequested, StopSignals
from strangler.local.production import exposure_warning, require_production
from strangler.local.state import StateFolder
from strangler.project import project_load, template_fill
from strangler.settings import LocalSettings, settings_load

_POLL_SECONDS = 0.1
_DETACHED_START_SECONDS = 900.0


class Started(StrEnum):
    """Which of the stacks is started; with none nginx stands before services that run already."""

    BOTH = "both"
    FASTAPI = "fastapi"
    NONE = "none"


def stack_summary(settings: LocalSettings, *, without_django: bool) -> list[str]:
    """Lines for the terminal; the project's notes, which may hold the demo password, in development only."""
    url, prefixes, demo = settings.proxy_url, settings.project.prefixes, settings.project.demo
    notes = demo.notes if demo is not None and settings.is_development else ()
    values = {"url": url, "demo_password": settings.demo_password}
    return [
        f"front door  {url}",
        f"{'FastAPI' if without_django else 'Django '}     {url}{prefixes.v1}/",
        f"FastAPI     {url}{prefixes.v2}/",
        *(template_fill(note, values) for note in notes),
    ]


def up(
    detach: Annotated[
        bool, typer.Option("--detach", "-d", help="Return once it is ready, and leave it running.")
    ] = False,
    logs: Annotated[bool, typer.Option(help="Show what the services write.")] = True,
    stack: Annotated[
        Started,
        typer.Option("--stack", help="fastapi starts no Django, and FastAPI answers both APIs; none starts nginx."),
    ] = Started.BOTH,
    force: Annotated[
        bool, typer.Option("--force", help="With --stack fastapi, also while routes are not migrated.")
    ] = False,
) -> None:
    """Start PostgreSQL, Django, FastAPI and nginx, and stay in front with their logs until Ctrl-C.

    Does nothing where the stack already runs; one with other services is ended first.

    Example: strangler up --stack fastapi
    """
    if stack is Started.FASTAPI:
        routes_require(settings_load().project.load_routes(), force=force)
    stack_up(stack, detach=detach, logs=logs)


def stack_up(stack: Started, *, detach: bool, logs: bool) -> None:
    """Start it, in front or in the background, unless it runs."""
    project = project_load()
    if project.django.command is project.fastapi.command is None:
        stack = Started.NONE
    if _runs_already(stack):
        return
    if detach:
        _up_detached(stack)
    else:
        _up_in_front(stack, logs=logs)


def _runs_already(stack: Started) -> bool:
    """Whether a stack of these services is ready; says where. One of others is ended."""
    state = StateFolder(project_load().state).running()
    if state is None or state.phase != "ready":
        return False
    started = Started.FASTAPI if state.without_django else Started.NONE if state.gateway_alone else Started.BOTH
    if started is not stack:
        runs = {Started.FASTAPI: "without Django", Started.NONE: "as nginx alone", Started.BOTH: "with both services"}
        say(f"the stack runs {runs[started]}; it is started anew")
        down()
        return False
    say(f"the stack already runs (pid {state.supervisor.pid}); strangler down ends it")
    for line in stack_summary(settings_load(), without_django=state.without_django):
        say(line)
    return True


def _up_in_front(started: Started, *, logs: bool) -> None:
    without_django, gateway_alone = started is Started.FASTAPI, started is Started.NONE
    logged_show(say)
    began = time.monotonic()
    with StopSignals() as signals:
        settings = settings_load()
        require_production(settings)
        if warning := exposure_warning(settings):
            note(warning)
        if without_django and (lost := paths_lost(settings.project.load_routes())):
            note(lost)
        stack = LocalStack(
            settings,
            check=signals.check,
            without_django=without_django,
            gateway_alone=gateway_alone,
            with_worker=True,
        )
        try:
            with stack:
                say(f"ready after {time.monotonic() - began:.1f} s\n")
                for line in stack_summary(stack.settings, without_django=without_django):
                    say(line)
                say("\nCtrl-C ends it.\n" if out.is_terminal else "\nstrangler down ends it.\n")
                with (
                    MetricsFile(state_dir=stack.folder.path, url=stack.proxy_url),
                    RampKeeper(stack.settings) as ramps,
                ):
                    _watch(stack, signals, ramps, logs=logs)
        except StopRequested:
            say("ended")


def _watch(stack: LocalStack, signals: StopSignals, ramps: RampKeeper, *, logs: bool) -> None:
    follower = LogTail(stack.folder.logs)
    follower.skip()
    deployer = Deployer(stack)
    while True:
        for service, line in follower.new_lines() if logs else ():
            log_line(service, line)
        for path in stack.folder.logs.glob("*.log"):
            log_trim(path)
        stack.children.restart_ended()
        stack.disk_watch()
        stack.kept.restore()
        deployer.step()
        ramps.step()
        signals.check()
        time.sleep(_POLL_SECONDS)


def _up_detached(started: Started) -> None:
    require_production(settings_load())
    project = project_load()
    folder = StateFolder(project.state)
    with folder.locked():
        pass  # a stack that already runs, or a folder that isn't writable, is reported here and not in a log
    log_path = folder.path / "supervisor.log"
    with log_path.open("wb") as log:
        # The services' logs are in files of bounded size already; whether the routes allow it was looked at.
        supervisor = command_begin(project, ["up", "--no-logs", "--stack", started, "--force"], said=log)
    shown = LogTail(folder.path)
    deadline = time.monotonic() + _DETACHED_START_SECONDS
    while supervisor.poll() is None:
        for _name, line in shown.new_lines("supervisor"):
            say(line)
        state = folder.read()
        if state is not None and state.supervisor.pid == supervisor.pid and state.phase == "ready":
            return
        if time.monotonic() > deadline:
            supervisor.terminate()
            raise FailedError(f"the stack wasn't ready in time, so it was ended: read {log_path}.")
        time.sleep(_POLL_SECONDS)
    for _name, line in shown.new_lines("supervisor"):
        err.out(line)
    raise SystemExit(supervisor.returncode)
