"""What else happens when rows are written: Django's receivers on one side, their namesakes' effects on the other."""

import json
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from django.db import connection, models, transaction
from django.db.models import signals
from django.test import Client
from django.test.utils import isolate_apps
from rest_framework import serializers, viewsets
from sqlalchemy import insert
from sqlalchemy.orm import Mapped
from starlette.requests import Request
from starlette.responses import Response

from shared_schema.mapping import Mapping, Reflected
from strangler_django.contract.plain import callable_path
from strangler_django.contract.tables import table_facts
from strangler_django.contract.unconnected import Sql
from strangler_fastapi.db.session import RequestSession, Session
from strangler_fastapi.drf.fields.model_fields import model_field, model_fields
from strangler_fastapi.drf.resources.resources import Resource
from strangler_fastapi.drf.serializers import Serializer
from strangler_fastapi.drf.unported import unported
from strangler_fastapi.drf.views.permissions import AllowAny
from strangler_fastapi.drf.views.view import View, feature_router
from strangler_fastapi.effects import Effect, RowWrite, TableEffects, effect_register
from strangler_fastapi.errors import ValidationFailed
from tests.databases import empty_database
from tests.shared_stack import StackAddresses
from tests.side_by_side import PREFIXES, BothSides, djangos_database, side_by_side

MAILS: list[str] = []

with isolate_apps("django_app.blog"):

    class Shelf(models.Model):
        name = models.CharField(max_length=9)
        slug = models.CharField(max_length=9, default="")

        class Meta:
            app_label = "blog"
            db_table = "shelves"

        def save(self, *args: Any, **kwargs: Any) -> None:
            self.slug = self.name.lower()
            super().save(*args, **kwargs)

    class Book(models.Model):
        shelf = models.ForeignKey(Shelf, models.CASCADE, related_name="books")

        class Meta:
            app_label = "blog"
            db_table = "books"

    class Diary(models.Model):
        text = models.CharField(max_length=40)

        class Meta:
            app_label = "blog"
            db_table = "diary"

    class Thread(models.Model):
        above = models.ForeignKey("self", models.CASCADE, null=True)

        class Meta:
            app_label = "blog"
            db_table = "threads"

        def delete(self, *args: Any, **kwargs: Any) -> Any:
            Diary.objects.create(text="delete")
            return super().delete(*args, **kwargs)


def announce(instance: Any, *, created: bool, **_given: Any) -> None:
    Diary.objects.create(text=f"{'new' if created else 'other'} {instance.name}")
    transaction.on_commit(lambda: MAILS.append(instance.name))


def lend(instance: Any, **_given: Any) -> None:
    Diary.objects.create(text=f"{type(instance).__name__} is going")


def lost(instance: Any, **_given: Any) -> None:
    Diary.objects.create(text=f"{type(instance).__name__} is gone")


class ShelfSerializer(serializers.ModelSerializer[Shelf]):
    class Meta:
        model = Shelf
        fields = ("id", "name", "slug")
        read_only_fields = ("slug",)


class Shelves(viewsets.ModelViewSet[Shelf]):
    queryset = Shelf.objects.order_by("id")
    serializer_class = ShelfSerializer
    authentication_classes = ()
    permission_classes = ()


