"""Writes shared_schema/consumer.json: what the features need of the database, derived from the statements they send.

`python -m fastapi_app.consumer`, after a statement or the contract has changed; it asks no database.
"""

import argparse
from collections.abc import Callable, Iterable
from importlib import import_module
from pathlib import Path

from shared_schema.consumer import FILE, Consumer
from shared_schema.contract import load_contract
from shared_schema.derivation import derive_consumer, render_consumer
from shared_schema.models import BLOG
from shared_schema.samples import Sent


def features() -> dict[str, Callable[[], Iterable[Sent]]]:
    """What each feature can send: every folder that has a router has its statements."""
    folders = sorted(file.parent.name for file in Path(__file__).parent.glob("*/router.py"))
    return {name: import_module(f"fastapi_app.{name}.statements").feature_statements for name in folders}


def consumer() -> Consumer:
    """The consumer's side of the contract; the classes are mapped on the contract's tables from now on."""
    return derive_consumer(BLOG, load_contract(), features())


def main() -> None:
    """Writes the file."""
    parser = argparse.ArgumentParser(prog="python -m fastapi_app.consumer", description=__doc__)
    parser.add_argument("--output", type=Path, default=FILE, metavar="FILE")
    file: Path = parser.parse_args().output
    file.write_text(render_consumer(consumer()), encoding="utf-8")


if __name__ == "__main__":
    main()
