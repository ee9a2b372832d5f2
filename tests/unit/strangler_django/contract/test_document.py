import json
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.contenttypes.models import ContentType
from django.core.management import CommandError, call_command
from django.db import models
from django.db.models.signals import post_save
from django.test.utils import isolate_apps

from shared_schema.contract.contract import Contract
from strangler.schema.django_side import django_contract
from strangler_django.contract import document
from strangler_django.contract.document import FORMAT, DocumentError, schema_document, schema_text
from strangler_django.contract.names import table_address, table_key, type_name
from strangler_django.contract.tables import table_facts
from strangler_django.contract.tokens import is_signed_by_secret_key, token_settings
from strangler_django.contract.unconnected import DatabaseAskedError, Sql
from tests.databases import foreign_project
from tests.example import ROOT
from tests.unit.strangler_django.contract.conftest import MakeModel


@pytest.fixture(scope="module")
def tables() -> dict[str, dict[str, object]]:
    document = schema_document()
    assert document["format"] == FORMAT
    return document["tables"]


def test_every_table_of_every_app_is_there(tables: dict[str, dict[str, object]]) -> None:
    assert {"users", "posts", "tags", "blog_post_tags", "users_groups", "token_blacklist_outstandingtoken"} <= set(
        tables
    )


def test_what_only_django_knows_is_written(tables: dict[str, dict[str, object]]) -> None:
    posts, users = tables["posts"]["columns"], tables["users"]["columns"]
    assert posts["published"]["default"] is False
    assert posts["created_at"]["auto_now_add"] is True
    assert "default" not in posts["created_at"]
    assert users["date_joined"]["default_callable"] == "django.utils.timezone.now"
    assert (users["first_name"]["default"], users["last_login"]["null"]) == ("", True)
    assert "default" not in users["last_login"]
    assert users["username"]["max_length"] == 50
    assert posts["id"]["identity"] == "by default"


def test_relations_name_what_a_delete_does(tables: dict[str, dict[str, object]]) -> None:
    assert tables["posts"]["columns"]["author_id"]["references"] == {
        "table": "users",
        "column": "id",
        "on_delete": "CASCADE",
        "related_name": "posts",
    }
    tokens = tables["token_blacklist_outstandingtoken"]["columns"]
    assert tokens["user_id"]["references"]["on_delete"] == "SET_NULL"


def test_an_m2m_names_its_table_and_columns(tables: dict[str, dict[str, object]]) -> None:
    assert tables["posts"]["many_to_many"]["tags"] == {
        "table": "blog_post_tags",
        "source_column": "post_id",
        "target_column": "tag_id",
        "target": "tags",
        "related_name": "posts",
    }
    assert tables["blog_post_tags"]["auto_created"] is True


def test_choices_are_listed(tables: dict[str, dict[str, object]]) -> None:
    assert tables["django_admin_log"]["columns"]["action_flag"]["choices"] == [1, 2, 3]


@pytest.mark.parametrize(
    ("of_django", "of_postgres"),
    [
        ("varchar(50)", "character varying(50)"),
        ("varchar", "character varying"),
        ("time", "time without time zone"),
        ("timestamp with time zone", "timestamp with time zone"),
        ("numeric(6, 2)[]", "numeric(6,2)[]"),
        ("time[]", "time without time zone[]"),
        ("geometry(POINT,4326)", "geometry(POINT,4326)"),
        ("integer[3]", "integer[]"),
        ("timestamptz", "timestamp with time zone"),
        ("float8[]", "double precision[]"),
    ],
)
def test_types_are_spelled_as_postgresql_does(of_django: str, of_postgres: str) -> None:
    assert type_name(of_django) == of_postgres


@pytest.mark.parametrize(
    ("db_table", "address", "key"),
    [
        ("posts", (None, "posts"), "posts"),
        ('"audit"."entries"', ("audit", "entries"), "audit.entries"),
        ('audit"."entries', ("audit", "entries"), "audit.entries"),
        ('"public"."posts"', (None, "posts"), "posts"),
        ("Order Items", (None, "Order Items"), "Order Items"),
        ("dotted.name", (None, "dotted.name"), "dotted.name"),
    ],
)
def test_a_table_is_named_by_its_schema_unless_that_is_the_default(
    db_table: str, address: tuple[str | None, str], key: str
) -> None:
    assert (table_address(db_table), table_key(db_table)) == (address, key)


