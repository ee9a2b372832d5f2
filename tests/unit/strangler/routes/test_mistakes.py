"""Every mistake that a routes file can have is refused with its line and its mend."""

import pytest

from strangler.routes.mistakes import RoutesError
from tests.example import parse_routes

FILE = """\
[throttles.token]
rate = "10r/s"
burst = 4

[[route]]
name = "feed.list"
methods = ["GET"]
path = "/feed/"
stage = "parallel"

[[route]]
name = "posts.list"
methods = ["GET"]
path = "/posts/"
stage = "canary"
percent = 10

[[route]]
name = "posts.create"
methods = ["POST"]
path = "/posts/"
stage = "legacy"

[[fixed]]
name = "django.admin"
path = "/admin/"
stack = "django"
"""
METHODS = "list one or more of GET, POST, PUT, PATCH, DELETE."
PATH = "begin and end it with / and write a variable segment as {id}."
FIXED_PATH = "begin it with / and use letters, digits and . _ ~ - only."
NAME = "write it as resource.action in small letters, digits and _."
STAGES = "choose one of legacy, parallel, canary, migrated, retired."
PERCENT = "give a percentage from 0 to 100 with at most two decimals, without quotes."
DAY = "write a day without quotes or a time, such as 2027-01-31."
RATE = 'write it as "10r/s" or "30r/m".'
BURST = "give a whole number from 0 to 100000."
FLAG = "write true or false, without quotes."
ONLY_READS = "take it away, only a GET route whose answer ends can have it."
TYPES = 'write a text in "quotes", true or false in small letters, a day as 2027-01-31.'
KEYS_OF_ROUTES = (
    "use only deprecated, fallback, methods, name, path, percent, shadow, stage, streaming, sunset, throttle, v2_only."
)
KEEP_ONE = "keep one of them."

