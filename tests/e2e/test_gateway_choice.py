"""X-Stack: who may choose the stack, and where the choice counts."""

import httpx
import pytest

from strangler.routes.route import Stage
from tests.e2e.conftest import MakeGateway
from tests.gateways import marks
from tests.stack_doubles import broken_upstream, headers_of

HERE = ("127.0.0.0/8",)
STAGES = {"*": "parallel", "feed.list": "migrated", "tags.list": "legacy", "users.list": "retired"}


def asked(url: str, path: str, **headers: str) -> str:
    return marks(httpx.get(url + path, headers={name.replace("_", "-"): value for name, value in headers.items()}))[0]


@pytest.mark.parametrize(
    "path", ["/api/feed/", "/api/v2/feed/", "/api/feed", "/api/tags/", "/api/v2/tags/", "/api/posts/7/"]
)
def test_a_trusted_caller_chooses_either_stack_at_every_stage(path: str, make_gateway: MakeGateway) -> None:
    url = make_gateway(STAGES, stack_header_networks=HERE).url
    assert [asked(url, path, X_Stack=stack) for stack in ("django", "fastapi")] == ["django", "fastapi"]


def test_the_choice_counts_for_every_method_and_for_a_canary(make_gateway: MakeGateway) -> None:
    canary = {"tags.create": {"stage": Stage.CANARY, "percent": 50}}
    url = make_gateway(routes=canary, stack_header_networks=HERE).url
    for method in ("POST", "OPTIONS", "PUT"):
        for stack in ("django", "fastapi"):
            response = httpx.request(method, f"{url}/api/tags/", headers={"X-Stack": stack})
            assert (response.status_code, marks(response)[0]) == (401, stack)


@pytest.mark.parametrize(
    ("path", "chosen", "expected"),
    [
        ("/api/feed/", "django, fastapi", "fastapi"),
        ("/api/feed/", "nginx", "fastapi"),
        ("/api/feed/", "", "fastapi"),
        ("/api/feed/", "gone", "fastapi"),
        ("/api/users/", "django", "nginx"),
        ("/api/nowhere/", "fastapi", "django"),
        ("/api/v2/nowhere/", "fastapi", "django"),
        ("/admin/", "fastapi", "django"),
        ("/api/health/", "fastapi", "django"),
        ("/api/v2/health/ready", "django", "fastapi"),
        ("/api/v2/openapi.json", "django", "fastapi"),
    ],
)
def test_no_choice_is_made_for_what_has_none(path: str, chosen: str, expected: str, make_gateway: MakeGateway) -> None:
    assert asked(make_gateway(STAGES, stack_header_networks=HERE).url, path, X_Stack=chosen) == expected


@pytest.mark.parametrize("networks", [(), ("10.0.0.0/8", "::1/128")])
def test_from_elsewhere_the_choice_is_ignored(networks: tuple[str, ...], make_gateway: MakeGateway) -> None:
    url = make_gateway(STAGES, stack_header_networks=networks).url
    assert asked(url, "/api/feed/", X_Stack="django") == "fastapi"
    assert asked(url, "/api/tags/", X_Stack="fastapi", X_Forwarded_For="10.0.0.1") == "django"


def test_behind_a_trusted_proxy_the_clients_own_network_counts(make_gateway: MakeGateway) -> None:
    url = make_gateway(STAGES, trusted_proxies=HERE, stack_header_networks=("10.0.0.0/8",)).url
    assert asked(url, "/api/feed/", X_Stack="django", X_Forwarded_For="10.0.0.1") == "django"
    assert asked(url, "/api/feed/", X_Stack="django", X_Forwarded_For="203.0.113.1") == "fastapi"


@pytest.mark.parametrize("networks", [(), HERE])
def test_no_stack_is_reported_of_the_choice(networks: tuple[str, ...], make_gateway: MakeGateway) -> None:
    received: list[bytes] = []
    with broken_upstream(received) as upstream:
        url = make_gateway(django=upstream, stack_header_networks=networks).url
        for path in ("/api/feed/", "/admin/", "/nowhere"):
            httpx.get(url + path, headers={"X-Stack": "django", "X_Stack": "django"})
    assert len(received) == 3
    assert [name for request in received for name in headers_of(request) if "stack" in name] == []
