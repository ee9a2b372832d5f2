"""`strangler deploy`: the new code of one stack, without losing a request."""

import subprocess
import time
from pathlib import Path
from typing import Annotated

import typer

from strangler.cli.output import say
from strangler.deployment.container_deploys import container_deploy
from strangler.deployment.container_rollout import container_rollout
from strangler.deployment.local_stack import LocalStack
from strangler.deployment.releases import Deploy, DeployFile, release_folder
from strangler.errors import FailedError, UnsafeError, UsageError
from strangler.local.services import manage_argv, stack_environment, stack_folder
from strangler.local.state import StateFolder, not_writable
from strangler.routes.route import Stack
from strangler.settings import LocalSettings, settings_load

_POLL_SECONDS = 0.1
_ASKED_SECONDS = 10.0


def deploy(
    service: Annotated[Stack, typer.Argument(help="Whose code is new: django or fastapi.")],
    to: Annotated[Path | None, typer.Option("--to", metavar="FOLDER", help="The folder of the new release.")] = None,
) -> None:
    """Replace a service of strangler up by its new code: start it, wait until it is ready, drain the old one.

    The code is what its folder holds now. With --to, that folder is a link, which points to FOLDER once the code there
    is ready; --to with the old release takes it back. A new one that isn't ready within READY_SECONDS is ended, and the
    old one serves as before. Migrations come first: Django with pending ones is refused.

    With GATEWAY=container the service of docker-compose.yml is built and replaced, with NAME-next of the profile deploy
    in its place meanwhile.

    Example: strangler deploy fastapi --to releases/2
    """
    settings = settings_load()
    if settings.gateway == "container":
        _deploy_container(settings, service, to)
        return
    folder = _folder_of_running(settings, service)
    release = release_folder(settings.project, service, to) if to is not None else None
    if service is Stack.DJANGO:
        _require_migrated(settings, release or stack_folder(settings.project, service))
    file = DeployFile(folder.path)
    asked = Deploy.of(service, release=release)
    try:
        under_way = file.claim(asked)
    except OSError as error:
        raise not_writable(folder.path, error) from error
    if under_way is not None:
        raise UnsafeError(f"a deploy of {under_way.service} is under way", "wait until it is done, and try again")
    _follow(folder, file, asked)


def _deploy_container(settings: LocalSettings, service: Stack, to: Path | None) -> None:
    if to is not None:
        hint = "name the image in docker-compose.yml, and leave --to out"
        raise UsageError("a container's code is its image's", hint)
    for sentence in container_deploy(settings, container_rollout(settings, state_dir=settings.state_dir), service):
        say(sentence)


def _folder_of_running(settings: LocalSettings, service: Stack) -> StateFolder:
    if settings.gateway == "kubernetes":
        hint = f"render with the new image under [kubernetes.{service}], and apply that"
        raise UsageError("pods are deployed by their cluster", hint)
    if settings.project.stack(service).command is None:
        hint = "deploy it there; nginx needs no change while its address stays"
        raise UsageError(f"{service} isn't started by strangler up: it runs at an address of its own", hint)
    folder = StateFolder(settings.state_dir)
    state = folder.read()
    if state is None or state.phase != "ready" or state.supervisor.find() is None:
        raise UsageError("the stack doesn't run", "start it with strangler up, which starts the new code")
    return folder


def _require_migrated(settings: LocalSettings, code: Path) -> None:
    """Refuse new code of Django whose migrations aren't applied."""
    project = settings.project
    if project.django.manage is None:
        return
    connections = LocalStack(settings).connections_resolve()
    checked = subprocess.run(  # noqa: S603 - the project's own command, no shell
        manage_argv(project, "migrate", "--check"),
        env=stack_environment(settings, connections, Stack.DJANGO),
        cwd=code,
        capture_output=True,
        text=True,
        check=False,
    )
    if checked.returncode != 0:
        reason = (checked.stderr.strip() or "migrations are pending").splitlines()[-1]
        hint = "strangler schema guard says whether FastAPI survives them; then strangler manage migrate"
        raise UsageError(f"the new Django can't be deployed yet ({reason})", hint)


def _follow(folder: StateFolder, file: DeployFile, asked: Deploy) -> None:
    """Print what happens until it is over. Ctrl-C ends the printing only."""
    shown, deadline = 0, time.monotonic() + _ASKED_SECONDS
    while True:
        found = file.read()
        state = folder.read()
        if state is None or state.supervisor.find() is None:
            raise FailedError("the stack ended meanwhile", "strangler status, then strangler up")
        if found is None:
            hint = (
                f"free some of the disk of {folder.path}; strangler logs {asked.service} and strangler status say more"
            )
            raise FailedError("the deploy has ended, and its outcome could not be written", hint)
        if found.id != asked.id:
            raise UnsafeError("somebody else has asked for a deploy at the same time", "try again when theirs is done")
        if found.outcome == "asked" and time.monotonic() > deadline:
            file.forget()
            raise FailedError("the supervisor doesn't answer", "strangler status, then strangler down and up")
        *lines, last = found.lines or ("",)
        for line in [*lines, last][shown:] if found.outcome != "failed" else lines[shown:]:
            if line:
                say(line)
        shown = len(found.lines)
        if found.outcome == "failed":
            raise FailedError(last)
        if found.outcome == "done":
            return
        time.sleep(_POLL_SECONDS)
