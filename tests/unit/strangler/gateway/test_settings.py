"""A value with characters that mean something to nginx is refused before it is rendered."""

from typing import Any

import pytest

from strangler.errors import UsageError
from strangler.gateway.settings import CallerKey, GatewaySettings, container_gateway
from tests.example import CONTAINERS

GOOD: dict[str, Any] = {"listen": ("127.0.0.1:8080",), "django": "127.0.0.1:8001", "fastapi": "127.0.0.1:8002"}
HOSTILE = ["a; return 200", "a\nb", "a b c", "a{", "a}", '"', "'", "$host", "#", "\\"]
NO_NETWORKS = ["", "10.0.0.1/8", "10.0.0.0/33", "all", "unix:", "fe80::1%x;evil", "fe80::%eth0/64"]
MENDS = {
    "listen": "write an address such as 127.0.0.1:8080",
    "django": "write an address such as 127.0.0.1:8080",
    "fastapi": "write an address such as 127.0.0.1:8080",
    **dict.fromkeys(("access_log", "resolver", "writable", "modules"), "use letters, digits and . _ / - only"),
    "shadow_server": "write an address such as 127.0.0.1:8080",
    "body_size": "write a size such as 512k or 2m",
    "user": "write a user, or a user and a group",
}


@pytest.mark.parametrize("name", MENDS)
@pytest.mark.parametrize("value", HOSTILE)
def test_a_value_cannot_break_out_of_the_configuration(name: str, value: str) -> None:
    given = (value,) if name in {"listen", "modules"} else value
    with pytest.raises(UsageError) as caught:
        GatewaySettings(**GOOD | {name: given})
    assert str(caught.value) == f"{value!r} can't stand in nginx's configuration: {MENDS[name]}."


@pytest.mark.parametrize("name", ["claim", "scheme", "cookie"])
@pytest.mark.parametrize("value", HOSTILE)
def test_nor_can_what_tells_callers_apart(name: str, value: str) -> None:
    with pytest.raises(UsageError, match="can't stand in nginx's configuration"):
        GatewaySettings(**GOOD | {"caller": CallerKey(**{name: value})})


@pytest.mark.parametrize("value", HOSTILE)
def test_nor_can_the_socket_of_samples(value: str) -> None:
    with pytest.raises(UsageError, match="use letters, digits and"):
        GatewaySettings(**GOOD | {"shadow_server": f"unix:{value}"})


@pytest.mark.parametrize("network", [*HOSTILE, *NO_NETWORKS])
@pytest.mark.parametrize("name", ["trusted_proxies", "stack_header_networks"])
def test_only_a_network_is_trusted(name: str, network: str) -> None:
    with pytest.raises(UsageError) as caught:
        container_gateway(**CONTAINERS, **{name: (network,)})
    assert str(caught.value) == f"nginx can't trust {network!r}: write a network such as 10.0.0.0/8."


@pytest.mark.parametrize("address", ["8080", "0.0.0.0:80", "[::1]:8080", "localhost:1", "django:8001", "a-b.example"])
def test_addresses_in_nginxs_terms_are_accepted(address: str) -> None:
    assert GatewaySettings(**GOOD | {"listen": (address,)}).listen == (address,)


@pytest.mark.parametrize("size", ["1", "512k", "2m"])
def test_sizes_in_nginxs_terms_are_accepted(size: str) -> None:
    assert GatewaySettings(**GOOD | {"body_size": size}).body_size == size


@pytest.mark.parametrize("size", ["0", "-1", "1g", "1M", "1.5m", "9999999999"])
def test_a_size_that_means_no_limit_or_nothing_is_refused(size: str) -> None:
    with pytest.raises(UsageError, match="write a size such as 512k or 2m"):
        GatewaySettings(**GOOD | {"body_size": size})