class Library:
    """The library's counterpart, of the contract alone."""

    def __init__(self, contract: Path) -> None:
        self.mapping = mapping = Mapping(contract=contract)

        class ShelfRow(Reflected):
            __mapping__ = mapping
            __tablename__ = "shelves"
            id: Mapped[int]
            name: Mapped[str]
            slug: Mapped[str]

        class BookRow(Reflected):
            __mapping__ = mapping
            __tablename__ = "books"
            id: Mapped[int]

        class DiaryRow(Reflected):
            __mapping__ = mapping
            __tablename__ = "diary"
            id: Mapped[int]
            text: Mapped[str]

        self.shelf, self.diary = ShelfRow, DiaryRow
        fields = model_fields(ShelfRow, "id", "name") | {"slug": model_field(ShelfRow, "slug", read_only=True)}
        self.serializer = Serializer("Shelf", fields)
        self.shelves = self.resource(*self.effects())
        self.router = feature_router(PREFIXES, "shelves")
        given: dict[str, Any] = {"permission": AllowAny, "authenticators": (), "serializer": self.serializer}
        many = View(self.router, "/shelves/", name="Shelf", methods=("GET", "POST"), **given)
        one = View(self.router, "/shelves/{pk}/", name="Shelf", methods=("PUT", "PATCH", "DELETE"), **given)

        @many.post(status=201)
        async def shelves_create(request: Request, session: Session) -> Response:
            return await self.shelves.create(request, session)

        @one.put()
        @one.patch()
        async def shelves_update(request: Request, session: Session) -> Response:
            return await self.shelves.update(request, session)

        @one.delete()
        async def shelves_destroy(request: Request, session: Session) -> Response:
            return await self.shelves.destroy(request, session)

    def resource(self, *effects: Effect) -> Resource:
        return Resource(self.shelf, self.serializer, effects=effects)

    async def note(self, session: RequestSession, text: str) -> None:
        await session.execute(insert(self.diary.__table__).values(text=text))

    def effects(self) -> tuple[Effect, ...]:
        async def announced(session: RequestSession, write: RowWrite) -> None:
            name = write.values["name"]
            await self.note(session, f"{'new' if write.action == 'create' else 'other'} {name}")
            session.on_commit(partial(mail, name))
            session.on_commit(partial(MAILS.append, "written") if name == "sync" else fail)

        async def mail(name: str) -> None:
            MAILS.append(name)

        async def fail() -> None:
            raise OSError("no mail server")

        async def refused(session: RequestSession, write: RowWrite) -> None:  # noqa: ARG001 - an effect's
            if write.values.get("name") == "bad":
                raise ValidationFailed({"name": ["Not that."]})

        def slugged(session: RequestSession, write: RowWrite) -> None:  # noqa: ARG001 - an effect's
            if "name" in write.values:
                write.values["slug"] = write.values["name"].lower()

        def of_books(text: str) -> Any:
            async def noted(session: RequestSession, write: RowWrite) -> None:
                for _ in write.keys:
                    await self.note(session, f"Book {text}" if write.table == "books" else f"Shelf {text}")

            return noted

        return (
            Effect(callable_path(announce), after=announced),
            Effect("blog.Shelf.save", before=slugged, writes=("slug",)),
            Effect(after=refused),
            Effect(callable_path(lost), after=self.gone),
        )

    async def gone(self, session: RequestSession, write: RowWrite) -> None:
        for _ in write.keys:
            await self.note(session, f"{'Book' if write.table == 'books' else 'Shelf'} is gone")

    async def going(self, session: RequestSession, write: RowWrite) -> None:
        for _ in write.keys:
            await self.note(session, "Book is going")


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Library]:
    connected = (
        (signals.post_save, announce, Shelf),
        (signals.pre_delete, lend, Book),
        (signals.post_delete, lost, Book),
        (signals.post_delete, lost, Shelf),
        (signals.pre_delete, lend, Thread),
    )
    for signal, receiver, sender in connected:
        signal.connect(receiver, sender=sender)
    contract = tmp_path_factory.mktemp("effects") / "contract.json"
    tables = {model._meta.db_table: table_facts(model, Sql()) for model in (Shelf, Book, Diary, Thread)}
    contract.write_text(json.dumps({"format": 2, "tables": tables, "tokens": {}}))
    yield Library(contract)
    for signal, receiver, sender in connected:
        assert signal.disconnect(receiver, sender=sender)


@pytest.fixture(scope="module")
def sides(stack: StackAddresses, worker_id: str, django_db_blocker: Any, library: Library) -> Iterator[BothSides]:
    views = {
        "shelves/": Shelves.as_view({"post": "create"}),
        "shelves/<pk>/": Shelves.as_view({"put": "update", "patch": "partial_update", "delete": "destroy"}),
    }
    with (
        empty_database(admin_dsn=stack.admin_dsn, name=f"effects_{worker_id}") as database,
        django_db_blocker.unblock(),
    ):
        with djangos_database(database), connection.schema_editor() as editor:
            for model in (Shelf, Book, Diary, Thread):
                editor.create_model(model)
        with side_by_side(database, views=views, routers=(library.router,), tables=library.mapping) as both:
            yield both


