"""The routes file brought up to the endpoints that Django has: new ones are added, vanished ones marked."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from strangler.adoption.endpoints import DjangoApi, DjangoEndpoint
from strangler.project import Project
from strangler.rollout.atomic_write import write_durably
from strangler.rollout.endpoints import path_key
from strangler.routes.entries import METHODS
from strangler.routes.route import Api, Fixed, Route, Stack, Stage
from strangler.routes.syntax import content_decode, content_read, source_name
from strangler.routes.table import RouteTable, parse_routes

MARK: Final = "# vanished: Django has this endpoint no more; remove the route."
_HEAD: Final = """\
# Every endpoint of the API and the stage where it stands. This file is the wanted state: review it like code.
#
#   stage      {v1} is answered by      {v2} is answered by
#   legacy     django                  django
#   parallel   django                  fastapi
#   canary     fastapi for `percent`   fastapi
#              of the callers
#   migrated   fastapi                 fastapi
#   retired    410 Gone                fastapi
#
# strangler routes sync adds the endpoints that are new in Django, and strangler switch moves a route.
"""
_PARAMETER: Final = re.compile(r"\{([^{}/]+)\}")
_HEADER: Final = re.compile(r"\s*\[")
_WORD: Final = re.compile(r"[^a-z0-9]+")


@dataclass(frozen=True, kw_only=True)
class NewRoute:
    """A route to add, at stage legacy."""

    name: str
    methods: tuple[str, ...]
    path: str

    def __str__(self) -> str:
        methods = ", ".join(f'"{method}"' for method in self.methods)
        return f'[[route]]\nname = "{self.name}"\nmethods = [{methods}]\npath = "{self.path}"\nstage = "legacy"\n'


@dataclass(frozen=True, kw_only=True)
class RouteSync:
    """The changes of one run.

    `unroutable` are endpoints that no route can name, and that stay with Django. `before` is the file's text as it was,
    empty where there was none, and `text` as it is to be.
    """

    added: tuple[NewRoute, ...]
    vanished: tuple[Route, ...]
    returned: tuple[Route, ...]
    unroutable: tuple[DjangoEndpoint, ...]
    before: str
    text: str

    @property
    def changed(self) -> bool:
        """Whether there is anything to write."""
        return self.before != self.text

    def write(self, file: Path) -> None:
        """Replace the routes file, or make it with its folder."""
        file.parent.mkdir(parents=True, exist_ok=True)
        write_durably(file, self.text.encode())


def sync_routes(text: str, table: RouteTable, endpoints: Iterable[DjangoEndpoint]) -> RouteSync:
    """The text of a routes file with the endpoints below v1 that it lacks; all else stays as it is.

    `endpoints` are Django's own below its prefix; pages of the API's document, such as Redoc, are no routes. A route
    that is only v2's, at stage parallel or behind it, doesn't vanish: Django never had it.
    """
    prefix = table.prefixes.django
    known = [(each, each.path.removeprefix(prefix)) for each in endpoints]
    fixed = {entry.path.removeprefix(table.prefixes.v1) for entry in table.fixed}
    folders = tuple(path for path in fixed if path.endswith("/"))
    routable = [
        (each, path)
        for each, path in known
        if each.is_api and each.is_routable and not each.is_document
        if path not in fixed and not f"{path}/".startswith(folders)
    ]
    named = {(method, path_key(route.path)) for route in table.routes for method in route.methods}
    lacking = [(each, path) for each, path in routable if (each.method, path_key(path)) not in named]
    added = tuple(_new_routes(lacking, table))
    has = {(each.method, path_key(path)) for each, path in known}
    gone = [route for route in table.routes if not any((m, path_key(route.path)) in has for m in route.methods)]
    vanished = tuple(route for route in gone if route.stage is Stage.LEGACY or _is_marked(text, route))
    returned = tuple(route for route in table.routes if route not in gone and _is_marked(text, route))
    return RouteSync(
        added=added,
        vanished=vanished,
        returned=returned,
        unroutable=tuple(each for each, _path in known if not (each.is_api and each.is_routable)),
        before=text,
        text=_written(text, table, added, vanished, returned),
    )


def _new_routes(lacking: Sequence[tuple[DjangoEndpoint, str]], table: RouteTable) -> Iterator[NewRoute]:
    # The variables of one path are written alike in all of its routes: as in the file, else as it was met first.
    paths = {path_key(route.path): route.path for route in table.routes}
    groups: dict[tuple[str, str], list[DjangoEndpoint]] = {}
    for each, path in lacking:
        key = path_key(path)
        paths.setdefault(key, _route_path(path))
        groups.setdefault((key, each.verb or each.method), []).append(each)
    taken = {route.name for route in table.routes} | {entry.name for entry in table.fixed}
    alone = {key for key, _verb in groups if sum(other == key for other, _ in groups) == 1}
    names: dict[tuple[str, str], str] = {}
    # The path with the fewest variables has the plain name.
    for group in sorted(groups, key=lambda group: (paths[group[0]].count("{"), paths[group[0]])):
        path = paths[group[0]]
        names[group] = _free_name(_route_name(path, groups[group][0], alone=group[0] in alone), path, taken)
        taken.add(names[group])
    for (key, verb), same in groups.items():
        methods = {each.method for each in same}
        yield NewRoute(name=names[key, verb], methods=tuple(m for m in METHODS if m in methods), path=paths[key])


def _route_path(path: str) -> str:
    """A path as routes files write it: small letters in the variables' names, and a slash at its end."""
    plain = _PARAMETER.sub(lambda found: f"{{{_variable(found[1])}}}", path)
    return plain if plain.endswith("/") else f"{plain}/"


