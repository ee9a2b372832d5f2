"""Statements about posts. A read is one statement: author, author's post count and tags come along."""

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any

from sqlalchemy import (
    CTE,
    BigInteger,
    BindParameter,
    ColumnElement,
    Executable,
    Select,
    Text,
    and_,
    bindparam,
    cast,
    delete,
    func,
    literal_column,
    or_,
    select,
    true,
    update,
)
from sqlalchemy.dialects.postgresql import ARRAY, aggregate_order_by, insert

from fastapi_app.models import Post, PostTag, Tag, User
from fastapi_app.users.queries import AT, post_count
from strangler_fastapi.db.query import Rows, Shape
from strangler_fastapi.drf.criteria import Criteria, Criterion, clauses_of, equals, key_of, primary_key, values_of
from strangler_fastapi.drf.filters.filtering import (
    ORDERING,
    Filter,
    Params,
    boolean_filter,
    datetime_filter,
    describe_filters,
    filter_criteria,
    ordering_terms,
    text_filter,
)
from strangler_fastapi.drf.filters.search import SEARCH, search_criteria
from strangler_fastapi.drf.pagination.listing import Listing

HIGHLIGHTED_AUTHOR = "admin"
HIGHLIGHTS = 10
NEWEST = ("-created_at", "-id")

_NO_NAMES: ColumnElement[Any] = cast(literal_column("'{}'"), ARRAY(Text))
_ORDERINGS = {"created_at": lambda: Post.created_at, "title": lambda: Post.title, "id": lambda: Post.id}


def _authors(page: CTE) -> CTE:
    """The authors of a page, each once: their posts are counted once however many are on the page."""
    columns = (User.id, User.username, User.created_at, post_count().label("post_count"))
    return select(*columns).where(User.id.in_(select(page.c.author_id))).cte("authors").prefix_with("MATERIALIZED")


def _tags(page: CTE) -> CTE:
    """The names of the tags of each post of a page that has some: found together, and not post by post."""
    # As text: of the arrays that PostgreSQL has, asyncpg knows text[] by heart and asks each new connection for others.
    names = func.array_agg(aggregate_order_by(cast(Tag.name, Text), Tag.name)).label("names")
    links = select(PostTag.post_id, names).join_from(page, PostTag, PostTag.post_id == page.c.id)
    return links.join(Tag, Tag.id == PostTag.tag_id).group_by(PostTag.post_id).cte("page_tags")


def _row() -> list[Any]:
    """What is read of the posts of a page, besides their keys."""
    return [Post.title, Post.content, Post.author_id, Post.published, Post.created_at]


def _shape(posts: Any, authors: Any, tags: Any) -> Shape:  # noqa: ANN401 - the columns of a page, its authors and its tags
    author = {
        "id": authors.id,
        "username": authors.username,
        "display_name": AT.concat(authors.username),
        "created_at": authors.created_at,
        "post_count": authors.post_count,
    }
    return Shape(
        {
            "id": posts.id,
            "title": posts.title,
            "content": posts.content,
            "author": Shape(author),
            "tags": func.coalesce(tags.names, _NO_NAMES),
            "published": posts.published,
            "created_at": posts.created_at,
        }
    )


@cache
def post_shape() -> Shape:
    """A post, its author within."""
    page = select(Post.id, *_row()).cte("page")
    return _shape(page.c, _authors(page).c, _tags(page).c)


@cache
def post_minimal_shape() -> Shape:
    """A post for lists that know their authors."""
    return Shape({"id": Post.id, "title": Post.title, "author_id": Post.author_id})


def _items(page: CTE) -> Select[Any]:
    authors, tags = _authors(page), _tags(page)
    posts = select(*_shape(page.c, authors.c, tags.c).columns).join_from(
        page, authors, authors.c.id == page.c.author_id
    )
    return posts.outerjoin(tags, tags.c.post_id == page.c.id)


def _minimal_items(page: CTE) -> Select[Any]:
    return select(*post_minimal_shape().columns).join_from(Post, page, page.c.id == Post.id)


def _total(criteria: Criteria) -> Callable[[Mapping[str, Any]], int] | None:
    """Of all posts of an author each of them has the number."""
    is_of_author = key_of(criteria) == key_of(post_by_criteria(0))
    return (lambda post: post["author"]["post_count"]) if is_of_author else None


POSTS = Listing("posts", "Post", lambda: Post.id, _ORDERINGS, post_shape, _items, _total, _row)
POSTS_MINIMAL = Listing("posts minimal", "Post", lambda: Post.id, _ORDERINGS, post_minimal_shape, _minimal_items)


def post_listing(params: Params) -> Listing:
    """The form that `?view=` asks for."""
    return POSTS_MINIMAL if params.get("view") == "minimal" else POSTS


def post_terms(params: Params) -> tuple[str, ...]:
    """The order that `?ordering=` asks for."""
    return ordering_terms(params, _ORDERINGS, NEWEST)


def _has_tag(name: BindParameter[str]) -> ColumnElement[bool]:
    links = select(PostTag.post_id).join(Tag, Tag.id == PostTag.tag_id)
    return Post.id.in_(links.where(Tag.name == name))


def _is_by(username: BindParameter[str]) -> ColumnElement[bool]:
    return Post.author_id.in_(select(User.id).where(User.username == username))


