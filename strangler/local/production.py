"""Checks of settings: errors in production, and a warning for an exposed development stack."""

import stat
from collections.abc import Iterator
from ipaddress import ip_address, ip_network

from strangler.errors import UsageError
from strangler.settings import LocalSettings

# The shortest prefixes that one organisation owns: 10.0.0.0/8, and a registry's IPv6 allocation.
_WIDEST = {4: 8, 6: 16}
_READ_BY_OTHERS = stat.S_IRWXG | stat.S_IRWXO


def production_problems(settings: LocalSettings) -> Iterator[UsageError]:
    """Every setting that production refuses; none in development."""
    if settings.is_development:
        return
    if settings.secret_key and settings.secret_key == settings.jwt_signing_key:
        hint = "set another random text for each, such as the output of openssl rand -base64 48"
        yield UsageError("SECRET_KEY and JWT_SIGNING_KEY are the same", hint)
    if "*" in (name.strip() for name in settings.allowed_hosts.split(",")):
        yield UsageError("ALLOWED_HOSTS is *, so links bear any name that a client sends", "name your hosts in .env")
    for setting, networks, may, own in (
        ("TRUSTED_PROXIES", settings.trusted_networks, "forge its address", "the load balancer's own network"),
        ("STACK_HEADER_NETWORKS", settings.stack_header_cidrs, "choose the stack", "your own network"),
        ("OPERATOR_NETWORKS", settings.operator_cidrs, "read what nginx says of itself", "your own network"),
    ):
        for network in filter(_is_wide, networks):
            yield UsageError(f"{setting} is {network}, so any client may {may}", f"name {own}, such as 10.0.0.0/8")
    env = settings.project.root / ".env"
    if env.exists() and env.stat().st_mode & _READ_BY_OTHERS:
        yield UsageError(f"{env} holds secrets, and others than its owner may read it", f"run chmod 600 {env}")


def require_production(settings: LocalSettings) -> None:
    """Refuse settings that aren't safe in production.

    :raises UsageError: the first problem.
    """
    for problem in production_problems(settings):
        raise problem


def exposure_warning(settings: LocalSettings) -> str | None:
    """A warning about a development stack that other machines can reach; None if it can't be reached."""
    if not settings.is_development or _is_loopback(settings.proxy_host):
        return None
    what = "opens a development stack, whose demo password is public, to other machines"
    return f"PROXY_HOST={settings.proxy_host} {what}: set it to 127.0.0.1, or ENVIRONMENT to production."


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _is_wide(text: str) -> bool:
    try:
        network = ip_network(text)
    except ValueError:
        # The gateway's settings report it.
        return False
    return network.prefixlen < _WIDEST[network.version]
