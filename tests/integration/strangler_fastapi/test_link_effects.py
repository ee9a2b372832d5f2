"""What else happens when links between rows are written: Django's receivers of `m2m_changed`, and their namesakes."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db import connection, models
from django.db.models.signals import m2m_changed
from django.test import Client
from django.test.utils import isolate_apps
from rest_framework import serializers, viewsets
from sqlalchemy import insert, select
from sqlalchemy.orm import Mapped
from starlette.requests import Request
from starlette.responses import Response

from shared_schema.mapping import Mapping, Reflected
from strangler_django.contract.plain import callable_path
from strangler_django.contract.tables import table_facts
from strangler_django.contract.unconnected import Sql
from strangler_fastapi.db.session import RequestSession, Session
from strangler_fastapi.drf.fields.model_fields import many_related_field, model_fields
from strangler_fastapi.drf.resources.resources import Resource
from strangler_fastapi.drf.serializers import Serializer
from strangler_fastapi.drf.unported import unported
from strangler_fastapi.drf.views.permissions import AllowAny
from strangler_fastapi.drf.views.view import View, feature_router
from strangler_fastapi.effects import Effect, RowWrite, effect_register
from tests.databases import empty_database
from tests.shared_stack import StackAddresses
from tests.side_by_side import PREFIXES, BothSides, djangos_database, side_by_side

with isolate_apps("django_app.blog"):

    class Topic(models.Model):
        class Meta:
            app_label = "blog"
            db_table = "topics"

    class Paper(models.Model):
        title = models.CharField(max_length=9)
        topics = models.ManyToManyField(Topic, db_table="paper_topics")

        class Meta:
            app_label = "blog"
            db_table = "papers"

    class Note(models.Model):
        text = models.CharField(max_length=60)

        class Meta:
            app_label = "blog"
            db_table = "link_notes"


LINKS: Any = Paper.topics.through
MODELS = (Topic, Paper, Note)


def filed(instance: Any, action: str, pk_set: set[int], **_given: Any) -> None:
    Note.objects.create(text=f"{action} {sorted(pk_set)} of {instance.title}")


class PaperSerializer(serializers.ModelSerializer[Paper]):
    class Meta:
        model = Paper
        fields = ("title", "topics")


class Papers(viewsets.ModelViewSet[Paper]):
    queryset = Paper.objects.order_by("id")
    serializer_class = PaperSerializer
    authentication_classes = ()
    permission_classes = ()


class Library:
    """The library's counterpart, of the contract alone."""

    def __init__(self, contract: Path) -> None:
        self.mapping = mapping = Mapping(contract=contract)

        class TopicRow(Reflected):
            __mapping__ = mapping
            __tablename__ = "topics"
            id: Mapped[int]

        class PaperRow(Reflected):
            __mapping__ = mapping
            __tablename__ = "papers"
            id: Mapped[int]
            title: Mapped[str]

        class LinkRow(Reflected):
            __mapping__ = mapping
            __tablename__ = "paper_topics"
            id: Mapped[int]
            paper_id: Mapped[int]
            topic_id: Mapped[int]

        class NoteRow(Reflected):
            __mapping__ = mapping
            __tablename__ = "link_notes"
            id: Mapped[int]
            text: Mapped[str]

        self.paper, self.note = PaperRow, NoteRow
        topics = many_related_field(PaperRow, "topics")
        self.serializer = Serializer("Paper", model_fields(PaperRow, "title") | {"topics": topics})
        self.papers = self.resource(self.effect())
        self.router = feature_router(PREFIXES, "papers")
        given: dict[str, Any] = {"permission": AllowAny, "authenticators": (), "serializer": self.serializer}
        many = View(self.router, "/papers/", name="Paper", methods=("POST",), **given)
        one = View(self.router, "/papers/{pk}/", name="Paper", methods=("PUT", "PATCH", "DELETE"), **given)

        @many.post(status=201)
        async def papers_create(request: Request, session: Session) -> Response:
            return await self.papers.create(request, session)

        @one.put()
        @one.patch()
        async def papers_update(request: Request, session: Session) -> Response:
            return await self.papers.update(request, session)

        @one.delete()
        async def papers_destroy(request: Request, session: Session) -> Response:
            return await self.papers.destroy(request, session)

    def resource(self, *effects: Effect) -> Resource:
        return Resource(self.paper, self.serializer, effects=effects)

    def effect(self) -> Effect:
        def noted(time: str) -> Any:
            async def note(session: RequestSession, write: RowWrite) -> None:
                paper: Any = self.paper
                title = await session.scalar(select(paper.title).where(paper.id == write.owner))
                text = f"{time}_{write.action} {sorted(write.keys)} of {title}"
                await session.execute(insert(self.note.__table__).values(text=text))

            return note

        return Effect(callable_path(filed), before=noted("pre"), after=noted("post"))


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Library]:
    m2m_changed.connect(filed, sender=LINKS)
    contract = tmp_path_factory.mktemp("link_effects") / "contract.json"
    tables = {model._meta.db_table: table_facts(model, Sql()) for model in (*MODELS, LINKS)}
    contract.write_text(json.dumps({"format": 2, "tables": tables, "tokens": {}}))
    yield Library(contract)
    assert m2m_changed.disconnect(filed, sender=LINKS)


