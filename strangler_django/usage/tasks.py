"""Functions that a queue runs, found in the project's sources: a library that runs elsewhere isn't imported here."""

import ast
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Final

LIBRARIES: Final = frozenset(
    {
        *("apscheduler", "arq", "background_task", "celery", "django_apscheduler", "django_celery_beat"),
        *("django_celery_results", "django_crontab", "django_dramatiq", "django_q", "django_rq", "django_tasks"),
        *("dramatiq", "huey", "procrastinate", "rq", "rq_scheduler", "taskiq"),
    }
)
# As a name by itself only where it comes from one of those: `task` and `job` may be anything.
_DECORATORS: Final = frozenset(
    {"actor", "db_periodic_task", "db_task", "job", "periodic_task", "scheduled_job", "shared_task", "task"}
)


def tasks_of(sources: Iterable[Path]) -> tuple[list[dict[str, Any]], list[str], list[dict[str, str]]]:
    """Tasks with their places, the task libraries that are imported, and files that can't be read."""
    tasks: list[dict[str, Any]] = []
    libraries: set[str] = set()
    unread: list[dict[str, str]] = []
    for file in sources:
        try:
            tree = ast.parse(file.read_bytes())
        except (OSError, SyntaxError, ValueError, RecursionError) as error:
            unread.append({"what": f"tasks in {file}", "reason": str(error) or type(error).__name__})
            continue
        names = dict(_imported(tree))
        libraries.update(names.values())
        tasks += [{"name": name, "file": str(file), "line": line} for name, line in _tasks(tree, names)]
    return tasks, sorted(libraries), unread


def _imported(tree: ast.Module) -> Iterator[tuple[str, str]]:
    """The names that a module imports from task libraries, each with its library."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            modules = [(each.asname or each.name.partition(".")[0], each.name) for each in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            modules = [(each.asname or each.name, node.module) for each in node.names]
        else:
            continue
        for name, module in modules:
            # Django 6 has a framework of its own.
            library = "django.tasks" if module == "django.tasks" else module.partition(".")[0]
            if library in LIBRARIES or library == "django.tasks":
                yield name, library


def _tasks(tree: ast.Module, imported: dict[str, str]) -> Iterator[tuple[str, int]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            if any(_is_task(decorator, imported) for decorator in node.decorator_list):
                yield node.name, node.lineno
        elif isinstance(node, ast.ClassDef):
            bases = [base.id if isinstance(base, ast.Name) else getattr(base, "attr", "") for base in node.bases]
            if "Task" in bases and "celery" in imported.values():
                yield node.name, node.lineno


def _is_task(decorator: ast.expr, imported: dict[str, str]) -> bool:
    called = decorator.func if isinstance(decorator, ast.Call) else decorator
    if isinstance(called, ast.Attribute):
        return called.attr in _DECORATORS
    return isinstance(called, ast.Name) and called.id in imported
