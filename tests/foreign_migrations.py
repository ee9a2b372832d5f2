"""The foreign project (tests/foreign) with migrations of a test's own."""

import shutil
from collections.abc import Mapping
from pathlib import Path

from tests.databases import FOREIGN_MANAGE

_HEAD = """
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [{dependency!r}]
    atomic = {atomic}
    operations = [
        {operations}
    ]
"""


def migration_source(app: str, after: str, *operations: str, atomic: bool = True, prelude: str = "") -> str:
    """A migration's file: `operations` are Python, `prelude` is what they call."""
    listed = ",\n        ".join(operations)
    return prelude + _HEAD.format(dependency=(app, after), operations=listed, atomic=atomic)


def with_migrations(folder: Path, app: str, files: Mapping[str, str | None]) -> dict[str, str]:
    """The environment in which `app` has these migrations too, by name; None takes one of its own away."""
    package = folder / f"{app}_migrations"
    shutil.copytree(FOREIGN_MANAGE.parent / app / "migrations", package, ignore=shutil.ignore_patterns("__pycache__"))
    for name, source in files.items():
        if source is None:
            (package / f"{name}.py").unlink()
        else:
            (package / f"{name}.py").write_text(source, encoding="utf-8")
    return {"PYTHONPATH": str(folder), "MIGRATION_MODULES": f"{app}={package.name}"}
