"""A harbour, as a project whose views the scaffold writes: its contract, its endpoints and what is written of them."""

import ast
import builtins
import os
from pathlib import Path
from typing import Any

from shared_schema.contract.contract import Contract
from strangler.adoption.endpoints import DjangoApi
from strangler.adoption.scaffold.feature import FeatureScaffold
from strangler.adoption.scaffold.feature_modules import FeatureModules
from strangler.adoption.scaffold.service import ServiceScaffold
from strangler.project import Project, project_parse
from strangler.routes.route import Route, Stage

ID = {"field": "id", "kind": "BigAutoField", "type": "bigint", "null": False, "primary_key": True}
ID |= {"identity": "by default"}
FOLDER = "django.core.files.storage.filesystem.FileSystemStorage"
FILE: dict[str, Any] = {"kind": "FileField", "type": "character varying(100)", "null": False, "default": ""}
TABLES = {
    "boat": {
        "name": "boat",
        "model": "harbour.Boat",
        "verbose_name": "boat",
        "columns": {
            "id": ID,
            "name": FILE | {"field": "name", "kind": "CharField"},
            "built_at": {
                "field": "built_at",
                "kind": "DateTimeField",
                "type": "timestamp with time zone",
                "null": True,
            },
            "year": {
                "field": "year",
                "kind": "IntegerField",
                "type": "integer",
                "null": True,
                "validators": [
                    {"name": f"django.core.validators.{kind}", "arguments": {"limit_value": limit}}
                    for kind, limit in (
                        ("MinValueValidator", 1900),
                        ("MaxValueValidator", {"callable": "harbour.models.this_year"}),
                    )
                ],
            },
            "docked_on": {
                "field": "docked_on",
                "kind": "DateField",
                "type": "date",
                "null": False,
                "default_callable": "datetime.date.today",
            },
            "photo": FILE | {"field": "photo"},
            "scan": FILE | {"field": "scan", "file": {"storage": {"name": FOLDER, "location": "media"}}},
            "deed": FILE
            | {"field": "deed", "file": {"storage": {"name": FOLDER}, "upload_to_callable": "harbour.models.place"}},
            "map": FILE | {"field": "map", "file": {"storage": {"name": "storages.S3Storage"}}},
            "berth_id": {
                "field": "berth",
                "kind": "ForeignKey",
                "type": "bigint",
                "null": True,
                "references": {"table": "berth", "column": "id", "on_delete": "SET_NULL"},
            },
        },
    },
    "raft": {
        "name": "raft",
        "model": "harbour.Raft",
        "columns": {
            "id": ID,
            "name": FILE | {"field": "name", "kind": "CharField"},
            "logs": {"field": "logs", "kind": "IntegerField", "type": "integer", "null": False},
        },
    },
    "crate": {
        "name": "crate",
        "model": "harbour.Crate",
        "columns": {"id": ID}
        | {name: FILE | {"field": name, "kind": "CharField"} for name in ("key", "Unit Price", "class")},
    },
    "strangler_throttle_histories": {
        "name": "strangler_throttle_histories",
        "model": "strangler_throttling.ThrottleHistory",
        "columns": {
            "cache_key": {"field": "cache_key", "kind": "CharField", "type": "character varying(200)", "null": False}
            | {"primary_key": True},
            "history": {
                "field": "history",
                "kind": "ArrayField",
                "type": "timestamp with time zone[]",
                "null": False,
            },
            "expires": {
                "field": "expires",
                "kind": "DateTimeField",
                "type": "timestamp with time zone",
                "null": False,
            },
        },
    },
    "berth": {
        "name": "berth",
        "model": "harbour.Berth",
        "columns": {"id": ID, "place": {"field": "place", "kind": "TextField", "type": "text", "null": False}},
        "overrides": ["save"],
        "receivers": ["post_save harbour.signals.count", "pre_delete harbour.signals.count"],
    },
    "boat_at_berth": {
        "name": "boat_at_berth",
        "model": "harbour.BoatAtBerth",
        "columns": {
            "id": ID,
            "berth_id": {"field": "berth", "kind": "ForeignKey", "type": "bigint", "null": False}
            | {"references": {"table": "berth", "column": "id", "on_delete": "CASCADE"}},
        },
        "receivers": ["post_delete harbour.signals.left"],
    },
}
CONTRACT = Contract.model_validate({"format": 2, "tables": TABLES})
PERMISSIONS = "rest_framework.permissions"
NAME = {"name": "name", "kind": "CharField", "source": "name", "required": True, "changed": {}}
SERIALIZER = {"class": "harbour.api.BoatSerializer", "model": "harbour.Boat", "table": "boat", "fields": [NAME]}
LIST: dict[str, Any] = {
    "path": "/api/boats/",
    "method": "GET",
    "kind": "viewset",
    "view": "harbour.api.Boats",
    "action": "list",
    "permissions": [f"{PERMISSIONS}.AllowAny"],
    "lookup": {"field": "pk", "parameter": "pk"},
    "model": {"label": "harbour.Boat", "table": "boat"},
    "queryset": {"narrowed": [], "ordering": ["name"]},
    "serializer": SERIALIZER,
    "title": "Boat List",
}
CREATE = LIST | {"method": "POST", "action": "create"}


