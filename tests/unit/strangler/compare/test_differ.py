"""When two answers are equal: by status, headers, JSON value, order of keys and exact text."""

import json
from dataclasses import replace

import pytest

from strangler.compare.client.response import RequestLinks, SideResponse
from strangler.compare.differ import MAX_DIFFERENCES, DifferenceKind, ResponseDifference, differences
from strangler.compare.json_values import ABSENT

V1, V2 = "/api", "/api/v2"


def answer(body: object = None, *, status: int = 200, base: str = V1, **headers: str) -> SideResponse:
    text = body if isinstance(body, str) else json.dumps(body)
    named = tuple((name.replace("_", "-"), value) for name, value in headers.items())
    return SideResponse(status=status, headers=named, body=text.encode(), base=base)


def found(left: object, right: object) -> list[tuple[str, str]]:
    return [(each.kind, each.place) for each in differences(answer(left), answer(right))]


def test_equal_answers_have_no_difference() -> None:
    body = {"count": 1, "results": [{"title": "é", "rating": 1.5}]}
    assert differences(answer(body, vary="Accept"), answer(body, vary="Accept")) == []


def test_a_status_is_a_difference_of_its_own() -> None:
    assert differences(answer("", status=500), answer("", status=401)) == [
        ResponseDifference(kind=DifferenceKind.STATUS, left=500, right=401)
    ]


def test_headers_count_but_for_those_that_frame_or_name_the_request() -> None:
    left = answer(vary="Accept", date="a", x_request_id="1", server="gunicorn", content_length="3")
    right = answer(vary="Cookie", date="b", x_request_id="2", server="uvicorn", allow="GET")
    assert [(each.place, each.left, each.right) for each in differences(left, right)] == [
        ("header allow", ABSENT, "GET"),
        ("header vary", "Accept", "Cookie"),
    ]


def test_allow_names_methods_in_any_order() -> None:
    assert differences(answer(allow="GET, POST, OPTIONS"), answer(allow="OPTIONS, GET,POST")) == []
    assert [each.place for each in differences(answer(allow="GET, POST"), answer(allow="GET"))] == ["header allow"]


def test_etags_are_compared_where_the_bodies_are_the_same() -> None:
    def places(left: SideResponse, right: SideResponse) -> list[str]:
        return [each.place for each in differences(left, right)]

    link, other = {"next": "/api/posts/"}, {"next": "/api/v2/posts/"}
    assert places(answer(link, etag='"1"'), answer(other, base=V2, etag='"2"')) == []
    assert places(answer("", etag='"1"'), answer("", etag='"2"')) == []
    assert places(answer(link, etag='"1"'), answer(link, etag='"2"')) == ["header etag"]
    assert places(answer(link, etag='"1"'), answer(other, base=V2, etag='W/"2"')) == ["header etag"]
    assert places(answer(link, etag='"1"'), answer(other, base=V2)) == ["header etag"]


def test_a_header_sent_twice_is_one_list() -> None:
    twice = SideResponse(status=200, headers=(("vary", "Accept"), ("vary", "Cookie")))
    assert differences(twice, SideResponse(status=200, headers=(("vary", "Accept, Cookie"),))) == []


@pytest.mark.parametrize(
    ("left", "right", "expected"),
    [
        ({"a": 1}, {"a": 2}, [("value", "$.a")]),
        ({"a": 1}, {"a": "1"}, [("value", "$.a")]),
        ({"a": None}, {"a": False}, [("value", "$.a")]),
        ({"a": None}, {}, [("missing", "$.a")]),
        ({}, {"a b": 0}, [("missing", '$["a b"]')]),
        ({"a": [1, 2]}, {"a": [1]}, [("missing", "$.a[1]")]),
        ({"a": {"b": 1}}, {"a": []}, [("value", "$.a")]),
        ({"a": 1, "b": 2}, {"b": 2, "a": 1}, [("key_order", "$")]),
        ([{"a": 1, "b": 2, "c": 3}], [{"b": 2, "a": 1}], [("key_order", "$[0]"), ("missing", "$[0].c")]),
        ([1, 2, 3], [3, 1, 2], [("item_order", "$")]),
        ([1, 1, 2], [2, 1, 2], [("value", "$[0]")]),
        ({"r": [{"id": 1, "t": []}, {"id": 2, "t": [1]}]}, {"r": [{"id": 2, "t": [1]}, {"id": 1, "t": []}]},
         [("item_order", "$.r")]),
        ([{"id": 1, "t": [1, 2]}], [{"id": 1, "t": [2, 1]}], [("item_order", "$[0].t")]),
        ([{"id": 1, "t": 1}, {"id": 2, "t": 2}], [{"id": 2, "t": 2}, {"id": 1, "t": 3}],
         [("item_order", "$"), ("value", "$[0].t")]),
        ([{"id": 1, "t": 1}, {"id": 1, "t": 2}], [{"id": 1, "t": 2}, {"id": 1, "t": 3}],
         [("value", "$[0].t"), ("value", "$[1].t")]),
        ([{"id": 1}, {"id": "2"}], [{"id": 2}, {"id": 1}], [("value", "$[0].id"), ("value", "$[1].id")]),
        ("[1.0]", "[1.00]", [("value", "$[0]")]),
        ("[1]", "[1.0]", [("value", "$[0]")]),
        ("[12345678901234567890123]", "[12345678901234567890124]", [("value", "$[0]")]),
        ({"at": "2024-01-02T00:00:00Z"}, {"at": "2024-01-02T00:00:00+00:00"}, [("value", "$.at")]),
        ({"price": "1.50"}, {"price": "1.5"}, [("value", "$.price")]),
        ('{"a": 1}', '{"a":1}', [("text", "body")]),
        ('["\\u00e9"]', '["é"]', [("text", "body")]),
        ('{"a":1,"a":1}', '{"a":1}', [("text", "body")]),
        ("<h1>a</h1>", "<h1>b</h1>", [("text", "body")]),
        ("", "{}", [("text", "body")]),
    ],
)  # fmt: skip
def test_bodies_differ_by_kind_and_place(left: object, right: object, expected: list[tuple[str, str]]) -> None:
    assert found(left, right) == expected


