"""`python -m strangler.compare.shadow`: the worker, configured by the environment (`SHADOW_…`), until SIGTERM.

Until the first sample comes it does without what compares: a stack whose routes aren't sampled keeps half of the
memory (docs/benchmark.md, Memory).
"""

import logging
import signal
import sys
from types import FrameType
from typing import TYPE_CHECKING, NoReturn

from strangler.compare.shadow.inbox import Inbox, inbox_listen, inbox_open
from strangler.compare.shadow.settings import ShadowSettings, shadow_settings_load
from strangler.errors import StranglerError
from strangler.local.apart import run_apart

if TYPE_CHECKING:
    from strangler.compare.shadow.worker import ShadowWorker

_LOG = logging.getLogger("strangler.shadow")
_SIGNALS = (signal.SIGTERM, signal.SIGINT)


def main() -> int:
    """Run until SIGTERM or SIGINT; an expected failure is one line and its exit code."""
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(message)s")
    _LOG.setLevel(logging.INFO)
    try:
        _run(shadow_settings_load())
    except StranglerError as error:
        _LOG.error("%s", error)
        return error.exit_code
    except Exception as error:  # noqa: BLE001 - its own words, or its trace, could quote a request and its token
        _LOG.error("ended by %s", type(error).__name__)
        return 4
    return 0


def _run(settings: ShadowSettings) -> None:
    for number in _SIGNALS:
        signal.signal(number, _end)
    inbox = _inbox(settings)
    # What can't work is said now; a server of results needs all of it at once.
    if not settings.results:
        run_apart(lambda: _require(settings, inbox))
    with inbox:
        _LOG.info(
            "compares at most %g samples a second, taken at %s", settings.rate, settings.listen or settings.socket
        )
        if not settings.results:
            inbox.has_mail.wait()
        _compare(settings, inbox)


def _end(_number: int, _frame: FrameType | None) -> NoReturn:
    sys.exit(0)


def _inbox(settings: ShadowSettings) -> Inbox:
    if settings.socket:
        return Inbox(inbox_open(settings.socket, owner=settings.socket_owner), path=settings.socket)
    return Inbox(inbox_listen(settings.listen))


def _require(settings: ShadowSettings, inbox: Inbox) -> None:
    _worker(settings, inbox).prepared()


def _worker(settings: ShadowSettings, inbox: Inbox) -> "ShadowWorker":
    from strangler.compare.shadow.worker import ShadowWorker

    return ShadowWorker(settings, inbox)


def _compare(settings: ShadowSettings, inbox: Inbox) -> None:
    import asyncio

    async def run() -> None:
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in _SIGNALS:
            loop.add_signal_handler(number, stop.set)
        async with _worker(settings, inbox):
            await stop.wait()

    asyncio.run(run())


if __name__ == "__main__":
    sys.exit(main())
