"""nginx, the one-shot setup and the shadow worker beside the services of a project's own compose file."""

import os
import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path
from typing import Any, Final, Self

import yaml
from jinja2 import Environment, StrictUndefined

from strangler.errors import UsageError
from strangler.gateway.settings import CallerKey
from strangler.project import Project

OVERLAY: Final = "compose.strangler.yml"
# In the order in which Docker looks for them.
_NAMES: Final = ("compose.yaml", "compose.yml", "docker-compose.yaml", "docker-compose.yml")
# What starts a Django service; a command of one of the others never listens.
_SERVERS: Final = re.compile(r"\b(gunicorn|uwsgi|daphne|uvicorn|hypercorn|granian|waitress-serve|runserver)\b")
_LISTENS: Final = re.compile(r"(?:[\w.*]|\])?:(\d{2,5})\b|--port[= ](\d{2,5})\b|runserver\s+(\d{2,5})\b")
_DEFAULT_PORT: Final = 8000
# Of a service that two containers can't have.
_UNSHARED: Final = ("ports", "container_name")
_ADDRESS: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*:[0-9]{1,5}")


@dataclass(frozen=True, kw_only=True)
class ComposeService:
    """A service that serves HTTP, by its own command; `address` is NAME:PORT in the network of containers."""

    address: str
    networks: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Spare:
    """What stands beside the service `name` during a deploy: the same service without the keys in `taken`.

    `is_profiled`: the service has profiles of its own, by which this one must not start.
    """

    name: str
    taken: tuple[str, ...]
    is_profiled: bool


@dataclass(frozen=True)
class ComposeFile:
    """A project's own compose file."""

    path: Path
    services: Mapping[str, Mapping[str, Any]]

    @classmethod
    def find(cls, folder: Path, named: str | None = None) -> Self | None:
        """The file that is named, or the one that Docker would take; None where there is none.

        :raises UsageError: it can't be read, or is no compose file.
        """
        if named is not None:
            return cls.read(folder / named)
        return next((cls.read(folder / name) for name in _NAMES if (folder / name).is_file()), None)

    @classmethod
    def read(cls, path: Path) -> Self:
        """The services of a file.

        :raises UsageError: it can't be read, or is no compose file.
        """
        try:
            document = yaml.safe_load(path.read_text(encoding="utf-8"))
        except OSError as error:
            raise UsageError(f"{path.name} can't be read ({error.strerror})", "name another with --compose") from error
        except (yaml.YAMLError, UnicodeDecodeError) as error:
            raise UsageError(f"{path.name} is no YAML", f"see docker compose -f {path.name} config") from error
        services = document.get("services") if isinstance(document, dict) else None
        if not isinstance(services, dict):
            raise UsageError(f"{path.name} names no services", f"see docker compose -f {path.name} config")
        return cls(path, {str(name): each for name, each in services.items() if isinstance(each, dict)})

    def django(self) -> ComposeService:
        """The only service whose command starts a web server.

        :raises UsageError: there is none, or several.
        """
        found = list(self._servers())
        if len(found) != 1:
            which = f"several may be ({', '.join(sorted(found))})" if found else "no command starts a web server"
            message = f"{self.path.name} doesn't show which service is Django: {which}"
            raise UsageError(message, "name it with --django-container NAME:PORT")
        return self.service(f"{found[0]}:{self._port(found[0])}")

    def service(self, address: str) -> ComposeService:
        """The service at NAME:PORT.

        :raises UsageError: there is none of that name.
        """
        name = address.partition(":")[0]
        if name not in self.services:
            known = ", ".join(sorted(self.services))
            raise UsageError(f"{self.path.name} has no service {name}", f"it has {known}")
        return ComposeService(address=address, networks=tuple(map(str, self.services[name].get("networks") or ())))

    def spare(self, address: str) -> Spare | None:
        """What may stand beside the service at NAME:PORT.

        None where the file has no such service, or has the one beside it already.
        """
        name = address.partition(":")[0]
        if name not in self.services or f"{name}-next" in self.services:
            return None
        service = self.services[name]
        taken = tuple(key for key in _UNSHARED if key in service)
        return Spare(name=name, taken=taken, is_profiled=bool(service.get("profiles")))

    def _servers(self) -> Iterator[str]:
        for name, service in self.services.items():
            if _SERVERS.search(_command(service)):
                yield name

    def _port(self, name: str) -> int:
        """Where it listens, by its command; else the first port that it publishes or exposes."""
        service = self.services[name]
        listens = _LISTENS.search(_command(service))
        if listens:
            return int(next(filter(None, listens.groups())))
        targets = [each.get("target") if isinstance(each, dict) else each for each in service.get("ports") or ()]
        for port in (*targets, *(service.get("expose") or ())):
            digits = str(port).rpartition(":")[2].partition("/")[0]
            if digits.isdigit():
                return int(digits)
        return _DEFAULT_PORT


def overlay_text(base: ComposeFile, django: ComposeService, project: Project) -> str:
    """The file that adds the gateway to `base`: `docker compose -f BASE -f compose.strangler.yml`.

    Compose takes the paths of both files from the folder of the first.
    """
    folder = base.path.resolve().parent
    # YAML, of names that were checked.
    environment = Environment(undefined=StrictUndefined, keep_trailing_newline=True, autoescape=False)  # noqa: S701
    template = (files("strangler.adoption") / "compose.yml.j2").read_text(encoding="utf-8")
    return environment.from_string(template).render(
        base=os.path.relpath(base.path, project.root),
        root=os.path.relpath(project.root, folder),
        first=base.path.name,
        file=OVERLAY,
        name=project.name.lower(),
        version=version("strangler"),
        services=project.containers,
        networks=django.networks,
        spares=[spare for each in (project.django, project.fastapi) if (spare := base.spare(each.container))],
        django=project.django.container,
        fastapi=project.fastapi.container,
        prefixes=project.prefixes,
        hashes=CallerKey.of(project).is_hashed,
        routes=project.files.routes,
        state=project.files.state,
        consumer=project.files.consumer,
    )


def container_address(address: str) -> str:
    """The address of a service among containers, checked.

    :raises UsageError: it isn't NAME:PORT.
    """
    if not _ADDRESS.fullmatch(address):
        raise UsageError(f"{address!r} is no address among containers", "write NAME:PORT, such as web:8000")
    return address


def _command(service: Mapping[str, Any]) -> str:
    return " ".join(_words(service.get("entrypoint")) + _words(service.get("command")))


def _words(value: str | Sequence[Any] | None) -> list[str]:
    if isinstance(value, str):
        try:
            return shlex.split(value)
        except ValueError:
            return value.split()
    return [str(each) for each in value or ()]
