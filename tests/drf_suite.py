"""The tables of DRF's own test-suite: for each field, inputs that it takes or refuses and outputs, with their results.

They are read from the sdist of the installed DRF, which pip fetches by the hashes of the lock; the wheel has no tests.
"""

import re
import subprocess
import sys
import tarfile
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any
from unittest.mock import patch

import rest_framework
from rest_framework import serializers as drf

from tests.example import ROOT

_LOCKED = re.compile(r"^djangorestframework==(\S+)(?: \\\n +--hash=\S+)+", re.MULTILINE)
_TABLES = ("valid_inputs", "invalid_inputs", "outputs")


@dataclass(frozen=True)
class Row:
    """One line of a table: the class that has it, the field, what it is given, and what DRF's test expects of it."""

    name: str
    table: str
    field: drf.Field
    given: Any
    expected: Any


def fetch_sdist(folder: Path) -> Path:
    """The sdist of the installed DRF in `folder`, downloaded once.

    :raises subprocess.CalledProcessError: pip can't fetch it, or it isn't the one of the lock.
    """
    locked = _LOCKED.search((ROOT / "requirements" / "dev.txt").read_text(encoding="utf-8"))
    assert locked
    assert locked[1] == rest_framework.VERSION, "the installed DRF is not the lock's: run make once"
    found = folder / f"djangorestframework-{locked[1]}.tar.gz"
    if not found.exists():
        pinned = folder / "pinned.txt"
        pinned.write_text(locked[0] + "\n", encoding="utf-8")
        pip = [sys.executable, "-I", "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]
        options = ["--no-binary", "djangorestframework", "--require-hashes", "-r", str(pinned), "-d", str(folder)]
        subprocess.run([*pip, *options], check=True, timeout=300)  # noqa: S603 - the pip of .venv, never a shell
    return found


def rows_of(sdist: Path) -> Iterator[Row]:
    """The rows of every class of `tests/test_fields.py` that has tables."""
    with tarfile.open(sdist) as archive:
        member = archive.extractfile(f"{sdist.name.removesuffix('.tar.gz')}/tests/test_fields.py")
        assert member
        source = member.read()
    module = ModuleType("test_fields")
    module.__file__ = str(sdist)
    models = ModuleType("tests.models")
    models.UUIDForeignKeyTarget = SimpleNamespace(objects=SimpleNamespace(all=list))  # type: ignore[attr-defined] # a stub of their model
    with patch.dict(sys.modules, {"tests.models": models}), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        exec(compile(source, "test_fields.py", "exec"), module.__dict__)  # noqa: S102 - pinned by its hash
    for name, kind in vars(module).items():
        if not isinstance(kind, type) or not issubclass(kind, module.FieldValues) or kind is module.FieldValues:
            continue
        if not hasattr(kind, "field"):
            kind.setup_class()  # type: ignore[attr-defined] # it makes its tables there
        for table in _TABLES:
            for given, expected in module.get_items(getattr(kind, table)):
                yield Row(name, table, kind.field, given, expected)  # type: ignore[attr-defined] # every such class has it
