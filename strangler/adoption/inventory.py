"""What an API is made of, endpoint by endpoint: what a move loses, how much work it is, and in which order to go."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from importlib.resources import files
from typing import Any

from jinja2 import Environment, StrictUndefined

from shared_schema.contract.contract import Contract, TableFacts
from strangler.adoption.endpoints import DjangoApi, DjangoEndpoint
from strangler.adoption.hazards import Effort, Hazard, endpoint_hazards, project_hazards
from strangler.adoption.scaffold.written_endpoint import WrittenEndpoint
from strangler.rollout.endpoints import path_key
from strangler.routes.prefixes import Prefixes
from strangler.routes.table import RouteTable


@dataclass(frozen=True, kw_only=True)
class InventoryEntry:
    """An endpoint with its hazards.

    `route` is its name in the routes file; None where no route names it. `sign_in`: its route counts as signing in.
    `written` is what `strangler scaffold` makes of it; None where that isn't known.
    """

    endpoint: DjangoEndpoint
    route: str | None
    hazards: tuple[Hazard, ...]
    sign_in: bool = False
    written: WrittenEndpoint | None = None

    @property
    def effort(self) -> Effort:
        """What is left to do where `strangler scaffold` has written what it can; else that of the hardest hazard."""
        hardest = max((each.effort for each in self.hazards), default=Effort.SCAFFOLD)
        if self.written is None or hardest is Effort.STAY:
            return hardest
        if self.written.gaps:
            return Effort.REWRITE
        return Effort.PORT if self.gaps else Effort.SCAFFOLD

    @property
    def gaps(self) -> Sequence[str]:
        """What `strangler scaffold` can't write of it."""
        return self.written.all_gaps if self.written else ()

    @property
    def reads(self) -> bool:
        """Whether it changes nothing."""
        return self.endpoint.method == "GET"

    def as_json(self) -> dict[str, Any]:
        """For machines."""
        endpoint = self.endpoint
        return {
            "route": self.route,
            "method": endpoint.method,
            "path": endpoint.path,
            "view": endpoint.view,
            "action": endpoint.action,
            "effort": self.effort.name.lower(),
            "gaps": list(self.gaps),
            "hazards": [{"code": each.code, "what": each.what} for each in self.hazards],
            "fields": len(endpoint.serializer.fields) if endpoint.serializer else 0,
            "authenticators": endpoint.authenticators,
            "permissions": endpoint.permissions,
            "model": endpoint.model.label if endpoint.model else None,
        }


@dataclass(frozen=True, kw_only=True)
class Inventory:
    """The entries in the order in which to move them, and the hazards of the project as a whole."""

    entries: tuple[InventoryEntry, ...]
    hazards: tuple[Hazard, ...]
    versions: Mapping[str, str]

    @property
    def efforts(self) -> Counter[Effort]:
        """How many endpoints are of each effort."""
        return Counter(entry.effort for entry in self.entries)

    @property
    def codes(self) -> Sequence[tuple[str, int]]:
        """Each kind of hazard with the number of endpoints that have it, the most frequent first."""
        found = Counter(code for entry in self.entries for code in {each.code for each in entry.hazards})
        return found.most_common()

    @property
    def gaps(self) -> Sequence[tuple[str, int]]:
        """What `strangler scaffold` can't write, with the number of endpoints that lack it, the most frequent first."""
        return Counter(gap for entry in self.entries for gap in dict.fromkeys(entry.gaps)).most_common()

    def as_html(self, *, name: str) -> str:
        """One page for a browser, which fetches nothing; `name` is the project's."""
        environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
        template = environment.from_string(files(__package__).joinpath("inventory.html.j2").read_text("utf-8"))
        return template.render(inventory=self, efforts=list(Effort), name=name)

    def as_json(self) -> dict[str, Any]:
        """For machines."""
        return {
            "versions": dict(self.versions),
            "efforts": {effort.name.lower(): self.efforts[effort] for effort in Effort},
            "hazards": [{"code": each.code, "what": each.what} for each in self.hazards],
            "gaps": [{"what": what, "endpoints": number} for what, number in self.gaps],
            "endpoints": [entry.as_json() for entry in self.entries],
        }


def take_inventory(
    api: DjangoApi,
    contract: Contract | None,
    table: RouteTable | None,
    *,
    prefixes: Prefixes,
    sign_in: Collection[str],
    written: Iterable[WrittenEndpoint] = (),
) -> Inventory:
    """The endpoints of v1. `table` gives the routes their names; `sign_in` are patterns of those that sign in.

    `written` are those that `strangler scaffold` can make something of. Without the contract, what models do when they
    are written isn't known.
    """
    tables = _by_model(contract) if contract else {}
    scaffolds = {(each.endpoint.method, each.endpoint.path): each for each in written}
    names = {
        (method, path_key(route.path)): route.name
        for route in (table.routes if table else ())
        for method in route.methods
    }
    entries = [
        InventoryEntry(
            endpoint=each,
            route=name,
            sign_in=any(fnmatchcase(name or "", pattern) for pattern in sign_in),
            hazards=tuple(dict.fromkeys(endpoint_hazards(each, tables))),
            written=scaffolds.get((each.method, each.path)),
        )
        for each in api.of_v1(prefixes)
        for name in [names.get((each.method, path_key(each.path.removeprefix(prefixes.django))))]
    ]
    # The least work first; reads before writes, since they are taken back without a trace; signing in last of all.
    entries.sort(
        key=lambda entry: (entry.sign_in, entry.effort, not entry.reads, len(entry.hazards), entry.endpoint.path)
    )
    return Inventory(
        entries=tuple(entries),
        hazards=tuple(dict.fromkeys(project_hazards(api, tables))),
        versions={"django": api.django, "rest_framework": api.rest_framework},
    )


def _by_model(contract: Contract) -> Mapping[str, TableFacts]:
    return {facts.model: facts for facts in contract.tables.values()}
