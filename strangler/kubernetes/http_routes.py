"""The routes as HTTPRoutes of the Gateway API, without nginx; what they can't say is refused or noted.

Only matches that every implementation has: a whole path, or a path with all below it, and methods. A path with a
`{name}` is matched by its fixed beginning, so all paths that share one have to be answered alike, method by method.
"""

import math
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import groupby
from typing import Final

from strangler.errors import UsageError
from strangler.kubernetes.cluster_project import ClusterProject
from strangler.kubernetes.http_targets import PublicPath, RouteTarget, target_agreed, targets_by_method
from strangler.kubernetes.manifest import Manifest, content_hash, dns_label, manifest
from strangler.routes.route import Answer, Api, RouteResource, Stack
from strangler.routes.table import RouteTable

_API_VERSION: Final = "gateway.networking.k8s.io/v1"
# HTTPRoute's own limit.
_MOST_RULES: Final = 16
# What can be a name as it is; of others, the hash keeps two apart.
_PLAIN: Final = re.compile(r"[a-z0-9]+(?:/[a-z0-9]+)*")
_LONGEST_LABEL: Final = 50
# What a client could say of itself, as nginx drops it.
_CLIENT_HEADERS: Final = ["Forwarded", "X-Forwarded-Host", "X-Forwarded-Port", "X-Real-IP", "X-Stack"]


def http_routes(cluster: ClusterProject, table: RouteTable) -> list[Manifest]:
    """Every HTTPRoute of the table.

    :raises UsageError: the table says what HTTPRoutes can't.
    """
    if not cluster.table.gateway:
        raise UsageError("HTTPRoutes belong to a Gateway", 'set gateway = "NAMESPACE/NAME" under [kubernetes]')
    writer = _Writer(cluster, table)
    return [each for name, rules in writer.groups() for each in _http_route(cluster, name, rules)]


def gateway_route(cluster: ClusterProject, name: str, rules: Sequence[Manifest]) -> Manifest:
    """An HTTPRoute behind the project's Gateway."""
    namespace, _, gateway = (cluster.table.gateway or "gateway-system/public").partition("/")
    return manifest(_API_VERSION, "HTTPRoute", name, project=cluster.name) | {
        "spec": {
            "parentRefs": [{"name": gateway, "namespace": namespace}],
            "hostnames": list(cluster.table.hosts),
            "rules": list(rules),
        }
    }


def promises_lost(table: RouteTable, cluster: ClusterProject) -> Iterator[str]:
    """What the routes file asks for, and HTTPRoutes leave out."""
    yield "HTTPRoutes set no X-Route and no X-Request-ID, and limit neither bodies nor headers; see docs/kubernetes.md."
    routes = table.routes
    for key, words, names in (
        ("throttle", "limits are the Gateway implementation's own", throttled_names(table)),
        ("fallback", "a read that FastAPI can't answer stays an error", [r.name for r in routes if r.fallback]),
        ("shadow", "no answers are compared", [r.name for r in routes if r.shadow]),
        ("percent", "of the requests, not of the callers", [r.name for r in routes if r.percent is not None]),
    ):
        if names:
            yield f"{key} of {_named(names)}: {words}."
    if cluster.table.backend_filters == "none" and any(route.percent is not None for route in table.routes):
        yield 'answers of a canary bear no X-Served-By: backend_filters is "none".'


def throttled_names(table: RouteTable) -> list[str]:
    """The names of what nginx would limit."""
    return [entry.name for entry in table.routes if entry.throttle] + [e.name for e in table.fixed if e.throttle]


