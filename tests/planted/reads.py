"""Faults that reads show."""

from tests.planted.fault import Fault, named

READS = {
    "a wrong status": Fault(
        file="fastapi_app/feed/router.py",
        code="queries.NEWEST, limit=queries.HIGHLIGHTS))",
        instead="queries.NEWEST, limit=queries.HIGHLIGHTS), status_code=203)",
        asked="feed",
        found=named("feed.highlights: status at status"),
    ),
    "a field is missing": Fault(
        file="strangler_fastapi/drf/fields/nested_fields.py",
        code="if not field.write_only}",
        instead='if not field.write_only and name != "post_count"}',
        asked="tags",
        found=named("tags.list: missing at $.results[*].post_count", "tags.retrieve: missing at $.post_count"),
    ),
    "a field too many, which nobody may see": Fault(
        file="fastapi_app/users/queries.py",
        code='"username": User.username,\n            "display_name"',
        instead='"username": User.username,\n            "email": User.email,\n            "display_name"',
        asked="users",
        found=named(
            "users.list: missing at $.results[*].email",
            "users.active: missing at $.results[*].email",
            "users.retrieve: missing at $.email",
        ),
    ),
    "keys in another order": Fault(
        file="fastapi_app/posts/queries.py",
        code='"title": Post.title, "author_id": Post.author_id}',
        instead='"author_id": Post.author_id, "title": Post.title}',
        asked="posts",
        found=named(
            "posts.list: key_order at $.results[*]",
            "posts.recent: key_order at $[*]",
            "posts.retrieve: key_order at $",
        ),
    ),
    "a list in another order": Fault(
        file="fastapi_app/tags/serializers.py",
        code='ordering=("name",)',
        instead='ordering=("-name",)',
        asked="tags",
        found=named("tags.list: item_order at $.results"),
    ),
    "names within in another order": Fault(
        file="fastapi_app/posts/queries.py",
        code="aggregate_order_by(cast(Tag.name, Text), Tag.name)",
        instead="aggregate_order_by(cast(Tag.name, Text), Tag.name.desc())",
        asked="feed",
        found=named("feed.highlights: item_order at $[*].tags", "feed.list: item_order at $.results[*].tags"),
    ),
    "a time without its zone": Fault(
        file="fastapi_app/users/queries.py",
        code='User.created_at,\n            "post_count": post_count(),\n        }\n    )\n\n\n_ORDERINGS',
        instead='func.timezone("UTC", User.created_at),\n            "post_count": post_count(),\n'
        "        }\n    )\n\n\n_ORDERINGS",
        asked="users",
        found=named("users.me: value at $.created_at"),
    ),
    "a number as text": Fault(
        file="fastapi_app/posts/queries.py",
        code='"id": authors.id,',
        instead='"id": cast(authors.id, Text),',
        asked="posts",
        found=named(
            "posts.list: value at $.results[*].author.id",
            "posts.recent: value at $[*].author.id",
            "posts.retrieve: value at $.author.id",
        ),
    ),
    "a number with a point": Fault(
        file="fastapi_app/tags/serializers.py",
        code="return links.correlate(Tag).scalar_subquery()",
        instead="return func.float8(links.correlate(Tag).scalar_subquery())",
        asked="tags",
        found=named("tags.list: value at $.results[*].post_count", "tags.retrieve: value at $.post_count"),
    ),
    "pages of another size": Fault(
        file="strangler_fastapi/drf/pagination/pagination.py",
        code="\nPAGE_SIZE = 20",
        instead="\nPAGE_SIZE = 15",
        asked="feed",
        found=named("feed.list: missing at $.results[*]"),
    ),
    "a count of the page, not of all": Fault(
        file="strangler_fastapi/drf/pagination/pagination.py",
        code='"count": count,',
        instead='"count": len(items),',
        asked="users",
        found=named("users.list: value at $.count", "users.active: value at $.count", "users.posts: value at $.count"),
    ),
    "links with the wrong prefix": Fault(
        file="strangler_fastapi/drf/http/urls.py",
        code='path = prefix.rstrip("/") + path.removeprefix(prefixes.service.rstrip("/"))',
        instead="pass",
        asked="posts",
        found=named(
            "posts.list: value at $.next", "posts.list: value at $.previous", "posts.list: header at header location"
        ),
    ),
    "no Location's query": Fault(
        file="strangler_fastapi/middleware.py",
        code='with_query(scope, f"{public_path(scope)}/")',
        instead='f"{public_path(scope)}/"',
        asked="posts",
        found=named("posts.list: header at header location"),
    ),
    "another Allow": Fault(
        file="fastapi_app/feed/router.py",
        code='unpaged.",\n    methods=("GET",)',
        instead='unpaged.",\n    methods=("GET", "POST")',
        asked="feed",
        found=named("feed.highlights: header at header allow", "(no route): header at header allow"),
    ),
    "no WWW-Authenticate": Fault(
        file="strangler_fastapi/drf/http/handlers.py",
        code='headers = error.headers | ({"WWW-Authenticate": wanted} if wanted else {})',
        instead="headers = error.headers",
        asked="posts",
        found=named(
            "posts.list: header at header www-authenticate",
            "posts.recent: header at header www-authenticate",
            "posts.retrieve: header at header www-authenticate",
        ),
    ),
    "a security header is missing": Fault(
        file="strangler_fastapi/security.py",
        code='"nosniff" if self.content_type_nosniff else "",',
        instead='"",',
        asked="tags",
        found=named(
            "feed.list: header at header x-content-type-options",
            "tags.list: header at header x-content-type-options",
            "tags.retrieve: header at header x-content-type-options",
        ),
    ),
    "another content type": Fault(
        file="strangler_fastapi/drf/http/rendering.py",
        code='media_type = "application/json"',
        instead='media_type = "application/json; charset=utf-8"',
        asked="tags",
        found=named(
            "feed.list: header at header content-type",
            "tags.list: header at header content-type",
            "tags.retrieve: header at header content-type",
        ),
    ),
    "an error in other words": Fault(
        file="strangler_fastapi/drf/pagination/listing.py",
        code='Http404(f"No {self.noun} matches the given query.")',
        instead="Http404()",
        asked="tags",
        found=named("tags.retrieve: value at $.detail"),
    ),
    "drafts for everybody": Fault(
        file="fastapi_app/posts/queries.py",
        code="(*_filtered(params, FEED_FILTERS), _PUBLISHED)",
        instead="_filtered(params, FEED_FILTERS)",
        asked="feed",
        found=named("feed.list: value at $.count", "feed.list: value at $.results[*].published"),
    ),
    "a list one too short": Fault(
        file="fastapi_app/posts/queries.py",
        code="HIGHLIGHTS = 10",
        instead="HIGHLIGHTS = 9",
        asked="feed",
        found=named("feed.highlights: missing at $[*]"),
    ),
    "users for everybody": Fault(
        file="fastapi_app/users/router.py",
        code="ByMethod(IsAuthenticated, POST=AllowAny)",
        instead="AllowAny",
        asked="users",
        found=named(
            "users.list: status at status",
            "users.list: header at header www-authenticate",
        ),
    ),
    "a filter with another edge": Fault(
        file="fastapi_app/posts/queries.py",
        code="Post.created_at <= moment",
        instead="Post.created_at < moment",
        asked="posts",
        found=named("posts.list: value at $.count"),
    ),
    "a text that is not searched": Fault(
        file="fastapi_app/posts/queries.py",
        code="(Post.title, Post.content)",
        instead="(Post.title,)",
        asked="feed",
        found=named("feed.list: value at $.count"),
    ),
    "another default": Fault(
        file="fastapi_app/users/router.py",
        code="IntegerParameter(default=5, ",
        instead="IntegerParameter(default=6, ",
        asked="users",
        found=named("users.active: value at $.count"),
    ),
}


# Answers alike, with a statement more for each item.
COSTLY = {
    "each post is read by itself": Fault(
        file="fastapi_app/posts/router.py",
        code="return JsonResponse(await paginate(request, session, listing, criteria, queries.post_terms(params)))",
        instead="page = await paginate(request, session, listing, criteria, queries.post_terms(params))\n"
        '    for each in page["results"]:\n'
        '        await queries.POSTS.get(session, queries.post_id_criteria(each["id"]))\n'
        "    return JsonResponse(page)",
        asked="posts",
        found=named("posts.list: statements"),
    )
}