def _variable(name: str) -> str:
    snake = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()
    return re.sub(r"[^a-z_]", "", snake) or "id"


def _route_name(path: str, endpoint: DjangoEndpoint, *, alone: bool) -> str:
    """The fixed segments and the action; for a view without one the method where the path has several."""
    segments = [_WORD.sub("_", part.lower()).strip("_") for part in path.split("/") if part and "{" not in part]
    words = [word for word in segments if word] or ["root"]
    verb = endpoint.verb and _WORD.sub("_", endpoint.verb.lower()).strip("_")
    if verb and verb.startswith(f"{words[-1]}_"):
        words[-1] = verb
    elif verb and verb != words[-1]:
        words.append(verb)
    elif not verb and (not alone or len(words) == 1):
        words.append(endpoint.method.lower())
    return ".".join(words if len(words) > 1 else [*words, endpoint.method.lower()])


def _free_name(name: str, path: str, taken: set[str]) -> str:
    """The name, or one with the path's last variable, or with a number, that no other route bears."""
    variables = _PARAMETER.findall(path)
    candidates = [name, *([f"{name}_by_{variables[-1]}"] if variables else [])]
    numbered = (f"{candidates[-1]}_{number}" for number in range(2, len(taken) + 3))
    return next(each for each in (*candidates, *numbered) if each not in taken)


def _is_marked(text: str, route: Route) -> bool:
    lines = text.splitlines()
    return route.line >= 2 and lines[route.line - 2].strip() == MARK


def _written(
    text: str, table: RouteTable, added: Sequence[NewRoute], vanished: Sequence[Route], returned: Sequence[Route]
) -> str:
    lines = text.splitlines(keepends=True)
    end = "\r\n" if lines and lines[0].endswith("\r\n") else "\n"
    at = _end_of_routes(lines, table)
    block = end.join("".join(f"\n{route}" for route in added).split("\n")) if added else ""
    if block and at and not lines[at - 1].endswith("\n"):
        lines[at - 1] += end
    lines.insert(at, block)
    # From the last line on, so that the numbers of those above stay right.
    for route in sorted((*vanished, *returned), key=lambda route: -route.line):
        if route in returned:
            del lines[route.line - 2]
        elif not _is_marked(text, route):
            lines.insert(route.line - 1, MARK + end)
    return "".join(lines)


def _end_of_routes(lines: Sequence[str], table: RouteTable) -> int:
    """Where a route is added: behind the last one, above the comments of what follows."""
    if not table.routes:
        return len(lines)
    at = max(route.line for route in table.routes)
    while at < len(lines) and not _HEADER.match(lines[at]):
        at += 1
    if at < len(lines):
        while lines[at - 1].lstrip().startswith("#") or not lines[at - 1].strip():
            at -= 1
    return at


def sync_project(project: Project, api: DjangoApi) -> RouteSync:
    """The project's routes file with the endpoints of Django that it lacks; one that isn't there yet is begun.

    :raises UsageError: the file can't be read, is no routes file, or would be none with the new routes.
    """
    source, is_new = source_name(project.routes), not project.routes.exists()
    endpoints = api.of_v1(project.prefixes)
    if not is_new:
        text = content_decode(content_read(project.routes, source=source), source=source)
        table = parse_routes(text, source=source, prefixes=project.prefixes)
    else:
        text, table = new_routes_file(project, [each.path for each in endpoints])
    found = sync_routes(text, table, endpoints)
    # What was written by rule is read by rule, before it replaces a file of the team's.
    parse_routes(found.text, source=f"{source} with the new routes", prefixes=project.prefixes)
    return replace(found, before="") if is_new else found


def new_routes_file(project: Project, paths: Sequence[str]) -> tuple[str, RouteTable]:
    """A routes file without routes: the stages explained, and the paths of both services that never move.

    `paths` are those of Django's endpoints: a health check that has some below it, such as the root of the API, is no
    path that never moves, since they would not either. Its table comes along, since a file without routes is refused
    where it is read.
    """
    fixed = []
    for stack in Stack:
        section, api = project.stack(stack), Api.V1 if stack is Stack.DJANGO else Api.V2
        own = project.prefixes.upstream(stack)
        for name, address in (("health", section.health), ("openapi", section.openapi)):
            # A document may be asked for by its query, such as `?format=openapi`.
            path = urlsplit(address).path
            folder = f"{path.rstrip('/')}/"
            above = stack is Stack.DJANGO and any(each != folder and each.startswith(folder) for each in paths)
            # The root of a site is no path that a route could name.
            if path.startswith(f"{own}/") and path != "/" and not above:
                public = project.prefixes.of(api) + path.removeprefix(own)
                fixed.append(Fixed(name=f"{stack}.{name}", path=public, stack=stack))
    blocks = (f'\n[[fixed]]\nname = "{each.name}"\npath = "{each.path}"\nstack = "{each.stack}"\n' for each in fixed)
    head = _HEAD.format(v1=project.api.v1 or "/", v2=project.api.v2 or "/")
    return head + "".join(blocks), RouteTable(routes=(), prefixes=project.prefixes, fixed=tuple(fixed))