@pytest.fixture(scope="module")
def sides(stack: StackAddresses, worker_id: str, django_db_blocker: Any, library: Library) -> Iterator[BothSides]:
    views = {
        "papers/": Papers.as_view({"post": "create"}),
        "papers/<pk>/": Papers.as_view({"put": "update", "patch": "partial_update", "delete": "destroy"}),
    }
    with (
        empty_database(admin_dsn=stack.admin_dsn, name=f"link_effects_{worker_id}") as database,
        django_db_blocker.unblock(),
    ):
        with djangos_database(database), connection.schema_editor() as editor:
            for model in MODELS:
                editor.create_model(model)
        with side_by_side(database, views=views, routers=(library.router,), tables=library.mapping) as both:
            yield both


Seen = tuple[int, Any, list[str], int]


def ask_both(sides: BothSides, method: str, body: Any = None) -> tuple[Seen, Seen]:
    """Each stack's status, answer, notes and number of links, the library's first; a paper has topics 1 and 2."""
    content = json.dumps(body).encode()
    seen = []
    for stack in ("fastapi", "django"):
        for model in (LINKS, Note, Paper, Topic):
            model._base_manager.all()._raw_delete("default")
        Topic.objects.bulk_create([Topic(pk=key) for key in (1, 2, 3)])
        paper = Paper.objects.create(title="Old")
        LINKS.objects.bulk_create([LINKS(paper=paper, topic_id=key) for key in (1, 2)])
        url = "/papers/" if method == "POST" else f"/papers/{paper.pk}/"
        if stack == "fastapi":
            given = {"Content-Type": "application/json"}
            answer: Any = sides.runner.run(sides.library.request(method, url, content=content, headers=given))
        else:
            answer = Client().generic(method, url, content, content_type="application/json")
        notes = [each.text for each in Note.objects.order_by("id")]
        seen.append((answer.status_code, json.loads(answer.content or b"{}"), notes, LINKS.objects.count()))
    return seen[0], seen[1]


@pytest.mark.parametrize(
    ("method", "body", "notes"),
    [
        ("POST", {"title": "New", "topics": [3, 1]}, ["pre_add [1, 3] of New", "post_add [1, 3] of New"]),
        ("POST", {"title": "New", "topics": [9]}, []),
        (
            "PUT",
            {"title": "Red", "topics": [2, 3]},
            [f"{time}_{what} of Red" for what in ("remove [1]", "add [3]") for time in ("pre", "post")],
        ),
        ("PATCH", {"topics": [2, 1]}, []),
        ("PATCH", {"title": "Red"}, []),
        # Links that go along with their row are none that anybody takes away.
        ("DELETE", None, []),
    ],
)
def test_what_django_calls_of_links_is_called(sides: BothSides, method: str, body: Any, notes: list[str]) -> None:
    ours, theirs = ask_both(sides, method, body)
    assert ours == theirs
    assert ours[2] == notes


def test_links_are_not_written_without_what_django_calls(
    sides: BothSides, library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("strangler_fastapi.effects._registered", {})
    monkeypatch.setattr(library, "papers", library.resource())
    gap = f"signal m2m_changed {callable_path(filed)}"
    assert library.papers.unported("create") == library.papers.unported("update") == (gap,)
    assert library.papers.unported("destroy") == ()
    ours, _theirs = ask_both(sides, "POST", {"title": "New", "topics": [1]})
    assert ours == (501, {"detail": f"Not ported from Django yet: {gap}."}, [], 2)
    # What writes no links needs none of it.
    assert ask_both(sides, "PATCH", {"title": "Red"})[0][0] == 200
    effect_register(Effect(callable_path(filed), after=unported("filed")(library.effect().after)))
    assert library.papers.unported("update") == ("filed",)
    effect_register(Effect(callable_path(filed)))
    assert ask_both(sides, "POST", {"title": "New", "topics": [1]})[0][::2] == (201, [])


def test_an_effect_of_links_that_nobody_calls_is_refused_at_the_start(library: Library) -> None:
    with pytest.raises(LookupError, match=r"filed for rows of papers, and no blog\.signals\.typo: name one of those"):
        library.resource(Effect("blog.signals.typo", after=library.effect().after))
