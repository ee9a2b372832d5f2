"""What production refuses, and what a development stack is warned of."""

import secrets
from pathlib import Path

import pytest

from strangler.errors import UsageError
from strangler.local.production import exposure_warning, production_problems, require_production
from strangler.settings import LocalSettings
from tests.example import EXAMPLE, example_settings

GOOD = {"environment": "production", "secret_key": "a" * 32, "jwt_signing_key": "b" * 32, "allowed_hosts": "a.example"}


def settings(folder: Path, **changed: str) -> LocalSettings:
    return example_settings(**(GOOD | changed)).model_copy(update={"project": EXAMPLE.at(folder)})


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"jwt_signing_key": GOOD["secret_key"]}, "SECRET_KEY and JWT_SIGNING_KEY are the same"),
        ({"allowed_hosts": "a.example, *"}, "ALLOWED_HOSTS is *"),
        ({"trusted_proxies": "10.0.0.0/8,0.0.0.0/0"}, "TRUSTED_PROXIES is 0.0.0.0/0"),
        ({"stack_header_networks": "::/0"}, "STACK_HEADER_NETWORKS is ::/0, so any client may choose the stack"),
        ({"operator_networks": "128.0.0.0/1"}, "OPERATOR_NETWORKS is 128.0.0.0/1, so any client may read"),
        ({"trusted_proxies": "128.0.0.0/1"}, "TRUSTED_PROXIES is 128.0.0.0/1"),
    ],
)
def test_what_production_refuses(tmp_path: Path, changed: dict[str, str], sentence: str) -> None:
    require_production(settings(tmp_path))
    require_production(settings(tmp_path, **changed, environment="development"))
    found = list(production_problems(settings(tmp_path, **changed)))
    assert len(found) == 1
    assert found[0].message.startswith(sentence)
    assert found[0].hint
    with pytest.raises(UsageError):
        require_production(settings(tmp_path, **changed))


@pytest.mark.parametrize(("mode", "is_refused"), [(0o600, False), (0o640, True), (0o644, True), (0o602, True)])
def test_only_its_owner_reads_the_secrets(tmp_path: Path, mode: int, is_refused: bool) -> None:
    env = tmp_path / ".env"
    env.write_text(secrets.token_hex())
    env.chmod(mode)
    assert [problem.hint for problem in production_problems(settings(tmp_path))] == [
        f"run chmod 600 {env}"
    ] * is_refused


@pytest.mark.parametrize(
    ("host", "is_warned"),
    [("127.0.0.1", False), ("::1", False), ("localhost", False), ("192.0.2.1", True), ("::", True)],
)
def test_a_development_stack_that_others_reach_is_warned_of(tmp_path: Path, host: str, is_warned: bool) -> None:
    assert (exposure_warning(settings(tmp_path, proxy_host=host, environment="development")) is not None) is is_warned
    assert exposure_warning(settings(tmp_path, proxy_host=host)) is None