FILTERS: dict[str, Filter] = {
    "published": boolean_filter(lambda: Post.published),
    "tag": text_filter(_has_tag, description="A tag's whole name."),
    "created_after": datetime_filter(
        lambda moment: Post.created_at >= moment, description="The earliest time, ISO 8601, included."
    ),
    "created_before": datetime_filter(
        lambda moment: Post.created_at <= moment, description="The latest time, ISO 8601, included."
    ),
}
VIEW = {"view": "`minimal`: only id, title and author_id of each post."}
POST_QUERY = describe_filters(FILTERS) | ORDERING | SEARCH | VIEW
FEED_FILTERS: dict[str, Filter] = {**FILTERS, "author": text_filter(_is_by, description="The author's whole username.")}
FEED_QUERY = describe_filters(FEED_FILTERS) | POST_QUERY
_PUBLISHED = Criterion("published", lambda: and_(Post.published))


def post_own_criteria(params: Params, *, user_id: int) -> Criteria:
    """The user's own posts that the filters leave, drafts included."""
    return (*_filtered(params, FILTERS), *post_by_criteria(user_id))


def post_own_pk_criteria(params: Params, *, user_id: int, pk: str) -> Criteria:
    """The one of the user's own posts that a path names, if the filters leave it.

    Raises:
        NotFound: the path names no number.
    """
    return (*post_own_criteria(params, user_id=user_id), primary_key(lambda: Post.id, pk))


def post_by_criteria(user_id: int) -> Criteria:
    """All posts of a user."""
    return (equals("author_id", lambda: Post.author_id, user_id),)


def post_of_user_criteria(params: Params, *, author_id: int, viewer_id: int) -> Criteria:
    """The author's posts that the viewer may see: the published ones, and to the author all of them."""
    criteria = (*_filtered(params, FILTERS), *post_by_criteria(author_id))
    return criteria if author_id == viewer_id else (*criteria, _PUBLISHED)


def post_feed_criteria(params: Params) -> Criteria:
    """Everybody's published posts that the filters leave."""
    return (*_filtered(params, FEED_FILTERS), _PUBLISHED)


def post_highlight_criteria() -> Criteria:
    """Posts that are published or by `admin`."""

    def clause() -> ColumnElement[bool]:
        by_admin = select(User.id).where(User.username == HIGHLIGHTED_AUTHOR)
        return or_(Post.published, Post.author_id.in_(by_admin))

    return (Criterion("highlight", clause),)


def post_id_criteria(post_id: int) -> Criteria:
    """The post with this id, whoever its author is."""
    return (equals("pk", lambda: Post.id, post_id),)


def _filtered(params: Params, filters: dict[str, Filter]) -> Criteria:
    return (*filter_criteria(params, filters), *search_criteria(params, lambda: (Post.title, Post.content)))


def post_insert(row: Mapping[str, Any], tags: Sequence[str]) -> Rows:
    """Adds a post of these columns, with those tags of these names that are there.

    Returns its `id` with the `name` of each of them, with None where there is none.
    """

    def build() -> Executable:
        added = insert(Post.__table__).values({name: bindparam(name) for name in row}).returning(Post.id).cte("added")
        known = select(Tag.id, Tag.name).where(Tag.name == func.any(bindparam("tags", type_=ARRAY(Text)))).cte("known")
        links, table = select(added.c.id, known.c.id).order_by(known.c.id), PostTag.__table__
        linked = insert(table).from_select([table.c.post_id, table.c.tag_id], links).cte("linked")
        return select(added.c.id, known.c.name).join_from(added, known, true(), isouter=True).add_cte(linked)

    return Rows(("post insert", *row), build, {**row, "tags": list(tags)})


def post_change(post_id: int, columns: Mapping[str, Any]) -> Rows:
    """Changes these columns; returns the id, none where there is no such post."""

    def build() -> Executable:
        changed = update(Post.__table__).where(Post.id == bindparam("post_id"))
        return changed.values({name: bindparam(name) for name in columns}).returning(Post.id)

    return Rows(("post change", *columns), build, {"post_id": post_id, **columns})


def post_publish(criteria: Criteria) -> Rows:
    """Publishes the post that meets `criteria`; returns its id."""

    def build() -> Executable:
        return update(Post.__table__).where(*clauses_of(criteria)).values(published=true()).returning(Post.id)

    return Rows(("post publish", key_of(criteria)), build, values_of(criteria))


def tags_linked(post_id: int) -> Rows:
    """The ids of a post's tags."""

    def build() -> Executable:
        return select(PostTag.tag_id).where(PostTag.post_id == bindparam("post_id"))

    return Rows("tags linked", build, {"post_id": post_id})


def tags_link(post_id: int, tag_ids: Sequence[int]) -> Rows:
    """Gives a post tags; those that another request gave it meanwhile are left alone."""

    def build() -> Executable:
        table = PostTag.__table__
        given = select(bindparam("post_id", type_=BigInteger), func.unnest(_ids("tag_ids")))
        return insert(table).from_select([table.c.post_id, table.c.tag_id], given).on_conflict_do_nothing()

    return Rows("tags link", build, {"post_id": post_id, "tag_ids": list(tag_ids)})


def tags_unlink(post_id: int, tag_ids: Sequence[int]) -> Rows:
    """Takes tags from a post."""

    def build() -> Executable:
        links = delete(PostTag.__table__).where(PostTag.post_id == bindparam("post_id"))
        return links.where(PostTag.tag_id == func.any(_ids("tag_ids")))

    return Rows("tags unlink", build, {"post_id": post_id, "tag_ids": list(tag_ids)})


def _ids(name: str) -> BindParameter[Any]:
    kind: Any = ARRAY(BigInteger)
    return bindparam(name, type_=kind)
