"""The project file, `strangler.toml`: all that the tool knows of one project."""

import os
import shlex
from collections.abc import Callable, Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any, Final, Self, TypeVar

from pydantic import BaseModel, Field, PrivateAttr, ValidationError

from shared_schema.consumer.consumer import Consumer, load_consumer
from shared_schema.contract.contract import Contract, load_contract
from strangler.cluster import KubernetesTable
from strangler.errors import UsageError
from strangler.routes.lines import Lines
from strangler.routes.mistakes import Mistake, MistakesError, nearest, shown
from strangler.routes.prefixes import Prefixes
from strangler.routes.route import Stack
from strangler.routes.syntax import content_decode, content_read, parse_toml, source_name
from strangler.routes.table import RouteTable, load_routes
from strangler.section_values import BRACES
from strangler.sections import (
    ApiSection,
    BoardSection,
    CompareSection,
    ContainersSection,
    DatabaseSection,
    DemoSection,
    DjangoSection,
    FastapiSection,
    FilesSection,
    HandoverSection,
    RampSection,
    Section,
    SignInSection,
)

FILE_NAME: Final = "strangler.toml"
VARIABLE: Final = "STRANGLER_PROJECT"
_Read = TypeVar("_Read")


class Project(Section):
    """One project, as its file says. Paths are absolute."""

    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]*$")
    api: ApiSection
    files: FilesSection
    django: DjangoSection
    fastapi: FastapiSection
    containers: ContainersSection = ContainersSection()
    database: DatabaseSection
    handover: HandoverSection = HandoverSection()
    sign_in: SignInSection | None = None
    demo: DemoSection | None = None
    compare: CompareSection = Field(default_factory=CompareSection)
    board: BoardSection = BoardSection()
    ramp: RampSection = RampSection()
    kubernetes: KubernetesTable | None = None
    _file: Path = PrivateAttr(default=Path(FILE_NAME))

    @property
    def file(self) -> Path:
        """The project file."""
        return self._file

    @property
    def root(self) -> Path:
        """The folder of the project file."""
        return self._file.parent

    def at(self, folder: Path) -> Self:
        """The same project with its file in another folder."""
        moved = self.model_copy()
        moved._file = folder / self._file.name  # noqa: SLF001 - no key of the file
        return moved

    @property
    def routes(self) -> Path:
        """The routes file."""
        return self.root / self.files.routes

    @property
    def contract(self) -> Path:
        """The contract file, which `manage.py export_schema` writes."""
        return self.root / self.files.contract

    @property
    def consumer(self) -> Path:
        """What FastAPI's statements need of the tables."""
        return self.root / self.files.consumer

    @property
    def declared(self) -> Path | None:
        """The declared differences; None where there are none."""
        return self.root / self.files.declared if self.files.declared else None

    @property
    def cases(self) -> Path | None:
        """The folder of case files; None where there is none."""
        return self.root / self.files.cases if self.files.cases else None

    @property
    def generated(self) -> Path:
        """The folder of generated cases."""
        return self.root / self.compare.generated if self.compare.generated else self.state / "cases"

    @property
    def case_folders(self) -> tuple[Path, ...]:
        """The folders of case files: the project's own and generated ones, as far as there are any; else its own."""
        found = [each for each in (self.cases, self.generated) if each and any(each.glob("*.toml"))]
        return tuple(found or filter(None, [self.cases]))

    @property
    def state(self) -> Path:
        """Where the tool keeps logs, history, evidence and a database of its own."""
        return self.root / self.files.state

    @property
    def alembic(self) -> Path:
        """Alembic's folder, once the schema is handed over."""
        return self.root / self.handover.alembic

    @cached_property
    def prefixes(self) -> Prefixes:
        """Public prefixes, and what each service's own paths begin with."""
        django, fastapi = self.django.prefix, self.fastapi.prefix
        return Prefixes(
            v1=self.api.v1,
            v2=self.api.v2,
            django=self.api.v1 if django is None else django,
            fastapi=self.api.v2 if fastapi is None else fastapi,
        )

    @property
    def probes(self) -> tuple[str, ...]:
        """The services' health checks: paths, some with a query; none for `/`.

        Whoever reads such a path passes the gateway's limits, a person too where it is a page such as an admin's form.
        """
        cluster = self.kubernetes
        lives = (cluster.django.live, cluster.fastapi.live) if cluster else ()
        probes = (self.django.health, self.fastapi.health, *lives)
        return tuple(dict.fromkeys(probe for probe in probes if probe.strip("/")))

    def load_contract(self, file: Path | None = None) -> Contract:
        """The contract, or what another file says.

        :raises UsageError: there is no such file, or it is none.
        """
        return _read(file or self.contract, load_contract, "write it with manage.py export_schema --output FILE")

    def load_consumer(self, file: Path | None = None) -> Consumer:
        """What FastAPI's statements need, or what another file says.

        :raises UsageError: there is no such file, or it is none.
        """
        return _read(file or self.consumer, load_consumer, "write it with your service's export of its statements")

    @property
    def sign_in_routes(self) -> tuple[str, ...]:
        """Patterns of the names of routes that count as signing in."""
        return self.sign_in.routes if self.sign_in else ()

    def load_routes(self) -> RouteTable:
        """The routes file as a checked table.

        :raises UsageError: the file can't be read or says something that nginx could not serve.
        """
        return load_routes(self.routes, prefixes=self.prefixes)

    def stack(self, stack: Stack) -> DjangoSection | FastapiSection:
        """The service of that stack."""
        return self.django if stack is Stack.DJANGO else self.fastapi

    def uses(self, placeholder: str) -> bool:
        """Whether a command or an environment of the project holds `{placeholder}`."""
        sections = (self.django, self.fastapi)
        texts = [text for each in sections for text in (*(each.command or ()), *each.environment.values())]
        return any(f"{{{placeholder}}}" in text for text in (*texts, *(self.django.manage or ())))