@pytest.fixture
def models_of_a_project(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[type[models.Model]]]:
    """What the project's apps have: nothing but what a test puts there."""
    found: list[type[models.Model]] = []
    monkeypatch.setattr(document.apps, "get_models", lambda **_: list(found))
    with isolate_apps("strangler_django"):
        yield found


def model(name: str, **options: object) -> type[models.Model]:
    meta = type("Meta", (), {"app_label": "strangler_django", **options})
    return type(name, (models.Model,), {"__module__": __name__, "Meta": meta})


def test_two_models_of_one_table_are_one_sentence(models_of_a_project: list[type[models.Model]]) -> None:
    models_of_a_project += [model("Left", db_table="same"), model("Right", db_table='"public"."same"')]
    with pytest.raises(
        DocumentError, match=r"^Table same is claimed by strangler_django.Left and strangler_django.Right: give each"
    ):
        schema_text()
    with pytest.raises(CommandError, match="Table same is claimed"):
        call_command("export_schema")


def test_a_table_and_a_schema_may_not_look_alike(models_of_a_project: list[type[models.Model]]) -> None:
    models_of_a_project += [model("Left", db_table="a.b"), model("Right", db_table='"a"."b"')]
    with pytest.raises(DocumentError, match=r"^Table a\.b is claimed"):
        schema_text()


def test_a_model_that_looks_at_anothers_table_is_left_out(models_of_a_project: list[type[models.Model]]) -> None:
    models_of_a_project += [model("Mirror", db_table="same", managed=False), model("Owner", db_table="same")]
    assert schema_document()["tables"]["same"]["model"] == "strangler_django.Owner"


def test_a_model_of_another_database_is_left_out(
    models_of_a_project: list[type[models.Model]], monkeypatch: pytest.MonkeyPatch
) -> None:
    models_of_a_project += [model("Here", db_table="here"), model("There", db_table="there")]
    monkeypatch.setattr(
        document.router, "allow_migrate_model", lambda alias, found: (alias, found.__name__) == ("default", "Here")
    )
    assert set(schema_document()["tables"]) == {"here"}


def test_a_model_that_asks_the_database_is_one_sentence(models_of_a_project: list[type[models.Model]]) -> None:
    class Asking(models.Model):
        kind = models.IntegerField(default=1, validators=[], help_text="")

        class Meta:
            app_label = "strangler_django"

    Asking._meta.get_field("kind").get_default = lambda: ContentType.objects.count()
    models_of_a_project.append(Asking)
    with pytest.raises(DatabaseAskedError):
        schema_text()
    with pytest.raises(CommandError, match="exported from the models alone"):
        call_command("export_schema")


def test_choices_that_are_rows_are_left_out(models_of_a_project: list[type[models.Model]]) -> None:
    class Chosen(models.Model):
        known = models.CharField(max_length=1, choices=lambda: [("a", "A")])
        rows = models.IntegerField(choices=lambda: ContentType.objects.values_list("pk", "model"))

        class Meta:
            app_label = "strangler_django"

    models_of_a_project.append(Chosen)
    columns = schema_document()["tables"]["strangler_django_chosen"]["columns"]
    assert columns["known"]["choices"] == ["a"]
    assert "choices" not in columns["rows"]


def test_another_kind_of_database_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(document, "connections", {"default": type("Sqlite", (), {"vendor": "sqlite"})})
    with pytest.raises(DocumentError, match=r"is no PostgreSQL \(sqlite\): give --database"):
        schema_text()


def test_a_file_that_can_not_be_written_is_one_sentence() -> None:
    with pytest.raises(CommandError, match=r"cannot be written \(No such file or directory\): give --output"):
        call_command("export_schema", output=ROOT / "nowhere" / "contract.json")


