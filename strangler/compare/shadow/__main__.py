"""`python -m strangler.compare.shadow`: the worker, configured by the environment (`SHADOW_…`), until SIGTERM."""

import asyncio
import logging
import signal
import sys

from strangler.compare.shadow.settings import ShadowSettings, shadow_settings_load
from strangler.compare.shadow.worker import ShadowWorker
from strangler.errors import StranglerError

_LOG = logging.getLogger("strangler.shadow")


def main() -> int:
    """Run until SIGTERM or SIGINT; an expected failure is one line and its exit code."""
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(message)s")
    _LOG.setLevel(logging.INFO)
    try:
        asyncio.run(_run(shadow_settings_load()))
    except StranglerError as error:
        _LOG.error("%s", error)
        return error.exit_code
    except Exception as error:  # noqa: BLE001 - its own words, or its trace, could quote a request and its token
        _LOG.error("ended by %s", type(error).__name__)
        return 4
    return 0


async def _run(settings: ShadowSettings) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    async with ShadowWorker(settings):
        await stop.wait()


if __name__ == "__main__":
    sys.exit(main())
