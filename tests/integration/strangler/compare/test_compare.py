"""`strangler compare` between small real servers: requests, differences, and how they are reported."""

import json

from tests.comparison_runs import Compare
from tests.shadows import Reply, Request, TinyStack


def test_equal_stacks(compare: Compare, stacks: tuple[TinyStack, TinyStack]) -> None:
    left, right = stacks
    run = compare.run(f"{left.url}/api", f"{right.url}/api/v2/")
    assert (run.code, run.err) == (0, "")
    assert "equal: 2 cases of 2 routes" in run.out
    assert {request.target for request in left.asked} == {"/api/posts/?page=2", "/api/tags/"}
    assert {request.target for request in right.asked} == {"/api/v2/posts/?page=2", "/api/v2/tags/"}
    assert run.report["exit_code"] == 0
    assert run.route("posts.list")["equal"] == 1
    assert run.suites["posts.list"].get("failures") == "0"


def test_a_difference_is_shown_with_its_place_its_values_and_a_command(
    compare: Compare, stacks: tuple[TinyStack, TinyStack]
) -> None:
    left, right = stacks
    left.reply = lambda request: Reply(json.dumps({"next": f"{left.url}/api{request.target[4:]}", "n": 1}).encode())
    right.reply = lambda request: Reply(json.dumps({"next": f"{right.url}/api{request.target[4:]}", "n": 2}).encode())
    run = compare.run(f"{left.url}/api", f"{right.url}/api")
    assert run.code == 1
    assert "posts.list: value at $.n, in 1 answer" in run.out
    assert "left   $.n = 1\n  right  $.n = 2\n" in run.out
    assert f"curl -si '{left.url}/api/posts/?page=2' -H 'User-Agent: strangler-compare'" in run.out
    assert "different: 2 of 2 cases of 2 routes" in run.out
    (group,) = run.route("tags.list")["groups"]
    assert (group["kind"], group["pattern"], group["count"]) == ("value", "$.n", 1)
    assert run.suites["tags.list"].get("failures") == "1"
    assert "$.n" in (run.folder / "report.html").read_text()


def test_redirects_are_answers_unless_they_are_to_be_followed(
    compare: Compare, stacks: tuple[TinyStack, TinyStack]
) -> None:
    def reply(request: Request) -> Reply:
        if request.target.endswith("/there/"):
            return Reply(b'{"count":2}')
        return Reply(b"", status=301, headers={"Location": f"/api{request.target[4:].partition('?')[0]}there/"})

    for stack in stacks:
        stack.reply = reply
    addresses = [f"{stack.url}/api" for stack in stacks]
    assert compare.run(*addresses).code == 0
    assert not any("there" in request.target for request in stacks[0].asked)
    assert compare.run(*addresses, "--follow").code == 0
    assert sum("there" in request.target for request in stacks[0].asked) == 2
    # A circle of two is found when it is walked.
    circle = {"/api/posts/?page=2": "/api/tags/", "/api/tags/": "/api/posts/?page=2"}
    stacks[1].reply = lambda request: Reply(b"", status=302, headers={"Location": circle[request.target]})
    run = compare.run(*addresses, "--follow")
    assert run.code == 4
    assert "not compared: right redirects in a circle (posts.list), once\n" in run.out


def test_a_log_is_asked_and_its_writes_are_not(compare: Compare, stacks: tuple[TinyStack, TinyStack]) -> None:
    lines = [
        {"method": "GET", "uri": "/api/posts/?page=3", "route": "posts.list", "caller": "user:1"},
        {"method": "POST", "uri": "/api/posts/", "route": "posts.create", "caller": "user:1"},
        {"method": "GET", "uri": "/api/wp-login.php", "route": "", "caller": "address:10.0.0.1"},
    ]
    log = "".join(json.dumps({"time": "2026-01-01T00:00:00+00:00", "status": 200, **line}) + "\n" for line in lines)
    run = compare.run(stacks[0].url, stacks[1].url, "--from-log", "-", piped=log + "no line of nginx\n")
    assert [request.target for request in stacks[0].asked] == ["/posts/?page=3"], run.out + run.err
    assert run.code == 0
    assert dict(run.report["skipped"])["requests of the log that may write"] == 1
    another = compare.run(stacks[0].url, stacks[1].url, "--from-log", "-", piped="GET /api/posts/ 200\n" * 3)
    assert another.code == 4
    assert "3 of 3 lines of - are not of the gateway's access log" in another.err


def test_expired_and_unmet_declarations_fail_the_run(compare: Compare, stacks: tuple[TinyStack, TinyStack]) -> None:
    entry = '[[difference]]\nroute = "posts.list"\nreason = "r."\nowner = "o"\n'
    declared = compare.folder / "declared.toml"
    declared.write_text(f'{entry}expires = 2001-01-01\npath = "$.a"\n{entry}expires = 2999-01-01\nheader = "x-a"\n')
    run = compare.run(stacks[0].url, stacks[1].url, "--declared", str(declared))
    assert run.code == 1
    assert run.report["declared_faults"] == [
        "the declared difference of posts.list ($.a) has expired on 2001-01-01: fix it, or declare it anew",
        "the declared difference of posts.list (x-a) was never met: remove it",
    ]
    assert run.suites["declared differences"].get("failures") == "2"
    only_tags = compare.run(stacks[0].url, stacks[1].url, "--declared", str(declared), "--route", "tags.*")
    assert (only_tags.code, [route["route"] for route in only_tags.report["routes"]]) == (0, ["tags.list"])


def test_no_secret_is_reported(compare: Compare, stacks: tuple[TinyStack, TinyStack]) -> None:
    """Not the password, the token, a header or a cookie; not even by stacks that repeat them where they can."""
    compare.write(
        '[[case]]\nas = ["alice"]\nget = "/posts/?token=geheim-query"\nheaders = { X-Api-Key = "geheim-key" }\n'
    )

    def reply(side: str, request: Request) -> Reply:
        said = {name: request.headers.get(name, "") for name in ("authorization", "x-api-key", "x-secret-too")}
        body = {
            "detail": f"{side} {said} {request.target}",
            "access": f"geheim-{side}",
            "list": [{"password": "geheim-x"}],
        }
        headers = {"Set-Cookie": f"geheim={side}", "X-Said": said["authorization"] + side}
        return Reply(json.dumps(body).encode(), headers=headers)

    def left(request: Request) -> Reply:
        return Reply(b'{"access":"geheim-token"}') if "auth" in request.target else reply("left", request)

    stacks[0].reply, stacks[1].reply = left, lambda request: reply("right", request)
    options = ("--header", "X-Secret-Too: geheim-header", "--login", "alice")
    run = compare.run(stacks[0].url, stacks[1].url, *options, STRANGLER_PASSWORD="geheim-password")
    assert run.code == 1
    assert stacks[1].asked[0].headers["authorization"] == "Bearer geheim-token"
    written = b"".join(file.read_bytes() for file in run.folder.iterdir() if file.is_file())
    assert b"geheim-" not in written + run.out.encode() + run.err.encode()
    assert b"geheim=" not in written + run.out.encode()
