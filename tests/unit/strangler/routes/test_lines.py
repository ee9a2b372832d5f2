"""Lines of keys: whichever way TOML allows a file to be written, the line that is named is the one that is meant."""

import re
import tomllib

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from strangler.routes.lines import Lines
from strangler.routes.mistakes import RoutesError
from tests.example import parse_routes

# QQQ stands for three quotes.
TRICKY = r"""# [[route]]
top."a.b" . 'c' = 1
[[ route ]] # one
name = QQQ
[[route]]
name = 1 # QQQ
'stage' = \'\'\'x\'\'\'\'
list = [ # ]
  1, 2979-01-01 10:00:00,
  { a = "}]", b.c = ["#"] }, # {
  [],
]
[route.sub]
x = QQQa\QQQ ""\"""QQQ
y = 1
[[route]]
[[route.inner]]
z = ""
[[route.inner]]
z = 2

["throttles".'token']
rate = ""
""".replace("QQQ", '"' * 3).replace(r"\'", "'")


def test_every_key_is_found_where_it_is() -> None:
    lines = Lines(TRICKY)
    assert lines.fits(tomllib.loads(TRICKY))
    expected = {
        ("top", "a.b", "c"): 2,
        ("route", 0): 3,
        ("route", 0, "name"): 4,
        ("route", 0, "stage"): 7,
        ("route", 0, "list"): 8,
        ("route", 0, "list", 1): 9,
        ("route", 0, "list", 2, "b", "c", 0): 10,
        ("route", 0, "list", 3): 11,
        ("route", 0, "sub"): 13,
        ("route", 0, "sub", "x"): 14,
        ("route", 0, "sub", "y"): 15,
        ("route", 1): 16,
        ("route", 1, "inner", 1): 19,
        ("route", 1, "inner", 1, "z"): 20,
        ("throttles", "token", "rate"): 23,
    }
    assert {where: lines.of(*where) for where in expected} == expected
    assert lines.of("route", 2) == 0


def test_lines_of_another_document_fit_nothing() -> None:
    assert not Lines("a = 1\n").fits({"a": 1, "b": 2})


def test_no_line_is_better_than_a_wrong_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Lines, "fits", lambda *_arguments: False)
    with pytest.raises(RoutesError, match=r"^routes\.toml: a \[\[route\]\] has no name"):
        parse_routes("[[route]]\n", source="routes.toml")


@pytest.mark.parametrize(
    "text",
    ["a = [", 'a = """', "a = {b = 1", "[a", "a", "= 1", "a = ]", "\ufeff", "a = 'x", "a = " + "[" * 9999],
)
def test_a_text_that_is_no_toml_ends_the_search(text: str) -> None:
    lines = Lines(f"x = 1\n{text}\ny = 2\n")
    assert lines.of("x") == 1
    assert lines.of("y") == 0


@given(st.text(alphabet="ab.=[]{}\"'\\\n#, 1", max_size=60))
def test_what_tomllib_reads_is_found_key_by_key(text: str) -> None:
    lines = Lines(text)
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return
    assert lines.fits(document)


Values = dict[str, object]
# A file is many draws, and the machine of a test run may be busy.
FILES = settings(max_examples=50, suppress_health_check=[HealthCheck.too_slow])


class Writer:
    """Writes a routes file in a random but valid way and remembers the lines."""

    def __init__(self, draw: st.DrawFn) -> None:
        self.text = ""
        self._draw = draw

    @property
    def line(self) -> int:
        return self.text.count("\n") + 1

    def write(self, *choices: str) -> None:
        self.text += self._draw(st.sampled_from(choices))

    def blank(self) -> None:
        self.write("", "", "\n", "# [[route]]\n", '# stage = """\n', " \t\n\n")

    def key(self, key: str) -> None:
        escaped = f'"\\u{ord(key[0]):04x}{key[1:]}"'
        self.write(key, f'"{key}"', f"'{key}'", escaped)
        self.write("=", " = ", "\t=  ")

    def value(self, value: object) -> None:
        if isinstance(value, list):
            items = [f'"{item}"' for item in value]
            self.write(
                f"[{', '.join(items)}]", "[\n" + ",\n".join(items) + ", # ]\n]", f"[ # '''\n {','.join(items)}\n]"
            )
        elif isinstance(value, str):
            long = f'"""{value}"""', f"'''\n{value}'''", f'"""\\\n\n  {value}"""'
            self.write(f'"{value}"', f"'{value}'", *long)
        else:
            self.write(str(value).lower())


