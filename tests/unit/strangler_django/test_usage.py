"""What a project still uses of Django is found in one that the tool has never seen, and what can't be read is named."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from strangler_django.usage.tasks import tasks_of
from tests.example import ROOT

SETTINGS = """
SECRET_KEY = "of a project that only this test runs"
INSTALLED_APPS = ["django.contrib.contenttypes", "django.contrib.auth", "django.contrib.sessions", "shop.orders"]
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}}
DEFAULT_AUTO_FIELD = "django.db.models.AutoField"
CELERY_BEAT_SCHEDULE = {"nightly": {}}
"""
APPS = """
from django.apps import AppConfig
from django.core.signals import request_finished
class Orders(AppConfig):
    name = "shop.orders"
    def ready(self):
        request_finished.connect(shipped)
        request_finished.connect(self.closed)
    def closed(self, **kwargs): ...
def shipped(**kwargs): ...
"""
TASKS = """
from celery import shared_task, Task as Base, Task
from config.queue import app
@shared_task(bind=True)
def mail(self): ...
@app.task
async def ship(): ...
class Bill(Task): ...
def task(): ...
@task
def no_task(): ...
@property
def neither(): ...
"""
COMMAND = "from django.core.management.base import BaseCommand\nclass Command(BaseCommand): ...\n"


@pytest.fixture
def document(tmp_path: Path) -> dict[str, Any]:
    files = {
        "manage.py": "import os, sys\nos.environ['DJANGO_SETTINGS_MODULE'] = 'shop.settings'\n"
        "from django.core.management import execute_from_command_line\nexecute_from_command_line(sys.argv)\n",
        "shop/__init__.py": "",
        "shop/settings.py": SETTINGS,
        "shop/celery.py": "def app_task(",
        "shop/orders/__init__.py": "",
        "shop/orders/apps.py": APPS,
        "shop/orders/tasks.py": TASKS,
        "shop/orders/management/__init__.py": "",
        "shop/orders/management/commands/__init__.py": "",
        "shop/orders/management/commands/restock.py": COMMAND,
        "shop/orders/templates/orders/page.html": "",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    command = [sys.executable, "-m", "strangler_django", "manage.py", "export_usage"]
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)}
    run = subprocess.run(command, cwd=tmp_path, env=environment, check=True, capture_output=True, text=True)  # noqa: S603 - its own command
    return json.loads(run.stdout)


def test_all_that_is_the_projects_own_is_found(document: dict[str, Any]) -> None:
    assert document["apps"] == ["orders"]
    assert document["commands"] == ["shop.orders restock"]
    assert document["receivers"] == [
        "request_finished shop.orders.apps.Orders.closed",
        "request_finished shop.orders.apps.shipped",
    ]
    assert [Path(name).name for name in document["templates"]] == ["page.html"]
    assert [(task["name"], task["line"]) for task in document["tasks"]] == [("mail", 5), ("ship", 7), ("Bill", 8)]
    assert (document["task_libraries"], document["schedules"]) == (["celery"], ["CELERY_BEAT_SCHEDULE: nightly"])
    # Its tables were never made, and one of its files is no Python.
    assert document["sessions"] is None
    assert [each["what"].rpartition("/")[2] for each in document["unread"]] == ["sessions", "staff", "celery.py"]
    assert "no such table: django_session" in document["unread"][0]["reason"]


def test_a_name_that_any_module_may_have_is_a_task_only_of_a_task_library(tmp_path: Path) -> None:
    file = tmp_path / "jobs.py"
    file.write_text(
        "from django_rq import job as queued\nfrom mine import job\n@queued\ndef a(): ...\n@job\ndef b(): ...\n"
    )
    tasks, libraries, unread = tasks_of([file])
    assert ([task["name"] for task in tasks], libraries, unread) == (["a"], ["django_rq"], [])
