"""Whatever of a view changes its answers is named: hooks of a project's own, and decorators around any part of it."""

from typing import Any

import pytest
from django.contrib.auth.decorators import login_required
from django.db import transaction
from django.utils import timezone
from django.utils.decorators import method_decorator
from django.views.decorators.cache import cache_control, cache_page, never_cache
from django.views.decorators.csrf import csrf_exempt, ensure_csrf_cookie
from django.views.decorators.http import etag, last_modified
from django.views.decorators.vary import vary_on_cookie, vary_on_headers
from rest_framework.metadata import SimpleMetadata
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.response import Response
from rest_framework.versioning import QueryParameterVersioning
from rest_framework.viewsets import ModelViewSet

from django_app.blog.models import Tag
from strangler.adoption.endpoints import DjangoEndpoint
from strangler.adoption.scaffold.gaps import handler_gaps, options_remarks
from strangler_django.endpoints.views import view_facts
from tests.unit.strangler_django.endpoints.test_views import PostSerializer, TagSerializer


class Tags(ModelViewSet[Tag]):
    queryset = Tag.objects.all()
    serializer_class = TagSerializer
    filter_backends = ()


def overridden(view: Any) -> Any:
    made = view if not isinstance(view, type) else view.as_view({"get": "list"})  # type: ignore[attr-defined] # a view
    return view_facts(made, "get", "list", {})["overridden"]


def gaps(view: Any) -> tuple[list[str], list[str]]:
    made = view if not isinstance(view, type) else view.as_view({"get": "list"})  # type: ignore[attr-defined] # a view
    facts = {"path": "/api/tags/", "method": "GET", "kind": "viewset", "view": "shop.views.Tags"}
    endpoint = DjangoEndpoint.model_validate(facts | view_facts(made, "get", "list", {}))
    return list(handler_gaps(endpoint)), list(options_remarks(endpoint))


@pytest.mark.parametrize(
    "decorator",
    [
        never_cache,
        cache_control(max_age=60),
        ensure_csrf_cookie,
        etag(lambda _request, **_: '"1"'),
        last_modified(lambda _request, **_: timezone.now()),
        transaction.atomic,
        login_required,
    ],
)
def test_a_decorator_is_named_wherever_it_stands(decorator: Any) -> None:
    class OnDispatch(Tags):
        pass

    class OnList(Tags):
        @method_decorator(decorator)
        def list(self, *args: Any, **kwargs: Any) -> Any:
            return super().list(*args, **kwargs)

    class OnName(Tags):
        pass

    class OnView(Tags):
        @classmethod
        def as_view(cls, *args: Any, **kwargs: Any) -> Any:
            return decorator(super().as_view(*args, **kwargs))

    method_decorator(decorator, name="dispatch")(OnDispatch)
    method_decorator(decorator, name="list")(OnName)
    assert (overridden(OnDispatch), overridden(OnList), overridden(OnName)) == (["dispatch"], ["list"], ["list"])
    assert overridden(OnView) == ["as_view"]
    # As paths have it.
    assert overridden(decorator(Tags.as_view({"get": "list"}))) == ["as_view"]
    assert gaps(decorator(Tags.as_view({"get": "list"}))) == (
        ["Tags.as_view is your own, or a decorator is around it"],
        [],
    )


class Kept(Tags):
    @method_decorator(vary_on_headers("Accept-Language"))
    @method_decorator(cache_page(60))
    def list(self, *args: Any, **kwargs: Any) -> Any:
        return super().list(*args, **kwargs)


@method_decorator([cache_page(90), vary_on_cookie], name="dispatch")
class KeptWhole(Tags):
    pass


@method_decorator(cache_page(30), name="dispatch")
class KeptTwice(Kept):
    pass


@method_decorator(cache_page(None), name="dispatch")
class KeptForGood(Tags):
    pass


@method_decorator(cache_page(60), name="list")
class KeptOwn(Tags):
    def list(self, *args: Any, **kwargs: Any) -> Any:
        return Response([len(args), len(kwargs)])


class Answers(Kept):
    """It calls nothing of what is kept."""

    def list(self, _request: Any) -> Any:
        return Response(TagSerializer(Tag.objects.all(), many=True).data)


def test_what_a_superclass_keeps_says_nothing_of_a_method_in_its_place() -> None:
    assert cached(Answers) is None


