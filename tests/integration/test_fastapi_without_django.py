"""FastAPI's locked requirements, installed alone: the service is there and Django isn't."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.example import ROOT

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


def uv(*arguments: str) -> None:
    command = [sys.executable, "-m", "uv", *arguments]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)  # noqa: S603 - uv of .venv
    assert result.returncode == 0, result.stderr


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Python with FastAPI's requirements and nothing else."""
    folder = tmp_path_factory.mktemp("alone") / "venv"
    uv("venv", "--python", sys.executable, str(folder))
    found = folder / "bin" / "python"
    requirements = str(ROOT / "requirements" / "fastapi.txt")
    uv("pip", "install", "--python", str(found), "--require-hashes", "-r", requirements)
    return found


@pytest.mark.long
def test_the_service_can_be_made_where_django_is_not(python: Path) -> None:
    environment = {"PATH": "/usr/bin:/bin", "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"}
    result = subprocess.run(  # noqa: S603 - the text above
        [str(python), "-c", SHOW], cwd=python.parent, env=environment, capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stderr
    shown = json.loads(result.stdout)
    assert shown["importable"] == shown["loaded"] == []
    assert shown["paths"] > 15
    assert Path(shown["prefix"]) == python.parents[1]
