"""All checks of a gateway that a test pretends: what is well, what is found, what could not be asked."""

import json
from collections.abc import Callable, Collection
from dataclasses import replace
from pathlib import Path

import pytest

from strangler.errors import FailedError
from strangler.gateway.rendering import Rendered, render_gateway
from strangler.gateway.settings import GatewaySettings
from strangler.rollout.apply import rollout_begin, rollout_recover
from strangler.rollout.check import Documents, check_all
from strangler.rollout.endpoints import ApiEndpoint
from strangler.rollout.rollout import Rollout
from strangler.rollout.state_dir import Journal
from tests.example import PREFIXES
from tests.rollouts import rollout_of

ROUTES = '[[route]]\nname = "carts.list"\nmethods = ["GET"]\npath = "/carts/"\nstage = "parallel"\n'


class PretendedGateway:
    """A gateway without nginx. `running` is the version that answers, `edited` says that its files were."""

    settings = GatewaySettings(listen=("127.0.0.1:1",), django="d:1", fastapi="f:1", access_log="log")
    url = place = "http://127.0.0.1:1"

    def __init__(self) -> None:
        self.running: str | None = None
        self.activated: str | None = None
        self.edited = False
        self.failure: FailedError | None = None

    def running_version(self) -> str | None:
        return self.running

    def wait_until_running(self, version: str) -> None:
        assert self.running == version

    def current(self) -> str | None:
        if self.failure:
            raise self.failure
        return self.activated

    def install(self, rendered: Rendered) -> None:
        pass

    def holds(self, rendered: Rendered) -> bool:
        return self.activated == rendered.version and not self.edited

    def activate(self, version: str) -> None:
        self.running = self.activated = version

    def prune(self, keep: Collection[str]) -> None:
        pass