def test_the_text_is_sorted() -> None:
    text = schema_text()
    assert text == json.dumps(json.loads(text), indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def test_every_process_writes_the_same() -> None:
    """Sets have another order in each; PYTHONHASHSEED makes them others here."""
    project = foreign_project("postgresql://nobody@127.0.0.1:1/nowhere")
    texts = {
        subprocess.run(  # noqa: S603 - Django's own command
            [*project.argv, "export_schema"],
            env={**project.env, "PYTHONHASHSEED": seed},
            cwd=ROOT,
            check=True,
            capture_output=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(texts) == 1
    assert b" at 0x" not in texts.pop()


def test_a_project_without_content_types_is_reported_of() -> None:
    """Their fields can't even be imported there."""
    source = """
import django
from django.conf import settings
settings.configure(
    INSTALLED_APPS=["strangler_django"],
    DATABASES={"default": {"ENGINE": "django.db.backends.postgresql", "NAME": "x", "HOST": "127.0.0.1", "PORT": "1"}},
)
django.setup()
from django.core.management import call_command
from django.db import models

class Thing(models.Model):
    class Meta:
        app_label = "strangler_django"

call_command("export_schema")
"""
    run = subprocess.run(  # noqa: S603 - Python itself
        [sys.executable, "-c", source], cwd=ROOT, check=True, capture_output=True
    )
    assert set(Contract.model_validate_json(run.stdout).tables) == {"strangler_django_thing"}


def test_the_reader_reads_all_of_a_foreign_project() -> None:
    contract = django_contract(foreign_project("postgresql://nobody@127.0.0.1:1/nowhere"))
    assert contract.tables["books_popularity"].managed is False
    assert contract.tables["books_audiobook"].parents == ("books_book",)
    assert contract.tables["books_book"].proxies == ("books.WornBook",)
    opening = contract.tables["lending_opening"]
    assert opening.primary_key == ("weekday", "branch_id")
    assert {name for name, column in opening.columns.items() if column.primary_key} == set(opening.primary_key)
    assert contract.tables["books_item"].generic_relations[0].content_type == ("books", "item")
    assert contract.tables["books_subject"].many_to_many["related"].symmetrical
    assert contract.tables["lending_member"].many_to_many["wishes"].table == "lending_wish"


def test_the_settings_of_simplejwt_are_written_without_its_keys(settings: Any) -> None:
    tokens = schema_document()["tokens"]
    assert (tokens["access_token_lifetime"], tokens["jti_claim"], tokens["auth_header_types"]) == (
        1800,
        "jti",
        ["Bearer"],
    )
    assert not any("key" in name for name in tokens)
    assert not is_signed_by_secret_key()
    settings.SIMPLE_JWT = {name: value for name, value in settings.SIMPLE_JWT.items() if name != "SIGNING_KEY"}
    assert is_signed_by_secret_key()
    del settings.SIMPLE_JWT
    # Procrastinate's tasks can be registered once in a process.
    left_out = ("simplejwt", "procrastinate")
    settings.INSTALLED_APPS = [app for app in settings.INSTALLED_APPS if not any(part in app for part in left_out)]
    # It needs no app and no settings where views use its authenticators.
    assert is_signed_by_secret_key()
    settings.REST_FRAMEWORK = {**settings.REST_FRAMEWORK, "DEFAULT_AUTHENTICATION_CLASSES": []}
    assert token_settings() is None
    assert not is_signed_by_secret_key()


def listener(**_options: object) -> None:
    """A project's receiver of a signal."""


def test_what_django_calls_for_a_row_is_reported(make_model: MakeModel) -> None:
    plain, heard = make_model("Plain"), make_model("Heard")
    heard.save = listener
    post_save.connect(listener, sender=heard)
    try:
        facts = table_facts(heard, Sql())
    finally:
        post_save.disconnect(listener, sender=heard)
    assert (facts["overrides"], facts["receivers"]) == (["save"], [f"post_save {__name__}.listener"])
    assert not {"overrides", "receivers"} & table_facts(plain, Sql()).keys()


@pytest.mark.parametrize("module", ["easy_thumbnails.signal_handlers", "imagekit.specs.sourcegroups"])
def test_what_looks_at_files_alone_is_reported_of_models_with_files(
    module: str, make_model: MakeModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listener, "__module__", module)
    plain, filed = make_model("Words"), make_model("Filed", {"scan": models.FileField()})
    post_save.connect(listener)
    try:
        found = [table_facts(model, Sql()).get("receivers", []) for model in (plain, filed)]
    finally:
        post_save.disconnect(listener)
    assert found[0] == []
    assert f"post_save {module}.listener" in found[1]