def _read(file: Path, load: Callable[[Path], _Read], hint: str) -> _Read:
    source = source_name(file)
    try:
        return load(file)
    except OSError as error:
        raise UsageError(f"{source} can't be read ({error.strerror})", hint) from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or "the whole"
        raise UsageError(f"{source} is wrong at {where} ({first['msg']})", hint) from error


class ProjectError(MistakesError):
    """A project file that says what it can't; names the lines."""


def project_find(environ: Mapping[str, str] = os.environ) -> Path:
    """The project file: STRANGLER_PROJECT, else `strangler.toml` here or in a folder above.

    :raises UsageError: there is none.
    """
    if named := environ.get(VARIABLE):
        return Path(named).absolute()
    here = Path.cwd()
    for folder in (here, *here.parents):
        if (folder / FILE_NAME).exists():
            return folder / FILE_NAME
    raise UsageError(f"there is no {FILE_NAME} here or above", "name the project file with --project FILE")


def project_load(file: Path | None = None) -> Project:
    """The project of `file`, or of the file that `project_find` gives.

    :raises UsageError: the file can't be read.
    :raises ProjectError: it says what it can't; names the lines.
    """
    found = (file or project_find()).absolute()
    source = source_name(found)
    content = content_read(found, source=source, hint="name the project file with --project FILE")
    return project_parse(content_decode(content, source=source), file=found)


def project_parse(text: str, *, file: Path) -> Project:
    """The project in the text of a project file at `file`.

    :raises ProjectError: it says what it can't; names the lines.
    """
    source, lines = source_name(file), Lines(text)
    try:
        document = parse_toml(text, lines)
    except Mistake as mistake:
        raise ProjectError(source, [mistake]) from None
    try:
        # As JSON: TOML's arrays are lists, and a strict model wants tuples.
        project = Project.model_validate(document, strict=False)
    except ValidationError as error:
        known = lines if lines.fits(document) else None
        raise ProjectError(source, [_mistake(each, known) for each in error.errors()]) from None
    project._file = file  # noqa: SLF001 - no key of the file
    return project


def _mistake(error: Any, lines: Lines | None) -> Mistake:  # noqa: ANN401 - Pydantic's own dictionary
    where = tuple(error["loc"])
    key = ".".join(map(str, where)) or "the file"
    reason = str(error["msg"]).removeprefix("Value error, ")
    if error["type"] == "missing":
        sentence = f"{key} is missing: add it to [{'.'.join(map(str, where[:-1])) or 'the top'}]."
    elif error["type"] == "extra_forbidden":
        meant = nearest(str(where[-1]), _keys(where[:-1]))
        sentence = f"{key} is unknown: {f'did you mean {meant}?' if meant else 'take it away.'}"
    else:
        value = "" if isinstance(error["input"], Mapping) else f" is {shown(error['input'])}"
        sentence = f"{key}{value}: {reason}." if value else f"{key}: {reason}."
    return Mistake(sentence, next(_lines(where, lines), 0) if lines else 0)


def _lines(where: tuple[str | int, ...], lines: Lines) -> Iterator[int]:
    """The line of a key, else of the nearest table around it."""
    for end in range(len(where), 0, -1):
        if line := lines.of(*where[:end]):
            yield line


def _keys(where: tuple[str | int, ...]) -> frozenset[str]:
    model: type[BaseModel] = Project
    for part in where:
        field = model.model_fields.get(str(part))
        kinds = list(_models(field.annotation if field else None))
        if not kinds:
            return frozenset()
        model = kinds[0]
    return frozenset(model.model_fields)


def _models(annotation: Any) -> Iterator[type[BaseModel]]:  # noqa: ANN401 - whatever a field is annotated with
    for kind in getattr(annotation, "__args__", (annotation,)):
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            yield kind


def command_fill(command: tuple[str, ...], values: Mapping[str, str]) -> tuple[str, ...]:
    """A command with its placeholders filled in; a program is looked up on PATH by whoever starts it."""
    return tuple(template_fill(part, values) for part in command)


def template_fill(text: str, values: Mapping[str, str]) -> str:
    """A text with its placeholders filled in.

    :raises KeyError: `values` lacks one.
    """
    return BRACES.sub(lambda found: values[found[1]], text)


def command_split(text: str) -> tuple[str, ...]:
    """The words of a command line that somebody typed.

    :raises UsageError: its quotes don't match.
    """
    try:
        return tuple(shlex.split(text))
    except ValueError as error:
        raise UsageError(f"{text!r} is no command line ({error})", "close its quotes") from error
