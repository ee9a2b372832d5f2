"""The project file of a project that has none yet."""

import json
from dataclasses import dataclass
from typing import Final

from strangler.adoption.compose_file import OVERLAY
from strangler.adoption.detection import SignInGuess

_TEMPLATE: Final = """\
# The project file: all that the tool knows of this project. Paths are relative to this file.

name = {name}

# Where clients find the two versions of the API: prefixes of public paths, "/" for none.
[api]
v1 = {v1}
v2 = {v2}

[files]
routes = {routes}
contract = {contract}
consumer = {consumer}
cases = {cases}

# The legacy service, which runs already; with `command` in place of `address`, strangler up starts it.
[django]
address = {django}
{django_container}manage = {manage}
health = {health}
{openapi}{browsable}# What its own paths begin with.
prefix = {v1}

# The new service.
[fastapi]
address = {fastapi}
{fastapi_container}health = {ready}
openapi = {document}
prefix = {v2}

[database]
# The role that FastAPI reads with: strangler grant gives it what its statements need.
fastapi_role = {role}
"""
# In front of a compose file's own services, whatever their names are.
_CONTAINERS: Final = """
# The gateway's services in {overlay}.
[containers]
nginx = "strangler-nginx"
setup = "strangler-setup"
shadow = "strangler-shadow"
ramp = "strangler-ramp"
"""
_BROWSABLE: Final = "# Browsers get its pages of the API, whichever stack answers other clients.\nbrowsable = true\n"
_SIGN_IN: Final = """
# How a caller signs in: a POST to `path` below the API's prefix{or_outside}. nginx tells callers apart by a
# claim of the token, where it has none by a hash of it, and by a hash of the session's cookie (`cookie`).
[sign_in]
path = {path}
{outside}body = {{ {user} = "{{user}}", password = "{{password}}" }}
token = {token}
scheme = {scheme}
claim = {claim}
{cookie}"""
_FORM: Final = """
# How a caller signs in: a form at `path` of the host, which gives a session and a CSRF token. nginx tells callers
# apart by a hash of the session's cookie.
[sign_in]
path = {path}
outside = true
form = true
body = {{ {user} = "{{user}}", password = "{{password}}" }}
token = ""
claim = ""
cookie = {cookie}
csrf = {csrf}
csrf_header = {csrf_header}
{csrf_page}"""
_NO_SIGN_IN: Final = """
# How a caller signs in was not found: strangler init --sign-in PATH. Compare and canary know callers by it:
# [sign_in]
# path = "/login/"
# body = { username = "{user}", password = "{password}" }
# token = "token"
# scheme = "Bearer"
"""


@dataclass(frozen=True, kw_only=True)
class Answers:
    """The values of the file.

    `django` and `fastapi` are addresses, `containers` those of both among containers, where there is a compose file;
    the others are as the file has them.
    """

    name: str
    v1: str
    v2: str
    django: str
    fastapi: str
    manage: tuple[str, ...]
    health: str
    openapi: str
    sign_in: SignInGuess | None
    containers: tuple[str, str] | None = None
    browsable: bool = False


def project_text(answers: Answers) -> str:
    """The file, as TOML."""
    openapi = f"openapi = {_quoted(answers.openapi)}\n" if answers.openapi else ""
    browsable = _BROWSABLE if answers.browsable else ""
    values = {
        "name": answers.name,
        "v1": answers.v1,
        "v2": answers.v2,
        "django": answers.django,
        "fastapi": answers.fastapi,
        "health": answers.health,
        "ready": f"{answers.v2}/ready",
        "document": f"{answers.v2}/openapi.json",
        "routes": "nginx/routes.toml",
        "contract": "contract.json",
        "consumer": "consumer.json",
        "cases": "tests/cases",
        "role": f"{answers.name.lower().replace('-', '_')}_fastapi",
    }
    filled = {key: _quoted(value) for key, value in values.items()}
    manage = f"[{', '.join(map(_quoted, answers.manage))}]"
    containers = [f"container = {_quoted(address)}\n" for address in answers.containers or ()] or ["", ""]
    text = _TEMPLATE.format(
        **filled,
        manage=manage,
        openapi=openapi,
        browsable=browsable,
        django_container=containers[0],
        fastapi_container=containers[1],
    )
    if answers.containers:
        text += _CONTAINERS.format(overlay=OVERLAY)
    if answers.sign_in is None:
        return text + _NO_SIGN_IN
    guess = answers.sign_in
    if not guess.scheme:
        cookies = {name: _quoted(getattr(guess, name)) for name in ("path", "cookie", "csrf", "csrf_header")}
        page = f"csrf_page = {_quoted(guess.csrf_page)}\n" if guess.csrf_page else ""
        return text + _FORM.format(user=guess.user, csrf_page=page, **cookies)
    return text + _SIGN_IN.format(
        path=_quoted(guess.path),
        or_outside=" or, `outside` it, of the host" if guess.outside else "",
        outside="outside = true\n" if guess.outside else "",
        user=guess.user,
        token=_quoted(guess.token),
        scheme=_quoted(guess.scheme),
        claim=_quoted(guess.claim),
        cookie="".join(f"{name} = {_quoted(text)}\n" for name, text in _cookies(guess).items()),
    )


def _quoted(value: str) -> str:
    # A basic string of TOML is escaped as one of JSON is.
    return json.dumps(value, ensure_ascii=False)


def _cookies(guess: SignInGuess) -> dict[str, str]:
    """The keys of a token in a cookie."""
    csrf = {"csrf": guess.csrf, "csrf_header": guess.csrf_header} if guess.csrf else {}
    return {"cookie": guess.cookie, **csrf} if guess.cookie else {}
