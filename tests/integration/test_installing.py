"""What is installed alone works alone: the locked requirements, and each extra of the wheel in an environment."""

import json
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.example import ROOT

pytestmark = pytest.mark.long

LIBRARIES = {"shared_schema", "strangler", "strangler_django", "strangler_fastapi"}

# Neither of them, nor what belongs to them, may be needed.
DJANGOS = ("django", "rest_framework", "rest_framework_simplejwt", "django_filters", "drf_spectacular", "psycopg")
SHOW = f"""
import importlib.util, json, sys
import fastapi_app.main
from fastapi_app.config import Settings
settings = Settings(fastapi_database_url="postgresql://u:p@127.0.0.1:1/none", jwt_signing_key="k" * 40)
app = fastapi_app.main.create_app(settings)
print(json.dumps({{
    "importable": [name for name in {DJANGOS!r} if importlib.util.find_spec(name)],
    "loaded": sorted(name for name in sys.modules if name.split(".")[0] in {DJANGOS!r} + ("django_app", "strangler")),
    "paths": len(app.openapi()["paths"]),
    "prefix": sys.prefix,
}}))
"""


BARE = {"PATH": "/usr/bin:/bin", "PYTHONDONTWRITEBYTECODE": "1"}


def run(*argv: str | Path, cwd: Path = ROOT, env: dict[str, str] | None = None) -> str:
    result = subprocess.run(argv, cwd=cwd, env=env, capture_output=True, text=True, check=False)  # noqa: S603 - what is under test
    assert result.returncode == 0, result.stderr
    return result.stdout


UV = (sys.executable, "-m", "uv")


LOCKED = ("-c", "requirements/dev.txt")


def environment(folder: Path) -> Path:
    """The Python of a new environment with nothing in it."""
    run(*UV, "venv", "--python", sys.executable, folder)
    return folder / "bin" / "python"


