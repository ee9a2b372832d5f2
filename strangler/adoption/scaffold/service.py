"""A FastAPI service with features: which files it consists of, and the text of each."""

import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Final

from jinja2 import Environment, StrictUndefined

from shared_schema.contract.contract import Contract
from strangler.adoption.endpoints import DjangoApi, DjangoEndpoint
from strangler.adoption.scaffold.access.authenticators import Authenticators
from strangler.adoption.scaffold.access.throttles import Throttles
from strangler.adoption.scaffold.case_file import case_file_text
from strangler.adoption.scaffold.code import Code, call, keyword, laid_out, quoted, texts
from strangler.adoption.scaffold.errors_module import error_argument, errors_text
from strangler.adoption.scaffold.feature import FeatureScaffold
from strangler.adoption.scaffold.feature_modules import FeatureModules
from strangler.adoption.scaffold.models_module import classes_there, models_added, models_text
from strangler.adoption.scaffold.modules import Module
from strangler.adoption.scaffold.negotiation import own_renderers_text
from strangler.adoption.scaffold.tables import Tables, identifier, pascal, snake
from strangler.adoption.scaffold.written_endpoint import WrittenEndpoint
from strangler.errors import UsageError
from strangler.project import Project
from strangler.routes.route import Route

_TEMPLATES: Final = ("__init__.py", "__main__.py", "config.py", "consumer.py", "main.py")
_READY: Final = "/ready"
# Modules of the package, whose names no feature's folder may have.
_MODULES: Final = ("accounts", "config", "consumer", "errors", "main", "models", "renderers", "routers", "throttles")


@dataclass(frozen=True)
class ScaffoldFile:
    """A file as it is to be; `before` is its text as it is, None where there is none.

    One that `grows` is added to; any other that is there with another text is left alone.
    """

    path: Path
    text: str
    before: str | None
    grows: bool = False

    @property
    def is_new(self) -> bool:
        """Whether there is none yet."""
        return self.before is None

    @property
    def is_written(self) -> bool:
        """Whether it is to be written."""
        return self.is_new or (self.grows and self.before != self.text)

    @property
    def is_left(self) -> bool:
        """Whether it differs, and stays as it is."""
        return not self.is_new and not self.grows and self.before != self.text


