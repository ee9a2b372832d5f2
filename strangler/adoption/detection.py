"""A look at a checkout before anything is asked: how Django is called, where its API is, how one signs in."""

import os
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from strangler.adoption.django_settings import DjangoSettings, SessionSettings
from strangler.adoption.endpoints import BROWSABLE_API, DjangoApi, DjangoEndpoint
from strangler.errors import FailedError, UsageError
from strangler.schema.django_side import ManageCommand, with_commands

_SCRIPT: Final = "manage.py"
_ENVIRONMENTS: Final = (".venv", "venv", "env")
# Folders that hold no project: what tools put there, and other people's packages.
_SKIPPED: Final = frozenset({"node_modules", "site-packages", *_ENVIRONMENTS})
# Views of documents, by the beginning of their name: what stands behind their path for one in JSON.
_OPENAPI: Final = {
    "drf_spectacular.views.SpectacularAPIView": "",
    "drf_spectacular.views.SpectacularJSONAPIView": "",
    "drf_yasg.views.": "?format=openapi",
    "rest_framework.schemas.views.SchemaView": "?format=openapi-json",
}
# Permissions that let everybody read a document.
_OPEN: Final = frozenset(
    f"rest_framework.permissions.{name}"
    for name in ("AllowAny", "DjangoModelPermissionsOrAnonReadOnly", "IsAuthenticatedOrReadOnly")
)
# The share of endpoints that a prefix must have.
_MOST: Final = 0.8
_HEALTH: Final = frozenset(
    {"health", "healthz", "healthcheck", "health-check", "ping", "status", "up", "live", "ready"}
)
_DJ_REST_AUTH: Final = "dj_rest_auth.views.LoginView"
# Views that sign in, and that a project's own derive from: the key of the token in the answer, and its scheme.
_TOKEN_VIEWS: Final = {
    "rest_framework_simplejwt.views.TokenObtainPairView": ("access", "Bearer"),
    "rest_framework_simplejwt.views.TokenObtainSlidingView": ("token", "Bearer"),
    "rest_framework.authtoken.views.ObtainAuthToken": ("token", "Token"),
    "djoser.views.TokenCreateView": ("auth_token", "Token"),
    "rest_framework_jwt.views.ObtainJSONWebTokenView": ("token", "Bearer"),
    _DJ_REST_AUTH: ("key", "Token"),
    "knox.views.LoginView": ("token", "Token"),
}
# Whose tokens stand in a table.
_OPAQUE: Final = "Token"
ADMIN_FORM: Final = "django.contrib.admin.sites.AdminSite.login"
_SESSION: Final = "rest_framework.authentication.SessionAuthentication"
# Of Django's forms.
_CSRF_FIELD: Final = "csrfmiddlewaretoken"
# Fields of a sign-in that no name is sent in.
_SECRETS: Final = frozenset({"password", "token", "access"})


@dataclass(frozen=True, kw_only=True)
class SignInGuess:
    """How one signs in, by a view that is known.

    `path` is below the API's prefix, or `outside` it and of a form, which gives a session, at the host; `user` the key
    of the name that is sent, `token` the key of the token in the answer, `scheme` what stands before it in the
    Authorization header, `claim` what tells its user, empty where the token is opaque. `cookie` and `csrf` are those
    of a session, and `csrf_header` the header of the CSRF check; `csrf_page` has the token as a field `csrf`, where no
    cookie has it.
    """

    path: str
    user: str
    token: str = ""
    scheme: str = ""
    cookie: str = ""
    csrf: str = ""
    csrf_header: str = ""
    csrf_page: str = ""
    outside: bool = False

    @property
    def claim(self) -> str:
        """The claim of simplejwt's tokens; those of a table, and sessions, hold nothing."""
        return "" if self.scheme in ("", _OPAQUE) else "user_id"


