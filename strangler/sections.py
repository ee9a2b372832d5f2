"""The tables of the project file, and what their values may say."""

from collections.abc import Mapping
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from strangler.section_values import (
    Address,
    Command,
    ContainerName,
    OwnTemplate,
    PathPrefix,
    Role,
    SinkTemplate,
    Template,
    UrlPath,
)


class Section(BaseModel):
    """A table of the file; a key that it doesn't know is a mistake."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class ApiSection(Section):
    """Where clients find the two versions of the API: prefixes of public paths, `/` for none."""

    v1: PathPrefix
    v2: PathPrefix

    @model_validator(mode="after")
    def _differ(self) -> Self:
        if self.v1 == self.v2:
            raise ValueError("v1 and v2 have one prefix: give v2 another one")
        return self


class FilesSection(Section):
    """Files and folders, from the project file's own folder."""

    routes: str
    contract: str
    consumer: str
    declared: str = ""
    cases: str = ""
    state: str = ".run"


class StackSection(Section):
    """A service: where it runs already (`address`), or how `strangler up` starts it (`command`).

    `environment` is added to this process's own, or with `inherit = false` to nothing but what every program needs.
    `container` is its address in the network of containers (`django:8001`). `health` answers 200 once it is ready;
    `openapi` is its document; `prefix` is what its own paths begin with, the public prefix where it is left out.
    Evidence is bound to its code: the files and folders in `sources`, from `folder` (all code in it, for a `command`),
    or the `version` that it reports: a key of its health answer, with dots between keys, or a header of it.
    """

    address: Address | None = None
    command: Command | None = None
    container: str = ""
    folder: str = "."
    environment: Mapping[str, Template] = Field(default_factory=dict)
    inherit: bool = True
    health: UrlPath
    openapi: str = ""
    prefix: PathPrefix | None = None
    sources: tuple[str, ...] = ()
    version: str = ""

    @model_validator(mode="after")
    def _reachable(self) -> Self:
        if (self.address is None) is (self.command is None):
            raise ValueError("give it either the address of the running service, or the command that starts it")
        return self

    def process_connections(self, *, pool: int, threads: int | None) -> int:
        """How many connections a process opens for requests: its pool, or without one as many as it has threads."""
        pooled = any("{pool}" in text for text in (*(self.command or ()), *self.environment.values()))
        return pool if pooled or threads is None else threads


class DjangoSection(StackSection):
    """The legacy service; `manage` calls its management commands, with `strangler_django` among its INSTALLED_APPS.

    `browsable`: browsers that read v1 get its pages (DRF's browsable API), whichever stack answers other clients.
    """

    manage: Command | None = None
    browsable: bool = False


class FastapiSection(StackSection):
    """The new service; `manage` calls its own commands, which get `manage_environment` besides its environment.

    `worker` starts what does background jobs, with the same environment as those commands.
    """

    manage: Command | None = None
    worker: Command | None = None
    manage_environment: Mapping[str, Template] = Field(default_factory=dict)


class ContainersSection(Section):
    """The names of services in the compose file, where GATEWAY=container: the gateway's, and the background jobs'.

    `manage` calls Django's management commands in its image; without one a deploy doesn't look for migrations.
    """

    nginx: ContainerName = "nginx"
    setup: ContainerName = "setup"
    shadow: ContainerName = "shadow"
    ramp: ContainerName = "ramp"
    worker: ContainerName | None = None
    manage: tuple[str, ...] = ("python", "manage.py")


class DatabaseSection(Section):
    """The database roles, and whether `strangler up` may write to a database that it did not make.

    `fastapi_role` is the role that is made for FastAPI. With `prepare`, `up` migrates the database of DATABASE_URL and
    makes that role in it; without, it refuses where either is missing.
    """

    fastapi_role: Role
    prepare: bool = False


class HandoverSection(Section):
    """Where Alembic's folder is made when it takes over the schema from Django, from the project file's own folder."""

    alembic: str = "alembic"


class SignInSection(Section):
    """How a caller signs in, and how a request tells its caller.

    `path`, below the API's prefix or with `outside` at the host's root, is sent `body` as JSON or with `form` as a
    form, with {user} and {password} filled in. The answer holds the token at `token`, keys with dots between them;
    `scheme` stands before it in the Authorization header. With an empty `token` the answer's cookie `cookie`, a session
    or a token, is what requests carry. Where they pass Django's CSRF check, `csrf` names its cookie and `csrf_header`
    the header; with CSRF_USE_SESSIONS, where no cookie has the token, `csrf` names what holds it on the page at
    `csrf_page`, which begins as `path` does: a field of its form, or a key of its JSON with dots between keys. nginx
    knows a caller by `claim` of a JSON web token (an empty one: by a hash of the token, which is opaque), else by a
    hash of the cookie `cookie`. `routes` are names, or patterns of names, of what counts as signing in.
    """

    path: UrlPath
    outside: bool = False
    body: Mapping[str, str] = Field(default_factory=lambda: {"username": "{user}", "password": "{password}"})
    form: bool = False
    token: str = "access"  # noqa: S105 - a key of the answer
    scheme: str = Field(default="Bearer", pattern=r"^[A-Za-z0-9-]+$")
    claim: str = Field(default="user_id", pattern=r"^[A-Za-z0-9_.:/-]*$")
    cookie: str = Field(default="", pattern=r"^[A-Za-z0-9_-]*$")
    csrf: str = Field(default="", pattern=r"^[A-Za-z0-9_.-]*$")
    csrf_page: UrlPath | None = None
    csrf_header: str = Field(default="X-CSRFToken", pattern=r"^[A-Za-z0-9-]+$")
    routes: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _carried(self) -> Self:
        if not self.token and not self.cookie:
            raise ValueError('give it token = "access", the place of the token, or cookie = "sessionid"')
        if self.csrf_page and not self.csrf:
            raise ValueError('give it csrf = "csrfmiddlewaretoken", the field of the token on the page')
        return self

    @property
    def csrf_cookie(self) -> str:
        """The cookie of the CSRF check; empty where there is none."""
        return "" if self.csrf_page else self.csrf

    def is_at(self, path: str) -> bool:
        """Whether that path below the API's prefix signs callers in."""
        return not self.outside and path == self.path


