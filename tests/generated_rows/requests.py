"""Views over rows and requests to them, as Hypothesis draws them."""

import json
from typing import Any

from hypothesis import strategies as st

from tests.asgi import FORM, MULTIPART, form_body
from tests.generated_rows.relations import RELATIONS
from tests.generated_rows.tables import KINDS
from tests.generated_rows.views import CLASSES, PAGES

JSON = "application/json"
ODD = [None, "", " ", True, False, [], {}, "x", -1, 0, 7, 2**40, 1.5, "\0", "null", "7", ["old"], {"a": 1}]
# By the name of a column or a relation, what a body may well say of it.
GOOD: dict[str, list[Any]] = {
    "title": ["Axe", "bow tie", " new ", "Ä" * 12, 12],
    "code": ["d4", "e5", "f6", "g7", "a1", "b2", "c3"],
    "remark": ["said", "", None, "two\nlines"],
    "kind": [*KINDS],
    "pieces": [0, 5, "17", 2**31 - 1],
    "rank": [None, 4, 8, -3, "9", 2**15 - 1],
    "price": ["1.25", 3, 9999.99, None, "-0.5", "1e2"],
    "weight": [1.25, 99, "3", -5e-7, 1e21],
    "made_on": ["2025-02-03", "2024-02-29", None],
    "packed_at": ["2025-02-03T04:05:06Z", "2025-02-03T04:05:06.7+05:30", "2025-02-03 04:05", None],
    "opened": ["10:20", "10:20:30.5", None],
    "lasts": ["1 02:03:04.5", "00:00:01", "-1 00:00:00", 90, None],
    "serial": ["00000000-0000-0000-0000-00000000000c", "{0000000000000000000000000000000c}", None],
    "notes": [{"b": [1, None]}, [], "text", 7, None, {}],
    "tags": [["a"], [], ["red", "x y"], [1]],
    "grid": [[[1, 2], [3, None]], [], None, [["7"]]],
    "sold": [True, "false", 1],
    "known": [True, "no", None],
    "address": ["::ffff:10.0.0.1", "10.0.0.9", None],
    "website": ["http://c.de/?a=b", ""],
    "contact": ["c@c.de", ""],
    "slug": ["s-1", ""],
    "base": [1, 2, "3", None],
    "spot": ["00000000-0000-0000-0000-000000000001", "00000000-0000-0000-0000-000000000002", None],
    "parts": [[{"name": "b"}, {"name": "a", "pieces": 4}], [], [{"name": "z", "pieces": "2"}]],
}
# The same of relations whose rows are named in several ways.
NAMED: dict[str, dict[str, list[Any]]] = {
    "maker": {
        "key": [1, "2", None, 3],
        "slug": ["Ann", "Bob", None],
        "link": ["http://testserver/makers/1/", "/makers/3/", None],
        "written": [{"name": "Dee"}, {"name": "Eve", "rank": 3}, None, {"name": "Ann"}],
    },
    "labels": {
        "links": [["/labels/red/"], ["http://testserver/labels/big/", "/labels/old/"], []],
        "slugs": [
            ["grey"],
            ["dark", "light"],
            ["light", "light"],
            [],
            ["grey", "none"],
            [None],
            [True, "dark"],
            [["dark"]],
        ],
        "some slugs": [["grey"], ["dark", "light"], [], ["grey", "none"]],
        "": [["old"], ["red", "big"], ["old", "big"], [], ["big", "big"]],
    },
}
# By the name of a column, what its field may be made with besides what the model says.
MAKINGS: dict[str, list[dict[str, Any]]] = {
    "title": [
        {"source": "title"},
        {"trim_whitespace": False},
        {"max_length": 3},
        {"min_length": 2},
        {"error_messages": {"blank": "Say it.", "null": "Nothing?", "max_length": "Up to {max_length}."}},
    ],
    "remark": [{"allow_null": False}, {"required": True}, {"default": "none"}, {"max_length": 3}],
    "kind": [{"default": "used"}, {"required": True}],
    "pieces": [{"max_value": 9}, {"min_value": 2}, {"required": True}, {"default": 4}],
    "price": [{"max_value": 50}, {"required": True}, {"coerce_to_string": False, "read_only": True}],
    "weight": [{"default": 2.5}, {"min_value": 0}],
    "made_on": [{"format": "%d.%m.%Y", "read_only": True}, {"input_formats": ["%d.%m.%Y", "iso-8601"]}],
    "packed_at": [{"format": "%H:%M", "read_only": True}, {"required": False}],
    "tags": [{"allow_empty": False}, {"max_length": 1}, {"required": True}, {"default": ["old"]}],
    "sold": [{"required": True}, {"default": True}],
    "known": [{"allow_null": False}, {"required": True}],
}
COMMON = [{}, {}, {}, {"read_only": True}, {"write_only": True}, {"help_text": "What it is."}, {"label": "Named"}]
SEARCHED = [(), ("title",), ("^title", "=code"), ("$title", "remark"), ("pieces", "title"), ("tags", "^grid")]
COLUMNS = [name for name in GOOD if name not in RELATIONS or name == "remark"]
COLUMN = {name: st.sampled_from([*COMMON, *MAKINGS.get(name, [])]) for name in COLUMNS}


