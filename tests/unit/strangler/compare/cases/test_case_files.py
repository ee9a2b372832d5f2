"""Case files: what they ask, and each mistake in them reported with its line and its hint."""

import datetime as dt
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from strangler.compare.case import Case
from strangler.compare.cases.case_files import cases_from_files, scenarios_from_files
from strangler.errors import UsageError
from strangler.routes.mistakes import MistakesError
from tests.example import ROOT, load_routes

TABLE = load_routes(ROOT / "nginx" / "routes.toml")

WHOLE = """\
[[case]]
get = "/posts/?page=2"
as = ["alice", "nobody"]

[[case]]
name = "a post"
as = ["alice"]
post = "/posts/"
json = { title = "é", tags = [1, true] }
save = { post = "$.id", first = "$.tags[0]" }

[[case]]
as = "alice"
get = "/posts/{post}/"

[[case]]
options = "/posts/"
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "README.md").write_text("no case")
    return tmp_path


def one(folder: Path, text: str) -> Case:
    (folder / "a.toml").write_text(f"[[case]]\n{text}", encoding="utf-8")
    (scenario,) = scenarios_from_files(folder, TABLE)
    (step,) = scenario.steps
    return step.case


def refusal(folder: Path, text: str) -> str:
    (folder / "a.toml").write_text(text, encoding="utf-8")
    with pytest.raises(UsageError) as caught:
        scenarios_from_files(folder, TABLE)
    with pytest.raises(UsageError, match=r"a\.toml"):
        cases_from_files(folder, TABLE)
    return str(caught.value).partition("a.toml")[2]


def test_a_file_is_a_scenario_with_a_step_for_each_caller(folder: Path) -> None:
    (folder / "posts.toml").write_text(WHOLE, encoding="utf-8")
    (scenario,) = scenarios_from_files(folder, TABLE)
    assert scenario.name == "posts.toml"
    steps = [(step.case.source, step.case.caller, step.case.method, step.case.route) for step in scenario.steps]
    assert steps == [
        ("posts.toml, line 1", "alice", "GET", "posts.list"),
        ("posts.toml, line 1", "", "GET", "posts.list"),
        ("posts.toml, line 5", "alice", "POST", "posts.create"),
        ("posts.toml, line 12", "alice", "GET", "posts.retrieve"),
        ("posts.toml, line 16", "", "OPTIONS", ""),
    ]
    write = scenario.steps[2]
    assert write.save == (("post", ("id",)), ("first", ("tags", 0)))
    assert write.case.body == '{"title":"é","tags":[1,true]}'.encode()
    assert write.case.headers == (("Content-Type", "application/json"),)
    assert write.case.name == "a post"


def test_a_running_stack_is_asked_the_reads_that_need_no_write(folder: Path) -> None:
    (folder / "posts.toml").write_text(WHOLE, encoding="utf-8")
    (folder / "a.toml").write_text('[[case]]\nhead = "/feed/"\n', encoding="utf-8")
    cases = [*cases_from_files(folder, TABLE)]
    assert [(case.method, case.target) for case in cases] == [
        ("HEAD", "/feed/"),
        ("GET", "/posts/?page=2"),
        ("GET", "/posts/?page=2"),
        ("OPTIONS", "/posts/"),
    ]


@pytest.mark.parametrize(
    ("text", "content_type", "body"),
    [
        (
            "form = { title = 'a b', n = [1, true] }",
            "application/x-www-form-urlencoded",
            b"title=a+b&n=1&n=true",
        ),
        ("body = '{bad'", "application/json", b"{bad"),
        ("body = 'é'\nheaders = { content-type = 'text/plain' }", "text/plain", "é".encode()),
        (
            "multipart = { title = 'é' }",
            "multipart/form-data; boundary=strangler-boundary",
            '--strangler-boundary\r\nContent-Disposition: form-data; name="title"\r\n\r\né\r\n'
            "--strangler-boundary--\r\n".encode(),
        ),
        (
            "multipart = { n = 1, scan = { filename = 'a b.png', base64 = 'iVA=', type = 'image/png' } }",
            "multipart/form-data; boundary=strangler-boundary",
            b'--strangler-boundary\r\nContent-Disposition: form-data; name="n"\r\n\r\n1\r\n'
            b'--strangler-boundary\r\nContent-Disposition: form-data; name="scan"; filename="a b.png"\r\n'
            b"Content-Type: image/png\r\n\r\n\x89P\r\n--strangler-boundary--\r\n",
        ),
        ("json = []", "application/json", b"[]"),
        ("body = 'x'\nheaders = { Content-Type = '' }", None, b"x"),
    ],
)
def test_bodies(folder: Path, text: str, content_type: str | None, body: bytes) -> None:
    case = one(folder, f"post = '/posts/'\n{text}")
    assert case.body == body
    assert {name.lower(): value for name, value in case.headers}.get("content-type") == content_type


def test_a_password_that_is_sent_is_known_as_a_secret(folder: Path) -> None:
    case = one(folder, "post = '/users/'\njson = { username = 'u', password = 'p w', more = [{ token = 't' }] }")
    assert case.secrets == ("p w", "t")
    assert "p w" not in repr(case)


def test_letters_beyond_ascii_are_sent_as_utf8(folder: Path) -> None:
    case = one(folder, "get = '/tags/?search=é'\nheaders = { X-Name = 'ж' }")
    assert case.target.encode("latin-1") == "/tags/?search=é".encode()
    assert case.headers[0][1].encode("latin-1") == "ж".encode()


@pytest.mark.parametrize(
    ("text", "reported"),
    [
        ("", ": there is no [[case]]: write each case under one."),
        ("[case]\nget='/a/'", ", line 1: there is no [[case]]: write each case under one."),
        ("[[cases]]\nget='/a/'", ", line 1: the file has an unknown key 'cases': did you mean [[case]]?"),
        ("[[case]]\nget='/a/'\ngte='/b/'", ", line 3: a [[case]] has an unknown key 'gte': did you mean get?"),
        ("\n[[case]]\nas=['a']", ", line 2: a [[case]] has no method: add get = "),
        ("[[case]]\nget='/a/'\n\npost='/a/'", ", line 4: a [[case]] has get and post: write a [[case]] for each."),
        ("[[case]]\nname='n'\nget='a'", ", line 3: case \"n\" has get 'a': begin it with / and write a blank as %20"),
        ("[[case]]\nget='/a b'", ", line 2: a [[case]] has get '/a b': begin it with /"),
        ("[[case]]\nget='/a#b'", ", line 2: "),
        ("[[case]]\nget=5", ", line 2: a [[case]] has get 5: begin it"),
        ("[[case]]\nget='/posts/{post}/'", "a [[case]] has get '/posts/{post}/': save post in a case above, or write"),
        ("[[case]]\nname=''\nget='/a/'", ", line 2: a [[case]] has name '': write a line in quotes, or leave it out."),
        ("[[case]]\nget='/a/'\nas=1", ", line 3: a [[case]] has as 1: list one or more names"),
        ("[[case]]\nget='/a/'\nas=[]", ", line 3: a [[case]] has as []: list one or more names"),
        ("[[case]]\nget='/a/'\nas=['a','a']", ", line 3: a [[case]] has as ['a', 'a']: name each of them once."),
        ("[[case]]\nget='/a/'\njson={}", ", line 3: a [[case]] has json {}: remove it, get sends no body."),
        ("[[case]]\npost='/a/'\njson={}\nbody=''", ", line 4: a [[case]] has json and body: keep one of them."),
        ("[[case]]\npost='/a/'\nbody=5", ", line 3: a [[case]] has body 5: write it in quotes, as it is sent."),
        ("[[case]]\npost='/a/'\njson={d=2026-01-01}", ", line 3: a [[case]] has json "),
        ("[[case]]\npost='/a/'\njson=[inf]", "write the JSON as body = '…', inf is no number in it."),
        ("[[case]]\npost='/a/'\nform='a=1'", ", line 3: a [[case]] has form 'a=1': write it as a table such as "),
        ("[[case]]\npost='/a/'\nmultipart={a={filename='x'}}", "write a file as { filename = 'a.txt', content = "),
        ("[[case]]\npost='/a/'\nmultipart={a={filename='x',base64='?'}}", "write a file as { filename = 'a.txt'"),
        ("[[case]]\npost='/a/'\nmultipart={a={}}", "give each field a text, a number, true, false or a list of these."),
        ("[[case]]\nget='/a/'\nheaders=['a']", ", line 3: a [[case]] has headers ['a']: write it as a table such as"),
        ("[[case]]\nget='/a/'\nheaders={'a b'='c'}", "give each header a name without blanks, and a text on one line."),
        ("[[case]]\nget='/a/'\nheaders={a=\"b\\nc\"}", "give each header a name without blanks"),
        ("[[case]]\nget='/a/'\nheaders={Host='h'}", "remove Host, the comparison sends its own."),
        ("[[case]]\nget='/a/'\nas=['a']\nheaders={authorization='x'}", ", line 3: a [[case]] has as ['a']: remove it"),
        ("[[case]]\nget='/a/'\nsave={a='header a b'}", "write each place like $.id, $.results[0].id, or header etag."),
        ("[[case]]\npost='/a/'\nas=['a','b']\nsave={a='$.a'}", "remove it, or all callers but one: "),
        ("[[case]]\npost='/a/'\nsave={A='$.a'}", "name variables in small letters, digits and _."),
        ("[[case]]\npost='/a/'\nsave={a='id'}", "write each place like $.id, $.results[0].id, or header etag."),
        ("[[case]]\npost='/a/'\nsave={a=1}", "write each place like $.id, $.results[0].id, or header etag."),
        ("[[case]]\npost='/a/'\nsave=[]", 'write it as a table such as { post = "$.id" }.'),
        ("[[case]]\nget='/a/", ", line 2: not valid TOML"),
        ("case = [1]", ", line 1: there is no [[case]]: write each case under one."),
    ],
)
def test_a_mistake_is_reported_with_its_line_and_its_hint(folder: Path, text: str, reported: str) -> None:
    found = refusal(folder, text)
    assert reported in found
    assert found.endswith((".", "?", ". (1 more)", "? (1 more)"))
    assert "\n" not in found


def test_all_mistakes_of_a_file_are_found_and_none_twice(folder: Path) -> None:
    text = "[[case]]\npost='/a/'\nas=1\nsave={a='$.id'}\n[[case]]\nget='/a/{a}/'\n[[case]]\nget='b'\n"
    (folder / "a.toml").write_text(text)
    with pytest.raises(MistakesError) as caught:
        scenarios_from_files(folder, TABLE)
    assert [mistake.partition(": ")[0].rpartition(", ")[2] for mistake in caught.value.mistakes] == ["line 3", "line 8"]


def test_a_file_that_is_no_utf8_is_refused(folder: Path) -> None:
    (folder / "a.toml").write_bytes(b"[[case]]\nget = '/\xff/'\n")
    with pytest.raises(UsageError, match=r"a\.toml, line 2: the byte 0xff is no UTF-8"):
        scenarios_from_files(folder, TABLE)


def test_a_folder_without_files_is_refused(folder: Path) -> None:
    with pytest.raises(UsageError, match=r"holds no \.toml file: make some with strangler cases generate"):
        scenarios_from_files(folder, TABLE)
    with pytest.raises(
        UsageError, match=r"can't be read \(No such file or directory\): make some with strangler cases generate"
    ):
        scenarios_from_files(folder / "none", TABLE)


GIVEN = """\
[[given]]
sql = "UPDATE users SET is_active = false"