@dataclass(frozen=True, kw_only=True)
class Detection:
    """What was found. `manage` is the command; paths are Django's own; empty strings where nothing was found.

    `browsable`: some of its endpoints have pages (DRF's browsable API). `closed_openapi` is a document for callers who
    sign in, as the tool doesn't where it reads one.
    """

    manage: tuple[str, ...]
    api: DjangoApi
    v1: str
    v2: str
    openapi: str
    closed_openapi: str
    health: str
    sign_in: SignInGuess | None
    browsable: bool

    @property
    def authenticators(self) -> tuple[str, ...]:
        """The names of the classes that find callers, the most frequent first."""
        every = Counter(each for endpoint in self.api.endpoints for each in endpoint.authenticators or ())
        return tuple(name.rpartition(".")[2] for name, _count in every.most_common())


def find_manage(folder: Path) -> tuple[str, ...]:
    """The management command of the project in `folder` or one folder below it, with its own Python.

    :raises UsageError: there is none, or there are several.
    """
    below = sorted(each for each in folder.iterdir() if each.is_dir() and each.name not in _SKIPPED)
    scripts = [each / _SCRIPT for each in (folder, *below) if (each / _SCRIPT).is_file()]
    if (folder / _SCRIPT) in scripts:
        scripts = [folder / _SCRIPT]
    if len(scripts) != 1:
        names = ", ".join(str(script.relative_to(folder)) for script in scripts)
        what = f"there are several {_SCRIPT} ({names})" if scripts else f"there is no {_SCRIPT} here"
        raise UsageError(what, "name the project's own with --manage 'python path/manage.py'")
    return (_python(folder), str(scripts[0].relative_to(folder)))


def detect(manage: Sequence[str], folder: Path, *, timeout: float) -> Detection:
    """The API of the project that `manage` starts in `folder`.

    :raises FailedError: it doesn't start, or has no endpoint of Django REST framework.
    """
    command = ManageCommand(argv=with_commands(tuple(manage)), env=dict(os.environ), cwd=folder, timeout=timeout)
    return detection_of(manage, DjangoApi.read(command))


def detection_of(manage: Sequence[str], api: DjangoApi) -> Detection:
    """What the endpoints of a project show.

    :raises FailedError: there is none of Django REST framework.
    """
    own = [each for each in api.endpoints if each.is_api and not each.is_document]
    if not own:
        raise FailedError("no endpoint of Django REST framework was found", "is ROOT_URLCONF the API's?")
    v1 = _prefix(own)
    return Detection(
        manage=tuple(manage),
        api=api,
        v1=v1 or "/",
        v2=_next_prefix(v1, api),
        openapi=next(_documents(api.endpoints, closed=False), ""),
        closed_openapi=next(_documents(api.endpoints, closed=True), ""),
        health=next(_health_paths(api.endpoints), "") or next(_admin_forms(api), ""),
        sign_in=next(_sign_ins(own, v1, api.settings), None) or next(_forms(api, own), None),
        browsable=any(BROWSABLE_API in (each.renderers or ()) for each in own),
    )


def _python(folder: Path) -> str:
    """The interpreter of the project's own environment, from `folder`; else the one on the path."""
    for name in _ENVIRONMENTS:
        if (folder / name / "bin" / "python").exists():
            return f"{name}/bin/python"
    return "python"


def _prefix(endpoints: Sequence[DjangoEndpoint]) -> str:
    """What nearly all paths begin with, in whole segments without a parameter.

    A health check or a hook of somebody else often lies beside the API: it stays with Django. What lies below a version
    (`v1`) is the API's, though most of it is of one resource.
    """
    # The last segment is a resource: something has to be left of a path.
    paths = [[part for part in each.path.split("/") if part][:-1] for each in endpoints]
    prefix: list[str] = []
    while True:
        deeper = Counter(
            path[len(prefix)] for path in paths if path[: len(prefix)] == prefix and len(path) > len(prefix)
        )
        segment, count = next(iter(deeper.most_common(1)), ("{", 0))
        least = len(paths) if prefix and re.fullmatch(r"v\d+", prefix[-1]) else _MOST * len(paths)
        if "{" in segment or count < least:
            return "".join(f"/{part}" for part in prefix)
        prefix.append(segment)


