"""Path prefixes: where clients find each version of the API, and what each service's own paths begin with."""

import re
from dataclasses import dataclass

from strangler.routes.route import Api, Stack


@dataclass(frozen=True, kw_only=True)
class Prefixes:
    """Path prefixes without a slash at their end; empty where there is none.

    `v1` and `v2` are public, and differ. `django` and `fastapi` are what each service's own paths begin with.
    """

    v1: str
    v2: str
    django: str
    fastapi: str

    def of(self, api: Api) -> str:
        """The public prefix of a version of the API."""
        return self.v1 if api is Api.V1 else self.v2

    def upstream(self, stack: Stack) -> str:
        """What the paths of a service begin with."""
        return self.django if stack is Stack.DJANGO else self.fastapi

    def split(self, path: str) -> tuple[Api, str] | None:
        """The version of the API that a public path is of, and the path below its prefix; None for others."""
        for api in self.longest_first:
            prefix = self.of(api)
            if path.startswith(f"{prefix}/"):
                return api, path.removeprefix(prefix)
        return None

    @property
    def longest_first(self) -> tuple[Api, Api]:
        """The versions in the order in which a path is held against their prefixes: one may begin with the other."""
        return (Api.V2, Api.V1) if len(self.v2) >= len(self.v1) else (Api.V1, Api.V2)

    @property
    def pattern(self) -> str:
        """A regular expression for the public prefix of a path; nothing that it has matched is given back."""
        first, second = (re.escape(self.of(api)) for api in self.longest_first)
        return f"(?>{first}(?=/)|{second})"

    @property
    def v2_below_v1(self) -> str:
        """What v2's prefix adds to v1's; empty where it doesn't begin with it."""
        return self.v2.removeprefix(self.v1) if self.v2.startswith(f"{self.v1}/") else ""
