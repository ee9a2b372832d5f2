"""`strangler schema record`: what a service needs of the database, by the statements that it sends."""

import asyncio
import os
import signal
from typing import Annotated, Final

import psycopg
import typer

from shared_schema.consumer.consumer import load_consumer
from shared_schema.consumer.derivation import render_consumer
from strangler.cli.output import note, say
from strangler.errors import FailedError, UsageError, many
from strangler.project import Project, project_load
from strangler.rollout.atomic_write import write_durably
from strangler.schema.recording.consumer import RecordedService
from strangler.schema.recording.rights import RightsReader
from strangler.schema.recording.wire import Relay, SeenStatement, Target

_VARIABLE: Final = "FASTAPI_DATABASE_URL"
_SHOWN: Final = 5


def record(
    command: Annotated[
        list[str] | None, typer.Argument(metavar="[COMMAND…]", help="What sends the statements; else until Ctrl-C.")
    ] = None,
    variable: Annotated[
        str, typer.Option("--variable", metavar="NAME", help="Where the service reads its database's address.")
    ] = _VARIABLE,
    feature: Annotated[
        str | None,
        typer.Option("--feature", metavar="NAME", help="Whose statements they are; else the project's name."),
    ] = None,
    fresh: Annotated[
        bool, typer.Option("--fresh", help="Begin the file anew; by default what was seen is added to it.")
    ] = False,
) -> None:
    """Record what a service needs of the database while COMMAND runs, and write the consumer's file.

    The command's statements pass through a relay on this machine, whatever its language and driver. PostgreSQL itself
    says which columns each reads and writes; no value that is sent is kept.

    Example: strangler schema record --variable DATABASE_URL -- pytest tests
    """
    project = project_load()
    dsn = os.environ.get(variable, "")
    if not dsn:
        hint = "set it, or name the variable in which your service gets its database's address with --variable"
        raise UsageError(f"{variable} is not set", hint)
    # The order in which they were first sent, each once.
    seen: dict[SeenStatement, None] = {}
    code = asyncio.run(_relayed(dsn, variable, command or [], seen))
    if code:
        raise FailedError(f"the command ended with code {code}, so nothing was written", "let it succeed first")
    service = _understood(dsn, seen)
    _write(project, service, feature or project.name, fresh=fresh)


async def _relayed(dsn: str, variable: str, command: list[str], seen: dict[SeenStatement, None]) -> int:
    """Run the command with the relay's address in the variable, or wait for Ctrl-C; gives the command's exit code."""
    async with Relay(Target.of(dsn), lambda statement: seen.setdefault(statement)) as relay:
        if not command:
            say(f"Start your service with {variable}={relay.dsn(dsn)}, use it, and end this with Ctrl-C.")
            await _interrupted()
            return 0
        try:
            process = await asyncio.create_subprocess_exec(*command, env=os.environ | {variable: relay.dsn(dsn)})
        except OSError as error:
            raise UsageError(f"{command[0]} can't be started ({error.strerror})", "correct the command") from error
        return await process.wait()


async def _interrupted() -> None:
    ended = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, ended.set)
    await ended.wait()


def _understood(dsn: str, seen: dict[SeenStatement, None]) -> RecordedService:
    """What the statements need, by the database that they were sent to."""
    driverless = "postgresql://" + dsn.partition("://")[2]
    service = RecordedService()
    try:
        with psycopg.connect(driverless, autocommit=True, connect_timeout=5) as connection:
            reader = RightsReader.on(connection)
            for statement in seen:
                service.add(statement, reader)
    except psycopg.Error as error:
        reason = str(error).strip().splitlines()[0]
        raise FailedError(
            f"the database can't be asked ({reason})", "let it run until the recording is read"
        ) from error
    return service


def _write(project: Project, service: RecordedService, feature: str, *, fresh: bool) -> None:
    file = project.consumer
    if not service.usage:
        hint = "does the service read its database's address from that variable?"
        raise FailedError("no statement about a table was seen, so nothing was written", hint)
    before = load_consumer(file) if file.exists() and not fresh else None
    consumer = service.consumer(feature, before)
    write_durably(file, render_consumer(consumer).encode())
    tables = many(len(consumer.tables), "table")
    say(f"{file.relative_to(project.root)}: {many(len(service.statements), 'statement')} of {feature}, {tables}")
    if service.with_values:
        note(f"{many(service.with_values, 'statement')} with values in the text: columns kept, but never replayed")
    for text, reason in list(service.unread.items())[:_SHOWN]:
        note(f"not understood, so not recorded: {' '.join(text.split())[:100]} ({reason})")
    if len(service.unread) > _SHOWN:
        note(f"and {len(service.unread) - _SHOWN} more")
