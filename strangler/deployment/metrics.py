"""What Prometheus is given: the counters of the access log, the ramp, and whether FastAPI is ejected."""

import logging
import re
import threading
from collections.abc import Iterator
from importlib.resources import files
from itertools import chain
from pathlib import Path
from typing import Final, Self
from urllib.parse import urlsplit

from strangler.errors import FailedError, StranglerError, UsageError
from strangler.gateway.interface import Ejection, ejection_read
from strangler.gateway.settings import METRICS_FILE
from strangler.metrics.counters import Counters, counters_read_on, head, quoted
from strangler.ramp.state import Phase, RampState
from strangler.ramp.store import RampFolder

_TARGETS: Final = re.compile(r'targets: \["[^"]*"\]')
_SETTINGS_FILE: Final = "prometheus.yml"
# The line that the stacks' part of it begins with.
_STACKS_MARK: Final = "  # The stacks' own"
COUNTERS_FILE: Final = "metrics.json"
# Prometheus asks each 15 s where nothing else is said.
_PERIOD_SECONDS: Final = 5.0
_END_SECONDS: Final = 5.0
_LOG: Final = logging.getLogger(__name__)


def metrics_read(*, log: Path, counters: Path, state_dir: Path, url: str) -> Iterator[str]:
    """The lines of Prometheus' text format as of now; `url` is the gateway's front door.

    `counters` is the file of what was counted so far, `state_dir` the gateway's own state, of which the ramp is. A
    ramp that can't be read is left out, and a comment says why.

    :raises FailedError: the log isn't readable, or what was counted so far.
    """
    counted = counters_read_on(log, counters)
    ramp, comments = None, []
    try:
        ramp = RampFolder(state_dir / "rollout" / "ramp").read()
    except FailedError as error:
        comments.append(f"# The ramp is left out: {error}")
    return chain(comments, exposition(counted, ramp=ramp, ejection=ejection_read(url)))


def rules_write(folder: Path, *, url: str, service_metrics: bool) -> list[Path]:
    """Writes Prometheus' configuration for the gateway at `url`, alert rules and a Grafana dashboard.

    The stacks themselves are scraped where they count (`service_metrics`).

    :raises UsageError: one of the files is there already, or the folder isn't writable.
    """
    targets = f'targets: ["{urlsplit(url).netloc}"]'
    texts = {
        file.name: _TARGETS.sub(targets, file.read_text("utf-8"))
        for file in sorted(files("strangler.metrics").joinpath("prometheus").iterdir(), key=lambda file: file.name)
    }
    if not service_metrics:
        texts[_SETTINGS_FILE] = texts[_SETTINGS_FILE].partition(_STACKS_MARK)[0]
    for name in texts:
        if (folder / name).exists():
            raise UsageError(f"{folder / name} is there already", "name another folder, or remove it")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in texts.items():
            (folder / name).write_text(text, encoding="utf-8")
    except OSError as error:
        raise UsageError(f"{folder} isn't writable ({error.strerror})", "name another folder") from error
    return [folder / name for name in texts]


def exposition(counters: Counters, *, ramp: RampState | None, ejection: Ejection | None) -> Iterator[str]:
    """The lines of Prometheus' text format; a ramp that has ended, and an ejection that nobody knows of, have none."""
    yield from counters.lines()
    if ramp is not None and not ramp.phase.is_end and ramp.phase is not Phase.WAITING:
        yield from head("ramp_percent", "Callers at the step of the ramp that is under way.", "gauge")
        for name in ramp.plan.routes:
            yield f"strangler_ramp_percent{{route={quoted(name)}}} {ramp.percent:g}"
    if ejection is not None:
        yield from head("fastapi_ejected", "Whether FastAPI is out of reads, 0 or 1.", "gauge")
        yield f"strangler_fastapi_ejected {ejection.ejected:d}"
        yield from head("fastapi_ejections_total", "How often FastAPI was ejected since nginx started.", "counter")
        yield f"strangler_fastapi_ejections_total {ejection.ejections}"


class MetricsFile:
    """Keeps the file that nginx serves at /gateway/metrics up to date, in a thread, while a `with` block lasts."""

    def __init__(self, *, state_dir: Path, url: str) -> None:
        self._state_dir = state_dir
        self._url = url
        self._file = state_dir / "nginx" / METRICS_FILE
        self._ended = threading.Event()
        self._trouble = ""
        self._thread = threading.Thread(target=self._run, name="metrics", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._ended.set()
        self._thread.join(_END_SECONDS)

    def _run(self) -> None:
        while True:
            try:
                self._write()
                self._trouble = ""
            except (StranglerError, OSError) as error:
                # The services go on without their figures.
                if str(error) != self._trouble:
                    _LOG.warning("/gateway/metrics isn't renewed: %s", error)
                self._trouble = str(error)
            if self._ended.wait(_PERIOD_SECONDS):
                return

    def _write(self) -> None:
        lines = metrics_read(
            log=self._state_dir / "logs" / "nginx.log",
            counters=self._state_dir / COUNTERS_FILE,
            state_dir=self._state_dir,
            url=self._url,
        )
        draft = self._file.with_suffix(".new")
        draft.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
        # For nginx's workers.
        draft.chmod(0o644)
        draft.replace(self._file)
