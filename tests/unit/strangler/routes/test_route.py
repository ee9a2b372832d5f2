"""What a stage means, how a path matches, who answers the methods that no route names."""

import re
from itertools import product

import pytest

from strangler.routes.route import Answer, Api, Fixed, RequestLimit, Route, RouteResource, Stack, Stage, group_by_path

DJANGO, FASTAPI = Answer.DJANGO, Answer.FASTAPI


def make_route(path: str, *methods: str, stage: Stage = Stage.LEGACY) -> Route:
    return Route(name=f"a.{'_'.join(methods)}", methods=methods, path=path, stage=stage)


def make_resource(path: str, *stages: Stage) -> RouteResource:
    routes = tuple(
        make_route(path, method, stage=stage) for method, stage in zip(("GET", "POST"), stages, strict=False)
    )
    return RouteResource(path=path, routes=routes)


@pytest.mark.parametrize(
    ("stage", "v1", "v2"),
    [
        (Stage.LEGACY, DJANGO, DJANGO),
        (Stage.PARALLEL, DJANGO, FASTAPI),
        (Stage.CANARY, Answer.SPLIT, FASTAPI),
        (Stage.MIGRATED, FASTAPI, FASTAPI),
        (Stage.RETIRED, Answer.GONE, FASTAPI),
    ],
)
def test_who_answers_at_each_stage(stage: Stage, v1: Answer, v2: Answer) -> None:
    assert (stage.answers(Api.V1), stage.answers(Api.V2)) == (v1, v2)


def test_every_stage_has_an_answer() -> None:
    assert all(isinstance(stage.answers(api), Answer) for stage, api in product(Stage, Api))


@pytest.mark.parametrize(
    ("path", "matches", "others"),
    [
        (
            "/posts/{id}/",
            ["/posts/1/", "/posts/1", "/posts/a-b_c~/", "/posts/\n/", "/posts/é/"],
            ["/posts/", "/posts", "/posts//", "/posts/1/2/", "/posts/1.5/", "/posts/1//", "/xposts/1/", "/posts/1/x"],
        ),
        ("/a.b/{id}/c-d/", ["/a.b/1/c-d/"], ["/axb/1/c-d/", "/a.b/c-d/"]),
        ("/{id}/", ["/1/", "/v"], ["/", "//"]),
        ("/u/{id}/p/{post_id}/", ["/u/1/p/2"], ["/u/1/p/", "/u/1/2/p/3/"]),
    ],
)
def test_a_variable_stands_for_one_segment_without_a_dot(path: str, matches: list[str], others: list[str]) -> None:
    pattern = re.compile(make_resource(path, Stage.LEGACY).pattern or "")
    assert [text for text in matches if not pattern.fullmatch(text)] == []
    assert [text for text in others if pattern.fullmatch(text)] == []


def test_a_path_without_a_variable_has_no_pattern() -> None:
    assert make_resource("/posts/", Stage.LEGACY).pattern is None


@pytest.mark.parametrize(
    ("path", "prefix"), [("/posts/{id}/", "/posts"), ("/a/b/{id}/c/{x}/", "/a/b"), ("/{id}/", ""), ("/a/", "/a")]
)
def test_the_static_prefix_ends_before_the_first_variable(path: str, prefix: str) -> None:
    assert make_resource(path, Stage.LEGACY).static_prefix == prefix


@pytest.mark.parametrize(
    ("path", "locations"),
    [
        ("/feed/", ("= /api/v2/feed/", "= /api/v2/feed")),
        ("/", ("= /api/v2/", "= /api/v2")),
        ("/feed/{id}/x/", ("/api/v2/feed/", "= /api/v2/feed")),
        ("/{id}/", ("/api/v2/", "= /api/v2")),
    ],
)
def test_what_nginx_matches_for_a_resource(path: str, locations: tuple[str, ...]) -> None:
    assert make_resource(path, Stage.LEGACY).locations("/api/v2") == locations


@pytest.mark.parametrize(("path", "locations"), [("/admin/", ("/admin/", "= /admin")), ("/a.css", ("= /a.css",))])
def test_what_nginx_matches_for_a_fixed_path(path: str, locations: tuple[str, ...]) -> None:
    assert Fixed(name="a.b", path=path, stack=DJANGO).locations == locations


@pytest.mark.parametrize(
    ("stages", "v1", "v2"),
    [
        ((Stage.LEGACY, Stage.LEGACY), DJANGO, DJANGO),
        ((Stage.PARALLEL, Stage.LEGACY), DJANGO, DJANGO),
        ((Stage.PARALLEL, Stage.PARALLEL), DJANGO, FASTAPI),
        ((Stage.MIGRATED, Stage.PARALLEL), DJANGO, FASTAPI),
        ((Stage.MIGRATED, Stage.MIGRATED), FASTAPI, FASTAPI),
        ((Stage.MIGRATED,), FASTAPI, FASTAPI),
    ],
)
def test_other_methods_are_fastapis_only_where_it_answers_the_whole_path(
    stages: tuple[Stage, ...], v1: Stack, v2: Stack
) -> None:
    resource = make_resource("/a/", *stages)
    assert (resource.other_methods(Api.V1), resource.other_methods(Api.V2)) == (v1, v2)


@pytest.mark.parametrize(
    ("rate", "seconds"), [("10r/s", 1), ("1r/s", 1), ("1r/m", 60), ("7r/m", 9), ("60r/m", 1), ("999999r/m", 1)]
)
def test_retry_after_is_whole_seconds_and_never_too_early(rate: str, seconds: int) -> None:
    assert RequestLimit(name="t", rate=rate, burst=0).retry_after == seconds


def test_get_stands_for_head() -> None:
    assert make_route("/a/", "GET", "POST").served_methods == ("GET", "HEAD", "POST")


@pytest.mark.parametrize(("methods", "writes"), [(("GET",), False), (("GET", "POST"), True), (("DELETE",), True)])
def test_everything_but_get_may_change_rows(methods: tuple[str, ...], writes: bool) -> None:
    assert make_route("/a/", *methods).writes is writes


def test_resources_keep_the_order_of_their_first_mention() -> None:
    first, other, second = make_route("/b/", "GET"), make_route("/a/", "GET"), make_route("/b/", "POST")
    assert group_by_path([first, other, second]) == (
        RouteResource(path="/b/", routes=(first, second)),
        RouteResource(path="/a/", routes=(other,)),
    )