[[given]]
sql = "DELETE FROM posts"

[[case]]
as = ["alice"]
claims = { exp = -60, user_id = "7" }
get = "/posts/"
"""


def test_what_is_given_comes_first_and_makes_a_file_one_for_copies_alone(folder: Path) -> None:
    (folder / "a.toml").write_text(GIVEN)
    (scenario,) = scenarios_from_files(folder, TABLE)
    assert scenario.given == ("UPDATE users SET is_active = false", "DELETE FROM posts")
    assert scenario.steps[0].case.claims == (("exp", -60), ("user_id", "7"))
    assert not list(cases_from_files(folder, TABLE))


def test_workers_make_a_file_one_for_copies_alone(folder: Path) -> None:
    (folder / "a.toml").write_text('workers = 4\n[[case]]\nget = "/posts/"\n')
    (scenario,) = scenarios_from_files(folder, TABLE)
    assert scenario.workers == 4
    assert not list(cases_from_files(folder, TABLE))
    for name, workers in (("a", 2), ("b", 3)):
        text = f'scenario = "busy"\nworkers = {workers}\n[[case]]\ndelete = "/posts/1/"\n'
        (folder / f"{name}.toml").write_text(text)
    with pytest.raises(UsageError, match="two files of scenario busy differ in workers"):
        scenarios_from_files(folder, TABLE)


def test_a_clock_makes_a_file_one_for_copies_alone_and_a_scenario_has_one(folder: Path) -> None:
    text = (
        'scenario = "night"\nclock = 2024-03-31T00:30:00Z\n[[case]]\nget = "/posts/"\n[[case]]\ndelete = "/posts/1/"\n'
    )
    (folder / "a.toml").write_text(text)
    (folder / "b.toml").write_text(text.replace("clock = 2024-03-31T00:30:00Z\n", ""))
    (scenario,) = scenarios_from_files(folder, TABLE)
    assert scenario.clock == dt.datetime(2024, 3, 31, 0, 30, tzinfo=dt.UTC)
    assert [case.source for case in cases_from_files(folder, TABLE)] == ["b.toml, line 2"]
    (folder / "b.toml").write_text(text.replace("00:30", "00:31"))
    with pytest.raises(UsageError, match="two files of scenario night differ in clock: write the same clock in both"):
        scenarios_from_files(folder, TABLE)


@pytest.mark.parametrize("line", ["claims = { exp = -60 }", "together = 2"])
def test_made_up_tokens_and_many_at_once_are_for_copies_alone(folder: Path, line: str) -> None:
    (folder / "a.toml").write_text(f'[[case]]\nas = ["alice"]\nget = "/posts/"\n{line}\n')
    assert not list(cases_from_files(folder, TABLE))
    (scenario,) = scenarios_from_files(folder, TABLE)
    assert scenario.steps[0].together == (2 if "together" in line else 1)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ('[[given]]\nsql = 1\n[[case]]\nget = "/posts/"', "write the statements, in quotes"),
        (
            'workers = 0\n[[case]]\nget = "/posts/"',
            "workers is 0: write how many processes each side has, from 1 to 16.",
        ),
        ('workers = true\n[[case]]\nget = "/posts/"', "workers is true: write how many"),
        ('clock = "soon"\n[[case]]\nget = "/posts/"', "clock is 'soon': write it without quotes and with its zone"),
        ('clock = 2024-03-31T00:30:00\n[[case]]\nget = "/posts/"', "and with its zone, like 2024-03-31T00:30:00Z"),
        ('[[given]]\nrows = ""\n[[case]]\nget = "/posts/"', "unknown key"),
        ('given = "x"\n[[case]]\nget = "/posts/"', "given is no [[given]]: write sql under one."),
        ('[[case]]\nget = "/posts/"\nclaims = { exp = 1 }', "remove it, or nobody from as"),
        ('[[case]]\nas = ["a"]\nget = "/posts/"\nclaims = "x"', "write it as a table such as { exp = -60 }"),
        ('[[case]]\nget = "/posts/"\ntogether = 1', "from 2 to 64"),
        ('[[case]]\npost = "/tags/"\ntogether = 2\nsave = { a = "$.id" }', "remove it or save"),
        ('[[case]]\nget = "/tags/"\nprefix = "/api/v2"', 'write "v2", or leave it out for v1'),
        ('[[case]]\nget = "/posts/{prefix}/"', "save prefix in a case above"),
        ('[[case]]\npost = "/tags/"\nrefuse_commit = 1', "write true, or leave it out"),
        ('[[case]]\nget = "/tags/"\nrefuse_commit = true', "in a case of one write"),
    ],
)
def test_a_mistake_in_a_state_has_a_hint(folder: Path, text: str, sentence: str) -> None:
    assert sentence in refusal(folder, text)


_VALUES = st.recursive(
    st.booleans() | st.integers(-9, 9) | st.sampled_from(["", "/a/", "nobody", "$.id", "{x}"]),
    lambda inner: (
        st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(["a", "Host", "A b"]), inner, max_size=2)
    ),
)
_KEYS = st.sampled_from(
    [
        "name",
        "as",
        "get",
        "post",
        "delete",
        "headers",
        "json",
        "form",
        "multipart",
        "body",
        "save",
        "claims",
        "together",
        "x",
    ]
)


def _toml(value: object) -> str:
    if isinstance(value, dict):
        return "{" + ",".join(f"'{key}'={_toml(inner)}" for key, inner in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(_toml, value)) + "]"
    return repr(value).lower()


@given(st.lists(st.dictionaries(_KEYS, _VALUES, max_size=4), max_size=3))
def test_whatever_a_file_says_it_is_read_or_refused(
    tmp_path_factory: pytest.TempPathFactory, tables: list[dict[str, object]]
) -> None:
    folder = tmp_path_factory.mktemp("cases")
    text = "".join(
        "[[case]]\n" + "".join(f"{key} = {_toml(value)}\n" for key, value in table.items()) for table in tables
    )
    (folder / "a.toml").write_text(text)
    try:
        scenarios = scenarios_from_files(folder, TABLE)
    except MistakesError as error:
        assert all(", line " in mistake or "no [[case]]" in mistake for mistake in error.mistakes)  # noqa: PT017
    else:
        assert len(scenarios) == 1