@pytest.mark.parametrize(
    ("left", "right", "expected"),
    [
        ('{"a":1,"t":"é"}', '{"a":2,"t":"\\u00e9"}', ["$.a", "body"]),
        ('{"a":1,"é":1}', '{"a":2,"\\u00e9":1}', ["$.a", "body"]),
        ('{"a":1}', '{"a": 2}', ["$.a", "body"]),
        ('{"a":1}', '{"a":2}\n', ["$.a", "body"]),
        ('{"a":1,"b":[]}', '{"a":2,"b":[ ]}', ["$.a", "body"]),
        ('{"a":1,"b":2,"b":2}', '{"a":2,"b":2}', ["$.a", "body"]),
        ('{"a":1,"b":2}', '{"b":2, "a":1}', ["$", "body"]),
        ('[{"a":1},{"a":1}]', '[{"a":1} , {"b":1}]', ["$[1].a", "$[1].b", "body"]),
        ('{"a":"é","b":[1,{"c":{}}]}', '{"b":[1,2,"\\u00e9"]}', ["$.a", "$.b[1]", "$.b[2]"]),
        ('{"a":"x\\"","b":1,"c":[]}', '{"b":1,"c":[1]}', ["$.a", "$.c[0]"]),
        ('[\n  1,\n  [\n    2\n  ]\n]', '[\n  1,\n  [\n    3,\n    4\n  ],\n  5\n]', ["$[1][0]", "$[1][1]", "$[2]"]),
    ],
)  # fmt: skip
def test_another_way_to_write_is_a_difference_beside_the_others(left: str, right: str, expected: list[str]) -> None:
    assert [place for _kind, place in found(left, right)] == expected


def test_the_items_of_a_list_are_named_by_their_keys_and_links_are_alike() -> None:
    left = answer([{"id": number, "url": f"http://h/api/posts/{number}/"} for number in (1, 2, 3)])
    right = answer([{"id": number, "url": f"http://h/api/v2/posts/{number}/"} for number in (3, 1, 2)], base=V2)
    (difference,) = differences(left, right)
    assert str(difference) == "item_order at $: ['1', '2', '3'] and ['3', '1', '2']"
    texts = differences(answer(["a", ["b"], {"c": 1}]), answer([{"c": 1}, "a", ["b"]]))
    assert [str(each) for each in texts] == [
        "item_order at $: ['\"a\"', '[…]', '#2'] and ['#2', '\"a\"', '[…]']".replace("[…]", '["b"]')
    ]


def test_items_in_another_order_that_differ_deep_within_are_not_the_same() -> None:
    def nested(value: int) -> object:
        return value if value < 100 else [nested(value - 100)]

    left, right = (
        [{"id": each, "tree": nested(2500 + leaf)} for each, leaf in rows]
        for rows in (
            [(1, 0), (2, 0)],
            [(2, 0), (1, 1)],
        )
    )
    assert [kind for kind, _place in found(left, right)] == ["item_order", "value"]
    assert [kind for kind, _place in found(left, left[::-1])] == ["item_order"]


def test_links_are_no_other_way_to_write() -> None:
    left = answer({"next": "http://h/api/posts/?page=2", "a": 1})
    assert [
        each.place for each in differences(left, answer({"next": "http://h/api/v2/posts/?page=2", "a": 2}, base=V2))
    ] == ["$.a"]


def test_bytes_that_are_no_text_are_still_reported_apart() -> None:
    left, right = (SideResponse(status=200, body=body) for body in (b"\xff", b"\xfe"))
    assert [each.kind for each in differences(left, right)] == [DifferenceKind.TEXT]


