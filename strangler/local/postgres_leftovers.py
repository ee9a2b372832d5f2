"""What a killed run leaves in a data folder: its server, or the file that says one runs."""

import contextlib
import signal
from pathlib import Path

import psutil

_STOP_SECONDS = 20.0


def leftovers_end(data_dir: Path) -> None:
    """End a server that still runs on `data_dir`, and forget one that is gone.

    PostgreSQL itself refuses to start when the process id in postmaster.pid is alive, even if it has long been
    given to another program. The caller must hold the lock of its state folder, so that the server found is nobody's.
    """
    pid_file = data_dir / "postmaster.pid"
    try:
        pid = int(pid_file.read_text(encoding="utf-8").splitlines()[0])
    except (FileNotFoundError, IndexError, ValueError):
        pid = None
    servers = [] if pid is None else _processes_of(data_dir)
    for server in servers:
        if server.pid == pid:
            with contextlib.suppress(psutil.NoSuchProcess):
                server.send_signal(signal.SIGINT)
    # A killed server's backends hold its shared memory until they notice, which takes them a moment.
    _gone, alive = psutil.wait_procs(servers, timeout=_STOP_SECONDS)
    for server in alive:
        with contextlib.suppress(psutil.NoSuchProcess):
            server.kill()
    psutil.wait_procs(alive, timeout=_STOP_SECONDS)
    if pid is not None:
        pid_file.unlink(missing_ok=True)


def _processes_of(data_dir: Path) -> list[psutil.Process]:
    """PostgreSQL's processes that work in the folder: every one of them changes into it."""
    folder = str(data_dir.resolve())
    return [
        process
        for process in psutil.process_iter(["name", "cwd"])
        if process.info["name"] == "postgres" and process.info["cwd"] == folder
    ]