class ServiceScaffold:
    """What a scaffold of these endpoints consists of.

    `is_by_hand`: the service was there before the tool wrote any of it, so that its application is the team's own.
    `translates`: its application answers errors in the project's languages, which `languages_file` holds.

    :raises UsageError: the service's package isn't known.
    """

    def __init__(
        self,
        project: Project,
        package: str,
        selected: Sequence[tuple[DjangoEndpoint, Route]],
        *,
        api: DjangoApi,
        contract: Contract,
    ) -> None:
        self._project = project
        self._package = package
        self._contract = contract
        models = self.folder / "models.py"
        there = classes_there(models.read_text(encoding="utf-8")) if models.exists() else {}
        self._tables = Tables(contract, there)
        self.translates = api.settings.translates
        self.is_by_hand = (self.folder / "main.py").exists() and not (self.folder / "routers.py").exists()
        self._api = api
        self._authenticators = Authenticators(api, contract, self._tables)
        self._throttles = Throttles(api, self._tables)
        grouped: dict[str, list[tuple[DjangoEndpoint, Route]]] = {}
        for endpoint, route in selected:
            grouped.setdefault(feature_name(route), []).append((endpoint, route))
        self.features = [
            FeatureScaffold(
                name,
                package,
                endpoints,
                api=api,
                contract=contract,
                tables=self._tables,
                prefix=project.prefixes.django,
                authenticators=self._authenticators,
                throttles=self._throttles,
            )
            for name, endpoints in grouped.items()
        ]

    @property
    def endpoints(self) -> Sequence[WrittenEndpoint]:
        """Those of all features."""
        return [each for feature in self.features for each in feature.endpoints]

    @property
    def folder(self) -> Path:
        """Where the package is."""
        return self._project.root / self._project.fastapi.folder / self._package

    @property
    def languages_file(self) -> Path:
        """What `manage.py export_languages` writes."""
        return self.folder / "languages.json"

    @property
    def has_tokens(self) -> bool:
        """Whether it needs the key of JSON web tokens."""
        return self._authenticators.has_tokens

    @property
    def has_sessions(self) -> bool:
        """Whether it needs Django's SECRET_KEY, which signs sessions."""
        return self._authenticators.has_sessions

    def files(self) -> Iterator[ScaffoldFile]:
        """Every file: the features', the service's own, tests and cases."""
        modules = {
            f"{feature.name}/{name}": text
            for feature in self.features
            for name, text in FeatureModules(feature).modules()
        }
        accounts = self._authenticators.accounts_text(self._package) if self._authenticators.identifies else None
        for name in () if self.is_by_hand else _TEMPLATES:
            yield self._file(self.folder / name, self._template(name))
        if self._api.settings.words_errors and not self.is_by_hand:
            yield self._file(self.folder / "errors.py", errors_text(self._api.settings, self._package))
        endpoints = [each.endpoint for each in self.endpoints]
        if text := own_renderers_text(endpoints, self._api.settings, self._package):
            yield self._file(self.folder / "renderers.py", text)
        if accounts:
            yield self._file(self.folder / "accounts.py", accounts)
        if self._throttles.are_used:
            yield self._file(self.folder / "throttles.py", self._throttles.module_text(self._package))
        yield self._models()
        if not self.is_by_hand:
            yield self._routers()
        for name, text in modules.items():
            yield self._file(self.folder / name, text)
        for feature in self.features:
            tests = self.folder.parent / "tests" / self._package
            if text := self._test(feature):
                yield self._file(tests / f"test_{feature.name}.py", text)
            if self._project.cases and (text := case_file_text(feature, self._project)):
                yield self._file(self._project.cases / f"{feature.name}.toml", text)

    def _models(self) -> ScaffoldFile:
        file = self.folder / "models.py"
        if file.exists():
            before = file.read_text(encoding="utf-8")
            try:
                text = models_added(before, self._tables, package=self._package)
            except SyntaxError as error:
                raise UsageError(f"{file} is no Python (line {error.lineno})", "correct it first") from error
            return ScaffoldFile(file, text, before, grows=True)
        base = pascal(self._project.name) + "Table"
        text = models_text(
            self._tables,
            package=self._package,
            base=base,
            contract=self._path(self._project.contract),
            title=self._project.name,
        )
        return ScaffoldFile(file, text, None)

    def _routers(self) -> ScaffoldFile:
        """The features' routers: those that the folder has, and the new ones."""
        there = [each.parent.name for each in sorted(self.folder.glob("*/router.py"))]
        names = sorted({*there, *(feature.name for feature in self.features)})
        file = self.folder / "routers.py"
        before = file.read_text(encoding="utf-8") if file.exists() else None
        # A file that somebody has changed is no longer the sum of the folders.
        grows = before is None or before == self._routers_text(there)
        return ScaffoldFile(file, self._routers_text(names), before, grows=grows)

    def _routers_text(self, names: Sequence[str]) -> str:
        module = Module("The routers of all features.", self._package)
        imports = "\n".join(f"from {self._package}.{name}.router import router as {name}" for name in names)
        comma = "," if len(names) == 1 else ""
        module.add(imports, "", f"ROUTERS = ({', '.join(names)}{comma})")
        return module.text()

    def _test(self, feature: FeatureScaffold) -> str:
        module = Module(f"What {feature.name.replace('_', ' ')} answer, beside what Django's answer.", self._package)
        answers = [each for each in feature.answers if each.fields]
        for written in answers:
            module.use(f"{self._package}.{feature.name}.serializers", written.constant)
            names = "".join(f'        "{name}",\n' for name in written.fields)
            head = f"def test_{snake(written.title)}_has_djangos_keys_in_their_order() -> None:\n"
            body = f"    assert [*{written.constant}.fields] == [\n{names}    ]\n"
            module.add("", head + body)
        return module.text() if answers else ""

    def _template(self, name: str) -> str:
        environment = Environment(  # noqa: S701 - Python, no HTML
            undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True
        )
        source = files(__package__).joinpath("templates", f"{name}.j2").read_text("utf-8")
        prefixes = self._project.prefixes
        return environment.from_string(source).render(
            package=self._package,
            title=self._project.name,
            tokens=self.has_tokens,
            fetches_keys=self.fetches_keys,
            translates=self.translates,
            middleware=self._middleware(),
            secures=bool(self._api.settings.security.model_dump(exclude_defaults=True)),
            cors=self._cors(),
            keys=self._keys(),
            identifies=self._authenticators.identifies,
            sessions=self._authenticators.has_sessions,
            errors=error_argument(self._api.settings),
            service=prefixes.fastapi or "/",
            v1=prefixes.v1 or "/",
            v2=prefixes.v2 or "/",
            health=self._health(),
            consumer=self._path(self._project.consumer),
        )

    @property
    def fetches_keys(self) -> bool:
        """Whether it fetches the keys of tokens from JWK_URL."""
        return self._authenticators.fetches_keys

    @property
    def has_tokens_by_secret_key(self) -> bool:
        """Whether the tokens that it reads are signed by Django's SECRET_KEY."""
        return self.has_tokens and self._api.settings.secret_key_signs_tokens

    def _middleware(self) -> list[str]:
        """The arguments of the application for headers, in Django's order, as far as Django says it, and for errors."""
        settings = self._api.settings
        given = settings.security.model_dump(exclude_defaults=True)
        security = {name: quoted(value) for name, value in given.items()}
        named: dict[str, Code] = {
            **({"middleware": texts(settings.known_middleware)} if settings.middleware else {}),
            **({"security": call("SecurityHeaders", **security)} if security else {}),
            **({} if settings.append_slash else {"append_slash": "False"}),
            **({"non_field_errors_key": quoted(key)} if (key := settings.own_errors_key) else {}),
        }
        return [laid_out(keyword(name, value), indent=8, after=1) for name, value in named.items()]

    def _cors(self) -> str:
        """The argument of the application for scripts of other origins; empty where Django says nothing to any."""
        settings = dict(self._api.settings.cors or {})
        if not re.match(str(settings.pop("urls_regex", "")), f"{self._project.prefixes.django}/") or not settings:
            return ""
        named: dict[str, Code] = {
            name: texts(value) if isinstance(value, tuple) else quoted(value)
            for name, value in sorted(settings.items())
            if value
        }
        return laid_out(keyword("cors", call("Cors", **named)), indent=8, after=1)

    def _keys(self) -> list[str]:
        """The settings that are secrets."""
        signs = self.has_tokens and not self.fetches_keys
        return [*(["jwt_signing_key"] if signs else []), *(["secret_key"] if self.has_sessions else [])]

    def _health(self) -> str:
        """What the paths `live` and `ready` begin with, below the service's prefix."""
        path = self._project.fastapi.health.removeprefix(self._project.prefixes.fastapi)
        if not path.endswith(_READY):
            hint = f'set health = "{self._project.prefixes.fastapi}{_READY}" under [fastapi]'
            raise UsageError(f"the new service has no health path such as {self._project.fastapi.health}", hint)
        return path.removesuffix(_READY)

    def _path(self, file: Path) -> str:
        """The expression of a path, from a module of the package."""
        relative = Path(os.path.relpath(file, self.folder))
        ups = len([part for part in relative.parts if part == ".."])
        if ups == 0 and len(relative.parts) == 1:
            return f'Path(__file__).with_name("{relative.name}")'
        parents = f"Path(__file__).parents[{ups}]" if ups else "Path(__file__).parent"
        return " / ".join([parents, *(f'"{part}"' for part in relative.parts[ups:])])

    @staticmethod
    def _file(path: Path, text: str) -> ScaffoldFile:
        return ScaffoldFile(path, text, path.read_text(encoding="utf-8") if path.exists() else None)


def feature_name(route: Route) -> str:
    """The folder of a route: the first segment of its path that is no variable."""
    fixed = [part for part in route.path.strip("/").split("/") if part and "{" not in part]
    return identifier(snake(fixed[0] if fixed else "root") or "root", _MODULES)
