"""FastAPI with a fault: `python -m tests.planted MODULE FAULT` runs it as `python -m MODULE` does."""

import runpy
import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from pathlib import Path
from types import CodeType, ModuleType

from tests.planted.depot import DEPOT_FAULTS
from tests.planted.fault import Fault
from tests.planted.ported import PORTED_READS, PORTED_WRITES
from tests.planted.reads import COSTLY, READS
from tests.planted.unseen import UNSEEN
from tests.planted.writes import WRITES

FAULTS = {
    "fastapi_app": READS | COSTLY | WRITES | PORTED_READS | PORTED_WRITES | UNSEEN,
    "depot_fastapi": DEPOT_FAULTS,
}


class FaultFinder(MetaPathFinder):
    """Finds the one module that the fault is in."""

    def __init__(self, fault: Fault) -> None:
        self._fault = fault

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """See MetaPathFinder."""
        spec = PathFinder.find_spec(name, path, target) if name == self._fault.module else None
        if spec is not None and spec.origin is not None:
            spec.loader = FaultLoader(name, spec.origin, self._fault)
        return spec


class FaultLoader(SourceFileLoader):
    """Reads a module with its fault; what was compiled before is left alone."""

    def __init__(self, name: str, path: str, fault: Fault) -> None:
        super().__init__(name, path)
        self._fault = fault

    def get_code(self, fullname: str) -> CodeType:
        """See SourceFileLoader."""
        return compile(self._fault.planted(Path.cwd()), self.get_filename(fullname), "exec")


if __name__ == "__main__":
    module, name = sys.argv[1:]
    # The module reads commands of its own from there.
    del sys.argv[1:]
    sys.meta_path.insert(0, FaultFinder(FAULTS[module][name]))
    runpy.run_module(module, run_name="__main__")
