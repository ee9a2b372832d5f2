"""TLS at nginx with files of one's own, and what the stacks' answers say of it."""

import ssl
import subprocess

import httpx
import pytest

from strangler.deployment.local_gateway import local_gateway
from strangler.local.ports import port_free_pick
from tests.e2e.conftest import MakeGateway
from tests.example import example_settings
from tests.gateways import Gateway

HSTS = "Strict-Transport-Security"


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """A self-made one for localhost."""
    folder = tmp_path_factory.mktemp("tls")
    files = {"certificate": str(folder / "front.pem"), "certificate_key": str(folder / "front.key")}
    argv = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", "/CN=localhost"]
    argv += [
        "-addext",
        "subjectAltName=DNS:localhost",
        "-out",
        files["certificate"],
        "-keyout",
        files["certificate_key"],
    ]
    subprocess.run(argv, check=True, capture_output=True)  # noqa: S603 - a command of this test
    return files


def door(make_gateway: MakeGateway, certificate: dict[str, str]) -> tuple[Gateway, httpx.Client]:
    """A gateway that speaks TLS too, and a client that trusts its certificate."""
    port = port_free_pick()
    made = make_gateway(tls_listen=(f"127.0.0.1:{port}",), **certificate)
    trusting = ssl.create_default_context(cafile=certificate["certificate"])
    return made, httpx.Client(base_url=f"https://localhost:{port}", verify=trusting)


def test_what_comes_by_tls_is_to_come_so_again(make_gateway: MakeGateway, certificate: dict[str, str]) -> None:
    made, client = door(make_gateway, certificate)
    with client:
        for path in ("/api/feed/", "/api/v2/feed/", "/gateway/version", "/api/posts/"):
            assert client.get(path).headers[HSTS] == "max-age=31536000", path
            assert HSTS not in httpx.get(made.url + path).headers
        links = client.get("/api/feed/?page_size=1").json()["next"]
        assert links.startswith("https://localhost")
        cookies = client.get("/admin/login/").headers.get_list("Set-Cookie")
        assert cookies
        assert all("; Secure" in cookie for cookie in cookies)
    plain = httpx.get(f"{made.url}/admin/login/").headers.get_list("Set-Cookie")
    assert not any("Secure" in cookie for cookie in plain)


def test_a_plain_request_is_refused(make_gateway: MakeGateway, certificate: dict[str, str]) -> None:
    _, client = door(make_gateway, certificate)
    with client:
        plain = httpx.get(str(client.base_url).replace("https", "http"))
        assert (plain.status_code, plain.json()) == (400, {"detail": "Bad request."})


def test_behind_a_proxy_that_ends_tls_the_same_is_said(make_gateway: MakeGateway) -> None:
    url = make_gateway(trusted_proxies=("127.0.0.0/8",)).url
    answer = httpx.get(f"{url}/admin/login/", headers={"X-Forwarded-Proto": "https"})
    assert answer.headers[HSTS] == "max-age=31536000"
    assert "; Secure" in answer.headers["Set-Cookie"]


def test_the_files_are_named_in_the_settings(certificate: dict[str, str]) -> None:
    """The port without TLS is then for this machine alone."""
    settings = example_settings(
        proxy_host="0.0.0.0",  # noqa: S104 - nothing listens
        proxy_certificate=certificate["certificate"],
        proxy_certificate_key="tls/front.key",
    )
    gateway = local_gateway(settings)
    assert (gateway.listen, gateway.tls_listen) == (("127.0.0.1:8080",), ("0.0.0.0:8443",))
    assert gateway.certificate == certificate["certificate"]
    assert gateway.certificate_key == str(settings.project.root / "tls/front.key")
    assert settings.proxy_url == "http://127.0.0.1:8080"