def _made(drawn: dict[str, Any]) -> dict[str, Any]:
    """What no two parts of a view say otherwise."""
    # The address of a row has its key.
    relations = {name: kind for name, kind in drawn["relations"].items() if name != "url" or drawn["lookup"] == "pk"}
    columns = {name: given for name, given in drawn["columns"].items() if name not in relations}
    if columns.get("title", {}).get("source"):
        columns = {"caption" if name == "title" else name: given for name, given in columns.items()}
    known = {name for name, given in columns.items() if not given}
    together = drawn["together"] if {*drawn["together"]} <= known else ()
    return drawn | {"columns": columns, "relations": relations, "together": together}


MADE = st.fixed_dictionaries(
    {
        "columns": st.fixed_dictionaries(
            {"title": COLUMN["title"], "code": COLUMN["code"]},
            optional={name: making for name, making in COLUMN.items() if name not in ("title", "code")},
        ),
        "relations": st.fixed_dictionaries(
            {}, optional={name: st.sampled_from([*kinds]) for name, kinds in RELATIONS.items()}
        ),
        "pages": st.sampled_from([*PAGES]),
        "classes": st.sampled_from([*["sets"] * 20, *CLASSES]),
        "search": st.sampled_from(SEARCHED),
        "ordering": st.sampled_from([("title",), ("title", "pieces", "id"), ("made_on", "rank", "price")]),
        "lookup": st.sampled_from(["pk", "pk", "code", "rank"]),
        "together": st.sampled_from([(), ("title", "pieces"), ("title", "made_on")]),
        # Rows are marked as gone, and stay.
        "marks": st.sampled_from([False, False, False, True]),
        # The rows of the caller alone, who becomes that of new ones.
        "owned": st.sampled_from([False, False, True]),
    }
).map(_made)
TEXTS = st.sampled_from(["", "axe", "AXE", "b", "%", "_", "ow t", "1", "7", "0,7", "0,", "2025-02-03", "true", "new"])
QUERY = st.dictionaries(
    st.sampled_from(
        [
            *("title", "title__icontains", "title__istartswith", "kind", "pieces", "pieces__gte", "pieces__in"),
            *("pieces__lt", "pieces__range", "made_on", "made_on__gte", "made_on__isnull", "sold", "maker"),
            *("owner", "owner", "pk"),
            *("price_min", "price_max", "search", "search", "page", "size", "limit", "offset", "format"),
        ]
    ),
    TEXTS,
    max_size=2,
)
ORDERINGS = st.sampled_from(["", "", "title", "-title", "pieces,-title", "-price", "rank,title", "x", "-id"])
SENT = st.fixed_dictionaries(
    {
        "method": st.sampled_from(
            ["POST"] * 4 + ["PATCH"] * 3 + ["PUT"] * 2 + ["DELETE", "DELETE", "OPTIONS", "GET", "GET"]
        ),
        # The row that a path names, none of a list.
        "of": st.integers(-2, 4),
        "type": st.sampled_from([JSON, JSON, JSON, FORM, MULTIPART]),
        # Which of the good values each key has, and how many keys are left out.
        "turn": st.integers(0, 30),
        "left_out": st.sampled_from([0, 0, 1, 2, 3]),
        "other": st.dictionaries(st.sampled_from([*GOOD, *NAMED, "caption"]), st.sampled_from(ODD), max_size=1),
        "query": QUERY,
        "ordering": ORDERINGS,
    }
)
# The rows that a path may name, by `lookup_field`.
KEYS = {"pk": [2, 3, 101, 102, 1, "x", 99], "code": ["b2", "c3", "d4", "e5", "a1"], "rank": [4, -3, 8, 9, "x"]}


def good(made: dict[str, Any], name: str) -> list[Any]:
    """What a body may well say of a key."""
    if name in NAMED:
        named = NAMED[name]
        return named.get(made["relations"][name], named.get("", []))
    return GOOD.get("title" if name == "caption" else name, [])


def body_of(made: dict[str, Any], sent: dict[str, Any]) -> tuple[str, bytes]:
    """The content type and the body of a request."""
    names = [*made["columns"], *made["relations"]]
    values: dict[str, Any] = {}
    for number, name in enumerate(names):
        choices = good(made, name)
        if choices and (sent["left_out"] == 0 or (number + sent["turn"]) % 5 >= sent["left_out"]):
            values[name] = choices[(sent["turn"] + number * sent["left_out"]) % len(choices)]
    values |= sent["other"]
    if sent["type"] == JSON:
        return JSON, json.dumps(values).encode()
    pairs = [
        (name, each if isinstance(each, str) else json.dumps(each))
        for name, value in values.items()
        for each in (value if isinstance(value, list) and name in ("labels", "tags") else [value])
        if each is not None
    ]
    return sent["type"], form_body(pairs, sent["type"])
