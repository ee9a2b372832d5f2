"""Cases that sign in, and that send what a sign-in answers wherever a body takes it: tokens are renewed, and ended."""

from collections.abc import Iterator
from typing import Final

from strangler.compare.generate.case_text import GeneratedCase
from strangler.compare.generate.operations import Operation
from strangler.compare.generate.world import World
from strangler.sections import SignInSection

# What simplejwt calls any token in a body.
_ANY: Final = "token"
# Of the length and the letters that Django's check takes.
_CSRF: Final = "x" * 32
_TOKENS: Final[tuple[tuple[str, str], ...]] = (
    ("a token that is none", "{scheme} x"),
    ("two tokens", "{scheme} x y"),
    ("no token", "{scheme}"),
    ("the scheme in other case", "{SCHEME} x"),
)
_COOKIES: Final[tuple[tuple[str, str], ...]] = (
    ("a cookie that is none", "{name}=x"),
    ("two cookies", "{name}=x; {name}=y"),
    ("an empty cookie", "{name}="),
)


def sign_in_cases(world: World, operation: Operation) -> Iterator[GeneratedCase]:
    """A sign-in, and its answers sent to this operation: twice, and once more after each other operation got them."""
    sign_in, issued = world.sign_in, world.issued
    signs_in = sign_in is not None and sign_in.is_at(operation.path)
    taken = _taken(world, operation)
    if sign_in is None or sign_in.outside or not world.callers.main or not (signs_in or taken):
        return
    body = {key: text.replace("{user}", world.callers.main) for key, text in sign_in.body.items()}
    yield GeneratedCase(
        name="signs in",
        method="POST",
        target=sign_in.path,
        kind=_kind(sign_in),
        value=body,
        headers=_passing(sign_in),
        save=issued,
        again=True,
    )
    if signs_in:
        yield from _refused(world, sign_in)
    if signs_in or not taken:
        return
    own = [name for name in issued if name == taken]
    others = [name for name in issued if name != taken]
    for name in (*others, *own, *own[:1]):
        yield _sent(operation, taken, name)
    for other in world.operations:
        other_taken = _taken(world, other)
        if other is operation or not other_taken or other.method != "POST":
            continue
        for name in issued:
            if other_taken in {name, _ANY}:
                yield _sent(other, other_taken, name)
                yield _sent(operation, taken, name)


def _refused(world: World, sign_in: SignInSection) -> Iterator[GeneratedCase]:
    """Sign-ins of whom nobody is, or with a password that is another one."""
    main = world.callers.main
    for label, name, password in (
        ("signs in with another password", main, "{password}x"),
        ("signs in with a blank behind the password", main, "{password} "),
        ("signs in by a name that nobody has", f"{main}x", "{password}"),
        ("signs in by its name in other case", main.swapcase(), "{password}"),
    ):
        body = {key: text.replace("{user}", name).replace("{password}", password) for key, text in sign_in.body.items()}
        yield GeneratedCase(
            name=label,
            method="POST",
            target=sign_in.path,
            kind=_kind(sign_in),
            value=body,
            headers=_passing(sign_in),
            again=True,
        )


def _kind(sign_in: SignInSection) -> str:
    return "form" if sign_in.form else "json"


def _passing(sign_in: SignInSection) -> dict[str, str]:
    """Headers of nobody that pass the CSRF check, where there is one: the same in the cookie and the header."""
    name = sign_in.csrf_cookie
    return {"Cookie": f"{name}={_CSRF}", sign_in.csrf_header: _CSRF} if name else {}


def bad_credentials(sign_in: SignInSection | None) -> Iterator[tuple[str, dict[str, str]]]:
    """Headers of requests that mustn't let anybody in, and what is wrong with them."""
    if sign_in is not None and not sign_in.token:
        for label, text in _COOKIES:
            yield label, {"Cookie": text.replace("{name}", sign_in.cookie)}
    else:
        scheme = sign_in.scheme if sign_in else "Bearer"
        for label, text in _TOKENS:
            header = text.replace("{scheme}", scheme).replace("{SCHEME}", scheme.swapcase())
            yield label, {"Authorization": header}
    yield "another way to sign in", {"Authorization": "Basic YTpi"}


def forged_requests(sign_in: SignInSection | None) -> Iterator[tuple[str, dict[str, str]]]:
    """Headers of a caller's requests that fail Django's CSRF check, or mustn't, and what is special about them."""
    if sign_in is None or not sign_in.csrf:
        return
    yield "without a CSRF token", {sign_in.csrf_header: ""}
    yield "with the CSRF token of another cookie", {sign_in.csrf_header: _CSRF}
    yield "with a CSRF token that is none", {sign_in.csrf_header: "x"}
    yield "from another site", {"Origin": "http://elsewhere.example"}
    yield "from a page of another site", {"Referer": "http://elsewhere.example/"}
    yield "from nowhere", {"Origin": "null"}


def _taken(world: World, operation: Operation) -> str:
    """The only key of a body, if it takes what a sign-in answers; else empty."""
    names = [each.name for each in operation.body]
    return names[0] if len(names) == 1 and names[0] in {*world.issued, _ANY} and "{" not in operation.path else ""


def _sent(operation: Operation, key: str, name: str) -> GeneratedCase:
    return GeneratedCase(
        name=f"what was answered as {name}",
        method=operation.method,
        target=operation.path,
        kind="json",
        value={key: f"{{{name}}}"},
        again=True,
    )