Seen = tuple[int, Any, list[str], list[str], list[str]]


def ask_both(sides: BothSides, method: str, body: Any = None) -> tuple[Seen, Seen]:
    """Each stack's status, answer, rows of the diary, mails and slugs, the library's first."""
    content = json.dumps(body).encode()
    seen = []
    for stack in ("fastapi", "django"):
        for model in (Diary, Book, Shelf):
            signals_off(model)
        MAILS.clear()
        shelf = Shelf(name="Old")
        Shelf.objects.bulk_create([shelf])
        Book.objects.bulk_create([Book(shelf=shelf), Book(shelf=shelf)])
        url = "/shelves/" if method == "POST" else f"/shelves/{shelf.pk}/"
        if stack == "fastapi":
            given = {"Content-Type": "application/json"}
            answer: Any = sides.runner.run(sides.library.request(method, url, content=content, headers=given))
        else:
            answer = Client().generic(method, url, content, content_type="application/json")
        text = json.loads(answer.content or b"{}")
        text.pop("id", None)
        diary = [each.text for each in Diary.objects.order_by("id")]
        slugs = [each.slug for each in Shelf.objects.order_by("id")]
        seen.append((answer.status_code, text, diary, [*MAILS], slugs))
    return seen[0], seen[1]


def signals_off(model: type[models.Model]) -> None:
    """Deletes all rows, past receivers."""
    model._base_manager.all()._raw_delete("default")


@pytest.mark.parametrize(
    ("method", "body"),
    [
        ("POST", {"name": "New"}),
        ("PUT", {"name": "Red"}),
        ("PATCH", {"name": "Blue"}),
        ("POST", {"name": ""}),
        ("DELETE", None),
    ],
)
def test_what_django_calls_is_called(sides: BothSides, library: Library, method: str, body: Any) -> None:
    effect_register(Effect(callable_path(lend), before=library.going))
    ours, theirs = ask_both(sides, method, body)
    assert ours == theirs
    assert ours[0] in (200, 201, 204, 400)
    assert bool(ours[2]) == (ours[0] != 400)


def test_what_follows_a_commit_is_called_in_order_and_its_failure_is_logged(
    sides: BothSides, caplog: pytest.LogCaptureFixture
) -> None:
    assert ask_both(sides, "POST", {"name": "sync"})[0][3] == ["sync", "written"]
    assert ask_both(sides, "POST", {"name": "New"})[0][0] == 201
    (logged,) = [each for each in caplog.records if each.name == "strangler_fastapi.db.commit_hooks"]
    assert "fail failed after a commit" in logged.getMessage()
    assert "no mail server" in str(logged.exc_info)


def test_what_refuses_a_write_takes_all_of_it_back(sides: BothSides) -> None:
    (ours, _theirs) = ask_both(sides, "POST", {"name": "bad"})
    assert ours == (400, {"name": ["Not that."]}, [], [], [""])


