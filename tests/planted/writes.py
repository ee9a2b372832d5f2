"""Faults that writes show, in rows or in answers."""

from tests.planted.fault import Fault, named


def _first(statement: str, *lines: str) -> str:
    """Code that has PostgreSQL run a statement, which may name variables that are there, before it goes on."""
    return "\n    ".join([f"found = await session.execute(__import__('sqlalchemy').text(f'{statement}'))", *lines])


WRITES = {
    "a tag of a new post is lost": Fault(
        file="fastapi_app/posts/service.py",
        code="    added = await fetch(",
        instead="    tags = tags[1:]\n    added = await fetch(",
        asked="posts",
        found=named("posts.create: rows at blog_post_tags"),
    ),
    "others may change a post": Fault(
        file="fastapi_app/posts/router.py",
        code="post_id = await _find(request, session, caller)",
        instead='post_id = int(request.path_params["pk"])',
        asked="posts",
        found=named("posts.update: status at status", "posts.update: rows at posts.title"),
    ),
    "publishing twice makes a draft": Fault(
        file="fastapi_app/posts/queries.py",
        code=".values(published=true())",
        instead=".values(published=~Post.published)",
        asked="posts",
        found=named("posts.publish: rows at posts.published"),
    ),
    "no tags given takes all away": Fault(
        file="fastapi_app/posts/service.py",
        code="    if tags is not None:\n        await _tags_set",
        instead="    tags = tags or ()\n    if True:\n        await _tags_set",
        asked="posts",
        found=named("posts.update: rows at blog_post_tags"),
    ),
    "posts are published by default": Fault(
        file="fastapi_app/posts/service.py",
        code="published: bool = False,",
        instead="published: bool = True,",
        asked="posts",
        found=named("posts.create: rows at posts.published", "posts.create: value at $.published"),
    ),
    "the time of writing is not set": Fault(
        file="fastapi_app/posts/service.py",
        code='"published": published,\n    }',
        instead='"published": published,\n    }\n'
        '    row["created_at"] = __import__("datetime").datetime.fromtimestamp(0, __import__("datetime").UTC)',
        asked="posts",
        found=named("posts.create: rows at posts.created_at", "posts.create: value at $.created_at"),
    ),
    "an inactive user reads": Fault(
        file="strangler_fastapi/auth/bearer_tokens.py",
        code="if self._check_active and not account.is_active:",
        instead="if False:",
        asked="states",
        found=named("posts.list: status at status", "feed.list: status at status", "tags.delete: status at status"),
    ),
    "a token is accepted before its time": Fault(
        file="strangler_fastapi/auth/tokens.py",
        code='options={"verify_aud": settings.audience is not None},\n    )\n    return payload',
        instead='options={"verify_aud": False, "verify_nbf": False},\n    )\n    return payload',
        asked="states",
        found=named("posts.list: status at status"),
    ),
    "a unique race is a 500": Fault(
        file="strangler_fastapi/drf/serializers.py",
        code="if isinstance(rule, Unique) and rule.is_violated_by(error):",
        instead="raise RuntimeError from error\n                    if False:",
        asked="states",
        found=named("tags.create: status at status"),
    ),
    "a list ends at the thousandth row": Fault(
        file="strangler_fastapi/drf/pagination/listing.py",
        code="told(items[0])",
        instead="min(told(items[0]), 1000)",
        asked="states",
        found=named("posts.list: value at $.count"),
    ),
    "a wrong status of a write": Fault(
        file="fastapi_app/posts/router.py",
        code="Response(status_code=204)",
        instead="Response(status_code=200)",
        asked="posts",
        found=named("posts.delete: status at status"),
    ),
    "a tag takes its posts along": Fault(
        file="fastapi_app/tags/router.py",
        code="return await TAGS.destroy(request, session)",
        instead=_first(
            "SELECT post_id FROM blog_post_tags WHERE tag_id = {await TAGS.find(request, session)}",
            "from shared_schema.contract.deletion import delete_rows",
            'await delete_rows(session, "posts", found.scalars().all(), contract=TAGS.model.__mapping__.contract)',
            "return await TAGS.destroy(request, session)",
        ),
        asked="tags",
        found=named("tags.delete: rows at posts"),
    ),
    "a change is not written": Fault(
        file="strangler_fastapi/drf/resources/row_writer.py",
        code="return changed.values(self._by_column(values))",
        instead="return changed.values({name: self.column(name) for name in values})",
        asked="tags",
        found=named("tags.update: rows at tags.name", "tags.update: value at $.name"),
    ),
    "nobody may add a tag": Fault(
        file="fastapi_app/tags/router.py",
        code="permission=ByMethod(IsAuthenticated, GET=AllowAny),",
        instead="permission=AllowAny,",
        asked="tags",
        found=named("tags.create: status at status", "tags.create: rows at tags"),
    ),
    "an address in the letters given": Fault(
        file="fastapi_app/users/serializers.py",
        code="{domain.lower()}",
        instead="{domain}",
        asked="users",
        found=named("users.create: rows at users.email"),
    ),
    "a name that is not folded": Fault(
        file="fastapi_app/users/serializers.py",
        code='return name if is_too_long else unicodedata.normalize("NFKC", name)',
        instead="return name",
        asked="users",
        found=named("users.create: status at status"),
    ),
    "a password kept with less strength": Fault(
        file="fastapi_app/users/service.py",
        code="return await hash_off_loop(password)",
        instead='return "argon2" + __import__("argon2").PasswordHasher(time_cost=1).hash(password)',
        asked="users",
        found=named("users.create: rows at users.password"),
    ),
    "an answer without the user's own": Fault(
        file="fastapi_app/users/router.py",
        code="caller.id, OWN_SERIALIZER)\n    return JsonResponse(await queries.ME",
        instead="caller.id, OWN_SERIALIZER)\n    return JsonResponse(await queries.USERS",
        asked="users",
        found=named("users.me_update: missing at $.email"),
    ),
    "a post of another goes along with its author": Fault(
        file="fastapi_app/users/service.py",
        code='await delete_rows(session, "users", [user_id], contract=BLOG.contract)',
        instead=_first(
            "SELECT min(id) FROM posts WHERE author_id <> {user_id}",
            'await delete_rows(session, "posts", found.scalars().all(), contract=BLOG.contract)',
            'await delete_rows(session, "users", [user_id], contract=BLOG.contract)',
        ),
        asked="users",
        found=named("users.delete: rows at posts"),
    ),
    "tokens go to another": Fault(
        file="fastapi_app/users/service.py",
        code='await delete_rows(session, "users", [user_id], contract=BLOG.contract)',
        instead=_first(
            "UPDATE token_blacklist_outstandingtoken SET user_id = 1 WHERE user_id = {user_id}",
            'await delete_rows(session, "users", [user_id], contract=BLOG.contract)',
        ),
        asked="auth",
        found=named("users.delete: rows at token_blacklist_outstandingtoken.user_id"),
    ),
    "no last login": Fault(
        file="strangler_fastapi/auth/token_service.py",
        code="            records_login=self.tokens.settings.update_last_login,\n",
        instead="            records_login=False,\n",
        asked="auth",
        found=named("auth.token: rows at users.last_login"),
    ),
    "a token is not noted": Fault(
        file="strangler_fastapi/auth/token_service.py",
        code="        await self._record_issued(refresh, found.id, now)\n",
        instead="",
        asked="auth",
        found=named("auth.token: rows at token_blacklist_outstandingtoken"),
    ),
    "a token can be renewed twice": Fault(
        file="strangler_fastapi/auth/token_service.py",
        code="        await self._spend(old, issued_id, user_id, now)\n",
        instead="",
        asked="auth",
        found=named("auth.refresh: rows at token_blacklist_blacklistedtoken", "auth.refresh: status at status"),
    ),
    "an ended token is good": Fault(
        file="strangler_fastapi/auth/token_service.py",
        code="        if self.tokens.settings.blacklist_after_rotation and (await self._issued(payload))[1]:\n",
        instead="        if False:\n",
        asked="auth",
        found=named("auth.verify: status at status"),
    ),
    "a wrong body of a write": Fault(
        file="strangler_fastapi/auth/token_service.py",
        code="datetime.now(UTC))\n        return {}",
        instead='datetime.now(UTC))\n        return {"detail": "ended"}',
        asked="auth",
        found=named("auth.blacklist: missing at $.detail"),
    ),
}