def test_links_count_with_the_base_of_each_side_normalised() -> None:
    left = answer({"next": "http://h/api/posts/?page=2"}, location="/api/posts/1/")
    right = answer({"next": "http://h/api/v2/posts/?page=2"}, location="/api/v2/posts/1/", base=V2)
    assert differences(left, right) == []
    # Asked at v1, an answer with links of v2 is wrong.
    elsewhere = SideResponse(status=200, headers=right.headers, body=right.body, base=V1)
    assert [each.place for each in differences(left, elsewhere)] == ["header location", "$.next"]


def test_links_of_two_addresses_are_alike_but_a_bare_path_is_not_an_address() -> None:
    bases = ("http://old.example/api", "https://new.example:8443/v9")
    left = answer([f"{bases[0]}/posts/"], base=bases[0])
    assert differences(left, answer([f"{bases[1]}/posts/"], base=bases[1])) == []
    assert differences(left, answer(["/v9/posts/"], base=bases[1])) != []


def below(prefix: str, body: object, *, location: str = "", paths: tuple[str, ...] = ("/posts",)) -> SideResponse:
    return replace(
        answer(body, location=location, base=prefix),
        own=RequestLinks(host="h:9", prefix=prefix, paths=paths),
    )


@pytest.mark.parametrize("v1", [V1, ""])
def test_below_v2s_prefix_each_link_of_a_route_names_v2(v1: str) -> None:
    left = below(v1, {"next": f"https://h:9{v1}/posts/?page=2"}, location=f"{v1}/posts/1/")
    right = below(V2, {"next": f"https://h:9{V2}/posts/?page=2"}, location=f"{V2}/posts/1/")
    assert differences(left, right) == []
    assert differences(left, left) == []
    wrong = below(V2, {"next": f"https://h:9{v1}/posts/?page=2"}, location=f"{v1}/posts/1/")
    assert [each.place for each in differences(left, wrong)] == ["header location", "$.next"]
    without_tls = below(V2, {"next": f"http://h:9{V2}/posts/?page=2"}, location=f"{V2}/posts/1/")
    assert [each.place for each in differences(left, without_tls)] == ["$.next"]


def test_a_difference_shows_the_link_that_it_has_to_be() -> None:
    left, wrong = (below(prefix, {"next": "http://h:9/api/posts/?page=2"}) for prefix in (V1, V2))
    (found,) = differences(left, wrong)
    assert (found.left, found.right) == ("http://h:9/api/v2/posts/?page=2", "http://h:9/api/posts/?page=2")
    right = below(V2, {"next": "http://h:9/api/v2/posts/?page=2"})
    tagged = [replace(each, headers=(("etag", f'W/"{number}"'),)) for number, each in enumerate((left, right))]
    assert differences(*tagged) == []


def test_what_is_no_link_of_the_request_is_the_same_below_either_prefix() -> None:
    texts = {"stored": "http://h/api/posts/1/", "file": "http://h:9/media/a.png", "path": "/api/posts/1/"}
    assert differences(below(V1, texts), below(V2, texts)) == []
    # Where a path begins with a name, it may be any.
    assert differences(below(V1, {"a": "//h:9/api/x/"}, paths=("/",)), below(V2, {"a": "//h:9/api/x/"}, paths=("/",)))


def test_what_a_client_wrote_itself_is_no_link_of_either_side() -> None:
    text = {"content": "see /api/posts/ and /api/v2/posts/"}
    assert differences(answer(text), answer(text, base=V2)) == []


def test_by_shape_only_keys_their_order_and_types_count() -> None:
    left = answer({"access": "a", "user": {"id": 1}})
    assert differences(left, answer({"access": "b", "user": {"id": 2}}), by_shape=True) == []
    assert [each.kind for each in differences(left, answer({"user": {"id": 1}, "access": "b"}), by_shape=True)] == [
        DifferenceKind.KEY_ORDER
    ]
    assert differences(left, answer({"access": None, "user": {"id": 1}}), by_shape=True) != []


def test_the_pattern_of_a_place_is_the_same_for_every_item() -> None:
    items = [{"a": number} for number in range(3)]
    patterns = {each.pattern for each in differences(answer(items), answer([{"a": 9}] * 3))}
    assert patterns == {"$[*].a"}


def test_differences_are_bounded_and_deep_nesting_is_no_failure() -> None:
    assert len(differences(answer([0] * 5000), answer([1] * 5000))) == MAX_DIFFERENCES
    deep = "[" * 400 + "{0}" + "]" * 400
    assert found(deep.replace("{0}", "1"), deep.replace("{0}", "2")) == [("value", "$" + "[0]" * 400)]
    too_deep = "[" * 100_000
    assert found(too_deep, too_deep + "]") == [("text", "body")]


def test_a_difference_reads_as_one_line() -> None:
    (difference,) = differences(answer({"title": "a"}), answer({}))
    assert str(difference) == "missing at $.title: 'a' and nothing"
    (text,) = differences(answer("x" * 500 + "left"), answer("x" * 500 + "right"))
    assert str(text) == f"text at body: '{'x' * 30}left' and '{'x' * 30}right'"