def test_how_long_clients_may_keep_an_answer_is_no_code_of_the_projects() -> None:
    found = [(overridden(view), cached(view)) for view in (Kept, KeptWhole, KeptTwice)]
    assert [names for names, _ in found] == [[], [], []]
    assert [(each["seconds"], each["times"], each["vary"], each["vary_all"]) for _, each in found] == [
        (60, 1, ["Accept-Language"], []),
        (90, 1, [], ["Cookie"]),
        (30, 2, ["Accept-Language"], []),
    ]
    assert gaps(KeptTwice)[0] == ["its answers are kept twice"]
    assert cached(Tags) is None
    # As long as the cache says, and what does more besides.
    assert (overridden(KeptForGood), overridden(KeptOwn)) == (["dispatch"], ["list"])
    # Around the view of a path nobody looks into it.
    assert overridden(cache_page(60)(Tags.as_view({"get": "list"}))) == ["as_view"]


def cached(view: Any) -> Any:
    return view_facts(view.as_view({"get": "list"}), "get", "list", {})["cached"]


def test_what_exempts_from_the_check_of_forms_changes_no_answer() -> None:
    assert overridden(Tags) == overridden(csrf_exempt(Tags.as_view({"get": "list"}))) == []


class Metadata(SimpleMetadata):
    pass


class Negotiation(DefaultContentNegotiation):
    pass


class Finalizes(Tags):
    def finalize_response(self, *args: Any, **kwargs: Any) -> Any:
        response = super().finalize_response(*args, **kwargs)
        response["X-Made-By"] = "hand"
        return response


class Initializes(Tags):
    def initialize_request(self, request: Any, *args: Any, **kwargs: Any) -> Any:
        request.GET = request.GET | {"page": "1"}
        return super().initialize_request(request, *args, **kwargs)


class Begins(Tags):
    def initial(self, request: Any, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        self.queryset = Tag.objects.filter(name=request.headers["X-Tenant"])


class Dispatches(Tags):
    def dispatch(self, request: Any, *args: Any, **kwargs: Any) -> Any:
        return super().dispatch(request, *args, **kwargs | {"one": "more"})


class PassesOn(Tags):
    def dispatch(self, request: Any, *args: Any, **kwargs: Any) -> Any:
        return super().dispatch(request, *args, **kwargs)


class Headers(Tags):
    @property
    def default_response_headers(self) -> Any:
        return {"X-Own": "1"}


class Allows(Tags):
    @property
    def allowed_methods(self) -> Any:
        return ["GET"]


class Refuses(Tags):
    def http_method_not_allowed(self, *_args: Any, **_kwargs: Any) -> Any:
        raise NotImplementedError


class Names(Tags):
    @property
    def http_method_names(self) -> Any:
        return ["get"]


class Negotiates(Tags):
    content_negotiation_class = Negotiation


class ByVersion(Tags):
    versioning_class = QueryParameterVersioning

    def get_queryset(self) -> Any:
        return Tag.objects.filter(name="old") if self.request.version == "v1" else Tag.objects.all()


class SerializesByVersion(Tags):
    versioning_class = QueryParameterVersioning

    def get_serializer_class(self) -> Any:
        return PostSerializer if self.request.version == "v1" else TagSerializer


class Sets(Tags):
    def get_queryset(self) -> Any:
        self.serializer_class = PostSerializer
        return Tag.objects.all()


@pytest.mark.parametrize(
    ("view", "name"),
    [
        (Finalizes, "finalize_response"),
        (Initializes, "initialize_request"),
        (Begins, "initial"),
        (Dispatches, "dispatch"),
        (Headers, "default_response_headers"),
        (Allows, "allowed_methods"),
        (Refuses, "http_method_not_allowed"),
        (Names, "http_method_names"),
        (Negotiates, "content_negotiation_class"),
        (ByVersion, "get_queryset"),
        (SerializesByVersion, "get_serializer_class"),
        (Sets, "get_queryset"),
    ],
)
def test_a_hook_that_changes_an_answer_is_a_gap(view: Any, name: str) -> None:
    assert gaps(view) == ([f"Tags.{name} is your own"], [])


def test_one_that_only_passes_on_is_none() -> None:
    assert gaps(PassesOn) == ([], [])


class Describes(Tags):
    metadata_class = Metadata

    def options(self, *_args: Any, **_kwargs: Any) -> Any:
        raise NotImplementedError

    def get_view_name(self) -> str:
        return "mine"


def test_what_only_options_answers_is_a_remark() -> None:
    found, remarks = gaps(Describes)
    assert found == []
    assert remarks == [f"OPTIONS: Tags.{name} is your own" for name in ("options", "get_view_name", "metadata_class")]