Edits = dict[int, str | None]
# What is written into which line of FILE (None: it is taken away), and what is said about which line.
CASES: list[tuple[str, Edits, str, str]] = [
    # TOML itself
    ("text without quotes", {9: "stage = parallel"}, "line 9", f"not valid TOML (Invalid value, column 9): {TYPES}"),
    ("True in capitals", {9: 'stage = "legacy"\nfallback = True'}, "line 10", f"(Invalid value, column 12): {TYPES}"),
    ("no value", {9: "stage ="}, "line 9", f"not valid TOML (Invalid value, column 8): {TYPES}"),
    ("no equals sign", {9: 'stage "parallel"'}, "line 9", "column 7): write key = value."),
    ("no key", {9: '= "parallel"'}, "line 9", "not valid TOML (Invalid statement, column 1): correct that line."),
    ("text not closed", {9: 'stage = "parallel'}, "line 9", "end the text with the quotes that it begins with."),
    (
        "long text not closed",
        {9: 'stage = """parallel'},
        "line 9",
        "not valid TOML (Unterminated string at the end of the file): end it with the quotes that it begins with.",
    ),
    (
        "array not closed",
        {7: 'methods = ["GET"'},
        "line 7",
        "not valid TOML (Unclosed array in line 8, column 1): end it with ].",
    ),
    (
        "array not closed after a comma",
        {7: 'methods = ["GET",'},
        "line 7",
        f"not valid TOML (Invalid value in line 8, column 1): {TYPES}",
    ),
    (
        "inline table not closed",
        {1: "throttles.other = {rate = '1r/s'\n[throttles.token]"},
        "line 1",
        "not valid TOML (Unclosed inline table, column 33): end it with }.",
    ),
    ("header not closed", {5: "[[route]"}, "line 5", "end the header with ]]."),
    ("table header not closed", {1: "[throttles.token"}, "line 1", "end the header with ]."),
    ("two values", {9: 'stage = "legacy" "parallel"'}, "line 9", "write one value after = and nothing behind it."),
    ("two keys on a line", {9: 'stage = "legacy", shadow = 1'}, "line 9", "write one value after = and nothing"),
    ("no such day", {9: 'stage = "legacy"\ndeprecated = 2027-13-01'}, "line 10", "not valid TOML (Expected newline"),
    ("backslash", {8: 'path = "\\d/"'}, "line 8", "write \\\\ for a backslash."),
    ("NUL", {8: 'path = "/\x00/"'}, "line 8", "not valid TOML (Illegal character '\\x00', column 10): take it away."),
    ("control character", {4: "# \x07"}, "line 4", "(Found invalid character '\\x07', column 3): take it away."),
    ("byte order mark", {1: "\ufeff[throttles.token]"}, "line 1", "begins with a byte order mark: save it as UTF-8 "),
    ("key twice", {9: 'stage = "legacy"\nstage = "parallel"'}, "lines 9 and 10", f"'stage' is there twice: {KEEP_ONE}"),
    (
        "key twice far apart",
        {6: 'name = "a.b"\nmethods = [\n"GET",\n"PUT"\n]'},
        "lines 7 and 11",
        f"'methods' is there twice: {KEEP_ONE}",
    ),
    (
        "quoted key twice",
        {9: 'stage = "legacy"\n"sta\\u0067e" = "parallel"'},
        "lines 9 and 10",
        f"'stage' is there twice: {KEEP_ONE}",
    ),
    ("throttle twice", {4: "[throttles.token]"}, "lines 1 and 4", f"'token' is there twice: {KEEP_ONE}"),
    ("key twice in braces", {1: "throttles.a = {x=1,x=2}\n[throttles.token]"}, "line 1", "'x' is there twice: "),
    (
        "routes as one table",
        {5: "[route]", 11: "[route]"},
        "lines 5 and 11",
        "route is there twice as one table: write [[route]], once for each entry.",
    ),
    ("brackets without end", {3: f"burst = {'[' * 3000}"}, "", "brackets within brackets without end"),
    ("number without end", {3: f"burst = {'9' * 5000}"}, "", "not valid TOML (a number of more than 4300 digits)"),
    # the file
    ("unknown table", {24: "[[fixd]]"}, "line 24", "the file has an unknown key 'fixd': did you mean fixed?"),
    ("plural", {5: "[[routes]]"}, "line 5", "the file has an unknown key 'routes': did you mean route?"),
    ("unknown key", {1: "x = 1\n[throttles.token]"}, "line 1", "unknown key 'x': use only fixed, route, throttles."),
    (
        "unknown key in quotes",
        {1: '"a\\nb" = 1\n[throttles.token]'},
        "line 1",
        "the file has an unknown key 'a\\nb': use only fixed, route, throttles.",
    ),
    (
        "route is a table",
        {5: "[route]", **dict.fromkeys(range(11, 23))},
        "line 5",
        "route is no list of tables: write each entry under [[route]].",
    ),
    (
        "route is a list of texts",
        {1: 'route = ["a",\n"b"]\n[throttles.token]', **dict.fromkeys(range(5, 23))},
        "line 1",
        "'a' is no table: write each entry under [[route]].",
    ),
    ("fixed is a number", {1: "fixed = 1", 24: "[[route]]"}, "line 1", "fixed is no list of tables: write each "),
    ("throttles is a list", {1: "[[throttles]]"}, "line 1", "throttles is no table: write each entry under "),
    # throttles
    (
        "throttle is no table",
        {1: "throttles.other = 1\n[throttles.token]"},
        "line 1",
        "throttle 'other' is no table: write a [throttles.NAME] with rate and burst.",
    ),
    (
        "name of a throttle",
        {1: '[throttles."a b"]'},
        "line 1",
        "throttle 'a b' is no plain name: use small letters, digits and _ only.",
    ),
    (
        "key of a throttle",
        {3: "brust = 4"},
        "line 3",
        "throttle 'token' has an unknown key 'brust': did you mean burst?",
    ),
    ("no rate", {2: None}, "line 1", f"throttle 'token' has no rate: {RATE}"),
    ("no burst", {3: None}, "line 1", f"throttle 'token' has no burst: {BURST}"),
    ("rate of nothing", {2: 'rate = "0r/s"'}, "line 2", f"throttle 'token' has rate '0r/s': {RATE}"),
    ("rate in other digits", {2: 'rate = "1٢r/s"'}, "line 2", f"throttle 'token' has rate '1٢r/s': {RATE}"),
    ("rate too large", {2: 'rate = "9999999r/s"'}, "line 2", f"throttle 'token' has rate '9999999r/s': {RATE}"),
    ("rate with more", {2: 'rate = "1r/s;\\n"'}, "line 2", f"throttle 'token' has rate '1r/s;\\n': {RATE}"),
    ("rate is a number", {2: "rate = 10"}, "line 2", f"throttle 'token' has rate 10: {RATE}"),
    ("burst below 0", {3: "burst = -1"}, "line 3", f"throttle 'token' has burst -1: {BURST}"),
    ("burst too large", {3: "burst = 100001"}, "line 3", f"throttle 'token' has burst 100001: {BURST}"),
    ("burst is true", {3: "burst = true"}, "line 3", f"throttle 'token' has burst true: {BURST}"),
    ("burst with decimals", {3: "burst = 1.5"}, "line 3", f"throttle 'token' has burst 1.5: {BURST}"),
    (
        "burst without end",
        {3: f"burst = 0x{'f' * 5000}"},
        "line 3",
        f"throttle 'token' has burst a number without end: {BURST}",
    ),
    # names
    ("no name", {6: None}, "line 5", f"a [[route]] has no name: {NAME}"),
    ("capitals", {6: 'name = "Feed.list"'}, "line 6", f"a [[route]] has name 'Feed.list': {NAME}"),
    ("one word", {6: 'name = "feed"'}, "line 6", f"a [[route]] has name 'feed': {NAME}"),
    ("end of line in a name", {6: 'name = "a.b\\n"'}, "line 6", f"a [[route]] has name 'a.b\\n': {NAME}"),
    ("NUL in a name", {6: 'name = "a.b\\u0000"'}, "line 6", f"a [[route]] has name 'a.b\\x00': {NAME}"),
    ("name is a number", {6: "name = 3"}, "line 6", f"a [[route]] has name 3: {NAME}"),
    (
        "name too long",
        {6: f'name = "a.{"b" * 199}"'},
        "line 6",
        "a [[route]] has a name of 201 characters: shorten it to 200.",
    ),
    (
        "name twice",
        {12: 'name = "feed.list"', 19: 'name = "feed.list"'},
        "lines 5, 11 and 18",
        "feed.list is named 3 times: give every entry a name of its own.",
    ),
    (
        "name of a route and a fixed path",
        {25: 'name = "posts.list"'},
        "lines 11 and 24",
        "posts.list is named 2 times: give every entry a name of its own.",
    ),
    # keys of a route
    (
        "key of a route",
        {9: 'stagee = "legacy"'},
        "line 9",
        "feed.list has an unknown key 'stagee': did you mean stage?",
    ),
    ("strange key of a route", {4: None, 9: "x = 1"}, "line 8", f"feed.list has an unknown key 'x': {KEYS_OF_ROUTES}"),
    ("line is no key", {9: "line = 1"}, "line 9", "feed.list has an unknown key 'line': "),
    ("no methods", {7: None}, "line 5", f"feed.list has no methods: {METHODS}"),
    ("empty methods", {7: "methods = []"}, "line 7", f"feed.list has methods []: {METHODS}"),
    ("methods as text", {7: 'methods = "GET"'}, "line 7", f"feed.list has methods 'GET': {METHODS}"),
    ("HEAD", {7: 'methods = [\n"GET",\n"HEAD"]'}, "line 7", f"feed.list has methods ['GET', 'HEAD']: {METHODS}"),
    ("small letters", {7: 'methods = ["get"]'}, "line 7", f"feed.list has methods ['get']: {METHODS}"),
    (
        "method twice",
        {7: 'methods = ["GET", "GET"]'},
        "line 7",
        "feed.list has methods ['GET', 'GET']: name each of them once.",
    ),
    ("no path", {8: None}, "line 5", f"feed.list has no path: {PATH}"),
    ("path is a list", {8: 'path = ["/feed/"]'}, "line 8", f"feed.list has path ['/feed/']: {PATH}"),
    (
        "path with /v2",
        {8: 'path = "/v2/feed/"'},
        "line 8",
        "feed.list has path '/v2/feed/': leave out /v2, every route is served below /api and /api/v2.",
    ),
    (
        "path with /api/v2",
        {8: 'path = "/api/v2/feed/"'},
        "line 8",
        "feed.list has path '/api/v2/feed/': leave out /api/v2, every route is served below /api and /api/v2.",
    ),
    (
        "path too long",
        {8: f'path = "/{"a" * 199}/"'},
        "line 8",
        "feed.list has a path of 201 characters: shorten it to 200.",
    ),
    ("no stage", {9: None}, "line 5", f"feed.list has no stage: {STAGES}"),
    ("unknown stage", {15: 'stage = "canry"'}, "line 15", f"posts.list has stage 'canry': {STAGES}"),
    ("stage is a list", {9: 'stage = ["legacy"]'}, "line 9", f"feed.list has stage ['legacy']: {STAGES}"),
    (
        "unknown throttle",
        {9: 'stage = "legacy"\nthrottle = "tokens"'},
        "line 10",
        "feed.list has throttle 'tokens': did you mean token?",
    ),
    (
        "strange throttle",
        {9: 'stage = "legacy"\nthrottle = "x"'},
        "line 10",
        "feed.list has throttle 'x': define it as a [throttles.…].",
    ),
    (
        "throttle is a number",
        {9: 'stage = "legacy"\nthrottle = 1'},
        "line 10",
        "feed.list has throttle 1: write the name of a [throttles.…] in quotes.",
    ),
    ("streaming", {9: 'stage = "legacy"\nstreaming = "yes"'}, "line 10", f"feed.list has streaming 'yes': {FLAG}"),
    (
        "a move of what only v2 has",
        {9: 'stage = "legacy"\nv2_only = true'},
        "line 9",
        "feed.list has stage 'legacy': write parallel or migrated, Django has no such endpoint (v2_only).",
    ),
    ("fallback", {9: 'stage = "legacy"\nfallback = 1'}, "line 10", f"feed.list has fallback 1: {FLAG}"),
    # what a move needs
    (
        "canary without percent",
        {16: None},
        "line 11",
        "posts.list is at stage canary without percent: say for how many percent of the callers.",
    ),
    (
        "percent elsewhere",
        {15: 'stage = "parallel"'},
        "line 16",
        "posts.list has percent 10: take it away, it means something at stage canary and not at parallel.",
    ),
    (
        "no percent",
        {16: "percent = 0"},
        "line 16",
        "posts.list has percent 0: make the stage parallel for 0 or migrated for 100.",
    ),
    (
        "all percent",
        {16: "percent = 100.0"},
        "line 16",
        "posts.list has percent 100.0: make the stage parallel for 0 or migrated for 100.",
    ),
    ("percent below 0", {16: "percent = -1"}, "line 16", f"posts.list has percent -1: {PERCENT}"),
    ("percent above 100", {16: "percent = 101"}, "line 16", f"posts.list has percent 101: {PERCENT}"),
    ("percent too fine", {16: "percent = 0.001"}, "line 16", f"posts.list has percent 0.001: {PERCENT}"),
    ("percent is true", {16: "percent = true"}, "line 16", f"posts.list has percent true: {PERCENT}"),
    ("percent is text", {16: 'percent = "10"'}, "line 16", f"posts.list has percent '10': {PERCENT}"),
    ("percent with a sign", {16: 'percent = "10%"'}, "line 16", f"posts.list has percent '10%': {PERCENT}"),
    ("percent is no number", {16: "percent = nan"}, "line 16", f"posts.list has percent nan: {PERCENT}"),
    ("percent without end", {16: "percent = inf"}, "line 16", f"posts.list has percent inf: {PERCENT}"),
    ("shadow above 100", {16: "percent = 1\nshadow = 200"}, "line 17", f"posts.list has shadow 200: {PERCENT}"),
    ("shadow of a write", {22: 'stage = "legacy"\nshadow = 5'}, "line 23", f"posts.create has shadow 5: {ONLY_READS}"),
    (
        "fallback of a write",
        {22: 'stage = "legacy"\nfallback = true'},
        "line 23",
        f"posts.create has fallback true: {ONLY_READS}",
    ),
    (
        "shadow of a stream",
        {9: 'stage = "parallel"\nstreaming = true\nshadow = 5'},
        "line 11",
        f"feed.list has shadow 5: {ONLY_READS}",
    ),
    (
        "day in quotes",
        {9: 'stage = "legacy"\ndeprecated = "2027-01-31"'},
        "line 10",
        f"feed.list has deprecated '2027-01-31': {DAY}",
    ),
    (
        "day with a time",
        {9: 'stage = "legacy"\ndeprecated = 2027-01-31T10:00:00Z'},
        "line 10",
        f"feed.list has deprecated 2027-01-31 10:00:00+00:00: {DAY}",
    ),
    (
        "sunset alone",
        {9: 'stage = "legacy"\nsunset = 2027-01-31'},
        "line 10",
        "feed.list has sunset 2027-01-31: say since which day v1 is deprecated, too.",
    ),
    (
        "sunset too early",
        {9: 'stage = "legacy"\nsunset = 2027-01-31\ndeprecated = 2027-02-01'},
        "line 10",
        "feed.list has sunset 2027-01-31: put it on or after the day when v1 is deprecated, 2027-02-01.",
    ),
    # fixed paths
    ("no name of a fixed path", {25: None}, "line 24", f"a [[fixed]] has no name: {NAME}"),
    (
        "key of a fixed path",
        {27: 'stage = "django"'},
        "line 27",
        "django.admin has an unknown key 'stage': did you mean stack?",
    ),
    (
        "unknown stack",
        {27: 'stack = "rails"'},
        "line 27",
        "django.admin has stack 'rails': choose one of django, fastapi.",
    ),
    ("no stack", {27: None}, "line 24", "django.admin has no stack: choose one of django, fastapi."),
    (
        "fixed path too long",
        {26: f'path = "/{"a" * 200}"'},
        "line 26",
        "django.admin has a path of 201 characters: shorten it to 200.",
    ),
    # clashes
    (
        "method and path twice",
        {20: 'methods = ["POST", "GET"]'},
        "lines 11 and 18",
        f"posts.list and posts.create both answer GET /posts/: {KEEP_ONE}",
    ),
    (
        "variables",
        {8: 'path = "/p/{id}/"', 21: 'path = "/p/{pk}/"'},
        "lines 5 and 18",
        "/p/{id}/ and /p/{pk}/ differ only in case or in a variable's name: write both alike.",
    ),
    (
        "case",
        {8: 'path = "/a-b/"', 21: 'path = "/A-B/"'},
        "lines 5 and 18",
        "/a-b/ and /A-B/ differ only in case or in a variable's name: write both alike.",
    ),
    (
        "fixed path of the gateway",
        {26: 'path = "/gateway/version"'},
        "line 24",
        f"the gateway itself and django.admin both claim /gateway/version: {KEEP_ONE}",
    ),
    (
        "streaming of a path",
        {22: 'stage = "legacy"\nstreaming = true'},
        "lines 11 and 18",
        "the routes of /posts/ differ in streaming: nginx buffers by path, so give all the same.",
    ),
    (
        "fixed path of a route",
        {26: 'path = "/api/feed/"'},
        "lines 5 and 24",
        f"feed.list and django.admin both claim /api/feed: {KEEP_ONE}",
    ),
    (
        "fixed path of a route in v2",
        {26: 'path = "/api/v2/feed"'},
        "lines 5 and 24",
        f"feed.list and django.admin both claim /api/v2/feed: {KEEP_ONE}",
    ),
    (
        "fixed path of a route with a variable",
        {8: 'path = "/feed/{id}/"', 26: 'path = "/api/feed/"'},
        "lines 5 and 24",
        f"feed.list and django.admin both claim /api/feed/: {KEEP_ONE}",
    ),
    (
        "fixed path twice",
        {23: '[[fixed]]\nname = "django.other"\npath = "/admin"\nstack = "django"'},
        "lines 23 and 27",
        f"django.other and django.admin both claim /admin: {KEEP_ONE}",
    ),
    (
        "fixed path of the gateway",
        {26: 'path = "/api/v2/"'},
        "line 24",
        f"the gateway itself and django.admin both claim /api/v2/: {KEEP_ONE}",
    ),
]


