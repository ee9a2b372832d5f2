"""The depot: a project without FastAPI, whose FastAPI side the tool writes, in a folder of its own."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from strangler.local.ports import port_free_pick
from tests.checkouts import ENVIRONMENT, tool_run
from tests.example import ROOT

PROJECT = """
name = "depot"

[api]
v1 = "/api"
v2 = "/api/v2"

[files]
routes = "nginx/routes.toml"
contract = "contract.json"
consumer = "consumer.json"
cases = "cases"

[django]
command = ["{python}", "-m", "gunicorn", "tests.depot.wsgi:application", "--bind", "{host}:{port}"]
folder = "ROOT"
manage = ["{python}", "tests/depot/manage.py"]
health = "/api/health/"
openapi = "/api/schema/"
sources = ["tests/depot"]
inherit = false

[django.environment]
CACHE_DIR = "FOLDER/cache"
DATABASE_URL = "{owner_url}"
DEPOT_SETTINGS = "MODULE"
MEDIA_ROOT = "FOLDER/media"
SECRET_KEY = "{jwt_signing_key}"

[fastapi]
command = ["{python}", "-m", "depot_fastapi"]
health = "/api/v2/ready"
openapi = "/api/v2/openapi.json"
sources = ["depot_fastapi"]

[fastapi.environment]
DB_POOL_MAX = "{pool}"
FASTAPI_DATABASE_URL = "{fastapi_url}"
FASTAPI_HOST = "{host}"
FASTAPI_PORT = "{port}"
FASTAPI_WORKERS = "{workers}"
JWT_SIGNING_KEY = "{jwt_signing_key}"
PYTHONPATH = "ROOT"
SECRET_KEY = "{jwt_signing_key}"

[database]
fastapi_role = "depot_fastapi"

[sign_in]
SIGN_IN

[compare]
callers = ["ann", "bob", "kim"]

[compare.copies]
files = { MEDIA_ROOT = "media" }
own = { CACHE_DIR = "{folder}" }
"""
SECRET = "correct horse"
ROWS = f"""
import datetime
from decimal import Decimal
from django.contrib.auth.models import Permission, User
from tests.depot.stock.models import Item, Label, Place, Wish

User.objects.create_user("ian", password={SECRET!r}, is_active=False)
for name in ("ann", "bob", "kim"):
    User.objects.create_user(name, password={SECRET!r}, is_staff=name == "kim")
User.objects.get(username="ann").user_permissions.set(Permission.objects.filter(content_type__model="item"))
Wish.objects.bulk_create(
    Wish(text=f"<i>wish</i> {{number % 3}} & é", owner=User.objects.get(username="ann")) for number in range(1010)
)
places = [Place.objects.create(name=name, capacity=len(name)) for name in ("Attic", "Cellar", "Barn")]
for user in User.objects.all():
    place = places[user.pk % 4] if user.pk % 4 < 3 else None
    Wish.objects.create(text=f"of {{user.username}}", owner=user, place=place)
labels = [Label.objects.create(word=word) for word in ("old", "red", "rare", "big")]
for number in range(13):
    item = Item.objects.create(
        title=f"Thing {{number % 5}} of {{number}}",
        notes="" if number % 2 else "kept dry",
        state="used" if number % 2 else "new",
        price=number * Decimal("1.25"),
        weight=None if number % 3 else number / 3,
        made_on=None if number % 4 else datetime.date(2020, 1, 1 + number),
        opened_at=None if number % 4 else datetime.time(1, 2, number),
        details={{"n": [number, 1.5, None]}},
        place=places[number % 3],
        lent_to=places[number % 2] if number % 2 else None,
    )
    item.labels.set(labels[: number % 5])
"""
# How callers sign in, by the settings that the depot has then.
SIGN_INS = {
    "tests.depot.settings": """
path = "/token/"
routes = ["token.*"]
""",
    "tests.depot.session_settings": """
path = "/accounts/login/"
outside = true
form = true
token = ""
claim = ""
cookie = "sessionid"
csrf = "csrftoken"
""",
}
FEATURES = ("items.*", "key.*", "labels.*", "papers.*", "places.*", "token.*", "wishes.*")


@contextmanager
def changed(file: Path, new: str) -> Iterator[None]:
    """A source with another text meanwhile, for copies; the stack's own service goes on with the code of before."""
    text, times = file.read_text(), file.stat()
    assert new != text
    try:
        _write(file, new, times)
        yield
    finally:
        _write(file, text, times)


def _write(file: Path, text: str, times: os.stat_result) -> None:
    file.write_text(text)
    # A service that is older than its code isn't compared.
    os.utime(file, ns=(times.st_atime_ns, times.st_mtime_ns))


class Depot:
    """The project in a folder that holds what the tool wrote, and nothing else."""

    def __init__(self, folder: Path, settings: str = "tests.depot.settings") -> None:
        self.folder = folder
        (folder / "media").mkdir()
        names = ("PROXY_PORT", "DJANGO_PORT", "FASTAPI_PORT", "POSTGRES_PORT")
        self.ports = {name: str(port_free_pick()) for name in names}
        text = PROJECT.replace("FOLDER", str(folder)).replace('= "ROOT', f'= "{ROOT}')
        text = text.replace("MODULE", settings).replace("SIGN_IN", SIGN_INS[settings].strip())
        (folder / "strangler.toml").write_text(text)

    def run(self, *words: str, code: int = 0) -> str:
        return tool_run(self.folder, *words, code=code, STRANGLER_PASSWORD=SECRET, **self.ports)

    def python(self, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(  # noqa: S603 - what a developer of the project would run
            [sys.executable, *words],
            cwd=self.folder,
            env={**ENVIRONMENT, "PYTHONPATH": f"{ROOT}:{self.folder}"},
            capture_output=True,
            text=True,
            check=False,
        )

    def ask(self, path: str, method: str = "GET", **headers: str) -> httpx.Response:
        url = f"http://127.0.0.1:{self.ports['FASTAPI_PORT']}/api/v2{path}"
        return httpx.request(method, url, headers=headers, trust_env=False)

    def ask_django(self, path: str, **headers: str) -> httpx.Response:
        url = f"http://127.0.0.1:{self.ports['DJANGO_PORT']}/api{path}"
        return httpx.get(url, headers=headers, trust_env=False)

    def begin(self, *features: str) -> str:
        """Write FastAPI's side of these features, or of all; returns what was printed."""
        for each in (self.folder, *self.folder.parents[:2]):
            each.chmod(0o755)  # PostgreSQL runs as an account of its own
        self.run("routes", "sync")
        printed = self.run("scaffold", *(features or FEATURES))
        exported = self.python("-m", "depot_fastapi.consumer")
        assert exported.returncode == 0, exported.stderr
        return printed

    def start(self) -> None:
        """Start what was written, with rows; to be ended by `run("down")`."""
        # Picked anew: others have started servers meanwhile.
        self.ports.update({name: str(port_free_pick()) for name in self.ports})
        self.run("up", "--detach")
        self.run("manage", "shell", "--command", ROWS)
