"""Files are taken, refused, named, kept and answered as by DRF: both stacks over one database, each with a folder."""

import io
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from django.core.validators import FileExtensionValidator
from django.db import connection, models
from django.test import Client
from django.test.client import BOUNDARY, MULTIPART_CONTENT, encode_multipart
from django.test.utils import isolate_apps, override_settings
from PIL import Image
from rest_framework import parsers, serializers, viewsets
from rest_framework.response import Response as DrfResponse
from rest_framework.views import APIView
from sqlalchemy.orm import Mapped
from starlette.requests import Request
from starlette.responses import Response

from shared_schema.mapping import Mapping, Reflected
from strangler_django.contract.tables import table_facts
from strangler_django.contract.unconnected import Sql
from strangler_fastapi.db.session import Session
from strangler_fastapi.drf.fields.file_fields import FileField
from strangler_fastapi.drf.fields.model_fields import model_fields
from strangler_fastapi.drf.http.bodies import FileUploadParser
from strangler_fastapi.drf.http.rendering import JsonResponse
from strangler_fastapi.drf.resources.resources import Resource
from strangler_fastapi.drf.serializers import Serializer
from strangler_fastapi.drf.views.permissions import AllowAny
from strangler_fastapi.drf.views.view import View, feature_router
from tests.databases import empty_database
from tests.shared_stack import StackAddresses
from tests.side_by_side import PREFIXES, BothSides, djangos_database, side_by_side

with isolate_apps("django_app.blog"):

    class Paper(models.Model):
        title = models.CharField(max_length=20)
        scan = models.FileField(upload_to="scans/%Y", validators=[FileExtensionValidator(["txt", "pdf"])])
        cover = models.ImageField(
            upload_to="covers", null=True, blank=True, max_length=40, width_field="width", height_field="height"
        )
        width = models.IntegerField(null=True, editable=False)
        height = models.IntegerField(null=True, editable=False)

        class Meta:
            app_label = "blog"
            db_table = "papers"


class PaperSerializer(serializers.ModelSerializer[Paper]):
    class Meta:
        model = Paper
        fields = ("id", "title", "scan", "cover", "width", "height")


class PaperViewSet(viewsets.ModelViewSet[Paper]):
    queryset = Paper.objects.order_by("id")
    serializer_class = PaperSerializer
    authentication_classes = ()
    permission_classes = ()


class RawSerializer(serializers.Serializer[Any]):
    file = serializers.FileField(max_length=12)


class RawView(APIView):
    authentication_classes = ()
    permission_classes = ()
    parser_classes = (parsers.FileUploadParser,)

    def post(self, request: Any) -> DrfResponse:
        serializer = RawSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        file = serializer.validated_data["file"]
        return DrfResponse([file.name, file.size, file.read().decode()])


def routers_of(contract: Path) -> tuple[list[Any], Mapping]:
    """The library's counterpart, of the contract alone."""
    mapping = Mapping(contract=contract)

    class Row(Reflected):
        __mapping__ = mapping
        __tablename__ = "papers"
        id: Mapped[int]
        title: Mapped[str]
        scan: Mapped[str]
        cover: Mapped[str | None]
        width: Mapped[int | None]
        height: Mapped[int | None]

    fields = model_fields(Row, "id", "title", "scan", "cover", "width", "height")
    serializer = Serializer("Paper", fields)
    papers = Resource(Row, serializer, pagination=None)
    raw = Serializer("Raw", {"file": FileField(max_length=12)})
    router = feature_router(PREFIXES, "papers")
    given: dict[str, Any] = {"permission": AllowAny, "authenticators": ()}
    many = View(router, "/papers/", name="Paper", methods=("GET", "POST"), serializer=serializer, **given)
    one = View(
        router,
        "/papers/{pk}/",
        name="Paper",
        methods=("GET", "PUT", "PATCH", "DELETE"),
        serializer=serializer,
        find=papers.find,
        **given,
    )
    sent = View(router, "/raw/", name="Raw", methods=("POST",), parsers=(FileUploadParser,), **given)

    @many.get(many=list)
    async def papers_list(request: Request, session: Session) -> Response:
        return await papers.list(request, session)

    @many.post(status=201)
    async def papers_create(request: Request, session: Session) -> Response:
        return await papers.create(request, session)

    @one.put()
    @one.patch()
    async def papers_update(request: Request, session: Session) -> Response:
        return await papers.update(request, session)

    @sent.post(response=dict[str, Any])  # type: ignore[arg-type] # any JSON
    async def raw_create(request: Request, session: Session) -> Response:
        file = (await raw.read(request, session))["file"]
        return JsonResponse([file.name, file.size, file.open().read().decode()])

    return [router], mapping