def edited(edits: Edits) -> str:
    """FILE with some lines replaced, or taken away."""
    lines: list[str | None] = list(FILE.splitlines())
    for number, line in edits.items():
        lines[number - 1] = line
    return "\n".join(line for line in lines if line is not None) + "\n"


def refused(text: str) -> RoutesError:
    with pytest.raises(RoutesError) as caught:
        parse_routes(text, source="routes.toml")
    assert caught.value.exit_code == 2
    return caught.value


def test_the_file_without_a_mistake() -> None:
    assert [route.line for route in parse_routes(FILE, source="routes.toml").routes] == [5, 11, 18]


@pytest.mark.parametrize(("edits", "lines", "sentence"), [pytest.param(*case[1:], id=case[0]) for case in CASES])
@pytest.mark.parametrize("ending", ["\n", "\r\n"], ids=["unix", "windows"])
def test_a_mistake_is_refused_with_its_line_and_its_hint(edits: Edits, lines: str, sentence: str, ending: str) -> None:
    error = refused(edited(edits).replace("\n", ending))
    assert str(error).startswith(f"routes.toml, {lines}: " if lines else "routes.toml: ")
    assert sentence in str(error)
    assert "\n" not in str(error)


@pytest.mark.parametrize(
    "path",
    ["", "feed/", "/feed", "//", "/a//b/", "/a b/", "/a/{id}x/", "/{ID}/", "/{}/", "/../", "/a/./", "/é/", "/a;/"],
)
def test_a_path_that_nginx_could_not_serve_is_refused(path: str) -> None:
    error = refused(edited({8: f'path = "{path}"'}))
    assert str(error) == f"routes.toml, line 8: feed.list has path {path!r}: {PATH}"


