"""Every GET of the API, asked of both stacks by four callers."""

import httpx
import pytest

from tests.contract.comparing import Ask, Comparison

LISTS = ("/feed/", "/posts/", "/users/", "/users/active/", "/users/2/posts/", "/tags/")
PAGES = (
    *(
        "",
        "?page=2",
        "?page=last",
        "?page=0",
        "?page=-1",
        "?page=abc",
        "?page=999",
        "?page=1.0",
        "?page=%201",
        "?page=",
    ),
    *("?page=1_0&page_size=3", "?page=%D9%A1", "?page=99999999999999999999999", "?page=2&page=3"),
    *("?page_size=5", "?page_size=0", "?page_size=-5", "?page_size=1000", "?page_size=x"),
    *("?page=2&page_size=3&zz=1&a=b%20c&a=d", "?q=%E9", "?q=%ff%fe&page_size=1", "?a=1;b=2&page_size=1"),
    "?%zz=1&page_size=2",
)
SEARCHES = (
    *(
        "?search=a",
        "?search=a%20b%20c",
        "?search=%22a%20b%22",
        "?search=a,b",
        "?search=,",
        "?search=%22",
        "?search='a'",
    ),
    *("?search=%25", "?search=_", "?search=%5C", "?search=%C3%A9", "?search=%C3%84", "?search=%20", "?search=%00"),
)
ORDERINGS = (
    *("?ordering=title", "?ordering=-title", "?ordering=id", "?ordering=-id", "?ordering=--id", "?ordering=bogus"),
    *("?ordering=,", "?ordering=username", "?ordering=-post_count", "?ordering=post_count,-username"),
    *("?ordering=created_at,-title", "?ordering=name", "?ordering=-name", "?ordering=-created_at&page_size=100"),
)
FILTERS = (
    *("?published=true", "?published=false", "?published=1", "?published=0", "?published=TRUE", "?published=maybe"),
    *("?published=", "?published=%20true", "?tag=x", "?tag=django", "?tag=%20django%20", "?tag=%00"),
    *("?author=alice", "?author=nobody", "?author=%00", "?created_after=2025-06-01", "?created_after=2025-13-01"),
    *("?created_after=2025-06-01T00:00:00Z", "?created_after=2025-06-01T00:00:00%2B02:00", "?created_after=junk"),
    *("?created_after=", "?created_before=2025-06-01T1:2", "?created_before=2025-6-1%201:02:03.5-0330"),
    *("?created_before=junk&tag=%00&created_after=q", "?created_after=0001-01-01T00:00:00%2B14:00"),
    *("?view=minimal", "?view=full", "?format=json", "?format=xml", "?format="),
    *("?min_posts=2", "?min_posts=0", "?min_posts=-1", "?min_posts=x", "?min_posts=99999999999", "?min_posts="),
    *("?min_posts=5.0", "?min_posts=5.5"),
)
OTHERS = (
    *("/posts/recent/", "/posts/recent/?limit=3", "/posts/recent/?limit=0", "/posts/recent/?limit=51"),
    *("/posts/recent/?limit=x", "/posts/recent/?limit=", "/posts/recent/?limit=3.0&view=minimal"),
    *("/feed/highlights/", "/feed/highlights/?view=minimal", "/users/me/", "/users/1/", "/users/2/", "/users/abc/"),
    *("/users/999999/", "/users/99999999999999999999999/", "/users/-1/", "/users/1/?search=zzz", "/users/1/posts/"),
    *("/users/2/posts/?published=false", "/users/abc/posts/", "/users/99999/posts/?created_after=x"),
    *("/users/2/posts/?created_after=x", "/users/2/posts/?view=minimal&page_size=2", "/posts/0/", "/posts/x/"),
    *("/posts/1/?tag=%00", "/posts/x/?tag=%00", "/tags/1/", "/tags/2/?search=zzzzz", "/tags/x/", "/tags/+1/"),
    *("/tags/99999999999999999999/", "/tags/1_0/", "/tags/%D9%A1/", "/tags/%20 1/"),
)
# What no route names, or names only with a slash more.
UNROUTED = (
    *(
        "/posts",
        "/posts?x=1&y=%20",
        "/feed",
        "/users/me",
        "/posts/1",
        "/posts/1/publish",
        "/auth/token",
        "/tags/1?a=%C3%A9",
    ),
    *("/posts/1.2/", "/users/1.5/posts/", "/nope/", "", "/auth/token/x", "/posts//", "/tags/1%2F/"),
    "/posts/a%3Fb/",
)


