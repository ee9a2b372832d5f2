"""Two schemas as pg_dump's text, and what is said of their differences."""

from strangler.handover.schema_text import SchemaPart, schema_differences, schema_parts

DUMP = """--
-- PostgreSQL database dump
--

SET statement_timeout = 0;

--
-- Name: notes; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.notes (
    kind text,
    CONSTRAINT k CHECK ((kind = 'a'::text))
);


SET default_tablespace = '';

--
-- Name: notes_kind; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX notes_kind ON public.notes USING btree (kind);


--
-- PostgreSQL database dump complete
--

"""


def test_the_parts_of_a_dump() -> None:
    parts = schema_parts(DUMP)
    assert list(parts) == [SchemaPart("TABLE", "public", "notes"), SchemaPart("INDEX", "public", "notes_kind")]
    assert [*parts.values()][1] == "CREATE INDEX notes_kind ON public.notes USING btree (kind);\n"
    assert "SET" not in "".join(parts.values())


def test_differences_are_named_in_both_directions() -> None:
    one = schema_parts(DUMP)
    other = schema_parts(DUMP.replace("notes_kind", "by_kind").replace("'a'", "'b'"))
    assert schema_differences(one, one, sides=("one", "other")) == []
    assert schema_differences(one, other, sides=("one", "other")) == [
        "only one: index notes_kind",
        "only other: index by_kind",
        "table notes differs (one: CONSTRAINT k CHECK ((kind = 'a'::text)) "
        "/ other: CONSTRAINT k CHECK ((kind = 'b'::text)))",
    ]


def test_two_spellings_of_one_list_are_no_difference() -> None:
    first = "CHECK (((kind)::text = ANY ((ARRAY['a'::character varying, 'b]'::character varying])::text[])))"
    later = "CHECK (((kind)::text = ANY (ARRAY[('a'::character varying)::text, ('b]'::character varying)::text])))"
    part = SchemaPart("TABLE", "public", "notes")
    assert schema_differences({part: first}, {part: later}, sides=("one", "other")) == []
    assert schema_differences({part: first}, {part: later.replace("'a'", "'c'")}, sides=("one", "other")) != []
