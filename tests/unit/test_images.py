"""Each service needs its own locked requirements only: what an image lacks is hidden here, and the service imported."""

import os
import re
import subprocess
import sys
from importlib.metadata import packages_distributions

import pytest

from tests.example import ROOT

# A module that is None in sys.modules can't be imported, as if it weren't installed.
HIDE = "import sys; sys.modules.update(dict.fromkeys(sys.argv[1].split(',')));"
EVERY = (
    "import importlib, pkgutil, {0} as top;"
    " [importlib.import_module(found.name) for found in pkgutil.walk_packages(top.__path__, '{0}.')"
    " if found.name != 'django_app.config.gunicorn']"  # Which ends the process where a secret is missing.
)
# What settings name as text is imported when it is first needed: a request would be too late to miss something.
NAMED = (
    "import re; from pathlib import Path; from django.utils.module_loading import import_string;"
    " text = Path('django_app/config/settings.py').read_text();"
    " named = re.findall(r'\"(strangler_django[.][a-z_.]+[.][A-Z]\\w+)\"', text);"
    " assert len(named) > 5; [import_string(name) for name in named];"
)
DJANGO = "import django; django.setup();" + NAMED + EVERY.format("django_app")
FASTAPI = EVERY.format("fastapi_app")
TOOL = (
    "from strangler.cli import command_line;"
    " commands = sorted(command.callback.__name__ for command in command_line().registered_commands);"
    " assert commands == ['clients', 'compare', 'grant', 'metrics', 'ramp', 'render'], commands;"
    " assert [group.name for group in command_line().registered_groups] == ['schema']"
)


def absent(requirements: str) -> set[str]:
    """Modules of this environment that an image with those requirements has not."""
    text = (ROOT / "requirements" / f"{requirements}.txt").read_text()
    locked = {normal(name) for name in re.findall(r"^([A-Za-z0-9._-]+)==", text, flags=re.MULTILINE)}
    return {
        module
        for module, owners in packages_distributions().items()
        if not locked & {normal(owner) for owner in owners} and module.isidentifier()
    }


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


@pytest.mark.parametrize(
    ("requirements", "start"),
    [("django", DJANGO), ("fastapi", FASTAPI), ("strangler", TOOL)],
    ids=["django", "fastapi", "strangler"],
)
def test_a_service_starts_with_its_own_requirements(requirements: str, start: str) -> None:
    hidden = absent(requirements) - {
        *("django_app", "fastapi_app", "sample_data", "shared_schema"),
        *("strangler", "strangler_django", "strangler_fastapi"),
    }
    result = subprocess.run(  # noqa: S603 - this Python
        [sys.executable, "-c", HIDE + start, ",".join(sorted(hidden))],
        cwd=ROOT,
        env=os.environ | {"DJANGO_SETTINGS_MODULE": "tests.django_settings"},
        check=False,
        capture_output=True,
        text=True,
    )
    assert result.returncode == 0, result.stderr


@pytest.mark.parametrize(
    ("requirements", "module"),
    [("django", "fastapi"), ("fastapi", "django"), ("strangler", "django"), ("strangler", "greenlet")],
)
def test_what_an_image_lacks_is_hidden(requirements: str, module: str) -> None:
    assert module in absent(requirements)
