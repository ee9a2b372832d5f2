"""What the README says is so."""

import json
import re
import subprocess

import httpx

from strangler.routes.route import Api, Stage
from tests.example import ROOT

README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_its_links_lead_somewhere() -> None:
    links = re.findall(r"\]\(([^)]+)\)", README)
    assert links
    assert [link for link in links if not (ROOT / link.partition("#")[0]).exists()] == []


def test_its_make_targets_are_there() -> None:
    listed = subprocess.run(["make", "help"], cwd=ROOT, check=True, capture_output=True, text=True).stdout  # noqa: S607 - the make that runs this
    wanted = set(re.findall(r"`?make ([a-z]+)", README)) - {"and"}
    assert wanted
    assert [target for target in wanted if f"make {target}" not in listed] == []


def test_its_table_of_stages_is_what_the_code_does() -> None:
    rows = re.findall(r"^\| `(\w+)` \| (\w+) \| (\w+) \|$", README, flags=re.MULTILINE)
    assert rows == [(stage, stage.answers(Api.V1), stage.answers(Api.V2)) for stage in Stage]


def test_its_feeds_are_the_same_and_tell_who_answered(front: httpx.Client) -> None:
    first, second = (front.get(f"{prefix}/feed/highlights/") for prefix in ("/api", "/api/v2"))
    assert f"X-Served-By: {first.headers['X-Served-By']}\n" in README
    assert f"X-Served-By: {second.headers['X-Served-By']}\n" in README
    assert first.headers["X-Served-By"] != second.headers["X-Served-By"]


def test_its_user_is_the_demo_user(front: httpx.Client, access_tokens: dict[str, str]) -> None:
    shown = json.loads(re.search(r'^\{"id":2.*\}$', README, flags=re.MULTILINE)[0])  # type: ignore[index] # it is there
    answer = front.get("/api/v2/users/me/", headers={"Authorization": f"Bearer {access_tokens['alice']}"}).json()
    # Other tests write posts in her name.
    assert list(shown) == list(answer)
    assert shown | {"post_count": 0} == answer | {"post_count": 0}