def _next_prefix(v1: str, api: DjangoApi) -> str:
    """A prefix for v2 that Django has no path below."""
    base = v1 if not v1.rpartition("/")[2].lstrip("v").isdigit() else v1.rpartition("/")[0]
    candidates = (f"{base}/v{number}" for number in range(2, 100))
    taken = [each.path for each in api.endpoints]
    return next(each for each in candidates if each != v1 and not any(path.startswith(f"{each}/") for path in taken))


def _documents(endpoints: Sequence[DjangoEndpoint], *, closed: bool) -> Iterator[str]:
    for each in endpoints:
        if closed is _OPEN.issuperset(each.permissions or ()):
            continue
        found = next((query for view, query in _OPENAPI.items() if each.view.startswith(view)), None)
        if found is not None and "{" not in each.path and each.method in ("GET", "ANY"):
            yield each.path + found


def _health_paths(endpoints: Sequence[DjangoEndpoint]) -> Iterator[str]:
    for each in endpoints:
        last = each.path.rstrip("/").rpartition("/")[2]
        if last in _HEALTH and "{" not in each.path and each.method in ("GET", "ANY"):
            yield each.path


def _admin_forms(api: DjangoApi) -> Iterator[str]:
    """What answers 200 to everybody without a query, in nearly every project."""
    return (form.path for form in api.login_forms if form.view == ADMIN_FORM)


def _sign_ins(endpoints: Sequence[DjangoEndpoint], v1: str, settings: DjangoSettings) -> Iterator[SignInGuess]:
    for each in endpoints:
        known = (_TOKEN_VIEWS[name] for name in (each.view, *each.bases) if name in _TOKEN_VIEWS)
        key, scheme = next(known, ("", ""))
        if key and each.method == "POST":
            fields = each.serializer.fields if each.serializer else ()
            if fields and not any(field.name == "password" for field in fields):
                # By what another service says of a caller, such as dj-rest-auth's SocialLoginView.
                continue
            names = [field.name for field in fields if not field.read_only and field.name not in _SECRETS]
            user = settings.username_field if settings.username_field in names or not names else names[0]
            is_outside = not each.path.startswith(f"{v1}/")
            path = each.path if is_outside else each.path.removeprefix(v1)
            guess = SignInGuess(path=path, outside=is_outside, user=user, token=key, scheme=scheme)
            yield _with_cookie(guess, settings) if _DJ_REST_AUTH in (each.view, *each.bases) else guess


def _with_cookie(guess: SignInGuess, settings: DjangoSettings) -> SignInGuess:
    """A sign-in of dj-rest-auth: a row's token, or a JSON web token in the answer or in a cookie."""
    cookie, sessions = settings.token_cookie, settings.sessions
    if cookie is None:
        return guess
    if not cookie.name:
        return replace(guess, token="access", scheme="Bearer")  # noqa: S106 - a key of the answer
    # What a session holds, no page of the API shows.
    is_checked = (cookie.csrf or cookie.csrf_always) and not sessions.csrf_use_sessions
    csrf = sessions.csrf_cookie_name if is_checked else ""
    return replace(guess, token="", scheme="Bearer", cookie=cookie.name, csrf=csrf, csrf_header=_csrf_header(sessions))


def _csrf_header(sessions: SessionSettings) -> str:
    return sessions.csrf_header_name.removeprefix("HTTP_").replace("_", "-")


def _forms(api: DjangoApi, endpoints: Sequence[DjangoEndpoint]) -> Iterator[SignInGuess]:
    """Forms whose session the API takes; the admin's comes last, since it is for staff alone."""
    if not any(_SESSION in (each.authenticators or ()) for each in endpoints):
        return
    sessions = api.settings.sessions
    for form in sorted(api.login_forms, key=lambda form: form.view == ADMIN_FORM):
        yield SignInGuess(
            path=form.path,
            user=form.user,
            cookie=sessions.cookie_name,
            csrf=_CSRF_FIELD if sessions.csrf_use_sessions else sessions.csrf_cookie_name,
            csrf_page=form.path if sessions.csrf_use_sessions else "",
            csrf_header=_csrf_header(sessions),
        )
