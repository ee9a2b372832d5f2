"""Writes between two addresses: played only where they are allowed, and never where production is."""

import json
import shutil
from pathlib import Path

import pytest

from tests.comparison_runs import Compare
from tests.example import ROOT
from tests.shadows import Reply, Request, TinyStack

WRITES = """
[[case]]
name = "a new tag"
post = "/tags/"
json = { name = "new" }
save = { tag = "$.id" }

[[case]]
name = "that tag"
get = "/tags/{tag}/"

[[case]]
name = "a commit that is refused"
post = "/tags/"
json = { name = "full" }
refuse_commit = true
"""
ALLOWED = ("--writes", "--allow-writes")


def tags(first: int, name: str = "new") -> Reply:
    body = json.dumps({"id": first, "url": f"/api/tags/{first}/", "name": name})
    return Reply(body.encode(), status=201)


@pytest.fixture
def addresses(compare: Compare, stacks: tuple[TinyStack, TinyStack]) -> list[str]:
    compare.write(WRITES)
    for stack, number in zip(stacks, (17, 23), strict=True):
        stack.reply = lambda _request, number=number: tags(number)
    return [f"{stack.url}/api" for stack in stacks]


def written(stacks: tuple[TinyStack, TinyStack]) -> list[list[tuple[str, str]]]:
    return [[(each.method, each.target) for each in stack.asked] for stack in stacks]


def test_each_side_is_written_to_with_values_of_its_own(
    compare: Compare, stacks: tuple[TinyStack, TinyStack], addresses: list[str]
) -> None:
    run = compare.run(*addresses, *ALLOWED)
    assert run.code == 0, run.out + run.err
    assert "left out: 1 cases whose commit is refused, which need copies" in run.out
    assert written(stacks) == [[("POST", "/api/tags/"), ("GET", f"/api/tags/{number}/")] for number in (17, 23)]


def test_a_difference_is_shown_with_the_request_to_either_side(
    compare: Compare, stacks: tuple[TinyStack, TinyStack], addresses: list[str]
) -> None:
    def reply(request: Request) -> Reply:
        return tags(23, "old" if request.method == "GET" else "new")

    stacks[1].reply = reply
    run = compare.run(*addresses, *ALLOWED)
    assert run.code == 1
    assert 'left   $.name = "new"\n  right  $.name = "old"' in run.out
    assert f"curl -si {addresses[0]}/tags/17/ " in run.out
    assert f"curl -si {addresses[1]}/tags/23/ " in run.out


@pytest.mark.parametrize("production", ["{right}", "127.0.0.1", "http://127.0.0.1:{port}"])
def test_what_is_declared_production_is_never_written_to(
    production: str, compare: Compare, stacks: tuple[TinyStack, TinyStack], addresses: list[str], tmp_path: Path
) -> None:
    named = production.format(right=addresses[1], port=stacks[1].server.server_port)
    project = tmp_path / "project"
    (project / "nginx").mkdir(parents=True)
    shutil.copy(ROOT / "nginx" / "routes.toml", project / "nginx")
    text = (ROOT / "strangler.toml").read_text() + f'\n[compare]\nproduction = ["{named}"]\n'
    (project / "strangler.toml").write_text(text)
    run = compare.run(*addresses, *ALLOWED, STRANGLER_PROJECT=str(project / "strangler.toml"))
    assert run.code == 3
    assert "which is declared production: name another address" in run.err
    assert written(stacks) == [[], []]


def test_nobody_writes_there_unless_it_is_allowed(
    compare: Compare, stacks: tuple[TinyStack, TinyStack], addresses: list[str]
) -> None:
    run = compare.run(*addresses, "--writes")
    assert run.code == 3
    assert "add --allow-writes" in run.err
    assert compare.run(*addresses, "--allow-writes").code == 2
    assert written(stacks) == [[], []]
