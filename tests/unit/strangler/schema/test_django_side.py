import os
import sys
import time
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from strangler.errors import FailedError, UsageError
from strangler.local.services import Connections
from strangler.schema.django_side import (
    ManageCommand,
    MigrationConflict,
    MigrationName,
    MissingMigration,
    django_contract,
    django_project,
    django_state,
    with_commands,
    without_secrets,
)
from strangler.settings import LocalSettings
from tests.example import EXAMPLE, ROOT, example_settings

CONNECTIONS = Connections(
    owner_dsn="postgresql://owner:p4ssw0rd@db/shop", fastapi_dsn="", secret_key="s" * 40, jwt_signing_key="j" * 40
)
STATE = '{"unmade": [{"app": "shop", "description": "Add field x to y"}], "conflicts": []'


def project(source: str, **env: str) -> ManageCommand:
    return ManageCommand(argv=(sys.executable, "-c", source), env=dict(os.environ) | env, cwd=ROOT)


def test_the_state_is_parsed_from_the_commands_output() -> None:
    more = ', "pending": [{"app": "shop", "name": "0002_x"}], "unknown": []}'
    state = django_state(project(f"print('the project starts'); print('''{STATE}{more}'''); print('{{}}')"))
    assert state.unmade == (MissingMigration(app="shop", description="Add field x to y"),)
    assert state.pending == (MigrationName(app="shop", name="0002_x"),)
    assert str(state.pending[0]) == "shop.0002_x"
    assert state.conflicts == state.unknown == ()


def test_without_a_database_the_command_gets_the_option() -> None:
    source = """
import json, sys
print(json.dumps({"unmade": [], "conflicts": [{"app": a, "names": []} for a in sys.argv[1:]]}))
"""
    state = django_state(project(source), database=False)
    assert state.conflicts == (
        MigrationConflict(app="schema_state", names=()),
        MigrationConflict(app="--no-database", names=()),
    )
    assert state.pending is state.unknown is None


def test_the_contract_is_found_after_the_projects_own_output() -> None:
    assert django_contract(project('print("hello"); print("{\\n \\"format\\": 2, \\"tables\\": {}}")')).tables == {}


@pytest.mark.parametrize("ask", [django_contract, django_state])
def test_another_format_is_an_error_with_a_hint(ask: object) -> None:
    with pytest.raises(FailedError, match="install the same version"):
        ask(project('print("[]")'))


def test_the_last_line_of_a_traceback_is_the_reason() -> None:
    with pytest.raises(FailedError, match=r"^Django's command schema_state fails \(ValueError: no settings\): run it"):
        django_state(project("raise ValueError('no settings.')"))


def test_an_end_without_output_is_reported_by_its_exit_code() -> None:
    with pytest.raises(FailedError, match=r"\(it ended with code 7\)"):
        django_state(project("raise SystemExit(7)"))


def test_a_project_without_the_app_gets_the_hint_to_install_it() -> None:
    with pytest.raises(FailedError, match="INSTALLED_APPS"):
        django_state(project("raise SystemExit('Unknown command: schema_state')"))


def test_a_project_without_settings_is_told_where_to_name_them() -> None:
    complaint = "You must either define the environment variable DJANGO_SETTINGS_MODULE or call settings.configure()."
    with pytest.raises(FailedError, match="as by export DJANGO_SETTINGS_MODULE="):
        django_state(project(f"raise SystemExit({complaint!r})"))


def test_secrets_are_removed_from_errors() -> None:
    source = 'import os; raise SystemExit(f\'cannot reach {os.environ["DATABASE_URL"]} by {os.environ["API_TOKEN"]}\')'
    with pytest.raises(FailedError) as raised:
        django_state(project(source, API_TOKEN="abcdefgh").at(CONNECTIONS.owner_dsn))
    assert "p4ssw0rd" not in str(raised.value)
    assert "abcdefgh" not in str(raised.value)
    assert without_secrets("at postgresql://me:p4ss@db/x", {}) == "at postgresql://me:…@db/x"


def test_a_missing_program_is_one_sentence() -> None:
    with pytest.raises(FailedError, match="No such file or directory: /nowhere"):
        django_state(ManageCommand(argv=("/nowhere",), env={}, cwd=ROOT))


def test_a_command_that_takes_too_long_ends_with_its_children(tmp_path: Path) -> None:
    noted = tmp_path / "pid"
    source = f"""
import pathlib, subprocess, sys
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
pathlib.Path({str(noted)!r}).write_text(str(child.pid))
child.wait()
"""
    with pytest.raises(FailedError, match=r"export_schema didn't end within 2 s"):
        django_contract(replace(project(source), timeout=2))
    child, deadline = int(noted.read_text()), time.monotonic() + 5
    while psutil.pid_exists(child) and psutil.Process(child).status() != psutil.STATUS_ZOMBIE:
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_a_project_that_inherits_nothing_gets_only_the_variables_of_its_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOMETHING_ELSE", "1")
    found = django_project(example_settings(), CONNECTIONS)
    assert (found.argv, found.cwd) == ((sys.executable, "-m", "strangler_django", "django_app/manage.py"), ROOT)
    assert found.env["DATABASE_URL"] == CONNECTIONS.owner_dsn
    assert "SOMETHING_ELSE" not in found.env
    assert "p4ssw0rd" not in repr(found)


def test_a_project_that_inherits_gets_the_whole_environment_and_its_database(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOMETHING_ELSE", "1")
    django = EXAMPLE.django.model_copy(update={"inherit": True, "environment": {"PG": "{owner_url}?x=1"}})
    settings = LocalSettings(project=EXAMPLE.model_copy(update={"django": django}))
    found = django_project(settings.with_manage(("/srv/my shop/python", "manage.py")), CONNECTIONS)
    assert found.argv == ("/srv/my shop/python", "-m", "strangler_django", "manage.py")
    assert (found.env["PG"], found.env["SOMETHING_ELSE"]) == (f"{CONNECTIONS.owner_dsn}?x=1", "1")
    assert found.at("postgresql://copy").env["PG"] == "postgresql://copy?x=1"


def test_a_project_without_manage_is_an_error_with_a_hint() -> None:
    django = EXAMPLE.django.model_copy(update={"manage": None})
    with pytest.raises(UsageError, match=r"can't be called: add manage = .* to \[django\] of strangler.toml"):
        django_project(LocalSettings(project=EXAMPLE.model_copy(update={"django": django})), CONNECTIONS)


@pytest.mark.parametrize(
    "argv", [("./manage.py",), ("django-admin",), ("docker", "compose", "exec", "web", "app"), ("sh", "manage.py")]
)
def test_what_is_not_started_by_python_has_the_commands_of_its_own_apps(argv: tuple[str, ...]) -> None:
    assert with_commands(argv) == argv


def test_a_command_in_a_container_is_given_those_of_the_package_too() -> None:
    inside = with_commands(("docker", "compose", "exec", "web", "python3", "manage.py"))
    assert inside[-4:] == ("python3", "-m", "strangler_django", "manage.py")