class Shop:
    """A stack's files and its checks."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch, *, started: bool = True) -> None:
        monkeypatch.chdir(folder)
        self.gateway = PretendedGateway()
        self.django: str | frozenset[ApiEndpoint] = "v1.json"
        self.resolved: Callable[[], frozenset[ApiEndpoint]] | None = None
        self.file = folder / "routes.toml"
        self.file.write_text(ROUTES)
        self.publish("v1.json", "/api/carts/")
        self.publish("v2.json", "/api/v2/carts/")
        self.rollout: Rollout = rollout_of(self.gateway, folder)
        if started:
            rollout_begin(self.rollout, command="start")

    def publish(self, name: str, *paths: str) -> None:
        Path(name).write_text(json.dumps({"paths": {path: {"get": {}} for path in paths}}))

    def check(self) -> list[tuple[str, str, str]]:
        documents = Documents(
            django=self.django, fastapi="v2.json", host="localhost", prefixes=PREFIXES, resolved=self.resolved
        )
        return [(one.level, one.check, one.sentence) for one in check_all(self.rollout, documents)]

    def troubles(self) -> list[tuple[str, str, str]]:
        return [finding for finding in self.check() if finding[0] != "ok"]


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shop:
    return Shop(tmp_path, monkeypatch)


def test_all_is_well(shop: Shop) -> None:
    version = shop.gateway.running
    assert shop.check() == [
        ("ok", "file", "routes.toml is valid: 1 route."),
        ("ok", "endpoints", "all of django's endpoints are in the file (1)."),
        ("ok", "endpoints", "all of fastapi's endpoints are in the file (1)."),
        ("ok", "stacks", "every route is sent to a stack that has it."),
        ("ok", "running", f"version {version} runs, and its files are unchanged."),
        ("ok", "apply", "nothing is pending: the file is applied."),
    ]


def test_endpoints_of_the_url_resolver_take_the_place_of_a_document(shop: Shop) -> None:
    shop.django = frozenset({ApiEndpoint("/api/carts/", "GET"), ApiEndpoint("/api/hats/{pk}/", "GET")})
    sentence = (
        "django has GET /api/hats/{pk}/, which no route names, so django answers: add a [[route]] at stage legacy."
    )
    assert shop.troubles() == [("finding", "endpoints", sentence)]


def test_an_endpoint_that_a_document_leaves_out_is_looked_for_in_the_url_resolver(shop: Shop) -> None:
    shop.publish("v2.json", "/api/v2/carts/", "/api/v2/")
    shop.file.write_text(ROUTES + '[[route]]\nname = "root.get"\nmethods = ["GET"]\npath = "/"\nstage = "legacy"\n')
    rollout_begin(shop.rollout, command="apply")
    assert [check for _level, check, _sentence in shop.troubles()] == ["stacks"]
    shop.resolved = lambda: frozenset({ApiEndpoint("/api/", "GET"), ApiEndpoint("/api/schema/", "GET")})
    assert shop.troubles() == []

    def unreadable() -> frozenset[ApiEndpoint]:
        raise FailedError("Django doesn't start", "fix it")

    shop.resolved = unreadable
    assert [level for level, _check, _sentence in shop.troubles()] == ["unknown", "finding"]


def test_every_mistake_of_the_file_is_a_finding_of_its_own(shop: Shop) -> None:
    shop.file.write_text(ROUTES.replace("parallel", "paralel") + "[[fixed]]\nname = 1\n")
    assert shop.troubles() == [
        (
            "finding",
            "file",
            "routes.toml, line 5: carts.list has stage 'paralel': "
            "choose one of legacy, parallel, canary, migrated, retired.",
        ),
        (
            "finding",
            "file",
            "routes.toml, line 7: a [[fixed]] has name 1: write it as resource.action in small letters, digits and _.",
        ),
        ("note", "file", "the other checks need a valid file: fix it first."),
    ]


def test_an_endpoint_is_missing_in_the_file_and_another_in_a_stack(shop: Shop) -> None:
    shop.publish("v1.json", "/api/carts/", "/api/orders/")
    shop.publish("v2.json")
    assert [(level, check) for level, check, _ in shop.check()] == [
        ("ok", "file"),
        ("finding", "endpoints"),
        ("ok", "endpoints"),
        ("finding", "stacks"),
        ("ok", "running"),
        ("ok", "apply"),
    ]


def test_a_document_that_cannot_be_had_leaves_the_other_checks(shop: Shop) -> None:
    Path("v1.json").unlink()
    Path("v2.json").write_text("[]")
    assert [(level, check) for level, check, _ in shop.troubles()] == [("unknown", "endpoints")] * 2
    assert shop.troubles()[1][2] == (
        "the endpoints of fastapi: v2.json is no OpenAPI document (it has no paths with methods): pass another."
    )


def test_one_document_is_enough_for_its_stack(shop: Shop) -> None:
    Path("v2.json").unlink()
    shop.publish("v1.json", "/api/orders/")
    assert [(level, check) for level, check, _ in shop.troubles()] == [
        ("unknown", "endpoints"),
        ("finding", "endpoints"),
        ("finding", "stacks"),
    ]


def test_no_gateway_answers(shop: Shop) -> None:
    shop.gateway.running = None
    assert shop.troubles() == [("unknown", "running", "no gateway answers at http://127.0.0.1:1: start it.")]


def test_a_gateway_that_cannot_be_asked(shop: Shop) -> None:
    shop.gateway.failure = FailedError("docker is gone: bring it back.")
    assert ("unknown", "running", "docker is gone: bring it back.") in shop.troubles()


def test_nginx_runs_another_version_than_it_was_given(shop: Shop) -> None:
    shop.gateway.running = "other"
    assert shop.troubles() == [
        (
            "finding",
            "running",
            f"nginx runs version other, but {shop.gateway.activated} is the current one: restart nginx.",
        )
    ]


def test_somebody_edited_what_nginx_reads(shop: Shop) -> None:
    shop.gateway.edited = True
    sentence = f"nginx's files of version {shop.gateway.running} were edited: strangler apply restores them."
    assert ("finding", "running", sentence) in shop.troubles()


def test_an_edited_file_is_an_apply_that_is_pending(shop: Shop) -> None:
    shop.file.write_text(ROUTES.replace("parallel", "migrated"))
    [(level, check, sentence)] = shop.troubles()
    assert (level, check) == ("finding", "apply")
    plan = shop.rollout.propose(shop.file.read_bytes()).plan
    pending = f"plan {plan.checksum} is pending (1 of 1 routes would move)"
    assert sentence == f"{pending}: review it with strangler plan, then run strangler apply."


def test_a_comment_is_nothing_to_apply(shop: Shop) -> None:
    shop.file.write_text(f"# why\n{ROUTES}")
    assert shop.troubles() == []


def test_an_interrupted_apply(shop: Shop, snapshot: Callable[[], object]) -> None:
    started = shop.rollout.entries()[0]
    entry = replace(started, number=1, time="2026-11-22T12:00:00Z", who="ann", command="switch carts.list")
    journal = Journal(entry=entry, file_before="c")
    shop.rollout.folder.journal_open(journal)
    before = snapshot()
    assert shop.troubles() == [
        (
            "finding",
            "apply",
            "'switch carts.list' by ann was interrupted at 2026-11-22T12:00:00Z: "
            "strangler apply restores what ran before.",
        )
    ]
    assert snapshot() == before


@pytest.fixture
def snapshot(tmp_path: Path) -> Callable[[], object]:
    """All files: a check changes none."""
    return lambda: {file: file.read_bytes() for file in tmp_path.rglob("*") if file.is_file()}


def test_nothing_was_applied_yet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shop = Shop(tmp_path, monkeypatch, started=False)
    assert ("unknown", "apply", "nothing was applied yet: start it.") in shop.troubles()


def test_a_file_that_was_changed_after_a_start_that_nothing_recorded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As after `docker compose up`: what it says to do has the start recorded, and then the change is a plan."""
    shop = Shop(tmp_path, monkeypatch, started=False)
    rollout = shop.rollout
    shop.gateway.activate(render_gateway(rollout.parse(rollout.file_content()), rollout.gateway.settings).version)
    changed = ROUTES.replace("parallel", "migrated")
    shop.file.write_text(changed)
    [trouble] = [sentence for _, check, sentence in shop.troubles() if check == "apply"]
    assert trouble.startswith("routes.toml was changed after the gateway started with it")
    assert "undo the change (git stash), run strangler apply" in trouble
    shop.file.write_text(ROUTES)
    rollout_recover(rollout)
    shop.file.write_text(changed)
    assert [change.name for change in rollout.propose(changed.encode()).plan.moves] == ["carts.list"]