class Sides:
    """Both stacks, each with its folder of files and, once it has made one, a row of its own."""

    def __init__(self, both: BothSides, folders: tuple[Path, Path]) -> None:
        self.both = both
        self.folders = folders
        self.keys = (0, 0)

    def ask(self, method: str, path: str, body: bytes, content_type: str, **headers: str) -> Any:
        """The library's answer, once it is Django's but for keys, random letters and what storages add."""
        given = {"content-type": content_type} | headers
        ours = self.both.runner.run(
            self.both.library.request(method, path.format(id=self.keys[0]), headers=given, content=body)
        )
        django = Client(raise_request_exception=False, headers=headers)
        theirs = django.generic(method, path.format(id=self.keys[1]), body, content_type=content_type)
        if not theirs.headers["content-type"].startswith("application/json"):
            # Django's own page of a request that it calls suspicious.
            assert ours.status_code == theirs.status_code
            return None
        found, expected = ours.json(), theirs.json()
        if ours.status_code == theirs.status_code == 201:
            self.keys = (found.pop("id"), expected.pop("id"))
        elif isinstance(found, dict) and isinstance(expected, dict):
            found.pop("id", None), expected.pop("id", None)
        assert (ours.status_code, plain(found)) == (theirs.status_code, plain(expected)), (method, path, body[:200])
        assert self.kept(0) == self.kept(1)
        return found

    def send(self, method: str, path: str, **values: Any) -> Any:
        return self.ask(method, path, encode_multipart(BOUNDARY, values), MULTIPART_CONTENT)

    def kept(self, side: int) -> list[tuple[str, int, bytes]]:
        """The names, permissions and contents of the files in the folder of a stack."""
        folder = self.folders[side]
        files = [file for file in folder.rglob("*") if file.is_file()]
        return sorted((plain(str(file.relative_to(folder))), file.stat().st_mode, file.read_bytes()) for file in files)

    def rows(self) -> list[Any]:
        """The last row that either stack has made."""
        return [plain([*Paper.objects.filter(pk=key).values_list("title", "scan", "cover")[0]]) for key in self.keys]


def plain(value: Any) -> Any:
    """The value without the random letters in the names of files."""
    return json.loads(re.sub(r"_[A-Za-z0-9]{7}(?=[.\"])", "_RANDOM", json.dumps(value)))


def named(name: str, content: bytes = b"some text") -> io.BytesIO:
    file = io.BytesIO(content)
    file.name = name  # type: ignore[attr-defined] # what encode_multipart reads
    return file


def picture(name: str, kind: str = "PNG", size: tuple[int, int] = (3, 2)) -> io.BytesIO:
    file = io.BytesIO()
    Image.new("RGB", size).save(file, kind)
    return named(name, file.getvalue())


@pytest.fixture(scope="module")
def sides(
    stack: StackAddresses, worker_id: str, django_db_blocker: Any, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Sides]:
    folder = tmp_path_factory.mktemp("uploads")
    ours, theirs = folder / "library", folder / "django"
    for each in (ours, theirs):
        each.mkdir()
    contract = folder / "contract.json"
    with override_settings(MEDIA_ROOT=str(ours), MEDIA_URL="/files/"):
        tables = {"papers": table_facts(Paper, Sql())}
    contract.write_text(json.dumps({"format": 2, "tables": tables, "tokens": {}}))
    routers, mapping = routers_of(contract)
    views = {
        "papers/": PaperViewSet.as_view({"get": "list", "post": "create"}),
        "papers/<pk>/": PaperViewSet.as_view({"put": "update", "patch": "partial_update"}),
        "raw/": RawView.as_view(),
    }
    settings = {"MEDIA_ROOT": str(theirs), "MEDIA_URL": "/files/"}
    with (
        empty_database(admin_dsn=stack.admin_dsn, name=f"uploads_{worker_id}") as database,
        django_db_blocker.unblock(),
    ):
        with djangos_database(database), connection.schema_editor() as editor:
            editor.create_model(Paper)
        with side_by_side(database, views=views, routers=routers, tables=mapping, settings=settings) as both:
            yield Sides(both, (ours, theirs))


