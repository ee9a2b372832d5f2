"""A sign-in as the project file describes it: its request, and what a signed-in caller's requests carry."""

import json
import secrets
from collections.abc import Mapping, Sequence
from html.parser import HTMLParser
from http.cookies import CookieError, SimpleCookie
from typing import Any, Final
from urllib.parse import urlencode

from strangler.compare.case import Case
from strangler.compare.client.client import SideClient
from strangler.compare.client.errors import RequestError
from strangler.compare.client.response import Headers, SideResponse
from strangler.sections import SignInSection

_FORM: Final = "application/x-www-form-urlencoded"
_REFUSED: Final = 400
_NONE_MADE: Final = 300
# Of Django's 32 letters and digits: it compares the cookie with the header, and takes any secret that stands in both.
_SECRET_BYTES: Final = 16


class SignIn:
    """Signs callers in as `section` says."""

    def __init__(self, section: SignInSection) -> None:
        self._section = section
        self._csrf = secrets.token_hex(_SECRET_BYTES)

    async def send(self, client: SideClient, name: str, password: str) -> SideResponse:
        """The answer of a side to the request that signs a caller in, or that of a page without which it can't.

        :raises AskFailed: the side doesn't answer.
        """
        section = self._section
        filled = {key: text.format_map({"user": name, "password": password}) for key, text in section.body.items()}
        media, text = (_FORM, urlencode(filled)) if section.form else ("application/json", json.dumps(filled))
        passing = self._cookies({})
        if section.csrf_page:
            page = await self._page(client, ())
            if page.status >= _REFUSED:
                return page
            passing = self._passing(client, page, cookies_set(page))
        headers = (("Content-Type", media), *passing)
        case = Case(method="POST", target=section.path, headers=headers, body=text.encode())
        return (await client.send(case, at_root=section.outside)).answer

    async def credentials(self, client: SideClient, token: str, answer: SideResponse) -> Headers:
        """The headers of a caller's requests, who has got this token, or cookie, from a side by `answer`.

        :raises AskFailed: the side doesn't answer, or its page has no CSRF token.
        """
        if not self._section.csrf_page:
            return self.headers(token, answer)
        # Signing in has given the session another token.
        kept = cookies_set(answer)
        page = await self._page(client, _cookie_header(kept))
        passing = self._passing(client, page, kept | cookies_set(page))
        return (*self.headers(token), *passing) if self._section.token else passing

    def token(self, answer: SideResponse) -> str | None:
        """The token, or the cookie's value, that an answer signs somebody in with; None if it signs nobody in."""
        if self._section.token:
            return _token_in(answer, self._section.token)
        # Django's own view answers with a redirect, and with its form again (200, without a session) if it refuses.
        return cookies_set(answer).get(self._section.cookie) if answer.status < _REFUSED else None

    async def _page(self, client: SideClient, cookies: Headers) -> SideResponse:
        case = Case(method="GET", target=self._section.csrf_page or "", headers=(("Accept", "*/*"), *cookies))
        return (await client.send(case, at_root=self._section.outside)).answer

    def _passing(self, client: SideClient, page: SideResponse, cookies: Mapping[str, str]) -> Headers:
        """The headers that pass the CSRF check with the token of a page."""
        section = self._section
        token = _token_in(page, section.csrf) or _field_in(page, section.csrf)
        if token is None:
            reason = f"has no {section.csrf} at {section.csrf_page} (status {page.status})"
            raise RequestError(client.side.name, reason)
        return (*_cookie_header(cookies), (section.csrf_header, token))

    def headers(self, token: str, answer: SideResponse | None = None) -> Headers:
        """The headers of a request that carries this token; `answer` is that of its sign-in, which may set cookies."""
        section = self._section
        given = cookies_set(answer) if answer else {}
        name = section.csrf_cookie
        csrf = {name: given[name]} if name in given else {}
        if section.token:
            return (("Authorization", f"{section.scheme} {token}"), *self._cookies(csrf))
        return self._cookies({section.cookie: token, **csrf})

    def refusal(self, answer: SideResponse) -> str:
        """Why an answer signs nobody in."""
        section = self._section
        what = f"no {section.token}" if section.token else f"no cookie {section.cookie}"
        return f"status {answer.status}, {what}" if answer.status < _REFUSED else f"status {answer.status}"

    def _cookies(self, given: Mapping[str, str]) -> Headers:
        """These cookies, with that of the CSRF check and its header where the project has one."""
        name = self._section.csrf_cookie
        cookies = {**given, name: given.get(name, self._csrf)} if name else dict(given)
        header = _cookie_header(cookies)
        return (*header, (self._section.csrf_header, cookies[name])) if name else header


def credentials_shown(section: SignInSection) -> Headers:
    """The headers of a caller's requests as a shell sends them, with the token or cookie in variables."""
    csrf = f"{section.csrf_cookie}=$CSRF" if section.csrf_cookie else ""
    session = "" if section.token else f"{section.cookie}=$COOKIE"
    cookies = "; ".join(filter(None, (session, csrf)))
    return (
        *((("Authorization", f"{section.scheme} $TOKEN"),) if section.token else ()),
        *((("Cookie", cookies),) if cookies else ()),
        *(((section.csrf_header, "$CSRF"),) if section.csrf else ()),
    )


# Of a project that doesn't say how callers sign in.
BEARER: Final[Headers] = (("Authorization", "Bearer $TOKEN"),)


def cookies_set(answer: SideResponse) -> dict[str, str]:
    """The cookies that an answer sets, as they are sent back; those that it takes away are not among them."""
    found: dict[str, str] = {}
    for text in (value for name, value in answer.headers if name == "set-cookie"):
        try:
            cookies = SimpleCookie(text)
        except CookieError:
            continue
        found |= {name: morsel.coded_value for name, morsel in cookies.items() if morsel.value}
    return found


def _cookie_header(cookies: Mapping[str, str]) -> Headers:
    """One header of all cookies; none where there are none."""
    return (("Cookie", "; ".join(f"{name}={text}" for name, text in cookies.items())),) if cookies else ()


class _Fields(HTMLParser):
    """The values of a page's fields, by name."""

    def __init__(self) -> None:
        super().__init__()
        self.found: dict[str, str] = {}

    def handle_starttag(self, tag: str, attrs: Sequence[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "input" and given.get("name") and given.get("value"):
            self.found.setdefault(given["name"] or "", given["value"] or "")


def _field_in(page: SideResponse, name: str) -> str | None:
    """What a field of a page's form holds."""
    fields = _Fields()
    fields.feed(page.body.decode("utf-8", "replace"))
    return fields.found.get(name)


def _token_in(answer: SideResponse, name: str) -> str | None:
    """The text at `name`, keys with dots between them; None where there is none."""
    try:
        token: Any = json.loads(answer.body) if answer.status < _NONE_MADE else None
        for key in name.split("."):
            token = token[key]
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    return token if isinstance(token, str) else None