def feature(*endpoints: dict[str, Any]) -> FeatureScaffold:
    return service(*endpoints).features[0]


def service(*endpoints: dict[str, Any], folder: Path = Path("/nowhere")) -> ServiceScaffold:
    api = DjangoApi.model_validate({"format": 1, "endpoints": endpoints})
    selected = [
        (each, Route(name=f"boats.{each.action}", methods=(each.method,), path="/boats/", stage=Stage.LEGACY))
        for each in api.endpoints
    ]
    return ServiceScaffold(project(folder), "harbour_fastapi", selected, api=api, contract=CONTRACT)


def project(folder: Path) -> Project:
    text = """
        name = "harbour"
        api = { v1 = "/api", v2 = "/api/v2" }
        files = { routes = "routes.toml", contract = "contract.json", consumer = "consumer.json", cases = "cases" }
        django = { address = "http://127.0.0.1:8000", health = "/up", prefix = "/api" }
        fastapi = { address = "http://127.0.0.1:9000", health = "/api/v2/ready", prefix = "/api/v2" }
        database = { fastapi_role = "harbour" }
        compare = { callers = ["ann", "bob"] }
    """
    return project_parse(text, file=folder / "strangler.toml")


def text_of(made: FeatureScaffold, name: str) -> str:
    text = dict(FeatureModules(made).modules())[name]
    assert undefined(text) == set(), text
    return text


def flat(code: str) -> str:
    """Code without what only its layout has."""
    return "".join(code.split()).replace(",)", ")")


def linked_contract(*unique: str) -> Contract:
    """Boats that are linked to berths, whose columns of these names are unique."""
    links: dict[str, Any] = {"name": "flags", "model": "harbour.Boat_flags", "auto_created": True}
    links["columns"] = {"id": ID} | {
        f"{name}_id": {"field": name, "kind": "ForeignKey", "type": "bigint", "null": False}
        | {"references": {"table": name, "column": "id", "on_delete": "CASCADE"}}
        for name in ("boat", "berth")
    }
    relation = {"table": "flags", "source_column": "boat_id", "target_column": "berth_id", "target": "berth"}
    tables = TABLES | {"flags": links, "boat": TABLES["boat"] | {"many_to_many": {"berths": relation}}}
    columns = {name: facts | {"unique": name in unique} for name, facts in TABLES["berth"]["columns"].items()}
    tables["berth"] = TABLES["berth"] | {"columns": columns}
    return Contract.model_validate({"format": 2, "tables": tables})


def linked_feature(facts: dict[str, Any], contract: Contract) -> FeatureScaffold:
    api = DjangoApi.model_validate({"format": 1, "endpoints": [facts]})
    route = Route(name="boats.list", methods=(facts["method"],), path="/boats/", stage=Stage.LEGACY)
    chosen = [(api.endpoints[0], route)]
    made = ServiceScaffold(project(Path("/nowhere")), "harbour_fastapi", chosen, api=api, contract=contract)
    return made.features[0]


def undefined(text: str) -> set[str]:
    """The names of a module that nothing there defines or imports."""
    names = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Name)]
    stored = {node.id for node in names if isinstance(node.ctx, ast.Store)}
    known = {*dir(builtins), *stored}
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.alias):
            known.add(node.asname or node.name)
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            known.add(node.name)
        elif isinstance(node, ast.arg):
            known.add(node.arg)
    return {node.id for node in names} - known


