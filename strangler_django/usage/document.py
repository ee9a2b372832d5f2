"""What of Django a project still uses, as one sorted document. Rows are counted; none is read or written."""

# ruff: noqa: SLF001 - `_meta` is how Django documents to read a model; a site's models are in no public list

import json
import sys
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from typing import Any, Final
from weakref import ReferenceType

import django
from django.apps import apps
from django.conf import settings
from django.core.management import get_commands
from django.dispatch import Signal
from django.utils import timezone

from strangler_django.usage.own_code import is_own, library_apps, own_apps, own_sources
from strangler_django.usage.tasks import LIBRARIES, tasks_of

FORMAT: Final = 1
_SCHEDULES: Final = ("CELERY_BEAT_SCHEDULE", "CELERYBEAT_SCHEDULE", "CRONJOBS")
_DATABASE_SESSIONS: Final = "django.contrib.sessions.backends.db"
Facts = dict[str, Any]


def usage_text() -> str:
    """The document as sorted JSON, which ends with a line feed."""
    unread: list[dict[str, str]] = []
    tasks, imported, files_unread = tasks_of(own_sources())
    installed = {each.name.partition(".")[0] for each in apps.get_app_configs()} & LIBRARIES
    parts: dict[str, Callable[[], Any]] = {
        "apps": lambda: sorted(each.label for each in own_apps()),
        "libraries": library_apps,
        "commands": _commands,
        "schedules": _schedules,
        "receivers": lambda: sorted(set(_receivers())),
        "templates": lambda: _files("templates", "jinja2", _template_folders()),
        "static": lambda: _files("static", "", _static_folders()),
        "admin_models": _admin_models,
        "sessions": _sessions,
        "admin_log": _admin_log,
        "staff": _staff,
    }
    document: Facts = {"format": FORMAT, "django": django.get_version()}
    for name, read in parts.items():
        try:
            document[name] = read()
        except Exception as error:  # noqa: BLE001 - a project's own classes and database may raise anything
            document[name] = None
            unread.append({"what": name, "reason": _first_line(error)})
    document["tasks"] = tasks
    document["task_libraries"] = sorted({*imported, *installed})
    document["unread"] = [*unread, *files_unread]
    return json.dumps(document, indent=1, sort_keys=True, ensure_ascii=False) + "\n"


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]


def _commands() -> list[str]:
    """Management commands of the project's apps, each behind its app."""
    owners = {
        name: owner if isinstance(owner, str) else type(owner).__module__ for name, owner in get_commands().items()
    }
    return sorted(f"{owner} {name}" for name, owner in owners.items() if is_own(owner))


def _schedules() -> list[str]:
    found: list[str] = []
    for name in _SCHEDULES:
        entries = getattr(settings, name, None) or ()
        found += [f"{name}: {entry if isinstance(entry, str) else entry[1]}" for entry in entries]
    return found


def _receivers() -> Iterator[str]:
    """The project's functions that a signal calls, each after the signal; whatever module has the signal."""
    signals: dict[int, tuple[str, Signal]] = {}
    for module in list(sys.modules.values()):
        for name, value in list(getattr(module, "__dict__", {}).items()):
            if isinstance(value, Signal):
                signals.setdefault(id(value), (name, value))
    for name, signal in signals.values():
        for entry in signal.receivers:
            receiver = entry[1]() if isinstance(entry[1], ReferenceType) else entry[1]
            # A method is a function of its class.
            module = getattr(receiver, "__module__", None) or type(receiver).__module__
            if receiver is not None and is_own(module):
                yield f"{name} {module}.{getattr(receiver, '__qualname__', type(receiver).__name__)}"


def _template_folders() -> list[Path]:
    return [Path(folder) for engine in settings.TEMPLATES for folder in engine.get("DIRS", ())]


def _static_folders() -> list[Path]:
    entries = getattr(settings, "STATICFILES_DIRS", ())
    return [Path(entry[1] if isinstance(entry, list | tuple) else entry) for entry in entries]


def _files(name: str, other: str, folders: list[Path]) -> list[str]:
    """Files in those folders of the project's apps, and in folders that the settings name."""
    roots = [Path(each.path) / folder for each in own_apps() for folder in (name, other) if folder]
    return sorted({str(file) for root in (*roots, *folders) for file in root.rglob("*") if file.is_file()})


def _admin_models() -> list[str]:
    if not apps.is_installed("django.contrib.admin"):
        return []
    from django.contrib.admin.sites import all_sites

    return sorted({model._meta.label for site in all_sites for model in site._registry})


def _sessions() -> Facts:
    """Sessions that have not expired; those of another store than a database can't be counted."""
    if not apps.is_installed("django.contrib.sessions") and settings.SESSION_ENGINE == _DATABASE_SESSIONS:
        return {"engine": None, "live": 0}
    store = import_module(settings.SESSION_ENGINE).SessionStore
    if not hasattr(store, "get_model_class"):
        return {"engine": settings.SESSION_ENGINE, "live": None}
    live = store.get_model_class().objects.filter(expire_date__gt=timezone.now()).count()
    return {"engine": settings.SESSION_ENGINE, "live": live}


def _admin_log() -> Facts:
    if not apps.is_installed("django.contrib.admin"):
        return {"rows": 0, "last": None}
    from django.contrib.admin.models import LogEntry

    last = LogEntry.objects.order_by("-action_time").values_list("action_time", flat=True).first()
    return {"rows": LogEntry.objects.count(), "last": last and last.isoformat(timespec="seconds")}


def _staff() -> int:
    """Active users who may sign in to the admin."""
    if not apps.is_installed("django.contrib.auth"):
        return 0
    from django.contrib.auth import get_user_model

    model = get_user_model()
    names = {field.name for field in model._meta.get_fields()}
    if "is_staff" not in names:
        if hasattr(model, "is_staff"):
            raise TypeError(f"is_staff of {model._meta.label} is no column")
        return 0
    active = {"is_active": True} if "is_active" in names else {}
    return model._default_manager.filter(is_staff=True, **active).count()
