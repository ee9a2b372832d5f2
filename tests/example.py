"""The worked example as the tool knows it: its project file, and what that names."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import tomlkit

from strangler.project import Project, project_load
from strangler.routes import table
from strangler.settings import LocalSettings

ROOT: Final = Path(__file__).parents[1]
EXAMPLE: Final = project_load(ROOT / "strangler.toml")
PREFIXES: Final = EXAMPLE.prefixes
CONTRACT_FILE: Final = EXAMPLE.contract
DECLARED_FILE: Final = EXAMPLE.root / EXAMPLE.files.declared
assert EXAMPLE.sign_in is not None
SIGN_IN: Final = EXAMPLE.sign_in
# Where the gateway of docker-compose.yml finds the services.
CONTAINERS: Final = {"django": EXAMPLE.django.container, "fastapi": EXAMPLE.fastapi.container}


def example_settings(*, routes_file: Path | None = None, **settings: Any) -> LocalSettings:
    """Settings of the example, or of the example with another routes file."""
    return LocalSettings(project=example_project(routes_file=routes_file), **settings)


def example_project(*, routes_file: Path | None = None, **changes: Any) -> Project:
    """The example with changes to its project file."""
    files = EXAMPLE.files.model_copy(update={"routes": str(routes_file)} if routes_file else {})
    return EXAMPLE.model_copy(update={"files": files, **changes})


def load_routes(file: Path) -> table.RouteTable:
    """A routes file below the example's prefixes."""
    return table.load_routes(file, prefixes=PREFIXES)


def parse_routes(text: str, *, source: str) -> table.RouteTable:
    """The text of a routes file below the example's prefixes."""
    return table.parse_routes(text, source=source, prefixes=PREFIXES)


def example_file(
    folder: Path, *, routes: Path = EXAMPLE.routes, state: str = ".run", manage: Sequence[str] = ()
) -> Path:
    """A project file of the example in another folder: what it names stays in the checkout, but for its state.

    With `manage` its Django is another one, which has the whole environment and its database from DATABASE_URL.
    """
    document = tomlkit.parse(EXAMPLE.file.read_text())
    files = document["files"]
    for name in ("contract", "consumer", "declared", "cases"):
        files[name] = str(getattr(EXAMPLE, name))
    files["routes"], files["state"] = str(routes), state
    for stack in ("django", "fastapi"):
        document[stack]["folder"] = str(ROOT)
    if manage:
        document["django"]["manage"], document["django"]["inherit"] = list(manage), True
        document["django"]["environment"] = {"DATABASE_URL": "{owner_url}"}
    file = folder / "strangler.toml"
    file.write_text(tomlkit.dumps(document))
    return file