class _Writer:
    """Rules by the name of their HTTPRoute."""

    def __init__(self, cluster: ClusterProject, table: RouteTable) -> None:
        self._cluster, self._table, self._prefixes = cluster, table, table.prefixes

    def groups(self) -> Iterator[tuple[str, list[Manifest]]]:
        """First what routes say, then fixed paths, then all the rest, which is the legacy stack's."""
        for api in Api:
            for resource in self._table.resources:
                if resource.pattern is None:
                    yield f"{api}{resource.path}", self._whole_path(api, resource)
            for folder, resources in self._folders():
                yield f"below/{api}{folder}", self._folder(api, folder, resources)
        for entry in self._table.fixed:
            yield f"fixed/{entry.name.replace('.', '/')}", self._fixed(entry.path, entry.stack)
        yield "default", list(self._default())

    def _whole_path(self, api: Api, resource: RouteResource) -> list[Manifest]:
        """The path with and without its last slash; a path's own rule takes the methods that no route names."""
        prefix = self._prefixes.of(api)
        paths = [path for path in (resource.path, resource.path[:-1]) if prefix + path]
        places = [PublicPath(public=prefix + path, path=path, api=api) for path in paths]
        methods, other = targets_by_method(api, resource.routes), resource.other_methods(api)
        return _merged(rule for place in places for rule in self._rules(place, methods, other))

    def _folder(self, api: Api, folder: str, resources: Sequence[RouteResource]) -> list[Manifest]:
        prefix = self._prefixes.of(api)
        others = {resource.other_methods(api) for resource in resources}
        place = PublicPath(public=prefix + folder, path=folder, api=api, below=True)
        routes = [route for resource in resources for route in resource.routes]
        other = Answer.FASTAPI if others == {Answer.FASTAPI} else Answer.DJANGO
        return self._rules(place, targets_by_method(api, routes), Answer.GONE if Answer.GONE in others else other)

    def _fixed(self, path: str, stack: Stack) -> list[Manifest]:
        split = self._prefixes.split(path)
        api, below = split or (None, path)
        whole = PublicPath(public=path, path=below, api=api)
        if not path.endswith("/"):
            return self._rule([whole.match], whole, RouteTarget(answer=Answer(stack)))
        folder = replace(whole, public=path[:-1], path=below[:-1], below=True)
        return self._rule([folder.match], folder, RouteTarget(answer=Answer(stack)))

    def _default(self) -> Iterator[Manifest]:
        places = [PublicPath(public=self._prefixes.of(api), path="", api=api, below=True) for api in Api]
        if all(place.public for place in places):
            places.append(PublicPath(public="", path="", api=None, below=True))
        for place in places:
            yield from self._rule([place.match], place, RouteTarget(answer=Answer.DJANGO))

    def _folders(self) -> Iterator[tuple[str, list[RouteResource]]]:
        resources = [resource for resource in self._table.resources if resource.pattern]
        for folder, same in groupby(sorted(resources, key=_static_prefix), key=_static_prefix):
            yield folder, list(same)

    def _rules(self, place: PublicPath, methods: dict[str, list[RouteTarget]], other: Answer) -> list[Manifest]:
        """The rules of a place: methods with one target share a rule, and the last is of all other methods."""
        # An entry of the routes file has a method at least.
        rest = RouteTarget(answer=other, route=next(iter(methods.values()))[0].route)
        by_target: dict[RouteTarget, list[str]] = {}
        for method, targets in methods.items():
            by_target.setdefault(target_agreed(place, method, targets), []).append(method)
        rules: list[Manifest] = []
        for target, names in by_target.items():
            matches = [{**place.match, "method": method} for method in names]
            rules += self._chosen(matches, place, target)
            if target != rest:
                rules += self._rule(matches, place, target)
        return [*rules, *self._rule([place.match], place, rest)]

    def _chosen(self, matches: Sequence[Manifest], place: PublicPath, target: RouteTarget) -> Iterator[Manifest]:
        """With `stack_header`, X-Stack chooses between the stacks."""
        for stack in Stack if self._cluster.table.stack_header and target.answer is not Answer.GONE else ():
            asked = [{**match, "headers": [{"name": "X-Stack", "value": str(stack)}]} for match in matches]
            yield from self._rule(asked, place, replace(target, answer=Answer(stack)))

    def _rule(self, matches: Sequence[Manifest], place: PublicPath, target: RouteTarget) -> list[Manifest]:
        """The rule, or one for each match where a prefix is replaced: the API allows no more of those."""
        if target.answer is Answer.GONE:
            raise UsageError(
                f"{target.route} is retired, and no HTTPRoute answers 410",
                "keep it at stage migrated, or render with --mode nginx",
            )
        stacks = _stacks(target)
        rewrites = {stack: self._rewrite(place, stack) for stack in stacks}
        shared = len({str(rewrite) for rewrite in rewrites.values()}) == 1
        if not shared and self._cluster.table.backend_filters != "all":
            raise UsageError(
                f"{target.route} is a canary, and its path is another one for each stack, which an HTTPRoute can't say"
                " of one of two backends",
                "render with --mode nginx, move it at once, give both services one prefix, or set backend_filters ="
                ' "all" under [kubernetes] if your Gateway rewrites paths by backend',
            )
        served = {} if len(stacks) > 1 else {"X-Served-By": str(next(iter(stacks)))}
        filters = [
            _header_filter("RequestHeaderModifier", self._request_headers(place), remove=_CLIENT_HEADERS),
            *(next(iter(rewrites.values())) if shared else []),
            *_header_filters(served | target.headers),
            *self._mirror(place, target),
        ]
        backends = [
            self._backend(stack, weight, [] if shared else rewrites[stack], len(stacks) > 1)
            for stack, weight in stacks.items()
        ]
        timeouts = {"timeouts": {"request": "0s"}} if target.streaming else {}
        rest = {"filters": filters, "backendRefs": backends, **timeouts}
        alone = place.below and any(rewrites.values())
        return [{"matches": part, **rest} for part in ([[match] for match in matches] if alone else [list(matches)])]

    def _request_headers(self, place: PublicPath) -> dict[str, str]:
        """Links in answers begin with the client's prefix."""
        return {"X-Forwarded-Prefix": (self._prefixes.of(place.api) if place.api else self._prefixes.v1) or "/"}

    def _rewrite(self, place: PublicPath, stack: Stack) -> list[Manifest]:
        """The filter that gives a stack its own prefix; none where that is the client's."""
        own = (self._prefixes.upstream(stack) if place.api else "") + place.path
        if own == place.public:
            return []
        kind, key = (
            ("ReplacePrefixMatch", "replacePrefixMatch") if place.below else ("ReplaceFullPath", "replaceFullPath")
        )
        return [{"type": "URLRewrite", "urlRewrite": {"path": {"type": kind, key: own or "/"}}}]

    def _mirror(self, place: PublicPath, target: RouteTarget) -> list[Manifest]:
        """The filter that sends FastAPI a copy of some requests, whose answers are dropped.

        None where its path is another one than Django's: which of the two a copy has, the API doesn't say.
        """
        alike = self._rewrite(place, Stack.DJANGO) == self._rewrite(place, Stack.FASTAPI)
        if not (self._cluster.table.mirror and target.shadow and alike):
            return []
        name, namespace, port = self._cluster.service(Stack.FASTAPI)
        backend = {"name": name, **({"namespace": namespace} if namespace else {}), "port": port}
        share = {"numerator": round(target.shadow * 100), "denominator": 10_000}
        return [{"type": "RequestMirror", "requestMirror": {"backendRef": backend, "fraction": share}}]

    def _backend(self, stack: Stack, weight: int, rewrite: list[Manifest], split: bool) -> Manifest:
        name, namespace, port = self._cluster.service(stack)
        says = self._cluster.table.backend_filters != "none" and split
        filters = [*rewrite, *(_header_filters({"X-Served-By": str(stack)}) if says else [])]
        return {
            "name": name,
            **({"namespace": namespace} if namespace else {}),
            "port": port,
            "weight": weight,
            **({"filters": filters} if filters else {}),
        }