NAMES = [
    "a b(1).txt",
    "../../up.pdf",
    "c:\\dos\\q.txt",
    "Übung.TXT",
    ".txt",
    "x" * 300 + ".txt",
    "no-ending",
    "a.tar.txt",
]


@pytest.mark.parametrize("name", NAMES)
def test_a_file_gets_the_name_that_django_gives_it(sides: Sides, name: str) -> None:
    for _ in range(2):
        sides.send("POST", "/papers/", title="of a name", scan=named(name))


COVER = "cover.png"
REFUSED: dict[str, dict[str, Any]] = {
    "no file": {"title": "a"},
    "an empty file": {"title": "a", "scan": named("a.txt", b"")},
    "a text": {"title": "a", "scan": "a.txt"},
    "no text and a long name": {"title": "", "scan": named("y" * 120 + ".txt")},
    "another ending": {"title": "a", "scan": named("a.exe")},
    "no image": {"title": "a", "scan": named("a.txt"), "cover": named(COVER)},
    "an image of another ending": {"title": "a", "scan": named("a.txt"), "cover": picture("cover.txt")},
    "half an image": {"title": "a", "scan": named("a.txt"), "cover": named(COVER, picture(COVER).getvalue()[:40])},
    "a longer text than is read": {"title": "a" * 2_700_000, "scan": named("a.txt")},
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_no_such_file_is_refused_in_the_same_words(sides: Sides, case: str) -> None:
    before = sides.kept(0)
    sides.send("POST", "/papers/", **REFUSED[case])
    assert sides.kept(0) == before


def test_files_are_kept_replaced_left_and_cleared(sides: Sides) -> None:
    made = sides.send("POST", "/papers/", title="whole", scan=named("s.pdf"), cover=picture(COVER, "GIF", (7, 5)))
    assert made["cover"] == "http://testserver/files/covers/cover.png"
    assert (made["width"], made["height"]) == (7, 5)
    changes: list[tuple[str, dict[str, Any]]] = [
        ("PATCH", {"title": "renamed"}),
        ("PATCH", {"cover": picture("other cover.png")}),
        ("PUT", {"title": "put", "scan": named("s.pdf", b"another")}),
        # Larger than memory is for.
        ("PATCH", {"scan": named("large.txt", b"0123456789" * 300_000)}),
        ("PATCH", {"scan": ""}),
        ("PATCH", {"cover": ""}),
    ]
    for method, values in changes:
        answer = sides.send(method, "/papers/{id}/", **values)
        rows = sides.rows()
        assert rows[0] == rows[1], values
    assert (answer["cover"], answer["width"]) == (None, None)
    for body in ({"scan": "a.txt"}, {"scan": None}, {"cover": None, "title": "null"}, {"cover": {"name": "a"}}):
        sides.ask("PATCH", "/papers/{id}/", json.dumps(body).encode(), "application/json")
    assert sides.rows()[0][0] == "null"
    sides.ask("OPTIONS", "/papers/", b"", "application/json")


@pytest.mark.parametrize(
    ("disposition", "body"),
    [
        ('attachment; filename="a.txt"', b"raw"),
        ("attachment; filename*=UTF-8''%C3%BC.txt", b"raw"),
        ("attachment; filename=../longer-than-12.txt", b"raw"),
        ("attachment", b"raw"),
        ("attachment; filename=a.txt", b""),
    ],
)
def test_a_raw_body_is_a_file(sides: Sides, disposition: str, body: bytes) -> None:
    sides.ask("POST", "/raw/", body, "text/plain", **{"content-disposition": disposition})


def test_a_file_whose_row_is_refused_is_taken_back(sides: Sides) -> None:
    with djangos_rule():
        body = encode_multipart(BOUNDARY, {"title": "refused", "scan": named("gone.txt")})
        headers = {"content-type": MULTIPART_CONTENT}
        ours = sides.both.runner.run(sides.both.library.post("/papers/", headers=headers, content=body))
    assert ours.status_code == 400
    assert [name for name, _, _ in sides.kept(0) if "gone" in name] == []


@contextmanager
def djangos_rule() -> Iterator[None]:
    """A rule that no validator knows of."""
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE papers ADD CONSTRAINT refuses CHECK (title <> 'refused')")
        try:
            yield
        finally:
            cursor.execute("ALTER TABLE papers DROP CONSTRAINT refuses")
