"""Which code is the project's own, and which a library's."""

import sys
import sysconfig
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from django.apps import AppConfig, apps
from django.conf import settings

# Installed from a checkout or with `pip --target`, they lie beside the project's code.
_TOOLS: Final = frozenset({"django", "rest_framework", "strangler_django", "shared_schema"})
_STANDARD: Final = Path(sysconfig.get_path("stdlib")).resolve()
_LIBRARIES: Final = frozenset({"site-packages", "dist-packages"})
_SETTINGS: Final = ("SETTINGS_MODULE", "ROOT_URLCONF", "WSGI_APPLICATION", "ASGI_APPLICATION")


def is_own(module: str) -> bool:
    """Whether a module is the project's, by its top-level package or by where it lies.

    A project that is installed as a package itself lies among the libraries: there its settings tell.
    """
    top = module.partition(".")[0]
    if top in _TOOLS:
        return False
    if top in {name.partition(".")[0] for name in _named()}:
        return True
    file = getattr(sys.modules.get(module), "__file__", None)
    return bool(file) and not _is_library(Path(str(file)))


def own_apps() -> list[AppConfig]:
    """The project's installed apps."""
    return [each for each in apps.get_app_configs() if is_own(each.name)]


def library_apps() -> list[str]:
    """The installed apps that are taken for libraries', but for Django's, DRF's and this one's."""
    names = (each.name for each in apps.get_app_configs() if not is_own(each.name))
    return sorted(name for name in names if name.partition(".")[0] not in _TOOLS)


def own_sources() -> list[Path]:
    """Python files of the project: in its apps, beside its settings and URLs, and all that were imported."""
    found = {Path(str(module.__file__)) for name, module in list(sys.modules.items()) if _has_file(name)}
    for root in {*(Path(each.path) for each in own_apps()), *_package_folders()}:
        found.update(file for file in root.rglob("*.py") if not _is_library(file) or _is_library(root))
    return sorted({file.resolve() for file in found if file.suffix == ".py" and file.is_file()})


def _has_file(name: str) -> bool:
    return name != "__main__" and bool(getattr(sys.modules[name], "__file__", None)) and is_own(name)


def _package_folders() -> Iterator[Path]:
    """The folders of the packages that hold settings, URLs and the like."""
    for name in _named():
        package = name.rpartition(".")[0]
        spec = find_spec(package) if package else None
        yield from map(Path, (spec and spec.submodule_search_locations) or ())


def _named() -> list[str]:
    """Modules that the settings name; of a WSGI application, its module."""
    values = {name: getattr(settings, name, None) for name in _SETTINGS}
    return [
        value.rpartition(".")[0] if name.endswith("APPLICATION") else value
        for name, value in values.items()
        if isinstance(value, str)
    ]


def _is_library(path: Path) -> bool:
    path = path.resolve()
    return bool(_LIBRARIES.intersection(path.parts)) or path.is_relative_to(_STANDARD)
