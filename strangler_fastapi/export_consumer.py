"""Writes a service's consumer file: what its features need of the database, derived from the statements they send."""

import argparse
from collections.abc import Callable, Iterable
from importlib import import_module
from pathlib import Path
from types import ModuleType

from shared_schema.consumer.consumer import Consumer
from shared_schema.consumer.derivation import derive_consumer, render_consumer
from shared_schema.consumer.samples import Sent
from shared_schema.mapping import Mapping


def service_features(package: ModuleType) -> dict[str, Callable[[], Iterable[Sent]]]:
    """What each feature of a service can send: a feature is a folder of `package` with a `statements.py`."""
    folders = sorted(file.parent.name for root in package.__path__ for file in Path(root).glob("*/statements.py"))
    return {name: import_module(f"{package.__name__}.{name}.statements").feature_statements for name in folders}


def service_consumer(package: ModuleType, mapping: Mapping) -> Consumer:
    """The consumer's side of the contract; the classes are mapped on the contract's tables from now on."""
    return derive_consumer(mapping, mapping.contract, service_features(package))


def export_consumer(package: ModuleType, mapping: Mapping, *, file: Path) -> None:
    """Write the file, or the one that `--output` names; asks no database."""
    parser = argparse.ArgumentParser(prog=f"python -m {package.__name__}.consumer", description=__doc__)
    parser.add_argument("--output", type=Path, default=file, metavar="FILE")
    output: Path = parser.parse_args().output
    output.write_text(render_consumer(service_consumer(package, mapping)), encoding="utf-8")
