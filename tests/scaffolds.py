"""What `strangler scaffold` writes of views in this process, beside Django, which answers the same requests."""

import importlib
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import psycopg
from django.db import connection, models
from django.test.utils import override_settings

from shared_schema.contract.contract import Contract
from strangler.adoption.endpoints import DjangoApi
from strangler.adoption.scaffold.service import ServiceScaffold
from strangler.project import project_parse
from strangler.routes.route import Route, Stage
from strangler_django.endpoints.document import endpoints_text
from tests.databases import OwnDatabase
from tests.side_by_side import BothSides, djangos_database, side_by_side

_PACKAGE = "scaffolded_fastapi"
_PROJECT = """
    name = "scaffolded"
    api = { v1 = "/", v2 = "/v2" }
    files = { routes = "routes.toml", contract = "contract.json", consumer = "consumer.json" }
    django = { address = "http://127.0.0.1:8000", health = "/up", prefix = "/" }
    fastapi = { address = "http://127.0.0.1:9000", health = "/ready", prefix = "/" }
    database = { fastapi_role = "scaffolded" }
"""


@dataclass
class Scaffolded:
    """The package as it is written, by the name of a module in it, with Django's settings and the gaps by endpoint."""

    folder: Path
    settings: Mapping[str, Any]
    gaps: dict[str, list[str]]

    def module(self, name: str) -> ModuleType:
        """A module of the package."""
        return importlib.import_module(f"{_PACKAGE}.{name}")


@contextmanager
def scaffolded(folder: Path, contract: Contract, settings: Mapping[str, Any]) -> Iterator[Scaffolded]:
    """What is written of all views of Django's with those settings."""
    with override_settings(**settings):
        api = DjangoApi.model_validate_json(endpoints_text())
    # A default that is written, if only null, is one: no such field is required.
    (folder / "contract.json").write_text(contract.model_dump_json(exclude_unset=True))
    selected = [
        (each, Route(name=f"rows.r{number}", methods=(each.method,), path=each.path, stage=Stage.LEGACY))
        for number, each in enumerate(api.endpoints)
    ]
    project = project_parse(_PROJECT, file=folder / "strangler.toml")
    made = ServiceScaffold(project, _PACKAGE, selected, api=api, contract=contract)
    for file in made.files():
        file.path.parent.mkdir(parents=True, exist_ok=True)
        file.path.write_text(file.text)
    gaps = {
        str(each.endpoint): [*each.gaps, *each.functions] for feature in made.features for each in feature.endpoints
    }
    sys.path.insert(0, str(folder))
    try:
        yield Scaffolded(folder / _PACKAGE, settings, gaps)
    finally:
        sys.path.remove(str(folder))
        for name in [each for each in sys.modules if each.partition(".")[0] == _PACKAGE]:
            del sys.modules[name]


@dataclass
class Sides:
    """Both stacks, each with a connection that looks at its own tables."""

    both: BothSides
    connections: tuple[psycopg.Connection, psycopg.Connection]
    rows: str

    def ask(self, method: str, path: str, body: Any, headers: Mapping[str, str] | None = None) -> Any:
        """Asks both, which answer the same, and have the same rows then."""
        sent = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        answer = self.both.ask(method, path, {"Content-Type": "application/json", **(headers or {})}, sent)
        ours, theirs = (sorted(each.execute(self.rows).fetchall()) for each in self.connections)
        assert ours == theirs, f"rows after {method} {path} {body}"
        return answer


@contextmanager
def both_sides(
    found: Scaffolded,
    databases: Sequence[OwnDatabase],
    made: Sequence[type[models.Model]],
    *,
    fill: str,
    rows: str,
    **options: Any,
) -> Iterator[Sides]:
    """Both stacks, each over one of two databases, in which the models are made and filled; `rows` selects all."""
    ours, theirs = databases
    with ExitStack() as opened:
        opened.enter_context(override_settings(**found.settings))
        for database in databases:
            with djangos_database(database), connection.schema_editor() as editor:
                for model in made:
                    editor.create_model(model)
        routers, tables = found.module("routers").ROUTERS, found.module("models").MAPPING
        both = opened.enter_context(
            side_by_side(ours, views={}, routers=routers, tables=tables, settings=found.settings, **options)
        )
        opened.enter_context(djangos_database(theirs))
        looking = [opened.enter_context(psycopg.connect(each.owner_dsn, autocommit=True)) for each in databases]
        for each in looking:
            each.execute(fill)
        yield Sides(both, (looking[0], looking[1]), rows)