def write_entries(writer: Writer, entries: list[Values], *, inline: bool) -> tuple[list[int], list[dict[str, int]]]:
    """Write `entries`; the line of each, and the lines of their keys."""
    starts: list[int] = []
    keys: list[dict[str, int]] = []
    if inline:
        writer.key("route")
        writer.write("[", "[\n", "[ # {\n")
    for entry in entries:
        found: dict[str, int] = {}
        if not inline:
            writer.blank()
        starts.append(writer.line)
        writer.write("{ ") if inline else writer.write("[[route]]\n", '[[ "route" ]] # x\n')
        for position, (key, value) in enumerate(entry.items()):
            if inline and position:
                writer.write(", ", ",")
            if not inline:
                writer.blank()
            found[key] = writer.line
            writer.key(key)
            writer.value(value)
            if not inline:
                writer.write("\n", " # '\n")
        if inline:
            writer.write(" },\n", "},", "}\n, # }\n")
        keys.append(found)
    if inline:
        writer.write("]\n", "\n]\n")
    return starts, keys


WRONG: dict[str, object] = {
    "name": "Posts",
    "methods": ["get"],
    "path": "posts",
    "stage": "canry",
    "percent": "7",
    "fallback": 3,
    "shadow": 101,
    "sunset": "2027-01-31",
    "stag": "legacy",
}


@st.composite
def entries_of_routes(draw: st.DrawFn) -> list[Values]:
    entries = []
    for number in range(draw(st.integers(1, 4))):
        values: dict[str, object] = {
            "name": f"r{number}.list",
            "methods": draw(st.sampled_from([["GET"], ["POST", "GET"], ["PUT", "GET", "DELETE"]])),
            "path": f"/r{number}/",
            "stage": draw(st.sampled_from(["legacy", "parallel", "migrated"])),
        }
        values |= draw(st.sampled_from([{}, {"fallback": True}, {"shadow": 5, "fallback": False}]))
        entries.append({key: values[key] for key in draw(st.permutations(list(values)))})
    return entries


@FILES
@given(entries=entries_of_routes(), wrong=st.sampled_from(sorted(WRONG)), inline=st.booleans(), data=st.data())
def test_the_line_of_a_planted_mistake_is_named(
    entries: list[Values], wrong: str, inline: bool, data: st.DataObject
) -> None:
    planted = data.draw(st.integers(0, len(entries) - 1))
    entries[planted][wrong] = WRONG[wrong]
    writer = Writer(data.draw)
    _, keys = write_entries(writer, entries, inline=inline)
    assert lines_named(writer.text) == [keys[planted][wrong]]


@FILES
@given(entries=entries_of_routes(), key=st.sampled_from(["name", "methods", "path", "stage"]), data=st.data())
def test_the_line_of_an_entry_without_a_key_is_named(entries: list[Values], key: str, data: st.DataObject) -> None:
    planted = data.draw(st.integers(0, len(entries) - 1))
    del entries[planted][key]
    writer = Writer(data.draw)
    starts, _ = write_entries(writer, entries, inline=data.draw(st.booleans()))
    assert lines_named(writer.text) == [starts[planted]]


@FILES
@given(entries=entries_of_routes(), inline=st.booleans(), data=st.data())
def test_the_lines_of_both_entries_of_a_clash_are_named(
    entries: list[Values], inline: bool, data: st.DataObject
) -> None:
    first = data.draw(st.integers(0, len(entries) - 1))
    entries.append(entries[first] | {"path": "/other/"})
    writer = Writer(data.draw)
    starts, _ = write_entries(writer, entries, inline=inline)
    assert lines_named(writer.text) == sorted({starts[first], starts[-1]})


@FILES
@given(entries=entries_of_routes(), data=st.data())
def test_the_lines_of_a_key_that_is_there_twice_are_named(entries: list[Values], data: st.DataObject) -> None:
    planted = data.draw(st.integers(0, len(entries) - 1))
    writer = Writer(data.draw)
    write_entries(writer, entries[:planted], inline=False)
    _, [keys] = write_entries(writer, [entries[planted]], inline=False)
    again = writer.line
    writer.key("stage")
    writer.value("legacy")
    writer.write("\n")
    write_entries(writer, entries[planted + 1 :], inline=False)
    assert lines_named(writer.text) == [keys["stage"], again]


def lines_named(text: str) -> list[int]:
    with pytest.raises(RoutesError) as caught:
        parse_routes(text, source="routes.toml")
    place = re.match(r"routes\.toml, lines? (\d+)(?: and (\d+))?: ", str(caught.value))
    assert place, str(caught.value)
    return [int(number) for number in place.groups() if number]
