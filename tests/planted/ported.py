"""Faults that a port really makes, each one small edit; generated cases of the routes that are named must find it."""

from tests.planted.fault import Fault

SEARCHING = "strangler_fastapi/drf/filters/search.py"
FILTERING = "strangler_fastapi/drf/filters/filtering.py"
PARAMETERS = "strangler_fastapi/drf/parameters.py"
PAGES = "strangler_fastapi/drf/pagination/pagination.py"
FIELDS = "strangler_fastapi/drf/fields/fields.py"
IDENTITY = "strangler_fastapi/auth/bearer_tokens.py"
POSTS = "fastapi_app/posts/queries.py"
USERS = "fastapi_app/users/queries.py"


def at(file: str, routes: str, code: str, instead: str) -> Fault:
    return Fault(file=file, code=code, instead=instead, asked=routes, found=frozenset())


PORTED_READS = {
    "the search minds case": at(
        SEARCHING,
        "tags.list",
        "func.upper(cast(column, Text)).like(func.upper(text))",
        "cast(column, Text).like(text)",
    ),
    "only the first word is searched": at(
        SEARCHING, "posts.list", "for number, term in enumerate(terms))", "for number, term in enumerate(terms[:1]))"
    ),
    "signs of LIKE mean something": at(
        SEARCHING, "users.list", 'return re.sub(r"([\\\\%_])", r"\\\\\\1", text)', "return text"
    ),
    "the search begins at the beginning": at(
        SEARCHING,
        "tags.list",
        '"icontains": (_upper_like, lambda text: f"%{_escaped(text)}%")',
        '"icontains": (_upper_like, lambda text: f"{_escaped(text)}%")',
    ),
    "quotes hold nothing together": at(
        SEARCHING, "posts.list", "if term.startswith(('\"', \"'\")) and", "if False and"
    ),
    "True is no boolean": at(FILTERING, "posts.list", "_BOOLEANS.get(text.lower())", "_BOOLEANS.get(text)"),
    "1 is no boolean": at(FILTERING, "posts.list", '"true": True, "1": True,', '"true": True,'),
    "what is no boolean is false": at(
        FILTERING, "posts.list", "_BOOLEANS.get(text.lower())", "_BOOLEANS.get(text.lower(), False if text else None)"
    ),
    "blanks around a filter count": at(FILTERING, "posts.list", "stripped = text.strip()", "stripped = text"),
    "a filter minds no case": at(POSTS, "posts.list", "Tag.name == name", "func.lower(Tag.name) == func.lower(name)"),
    "a filter takes parts": at(POSTS, "feed.list", "User.username == username", "User.username.contains(username)"),
    "a time without a zone is read in another one": at(
        PARAMETERS,
        "posts.list",
        "else in_zone(value, zone)",
        "else in_zone(value, timezone(timedelta(hours=2)))",
    ),
    "after leaves the moment itself out": at(
        POSTS, "posts.list", "Post.created_at >= moment", "Post.created_at > moment"
    ),
    "microseconds are cut": at(
        PARAMETERS,
        "posts.list",
        "    return as_utc(value) if value.tzinfo",
        "    value = value.replace(microsecond=0)\n    return as_utc(value) if value.tzinfo",
    ),
    "a time that is none is ignored": at(
        PARAMETERS,
        "posts.list",
        'raise Invalid("Enter a valid date/time.") from None',
        "return datetime(1970, 1, 1, tzinfo=UTC)",
    ),
    "a time that is none in other words": at(
        PARAMETERS,
        "users.posts",
        'raise Invalid("Enter a valid date/time.") from None',
        'raise Invalid("Enter a valid date.") from None',
    ),
    "no tie-breaker": at(
        FILTERING, "tags.list users.list", 'if not any(term.lstrip("-") == "id" for term in terms):', "if not terms:"
    ),
    "the tie-breaker goes up always": at(
        FILTERING, "users.list", 'terms.append("-id" if terms[-1].startswith("-") else "id")', 'terms.append("id")'
    ),
    "an unknown order is by id": at(FILTERING, "tags.list", "or list(default)", 'or ["id"]'),
    "one order too few": at(POSTS, "posts.list", '"title": lambda: Post.title, ', ""),
    "down is up": at(
        "strangler_fastapi/drf/pagination/listing.py",
        "posts.list",
        '.desc() if term.startswith("-") else',
        '.desc() if not term.startswith("-") else',
    ),
    "an order minds no case": at(
        USERS,
        # New rows have names that stored ones don't have.
        "users.create users.list",
        '"username": lambda: User.username',
        '"username": lambda: func.lower(User.username)',
    ),
    "a limit too large is cut": at(
        PARAMETERS,
        "posts.recent",
        'raise Invalid(f"Ensure this value is less than or equal to {self.most}.", "max_value")',
        "return self.most",
    ),
    "a limit of none is taken": at(PARAMETERS, "posts.recent", "if number < self.least:", "if number < 0:"),
    "another default of a limit": at("fastapi_app/posts/router.py", "posts.recent", "default=10,", "default=12,"),
    "a number that is none is the default": at(
        PARAMETERS, "users.active", 'raise Invalid("A valid integer is required.") from None', "return self.default"
    ),
    "more than instead of at least": at(
        USERS, "users.active", '.c.post_count >= bindparam("min_posts")', '.c.post_count > bindparam("min_posts")'
    ),
    "the count is capped": at(PAGES, "feed.list", '"count": count,', '"count": min(count, 100),'),
    "a page past the end is empty": at(PAGES, "tags.list", "if not items and number > 1:", "if False:"),
    "the last page has no name": at(PAGES, "feed.list", '_LAST = "last"', '_LAST = "final"'),
    "page none is the first": at(PAGES, "users.list", "number = int(text)", "number = max(1, int(text))"),
    "pages as large as one likes": at(PAGES, "feed.list", "MAX_PAGE_SIZE = 100", "MAX_PAGE_SIZE = 1000"),
    "a page too large is the default": at(
        PAGES, "feed.list", "min(size, most) if size > 0", "size if 0 < size <= most"
    ),
    "a page of less than none has one": at(
        PAGES,
        "feed.list",
        "return min(size, most) if size > 0 else self.page_size",
        "return max(1, min(size, most))",
    ),
    "a full last page has a next": at(PAGES, "users.list", "if number * size < count", "if number * size <= count"),
    "page one is named in a link": at(PAGES, "feed.list", "None if number == 2 else", "None if number == 1 else"),
    "links lose the other parameters": at(
        "strangler_fastapi/drf/http/urls.py",
        "feed.list",
        "parse_qs(query, keep_blank_values=True)",
        "dict[str, list[str]]()",
    ),
    "links lose empty parameters": at(
        "strangler_fastapi/drf/http/urls.py", "feed.list", "keep_blank_values=True", "keep_blank_values=False"
    ),
    "links forget TLS": at(
        "strangler_fastapi/drf/http/urls.py",
        "feed.list",
        "own if given is None else given",
        "own",
    ),
    "links of v2 name v1": at(
        "strangler_fastapi/drf/http/urls.py",
        "feed.list",
        'path = prefix.rstrip("/") +',
        'path = prefixes.v1.rstrip("/") +',
    ),
    "links of v2 have no prefix": at(
        "strangler_fastapi/drf/http/urls.py",
        "posts.list",
        'path = prefix.rstrip("/") +',
        'path = ("" if prefix == prefixes.v2 else prefix.rstrip("/")) +',
    ),
    "v2 leads to v1 where the last slash is missing": at(
        "strangler_fastapi/middleware.py",
        "tags.list",
        'with_query(scope, f"{public_path(scope)}/")',
        'with_query(scope, f"{public_path(scope)}/".replace("/v2", "", 1))',
    ),
    "links of v2 forget TLS": at(
        "strangler_fastapi/drf/http/urls.py",
        "users.list",
        "own if given is None else given",
        'given or "http" if asks_for_v1(scope) else own',
    ),
    "a path is linked to as it was sent": at(
        "strangler_fastapi/drf/http/urls.py",
        "tags.list",
        "    return _escaped(path)",
        '    sent: str = scope["raw_path"].decode("ascii").partition("?")[0]\n'
        '    return sent if "%" in sent else _escaped(path)',
    ),
    "an id that is none in other words": at(
        "strangler_fastapi/drf/criteria.py",
        "users.retrieve",
        "key = int(text)\n    except ValueError:\n        raise Http404 from None",
        'key = int(text)\n    except ValueError:\n        raise Http404("No such row.") from None',
    ),
    "an id too large fails": at(
        "strangler_fastapi/drf/criteria.py", "posts.retrieve", 'if abs(key) <= BIGGEST["bigint"] else', "if True else"
    ),
    "an expired token is good": at(
        "strangler_fastapi/auth/tokens.py",
        "users.me",
        "payload = self._verified(token, key)\n"
        '        if "exp" in payload and int(payload["exp"]) <= time.time() - self.settings.leeway:\n'
        '            raise TokenError("Token is expired")\n        return payload\n',
        "try:\n            return jwt.decode(token, self.key, algorithms=[self.settings.algorithm],"
        ' options={"verify_exp": False})\n'
        "        except jwt.InvalidTokenError:\n"
        '            raise TokenError("Token is invalid") from None\n',
    ),
    "a signature isn't checked": at(
        "strangler_fastapi/auth/tokens.py",
        "users.me",
        "payload = self._verified(token, key)\n",
        'payload = jwt.decode(token, options={"verify_signature": False})\n',
    ),
    "a refresh token is good": at(IDENTITY, "posts.list", "tokens.check_type(payload, token_type)", "pass"),
    "a token outlives its password": at(IDENTITY, "posts.list", "if tokens.is_revoked(payload, account):", "if False:"),
    "the scheme minds no case": at(
        IDENTITY,
        "posts.list",
        "if not parts or parts[0] not in [name.encode() for name in types]:",
        "if not parts or parts[0].lower() not in [name.lower().encode() for name in types]:",
    ),
    "a token with a blank is none": at(
        IDENTITY,
        "feed.list",
        "if len(parts) != _PARTS:",
        "if len(parts) != _PARTS:\n        return None\n    if False:",
    ),
    "a permission is forgotten": at(
        "fastapi_app/users/router.py",
        "users.active",
        'with at least `min_posts` posts, drafts included.",\n    methods=("GET",),\n    permission=IsAuthenticated,',
        'with at least `min_posts` posts, drafts included.",\n    methods=("GET",),\n    permission=AllowAny,',
    ),
    "drafts of others are seen": at(
        POSTS,
        "users.posts",
        "return criteria if author_id == viewer_id else (*criteria, _PUBLISHED)",
        "return criteria",
    ),
    "own drafts are hidden": at(
        POSTS,
        "users.posts",
        "return criteria if author_id == viewer_id else (*criteria, _PUBLISHED)",
        "return (*criteria, _PUBLISHED)",
    ),
    "posts of others are found": at(
        POSTS,
        "posts.retrieve",
        "return (*post_own_criteria(params, user_id=user_id), primary_key(lambda: Post.id, pk))",
        "return (primary_key(lambda: Post.id, pk),)",
    ),
    "one row is never filtered": at(
        POSTS,
        "posts.retrieve",
        "return (*post_own_criteria(params, user_id=user_id), primary_key(lambda: Post.id, pk))",
        "return (*post_by_criteria(user_id), primary_key(lambda: Post.id, pk))",
    ),
    "one row too many": at(POSTS, "feed.highlights", "HIGHLIGHTS = 10", "HIGHLIGHTS = 11"),
    "the short form is ignored": at(
        "fastapi_app/feed/router.py",
        "feed.list",
        "listing, criteria = queries.post_listing(params), queries.post_feed_criteria(params)",
        "listing, criteria = queries.POSTS, queries.post_feed_criteria(params)",
    ),
    "NUL reaches the database": at(SEARCHING, "tags.list", "        check_storable(text)\n", "        pass\n"),
    "the first of two values counts": at(
        FILTERING,
        "posts.list",
        'return self.read(name, params.get(name, ""))',
        'return self.read(name, (params.getlist(name) or [""])[0])',
    ),
    "another format is taken": at(
        "strangler_fastapi/drf/http/negotiation.py",
        "tags.list",
        "if not name or renderer.format == name]",
        'if not name or name in (renderer.format, "xml")]',
    ),
    "Accept is ignored": at(
        "strangler_fastapi/drf/http/negotiation.py", "tags.list", "    raise NotAcceptable", "    return"
    ),
    "nothing is indented": at("strangler_fastapi/drf/http/negotiation.py", "tags.list", "= _indent(token)", "= None"),
}
PORTED_WRITES = {
    "texts are not trimmed": at(
        FIELDS, "tags.create", "return str(value).strip() if self.trim else str(value)", "return str(value)"
    ),
    "no text is too long": at(
        FIELDS,
        "posts.create",
        "longest = () if self.max_length is None else (at_most(self.max_length, message=too_long),)",
        "longest = ()",
    ),
    "no text is too short": at(
        FIELDS,
        "users.create",
        "shortest = () if self.min_length is None else (at_least(self.min_length, message=too_short),)",
        "shortest = ()",
    ),
    "no list is too long": at(
        "strangler_fastapi/drf/fields/collection_fields.py",
        "posts.create",
        'longest = () if self.max_length is None else (at_most(self.max_length, of="elements", message=too_long),)',
        "longest = ()",
    ),
    "a blank is a text": at(
        FIELDS, "tags.create", 'raise self.refused("blank", "This field may not be blank.")', 'return ""'
    ),
    "null in other words": at(FIELDS, "tags.create", '"This field may not be null."', '"This field is required."'),
    "unique in any case": at(
        "strangler_fastapi/drf/validators.py",
        "tags.create",
        "rows = select(key).where(column == value)",
        "rows = select(key).where(column.ilike(value))",
    ),
    "a number is no text": at(
        FIELDS,
        "tags.create",
        'not isinstance(value, str | int | float):\n            raise self.refused("invalid", self.refusal)',
        'not isinstance(value, str):\n            raise self.refused("invalid", self.refusal)',
    ),
    "true is a text": at(
        FIELDS, "tags.create", "isinstance(value, bool) or not isinstance(value, str", "not isinstance(value, str"
    ),
    "a boolean minds case": at(
        FIELDS, "posts.create", "key = value.lower() if isinstance(value, str) else value", "key = value"
    ),
    "NUL is stored": at(
        FIELDS, "tags.create", "return (*longest, *shortest, storable)", "return (*longest, *shortest)"
    ),
    "a PATCH wants everything": at(
        "strangler_fastapi/drf/serializers.py", "posts.update", 'partial = request.method == "PATCH"', "partial = False"
    ),
    "a PUT wants nothing": at(
        "strangler_fastapi/drf/serializers.py", "tags.update", 'partial = request.method == "PATCH"', "partial = True"
    ),
    "anybody renames": at(
        "fastapi_app/tags/router.py",
        "tags.update",
        "PUT=IsAdminUser, PATCH=IsAdminUser",
        "PUT=IsAuthenticated, PATCH=IsAuthenticated",
    ),
    "a new row is answered with 200": at(
        "strangler_fastapi/drf/resources/resource_actions.py", "tags.create", "status_code=201", "status_code=200"
    ),
    "others publish": at(
        "fastapi_app/posts/router.py",
        "posts.publish",
        "post_publish(session=session, criteria=_named(request, caller))",
        'post_publish(session=session, criteria=queries.post_id_criteria(int(request.path_params["pk"])))',
    ),
    "others delete": at(
        "fastapi_app/posts/router.py",
        "posts.delete",
        "post_id=await _find(request, session, caller))\n    return Response(status_code=204)",
        'post_id=int(request.path_params["pk"]))\n    return Response(status_code=204)',
    ),
    "others change an account": at(
        "fastapi_app/users/router.py", "users.update", "        raise PermissionDenied\n", "        pass\n"
    ),
    "any character is good in a name": at(
        "strangler_fastapi/drf/validators.py", "users.create", "if not _USERNAME.fullmatch(value):", "if False:"
    ),
    "any text is an address": at(
        "strangler_fastapi/drf/validators.py",
        "users.create",
        "return len(value) <= _LONGEST_EMAIL and _LOCAL_PART.fullmatch(local) is not None and _is_domain(domain)",
        "return True",
    ),
    "unique but for itself is forgotten": at(
        "strangler_fastapi/drf/validators.py",
        "tags.update",
        "(rows if instance_id is None else rows.where(key != instance_id))",
        "rows",
    ),
    "broken JSON in other words": at(
        "strangler_fastapi/drf/http/bodies.py", "tags.create", 'f"JSON parse error - {error}"', '"Malformed request."'
    ),
    "NaN is a number": at("strangler_fastapi/drf/http/bodies.py", "tags.create", "parse_constant=_refuse_constant", ""),
    "any media type is JSON": at(
        "strangler_fastapi/drf/http/bodies.py",
        "tags.create",
        "    if len(header) > _LONGEST_CONTENT_TYPE or parser is None:\n        raise UnsupportedMediaType(header)\n",
        "    parser = parser or PARSERS[0]\n",
    ),
    "a form's lists are one value": at(
        "strangler_fastapi/drf/fields/collection_fields.py",
        "posts.create",
        "return form.all(name) or form.rows(name) or MISSING",
        "return form.all(name)[:1] or MISSING",
    ),
    "a form without a boolean says nothing": at(
        FIELDS,
        "posts.update",
        "if name not in form and not partial and self.default is MISSING:",
        "if False:",
    ),
    "a name is taken in words of its own": at(
        "strangler_fastapi/drf/validators.py",
        "tags.create",
        'raise Invalid(self.message, "unique")',
        'raise Invalid("Taken.")',
    ),
    "the old password is not asked for": at(
        "fastapi_app/users/serializers.py",
        "users.me_update users.update",
        "            if self.is_own:\n",
        "            if False:\n",
    ),
    "a common password is good": at(
        "fastapi_app/users/serializers.py", "users.create", "            if problems:\n", "            if False:\n"
    ),
}