def _stacks(target: RouteTarget) -> dict[Stack, int]:
    """The stacks that answer, with their weights; those of no request are left out."""
    if target.answer is not Answer.SPLIT:
        return {Stack(target.answer): 1}
    fastapi = round(target.percent * 100)
    divisor = math.gcd(fastapi, 10_000)
    shares = {Stack.DJANGO: (10_000 - fastapi) // divisor, Stack.FASTAPI: fastapi // divisor}
    return {stack: weight for stack, weight in shares.items() if weight}


def _merged(rules: Iterable[Manifest]) -> list[Manifest]:
    """The rules, those that differ in their matches alone as one."""
    merged: dict[str, Manifest] = {}
    for rule in rules:
        alike = merged.setdefault(str({**rule, "matches": []}), {**rule, "matches": []})
        alike["matches"] = [*alike["matches"], *rule["matches"]]
    return list(merged.values())


def _static_prefix(resource: RouteResource) -> str:
    return resource.static_prefix


def _header_filters(headers: dict[str, str]) -> list[Manifest]:
    return [_header_filter("ResponseHeaderModifier", headers)] if headers else []


def _header_filter(kind: str, headers: dict[str, str], *, remove: Sequence[str] = ()) -> Manifest:
    key = kind[0].lower() + kind[1:]
    values = [{"name": name, "value": value} for name, value in headers.items()]
    return {"type": kind, key: {"set": values, **({"remove": list(remove)} if remove else {})}}


def _http_route(cluster: ClusterProject, name: str, rules: Sequence[Manifest]) -> Iterator[Manifest]:
    """As many HTTPRoutes as the rules need; two names that Kubernetes would write alike stay two."""
    label = name.strip("/").replace("/", "-")
    if not _PLAIN.fullmatch(name.strip("/")) or len(label) > _LONGEST_LABEL:
        label = f"{dns_label(name)[:_LONGEST_LABEL]}-{content_hash(name)}"
    for start in range(0, len(rules), _MOST_RULES):
        number = f".{start // _MOST_RULES + 1}" if start else ""
        yield gateway_route(cluster, f"{label}{number}", rules[start : start + _MOST_RULES])


def _named(names: Sequence[str]) -> str:
    shown = ", ".join(names[:3])
    return shown if len(names) <= len(names[:3]) else f"{shown} and {len(names) - 3} more"