@pytest.mark.parametrize(
    "path", ["", "/", "admin/", "//", "/a//", "/a b", "/..", "/a/../b", "/a{id}/", '/"', "/" + "a" * 40 + "!"]
)
def test_a_fixed_path_is_refused(path: str) -> None:
    error = refused(edited({26: f"path = '{path}'"}))
    assert str(error) == f"routes.toml, line 26: django.admin has path {path!r}: {FIXED_PATH}"


@pytest.mark.parametrize("text", ["", "# nothing\n", "route = []\n", FILE.replace("[[route]]", "[[other]]")])
def test_a_file_without_routes_is_refused(text: str) -> None:
    sentence = "routes.toml: there is no [[route]], so every endpoint would be gone: put the routes back."
    assert sentence in refused(text).mistakes


def test_one_reading_finds_the_mistakes_of_all_entries() -> None:
    error = refused(edited({2: "rate = 1", 9: 'stage = "x"', 21: "path = 1", 27: "x = 1"}))
    assert [mistake.split(":")[0] for mistake in error.mistakes] == [
        f"routes.toml, line {number}" for number in (2, 9, 21, 27)
    ]
    assert str(error) == f"{error.mistakes[0]} (3 more: see strangler check)"


def test_a_long_value_is_shown_in_part() -> None:
    assert len(str(refused(edited({9: f'stage = "{"x" * 5000}"'})))) < 200
