"""What nginx is told besides the routes: addresses, limits, whom it trusts."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class GatewaySettings:
    """Where nginx listens and where the stacks do.

    `listen` and the upstreams are in nginx's own terms (`127.0.0.1:8080`, `8080`, `django:8001`). `folder` is what
    an `include` of a rendered file begins with, empty where the main file lies beside them. `body_size` is the
    largest request body (`2m`: mebibytes). `trusted_proxies` are CIDR networks whose `X-Forwarded-For` and
    `X-Forwarded-Proto` are believed; `user` is the account of nginx's workers, None where nginx is not root's.
    """

    listen: tuple[str, ...]
    django: str
    fastapi: str
    folder: str = ""
    access_log: str = "access.log"
    body_size: str = "2m"
    trusted_proxies: tuple[str, ...] = ()
    user: str | None = None


def container_gateway(*, trusted_proxies: tuple[str, ...] = ()) -> GatewaySettings:
    """The gateway of docker-compose.yml: its addresses are the services' names."""
    return GatewaySettings(
        listen=("8080", "[::]:8080"),
        django="django:8001",
        fastapi="fastapi:8002",
        folder="generated/",
        access_log="/var/log/nginx/access.log",
        trusted_proxies=trusted_proxies,
    )
