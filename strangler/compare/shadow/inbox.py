"""The socket that nginx sends samples to."""

import contextlib
import os
import pwd
import socket
import threading
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Final, Self

from strangler.errors import UsageError

MAX_BYTES: Final = 65536
# Those of the second or two before anybody takes them.
_KEPT: Final = 10_000


class Inbox:
    """Receives while the `with` block lasts; `path` is a unix socket's own.

    The kernel keeps as few as ten datagrams (`net.unix.max_dgram_qlen`), and nginx never waits for room: hence a
    thread, which is in time even while an answer is being compared.
    """

    def __init__(self, receiver: socket.socket, *, path: Path | None = None) -> None:
        self._path = path
        self._socket = receiver
        self._kept: deque[bytes] = deque(maxlen=_KEPT)
        self._receive: Callable[[bytes], None] = self._kept.append
        self._lock = threading.Lock()
        self._ended = False
        self._thread = threading.Thread(target=self._run, name="inbox", daemon=True)
        # Set once a datagram has come.
        self.has_mail = threading.Event()

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()

    def hand_to(self, receive: Callable[[bytes], None]) -> None:
        """Hand each datagram to `receive`, first those that have come already."""
        with self._lock:
            for datagram in self._kept:
                receive(datagram)
            self._receive = receive

    def close(self) -> None:
        """Receive no more."""
        # The path goes first: from here on nginx is refused at once.
        if self._path:
            self._path.unlink(missing_ok=True)
        self._ended = True
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._thread.join(timeout=1)
        self._socket.close()

    def _run(self) -> None:
        while not self._ended:
            datagram = self._socket.recv(MAX_BYTES + 1)
            # After the end nothing is received; an empty datagram looks the same.
            if not self._ended:
                with self._lock:
                    self._receive(datagram)
                self.has_mail.set()


def inbox_open(path: Path, *, owner: str = "") -> socket.socket:
    """Bind the socket, writable by `owner` alone; what a killed worker left at `path` is replaced.

    :raises UsageError: another worker listens there, there is no such account, or the folder can't be written to.
    """
    if inbox_answers(path):
        raise UsageError(f"another worker listens at {path}", "end the process that ss -xlp names for it")
    draft = path.with_name(f".{path.name}.new")
    receiver = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    try:
        draft.unlink(missing_ok=True)
        receiver.bind(str(draft))
        draft.chmod(0o600)
        if owner:
            os.chown(draft, pwd.getpwnam(owner).pw_uid, -1)
        # Only now can it be found, with its owner and mode.
        draft.replace(path)
    except (OSError, KeyError) as error:
        receiver.close()
        draft.unlink(missing_ok=True)
        raise UsageError(f"{path} can't be listened at ({error})", "name another place or owner") from error
    return receiver


def inbox_listen(address: str) -> socket.socket:
    """Listen for datagrams at HOST:PORT by UDP, which nginx sends from other machines.

    :raises UsageError: the address can't be listened at.
    """
    host, _, port = address.rpartition(":")
    receiver = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    try:
        receiver.bind((host, int(port)))
    except OSError as error:
        receiver.close()
        raise UsageError(f"{address} can't be listened at ({error})", "name another SHADOW_LISTEN") from error
    return receiver


def inbox_answers(path: Path) -> bool:
    """Whether a worker listens there."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
        try:
            sender.connect(str(path))
        except OSError:
            return False
    return True