def install(python: Path, *words: str) -> set[str]:
    """The names of all that is in the environment once this is, too."""
    run(*UV, "pip", "install", "--python", python, *words)
    found = json.loads(run(*UV, "pip", "list", "--python", python, "--format", "json"))
    return {each["name"] for each in found}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    run(sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", folder)
    (file,) = folder.glob("*.whl")
    return file


def asked(wheel: Path, extra: str) -> str:
    """The wheel with an extra, as an installer is asked for it."""
    return f"strangler[{extra}] @ {wheel.as_uri()}"


def test_the_service_can_be_made_where_django_is_not(tmp_path: Path) -> None:
    python = environment(tmp_path / "venv")
    install(python, "--require-hashes", "-r", "requirements/fastapi.txt")
    shown = json.loads(run(python, "-c", SHOW, cwd=tmp_path, env=BARE | {"PYTHONPATH": str(ROOT)}))
    # Background work brings psycopg; a service without any loads neither.
    assert (shown["importable"], shown["loaded"]) == (["psycopg"], [])
    assert shown["paths"] > 15
    assert Path(shown["prefix"]) == tmp_path / "venv"


SHOP = {
    "manage.py": """
import os, sys
from django.core.management import execute_from_command_line
os.environ["DJANGO_SETTINGS_MODULE"] = "settings"
execute_from_command_line(sys.argv)
""",
    "settings.py": """
SECRET_KEY = "of a test, which is over at once"
INSTALLED_APPS = ["django.contrib.contenttypes", "django.contrib.auth", "rest_framework"]
DATABASES = {"default": {"ENGINE": "django.db.backends.postgresql", "HOST": "127.0.0.1", "PORT": 1, "NAME": "none"}}
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
}
ROOT_URLCONF = "urls"
USE_TZ = True
""",
    "urls.py": """
from django.contrib.auth.models import Group
from django.urls import include, path
from rest_framework import routers, serializers, viewsets

class GroupSerializer(serializers.ModelSerializer):
    class Meta:
        model = Group
        fields = ["id", "name"]

class Groups(viewsets.ModelViewSet):
    queryset = Group.objects.order_by("id")
    serializer_class = GroupSerializer

router = routers.SimpleRouter()
router.register("groups", Groups)
urlpatterns = [path("api/", include(router.urls))]
""",
}
# What Django and Django REST framework bring along, and the driver that a service of their time has.
LEGACY = {"strangler", "django", "djangorestframework", "asgiref", "sqlparse", "psycopg2-binary"}
OLDEST = ("django==4.2.*", "djangorestframework==3.15.*", "psycopg2-binary")
# All that a project may import, but what needs a package of its own: metrics, and tokens by simplejwt.
IMPORT = """
import django, importlib, pkgutil, sys
from django.conf import settings
apps = ["django.contrib.contenttypes", "django.contrib.auth"]
own = ["strangler_django", "strangler_django.sign_in", "strangler_django.throttling"]
settings.configure(INSTALLED_APPS=[*apps, *own], DATABASES={})
django.setup()
import strangler_django
for module in pkgutil.walk_packages(strangler_django.__path__, "strangler_django."):
    if module.name not in ("strangler_django.__main__", "strangler_django.metrics", *sys.argv[1:]):
        importlib.import_module(module.name)
"""
SIMPLEJWT = ("strangler_django.tokens", "strangler_django.sign_in.serializers")


def shop_write(folder: Path) -> None:
    for name, text in SHOP.items():
        (folder / name).write_text(text)


def test_a_legacy_service_is_asked_for_nothing_that_it_has_not(wheel: Path, tmp_path: Path) -> None:
    python = environment(tmp_path / "venv")
    assert install(python, asked(wheel, "django"), *OLDEST) == LEGACY
    run(python, "-c", IMPORT, *SIMPLEJWT, cwd=tmp_path, env=BARE)
    done = subprocess.run(  # noqa: S603 - what is under test
        [python.with_name("strangler"), "init"], env=BARE, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "strangler: the tool's own packages aren't installed here: pip install 'strangler[tool]'\n"


@pytest.mark.parametrize(
    ("packages", "sentence"),
    [
        (
            ("django==4.1.*", "djangorestframework==3.14.*"),
            r"Django 4\.1\.\d+ is too old for strangler_django: upgrade",
        ),
        (("django==4.2.*", "djangorestframework==3.14.*"), r"Django REST framework 3\.14\.\d+ is too old"),
    ],
)
def test_a_project_that_is_too_old_is_refused_in_a_sentence(
    packages: tuple[str, ...], sentence: str, wheel: Path, tmp_path: Path
) -> None:
    shop_write(tmp_path)
    python = environment(tmp_path / "venv")
    install(python, str(wheel), *packages)
    given = subprocess.run(  # noqa: S603 - what is under test
        (python, "-m", "strangler_django", "manage.py", "export_endpoints"),
        cwd=tmp_path,
        env=BARE,
        capture_output=True,
        text=True,
        check=False,
    )
    assert given.returncode == 1
    assert re.fullmatch(rf"strangler_django: {sentence}.*\n", given.stderr), given.stderr


def test_the_wheel_leads_from_the_oldest_django_to_its_fastapi_in_three_environments(
    wheel: Path, tmp_path: Path
) -> None:
    names = {name.partition("/")[0] for name in zipfile.ZipFile(wheel).namelist()}
    assert {name for name in names if not name.endswith(".dist-info")} == LIBRARIES
    django, tool, fastapi = (environment(tmp_path / name) for name in ("django", "tool", "fastapi"))
    install(django, asked(wheel, "django"), *OLDEST)
    assert install(tool, asked(wheel, "tool"), *LOCKED).isdisjoint({"django", "fastapi", "hatchling"})
    assert install(fastapi, asked(wheel, "fastapi"), *LOCKED).isdisjoint({"django", "typer", "jinja2"})

    project = tmp_path / "project"
    project.mkdir()
    shop_write(project)
    strangler = tool.with_name("strangler")
    init = run(strangler, "init", "--manage", f"{django} manage.py", "--name", "shop", cwd=project, env=BARE)
    assert "nginx/routes.toml is written: 5 routes at stage legacy" in init
    assert "6 endpoints: 6 scaffold." in run(strangler, "inventory", cwd=project, env=BARE)
    assert "6 endpoints: 6 whole, 0 with gaps." in run(strangler, "scaffold", "*", cwd=project, env=BARE)

    run(fastapi, "-m", "shop_fastapi.consumer", cwd=project, env=BARE)
    assert "auth_group" in (project / "consumer.json").read_text()
    service = BARE | {"FASTAPI_DATABASE_URL": "postgresql://u:p@127.0.0.1:1/none"}
    show = "from shop_fastapi.main import create_app; print(*create_app().openapi()['paths'])"
    assert run(fastapi, "-c", show, cwd=project, env=service).split() == ["/api/v2/groups/", "/api/v2/groups/{pk}/"]


def test_the_image_of_the_tool_renders_another_project(wheel: Path, tmp_path: Path) -> None:
    python = environment(tmp_path / "venv")
    install(python, asked(wheel, "strangler"), *LOCKED)
    project = tmp_path / "project"
    project.mkdir()
    for file in ("strangler.toml", "routes.toml", "contract.json", "consumer.json"):
        shutil.copy(ROOT / "tests" / "second_project" / file, project)
    file = project / "strangler.toml"
    file.write_text(
        re.sub(r"^\[(django|fastapi)\]$", r'[\1]\ncontainer = "\1:8000"', file.read_text(), flags=re.MULTILINE)
    )
    strangler = python.with_name("strangler")
    assert "switch" not in run(strangler, "--help", cwd=project, env=BARE), "its servers aren't installed"
    run(strangler, "render", "--target", "container", "--out", "generated", cwd=project, env=BARE)
    routes = (project / "generated" / "current" / "routes.conf").read_text()
    assert "/next" in routes
    assert "/api" not in routes
