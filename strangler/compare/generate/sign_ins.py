"""Cases that sign in, and that send what a sign-in answers wherever a body takes it: tokens are renewed, and ended."""

from collections.abc import Iterator

from strangler.compare.generate.case_text import GeneratedCase
from strangler.compare.generate.operations import Operation
from strangler.compare.generate.world import World
from strangler.sections import SignInSection

# What simplejwt calls any token in a body.
_ANY = "token"


def sign_in_cases(world: World, operation: Operation) -> Iterator[GeneratedCase]:
    """A sign-in, and its answers sent to this operation: twice, and once more after each other operation got them."""
    sign_in, issued = world.sign_in, world.issued
    signs_in = sign_in is not None and operation.path == sign_in.path
    taken = _taken(world, operation)
    if sign_in is None or not world.callers.main or not (signs_in or taken):
        return
    body = {key: text.replace("{user}", world.callers.main) for key, text in sign_in.body.items()}
    yield GeneratedCase(
        name="signs in", method="POST", target=sign_in.path, kind="json", value=body, save=issued, again=True
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
        yield GeneratedCase(name=label, method="POST", target=sign_in.path, kind="json", value=body, again=True)


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