class DemoSection(Section):
    """What a development run puts into a database of its own: `manage` is run while `table` has no row.

    `notes` are shown when the stack is ready, with `{url}` of the front door and `{demo_password}` filled in.
    """

    table: str
    manage: tuple[str, ...]
    notes: tuple[str, ...] = ()


class SinkAnswer(Section):
    """What the sink of outbound HTTP answers."""

    status: int = Field(default=200, ge=200, le=599)
    type: str = "application/json"
    body: str = "{}"


class SinksSection(Section):
    """Local servers that take what the services send on while writes are compared.

    `mail` and `http` are variables of both services' environment, such as EMAIL_HOST, with {host} and {port} of the
    sink filled in. `answers` are those of the sink of HTTP by path, or by method and path (`POST /charges`); an empty
    object for any other.
    """

    mail: Mapping[str, SinkTemplate] = Field(default_factory=dict)
    http: Mapping[str, SinkTemplate] = Field(default_factory=dict)
    answers: Mapping[str, SinkAnswer] = Field(default_factory=dict)


class CopiesSection(Section):
    """What the servers of a comparison's copies have for themselves, by variables of both services' environment.

    `files` are variables that hold a folder of files, such as MEDIA_ROOT, with the folder that both sides start from;
    each works on a copy, and what it writes there is compared. `own` are variables of caches and other places, with
    {folder}, an empty folder, and {unique}, a text that no other side has. With `shared` Django's storages and caches
    may be those of other services.
    """

    files: Mapping[str, str] = Field(default_factory=dict)
    own: Mapping[str, OwnTemplate] = Field(default_factory=dict)
    shared: bool = False


class CompareSection(Section):
    """How cases are generated, what they must cover, and where messages go meanwhile.

    `callers` are the users who sign in, by the name that they type: one with rows of his own, another one, and one of
    staff; where it is empty, the first users who have a password. `generated` is the folder of the generated cases.
    A route of which less than `coverage` percent was requested isn't proven; nor is one that writes, if no equal write
    changed rows, but for those that the patterns `rowless` name, and sign-in's. `production` are addresses, or names of
    hosts, to which `strangler compare LEFT RIGHT` never writes.
    """

    callers: tuple[str, ...] = ()
    generated: str = ""
    coverage: float = Field(default=0, ge=0, le=100)
    sinks: SinksSection = SinksSection()
    copies: CopiesSection = CopiesSection()
    production: tuple[str, ...] = ()
    rowless: tuple[str, ...] = ()


class BoardSection(Section):
    """The page of `strangler board`: whether operators who signed in may move routes there.

    With `port` the front door has it at `/_strangler/`, for networks in OPERATOR_NETWORKS.
    """

    moves: bool = False
    port: int = Field(default=0, ge=0, le=65535)


class RampLimits(Section):
    """How much worse than Django a canary may be before a ramp takes it back; None keeps what `[ramp]` says.

    `errors` are percentage points of requests, `p95` and `p99` factors, `slack` seconds, `differences` answers.
    """

    errors: float | None = Field(default=None, ge=0, le=100)
    p95: float | None = Field(default=None, ge=1)
    p99: float | None = Field(default=None, ge=1)
    slack: float | None = Field(default=None, ge=0)
    differences: int | None = Field(default=None, ge=0)


class RampHooks(Section):
    """What is called with a JSON document: a command, by its words, on its standard input; or a URL, by POST.

    `before` a step, which doesn't begin where it fails; at each `step`; on `rollback`; on `finish`. `$NAME` in a URL is
    a variable of the environment.
    """

    before: tuple[str, ...] | str = ""
    step: tuple[str, ...] | str = ""
    rollback: tuple[str, ...] | str = ""
    finish: tuple[str, ...] | str = ""


class RampSection(RampLimits):
    """How `strangler ramp` moves a route by itself: see the options of the same names.

    `approvals` are steps that somebody else has to approve. `routes` are other limits by names, or patterns of names.
    """

    steps: str = Field(default="1,5,25,50,100", pattern=r"^[0-9.]+(,[0-9.]+)*$")
    hold: str = Field(default="10m", pattern=r"^[0-9]{1,6}[smh]$")
    between: str = Field(default="", pattern=r"^([0-2][0-9]:[0-5][0-9]-[0-2][0-9]:[0-5][0-9])?$")
    approvals: tuple[float, ...] = ()
    routes: Mapping[str, RampLimits] = Field(default_factory=dict)
    hooks: RampHooks = RampHooks()
