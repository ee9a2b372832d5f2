"""Starts the service: `python -m fastapi_app`; or runs one of its commands: `python -m fastapi_app COMMAND`."""

import resource
import sys
from collections.abc import Sequence

import uvicorn

from fastapi_app.config import SettingsError, load_settings
from shared_schema.service_metrics import share_metrics
from strangler_fastapi.protocol import JsonErrorProtocol
from strangler_fastapi.workers import fork_workers

# nginx closes an idle connection after 60 s; a server that closes first would lose the request on its way.
_KEEP_ALIVE_SECONDS = 75
# Beyond it, answers under way are given up; streams of events end at once by themselves.
_GRACE_SECONDS = 10
# Every open stream is an open file. Most systems let a process have 1,024 unless it asks for more.
_OPEN_FILES = 65_536
_USAGE_ERROR = 2


def main(words: Sequence[str] = ()) -> None:
    """Runs the command that the words name, or uvicorn; exits with 2 and one sentence where the settings are wrong."""
    if words:
        # Imported here, since this process and each of its workers would take a second more to start.
        from fastapi_app.commands.command_line import run

        sys.exit(run(words))
    try:
        settings = load_settings()
    except SettingsError as error:
        sys.exit(_refuse(str(error)))
    _allow_open_files()
    if settings.service_metrics:
        share_metrics()
    fork_workers()
    uvicorn.run(
        "fastapi_app.main:create_served",
        factory=True,
        http=JsonErrorProtocol,
        host=settings.fastapi_host,
        port=settings.fastapi_port,
        workers=settings.fastapi_workers,
        timeout_keep_alive=_KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=_GRACE_SECONDS,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        log_config=None,
        log_level=settings.log_level,
    )


def _allow_open_files() -> None:
    """Raises this process's limit, which its workers inherit, as far as the system lets it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _OPEN_FILES if hard == resource.RLIM_INFINITY else min(_OPEN_FILES, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def _refuse(sentence: str) -> int:
    sys.stderr.write(f"fastapi_app: {sentence}\n")
    return _USAGE_ERROR


if __name__ == "__main__":
    main(sys.argv[1:])