VERSIONS: dict[str, Any] = {"default": "v1", "allowed": ["v2"]}
# Where fields of DRF's own are.
DRF = {"class": "rest_framework.relations.X"}
THROTTLE: dict[str, Any] = {
    "class": "harbour.api.Burst",
    "kind": "user",
    "scope": "burst",
    "rate": "5/min",
    "cache_format": "throttle_%(scope)s_%(ident)s",
    "shared": True,
}


def field(**facts: Any) -> dict[str, Any]:
    other = {"name": "other", "kind": "CharField", "source": "other", "read_only": True, "changed": {}} | facts
    return {"serializer": SERIALIZER | {"fields": [NAME, other]}}


ROW = {"path": "/api/boats/{pk}/", "detail": True, "pagination": None}
SHOWN = SERIALIZER | {"class": "harbour.api.ShownSerializer", "fields": [NAME, NAME | {"name": "title"}]}
ACCOUNTS = {
    "sailor": {
        "name": "sailor",
        "model": "harbour.Sailor",
        "columns": {
            "id": ID,
            "username": {"field": "username", "kind": "CharField", "type": "text", "null": False, "unique": True},
            "password": {"field": "password", "kind": "CharField", "type": "text", "null": False},
            "is_active": {"field": "is_active", "kind": "BooleanField", "type": "boolean", "null": False},
            "is_superuser": {"field": "is_superuser", "kind": "BooleanField", "type": "boolean", "null": False},
            "last_login": {
                "field": "last_login",
                "kind": "DateTimeField",
                "type": "timestamp with time zone",
                "null": True,
            },
        },
        "many_to_many": {
            name: {"table": f"sailor_{name}", "source_column": "sailor_id", "target_column": key, "target": target}
            for name, key, target in (
                ("groups", "group_id", "auth_group"),
                ("user_permissions", "permission_id", "auth_permission"),
            )
        },
    }
}
ACCOUNTS |= {
    name: {"name": name, "model": model, "columns": {"id": ID}}
    for name, model in (
        ("sailor_groups", "harbour.Sailor_groups"),
        ("sailor_user_permissions", "harbour.Sailor_user_permissions"),
        ("auth_permission", "auth.Permission"),
        ("auth_group_permissions", "auth.Group_permissions"),
        ("django_content_type", "contenttypes.ContentType"),
        ("token_blacklist_outstandingtoken", "token_blacklist.OutstandingToken"),
        ("token_blacklist_blacklistedtoken", "token_blacklist.BlacklistedToken"),
    )
}
BOAT: dict[str, Any] = dict(TABLES["boat"])
BOAT["columns"] = BOAT["columns"] | {
    "captain_id": {
        "field": "captain",
        "kind": "ForeignKey",
        "type": "bigint",
        "null": False,
        "references": {"table": "sailor", "column": "id", "on_delete": "CASCADE"},
    },
}
SIGNED = {"authenticators": ["rest_framework_simplejwt.authentication.JWTAuthentication"]}


def texts_of(
    *endpoints: dict[str, Any], without: tuple[str, ...] = (), tokens: dict[str, Any] | None = None, **settings: Any
) -> tuple[list[list[str]], dict[str, str]]:
    """The gaps and files of a service whose users sign in, `without` some tables; the lone list makes them known."""
    given = {"format": 1, "endpoints": [LIST | SIGNED, *endpoints]}
    api = DjangoApi.model_validate(given | {"settings": {"user_model": "harbour.Sailor", **settings}})
    tables = TABLES | ACCOUNTS | {"boat": BOAT}
    tables = {name: facts for name, facts in tables.items() if not name.startswith(without)}
    contract = Contract.model_validate({"format": 2, "tables": tables, "tokens": tokens or {}})
    selected = [
        (each, Route(name=f"boats.{number}", methods=(each.method,), path="/boats/", stage=Stage.LEGACY))
        for number, each in enumerate(api.endpoints[1:])
    ]
    made = ServiceScaffold(project(Path("/nowhere")), "harbour_fastapi", selected, api=api, contract=contract)
    files = {os.path.relpath(file.path, "/nowhere/harbour_fastapi"): file.text for file in made.files()}
    for name, text in files.items():
        if name.endswith(".py"):
            compile(text, name, "exec")
    return [[*each.gaps, *each.functions] for each in made.features[0].endpoints], files