def test_a_write_without_what_django_calls_is_not_ported(
    sides: BothSides, library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("strangler_fastapi.effects._registered", {})
    monkeypatch.setattr(library, "shelves", library.resource())
    lacking = ("blog.Shelf.save is your own", f"signal post_save {callable_path(announce)}")
    assert library.shelves.unported("create", "update") == lacking
    assert library.shelves.unported("destroy") == (
        f"signal post_delete {callable_path(lost)}",
        f"signal pre_delete {callable_path(lend)}",
    )
    # One that deletes and does something besides lacks what a deletion lacks; one that marks rows as gone writes them.
    deletes = Resource(library.shelf, library.serializer, perform_destroy=unported("end")(Resource.remove))
    assert deletes.unported("destroy") == ("end", *library.shelves.unported("destroy"))
    marks = partial(Resource, library.shelf, library.serializer, perform_destroy=Resource.remove, destroys=False)
    assert marks().unported("destroy") == ()
    assert marks(performed={"destroy": ("slug",)}).unported("destroy") == lacking
    ours, _theirs = ask_both(sides, "POST", {"name": "New"})
    assert ours == (501, {"detail": f"Not ported from Django yet: {'; '.join(lacking)}."}, [], [], [""])
    effect_register(Effect(callable_path(lost)))
    ours, _theirs = ask_both(sides, "DELETE")
    assert (ours[0], len(ours[4])) == (501, 1)
    effect_register(Effect(callable_path(lend), before=unported("lend")(library.going)))
    assert library.shelves.unported("destroy") == ("lend",)
    effect_register(Effect(callable_path(lend)))
    ours, _theirs = ask_both(sides, "DELETE")
    assert ours == (204, {}, [], [], [])


def test_an_effect_of_nothing_or_at_another_time_is_refused_at_the_start(library: Library) -> None:
    with pytest.raises(LookupError, match=r"and no blog\.signals\.typo: name one of those"):
        library.resource(Effect("blog.signals.typo", after=library.gone))
    with pytest.raises(LookupError, match="after it writes a row of shelves: give Effect after="):
        library.resource(Effect(callable_path(announce), before=library.gone))


def test_the_role_may_write_what_an_effect_writes(sides: BothSides, library: Library) -> None:  # noqa: ARG001 - its tables are mapped
    inserted = next(each for each in library.shelves.write_samples() if each.name.endswith("insert"))
    assert {"name", "slug"} <= set(inserted.statement.compile().params)  # type: ignore[attr-defined] # an Insert


def test_rows_that_hang_on_one_of_their_own_table_are_deleted_along(
    sides: BothSides, library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("strangler_fastapi.effects._registered", {})
    seen = []
    for stack in ("django", "fastapi"):
        signals_off(Diary)
        root = Thread.objects.create()
        reply = Thread.objects.create(above=root)
        Thread.objects.create(above=reply)
        if stack == "django":
            root.delete()
        else:
            sides.runner.run(delete_thread(sides, library, root.pk))
        seen.append((sorted(each.text for each in Diary.objects.all()), Thread.objects.count()))
    assert seen[0] == seen[1] == (["Thread is going"] * 3 + ["delete"], 0)


async def delete_thread(sides: BothSides, library: Library, key: int) -> None:
    async def noted(session: RequestSession, write: RowWrite) -> None:
        for _ in write.keys:
            await library.note(session, "delete")

    async def going(session: RequestSession, write: RowWrite) -> None:
        for _ in write.keys:
            await library.note(session, "Thread is going")

    own = (Effect("blog.Thread.delete", before=noted), Effect(callable_path(lend), before=going))
    session = RequestSession(sides.app.state.database.engine)
    await TableEffects(library.mapping.contract, "threads", own).delete(session, [key])
    await session.commit()
    await session.close()


def test_an_effect_that_is_registered_for_another_time_is_lacking(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("strangler_fastapi.effects._registered", {})
    effect_register(Effect(callable_path(lend), after=library.going))
    lacking = TableEffects(library.mapping.contract, "shelves").lacking_along()
    assert [each for each in lacking if "lend" in each] == [
        f"signal pre_delete {callable_path(lend)}: give Effect before=…"
    ]


def test_what_a_released_session_takes_back_is_followed_by_nothing(sides: BothSides, library: Library) -> None:
    MAILS.clear()

    async def write() -> None:
        session = RequestSession(sides.app.state.database.engine)
        await library.note(session, "taken back")
        session.on_commit(partial(MAILS.append, "of a row that is not there"))
        await session.release()
        await library.note(session, "kept")
        session.on_commit(follow)
        session.on_commit(partial(MAILS.append, "second"))

        async def failing() -> None:
            session.on_commit(partial(MAILS.append, "of one that failed"))
            raise OSError

        session.on_commit(failing)
        await session.commit()
        await session.close()

    async def follow() -> None:
        MAILS.append("first")

    signals_off(Diary)
    sides.runner.run(write())
    assert ([*MAILS], [each.text for each in Diary.objects.all()]) == (["first", "second"], ["kept"])


def test_a_dead_connection_is_replaced_for_what_comes_next(sides: BothSides) -> None:
    async def read() -> Any:
        session = RequestSession(sides.app.state.database.engine)
        dead = await session.driver()
        dead.terminate()
        await session.discard()
        found = await (await session.driver()).fetchval("SELECT 1")
        await session.close()
        return found

    assert sides.runner.run(read()) == 1