@pytest.mark.parametrize("path", LISTS)
@pytest.mark.parametrize("queries", [PAGES, SEARCHES, ORDERINGS, FILTERS], ids=["page", "search", "ordering", "filter"])
def test_lists(comparison: Comparison, credentials: dict[str, str], path: str, queries: tuple[str, ...]) -> None:
    for query in queries:
        comparison.ask(Ask("GET", path + query, credentials), served_by="fastapi")


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_everything_else(comparison: Comparison, credentials: dict[str, str], method: str) -> None:
    for path in OTHERS:
        comparison.ask(Ask(method, path, credentials), served_by="fastapi")


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_one_of_the_callers_posts(
    comparison: Comparison, front: httpx.Client, access_tokens: dict[str, str], method: str
) -> None:
    alice = {"Authorization": f"Bearer {access_tokens['alice']}"}
    post = front.get("/api/posts/?page_size=1", headers=alice).json()["results"][0]["id"]
    others = {"Authorization": f"Bearer {access_tokens['bob']}"}
    for query in ("", "?view=minimal", "?search=qqqqq", "?published=zz", "?tag=nope", "?created_after=x"):
        found, _ = comparison.ask(Ask(method, f"/posts/{post}/{query}", alice), served_by="fastapi")
        if query in ("", "?view=minimal"):
            assert found.status_code == 200
        comparison.ask(Ask(method, f"/posts/{post}/{query}", others), served_by="fastapi")


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "OPTIONS"])
def test_what_no_route_names(comparison: Comparison, credentials: dict[str, str], method: str) -> None:
    for path in UNROUTED:
        comparison.ask(Ask(method, path, credentials))


@pytest.mark.parametrize("path", ["/feed/", "/posts/", "/users/2/posts/"])
@pytest.mark.parametrize("offset", ["%2B16:00", "-16:43", "%2B23:59"])
def test_times_whose_offset_no_database_takes(
    comparison: Comparison, access_tokens: dict[str, str], path: str, offset: str
) -> None:
    """v1 hands them to PostgreSQL and fails; where something is wrong before that, both tell of that alone."""
    alice = {"Authorization": f"Bearer {access_tokens['alice']}"}
    moment = f"2025-06-01T00:00:00{offset}"
    for query in (f"?created_after={moment}", f"?created_before={moment}&page=9{'0' * 30}"):
        first, second = comparison.ask(Ask("GET", path + query, alice), served_by="fastapi")
        assert (first.status_code, second.status_code) == (500, 400)
        assert list(second.json().values()) == [["Enter a valid date/time."]]
    for query in ("tag=%00", f"search={'+'.join(map(str, range(40)))}", "search=%00"):
        first, second = comparison.ask(Ask("GET", f"{path}?{query}&created_after={moment}", alice), served_by="fastapi")
        assert (first.status_code, second.status_code) == (400, 400)
    for page in ("-15655", "0", "nine"):
        first, second = comparison.ask(
            Ask("GET", f"{path}?page={page}&created_after={moment}", alice), served_by="fastapi"
        )
        assert (first.status_code, second.status_code) == (404, 404)
    within = comparison.ask(Ask("GET", f"{path}?created_after=2025-06-01T00:00:00%2B15:59", alice), served_by="fastapi")
    assert {response.status_code for response in within} == {200}
