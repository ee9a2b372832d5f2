"""A FastAPI process of a developer's own beside the running stack, which starts anew with each change of its code."""

from collections.abc import Callable, Collection, Iterable
from pathlib import Path
from typing import Final, Self

from strangler.deployment.local_stack import LocalStack
from strangler.errors import UsageError
from strangler.local.children import Children
from strangler.local.fingerprints import Fingerprints
from strangler.local.ports import port_free_pick
from strangler.local.services import stack_service
from strangler.routes.route import Stack
from strangler.routes.table import RouteTable
from strangler.settings import LocalSettings

_NAME: Final = "fastapi-dev"

Times = dict[Path, float]


class DevServer:
    """One FastAPI process on a spare port, before the database of the stack that runs; it lives for the `with` block.

    Args:
        settings: of the stack.
        check: called while something is waited for; what it raises ends the wait.
    """

    def __init__(self, settings: LocalSettings, *, check: Callable[[], None] = lambda: None) -> None:
        few = {"fastapi_port": port_free_pick(), "fastapi_workers": 1, "db_pool_max": 4}
        self.settings = settings.model_copy(update=few)
        stack = LocalStack(settings)
        service = stack_service(self.settings, stack.connections_resolve(), Stack.FASTAPI)
        if service is None:
            hint = f"give [fastapi] of {settings.project.file.name} a command in place of the address"
            raise UsageError("fastapi isn't started here", hint)
        self._service = service
        self._children = Children(
            logs=stack.folder.logs / "dev", check=check, ready_seconds=stack.settings.ready_seconds
        )
        self._fingerprints = Fingerprints(settings)
        self._times = self._read_times()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self._children.stop()

    def restart(self) -> None:
        """End the old process and start a new one, until that is ready.

        :raises FailedError: it isn't within READY_SECONDS; the end of its log says why.
        """
        self._children.stop()
        self._children.start(self._service)
        self._children.wait_until_ready([self._service])

    def changed(self) -> tuple[Path, ...]:
        """The files of FastAPI's code that were written, added or removed since this was asked last."""
        before, self._times = self._times, self._read_times()
        return tuple(file for file in sorted({*before, *self._times}) if before.get(file) != self._times.get(file))

    def _read_times(self) -> Times:
        times: Times = {}
        for file in self._fingerprints.files(Stack.FASTAPI):
            try:
                times[file] = file.stat().st_mtime
            except FileNotFoundError:
                continue  # an editor is just replacing it
        return times


def routes_touched(files: Iterable[Path], table: RouteTable, *, root: Path) -> Collection[str]:
    """The names of the routes whose feature these files belong to: that a folder or a file is called like.

    A feature is what a name begins with, as `posts` in `posts.list`. Where a file belongs to none, any route may be
    touched, and all are named.
    """
    features = {route.name.partition(".")[0] for route in table.routes}
    touched: set[str] = set()
    for file in files:
        parts = {*file.relative_to(root).with_suffix("").parts} if file.is_relative_to(root) else set()
        if not (found := features & parts):
            touched = features
            break
        touched |= found
    return frozenset(route.name for route in table.routes if route.name.partition(".")[0] in touched)
