"""No secret is shown where an object that holds it is printed, as in a traceback or a log."""

import dataclasses
import pkgutil
import re
from collections.abc import Iterator
from importlib import import_module

from pydantic import BaseModel, SecretStr

import django_app.config.environment
import fastapi_app
import shared_schema
import strangler
import strangler_fastapi

SECRET = re.compile(r"(?:^|_)(?:password|secret|secrets|secret_key|signing_key|dsn|database_url|env)$")

# What Kubernetes calls a Secret: its name, and the key in it. The values are the cluster's alone.
REFERENCES = {f"strangler.cluster.{name}" for name in ("KubernetesTable", "SecretsTable", "StackTable")}


def classes() -> Iterator[type]:
    """Every data class and model of the tool, the libraries and both stacks."""
    modules = [django_app.config.environment]
    for package in (fastapi_app, shared_schema, strangler, strangler_fastapi):
        for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            # Both act where they are imported.
            if not found.name.endswith(("__main__", "sitecustomize")):
                modules += [import_module(found.name)]
    for module in modules:
        for value in vars(module).values():
            if isinstance(value, type) and value.__module__ == module.__name__:
                yield value


def shown_secrets(cls: type) -> list[str]:
    """The fields named as secrets are that `repr` shows."""
    if issubclass(cls, BaseModel):
        fields = {name: field.repr and field.annotation is not SecretStr for name, field in cls.model_fields.items()}
    elif dataclasses.is_dataclass(cls):
        fields = {field.name: field.repr and field.type is not SecretStr for field in dataclasses.fields(cls)}
    else:
        return []
    return [name for name, shown in fields.items() if shown and SECRET.search(name)]


def test_no_secret_is_shown() -> None:
    found = {f"{cls.__module__}.{cls.__name__}": shown_secrets(cls) for cls in classes()}
    assert len(found) > 300
    assert {name: shown for name, shown in found.items() if shown and name not in REFERENCES} == {}
    assert found.keys() >= REFERENCES


def test_the_check_knows_a_secret() -> None:
    model = type("Model", (BaseModel,), {"__annotations__": {"database_url": str, "jwt_signing_key": SecretStr}})
    data = dataclasses.make_dataclass("Data", [("owner_dsn", str), ("host", str)])
    assert (shown_secrets(model), shown_secrets(data)) == (["database_url"], ["owner_dsn"])
