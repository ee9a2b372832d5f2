"""Hypothesis as it has to be for cases that can be made again: with nothing of this machine in them."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hypothesis.configuration import set_hypothesis_home_dir
from hypothesis.internal.conjecture import providers
from hypothesis.internal.constants_ast import Constants


@contextmanager
def chance_of_its_own() -> Iterator[None]:
    """What is drawn meanwhile depends on its seed alone.

    Hypothesis mixes in texts and numbers that it finds in the source of the program that runs, so that any change of
    it would change the cases; no setting keeps it from that. Its cache is thrown away instead of left where a person
    happens to work.
    """
    provider: Any = providers.HypothesisProvider
    found = provider.__dict__["_local_constants"]
    provider._local_constants = Constants()  # noqa: SLF001 - see above; a test notices when it is renamed
    providers.CONSTANTS_CACHE.cache.clear()
    with TemporaryDirectory() as folder:
        set_hypothesis_home_dir(Path(folder))
        try:
            yield
        finally:
            set_hypothesis_home_dir(None)
            provider._local_constants = found  # noqa: SLF001 - the same
            providers.CONSTANTS_CACHE.cache.clear()
