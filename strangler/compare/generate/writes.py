"""Cases that write: who may, bodies at the edges of each field and beyond, and what isn't a body at all."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, Final

from strangler.compare.case import PREFIX
from strangler.compare.generate.body_values import WRONG_TYPES, LabelledValue, ValidValues, body_values, unfolded
from strangler.compare.generate.case_text import GeneratedCase
from strangler.compare.generate.facts import own_column
from strangler.compare.generate.operations import Operation
from strangler.compare.generate.query_values import odd_ids
from strangler.compare.generate.reads_around import reads_around
from strangler.compare.generate.schemas import SchemaField
from strangler.compare.generate.sign_ins import forged_requests, sign_in_cases
from strangler.compare.generate.world import World
from strangler.compare.generate.write_places import WritePlaces

_MALFORMED: Final[tuple[tuple[str, str], ...]] = (
    ("broken JSON", '{"a": '),
    ("null", "null"),
    ("a list", "[]"),
    ("a text", '"x"'),
    ("a number", "1"),
    ("nothing at all", ""),
    ("a key twice", '{"a": 1, "a": 2}'),
    ("a number that is none", '{"a": NaN}'),
)
_SAMPLED: Final = 6
# Of an object within a body.
_NESTED: Final = 30
# Each costs a hash on both sides, whatever is wrong with the password.
_SIGN_INS: Final = 2
_TOGETHER: Final = 8
_FORMS: Final = {"form": "application/x-www-form-urlencoded", "multipart": "multipart/form-data"}


class WriteCases:
    """Makes the cases of one method that writes.

    Args:
        world: what is known.
        operation: POST, PUT, PATCH or DELETE of a route.
        valid: gives values that fields take.
    """

    def __init__(self, world: World, operation: Operation, valid: ValidValues) -> None:
        self._world = world
        self._operation = operation
        self._valid = valid
        self._places = WritePlaces(world, operation)
        self._is_whole = operation.method != "PATCH"
        sign_in = world.sign_in if world.sign_in and world.sign_in.is_at(operation.path) else None
        self._signs_in = sign_in is not None
        # Fields that cost a slow hash where they are taken.
        self._secrets = {each.name for each in operation.body if each.is_hashed}
        self._secrets |= {key for key, text in (sign_in.body.items() if sign_in else ()) if "{password}" in text}
        names = {each.name for each in operation.body}
        alike = [each for each in world.operations if names & {field.name for field in each.body}]
        self._is_first = operation is next((each for each in alike if each.table == operation.table), operation)

    def cases(self) -> Iterator[GeneratedCase]:
        """Refusals first: a body that is taken may change what later ones find."""
        if "{" in self._operation.path and not self._places.keys:
            return
        # A list that is kept in memory shows once it is asked before a write and after it.
        yield from reads_around(self._world, self._operation, self._places.place()[0], when="before")
        yield from self._odd_rows()
        yield from self._refused()
        if self._operation.body:
            yield from self._malformed()
            yield from self._fields()
        yield from self._commit_refused()
        if self._operation.body:
            yield from self._taken()
        yield from self._at_once()
        yield from self._callers()
        yield from reads_around(self._world, self._operation, self._places.place()[0], when="after")
        yield from sign_in_cases(self._world, self._operation)
        yield from self._account()

    def _odd_rows(self) -> Iterator[GeneratedCase]:
        ids = list(odd_ids(self._places.keys[0][1])) if self._places.keys else []
        random = self._world.random("ids", self._operation.method, self._operation.path)
        for label, text in random.sample(ids, min(_SAMPLED // 2, len(ids))):
            yield self._case(label, self._world.path_with(self._operation, text), self._body())

    def _commit_refused(self) -> Iterator[GeneratedCase]:
        """A body that is fine, where the database takes nothing."""
        path, caller = self._places.place()
        yield replace(self._case("the commit is refused", path, self._body(), caller=caller), refuse_commit=True)

    def _refused(self) -> Iterator[GeneratedCase]:
        """Those who mustn't, whatever they send."""
        kinds = (*self._world.callers.kinds, "")
        for label, path in self._places.paths()[:1]:
            yield self._case(f"{label or 'all'}, by those who must not", path, self._cheap_body(), callers=kinds)
        path, caller = self._places.place()
        for label, headers in forged_requests(self._world.sign_in) if caller else ():
            yield self._case(label, path, self._cheap_body(), caller=caller, headers=headers)

    def _malformed(self) -> Iterator[GeneratedCase]:
        path, caller = self._places.place()
        malformed = list(_MALFORMED)
        if not self._is_first:
            malformed = self._world.random("malformed", self._operation.method, path).sample(malformed, _SAMPLED // 2)
        for label, text in malformed:
            yield self._case(label, path, text, kind="body", caller=caller)
        text_type = {"Content-Type": "text/plain"}
        yield self._case("another media type", path, "a=b", kind="body", headers=text_type, caller=caller)
        yield self._case("no media type", path, "{}", kind="body", headers={"Content-Type": ""}, caller=caller)
        yield self._case("broken JSON by nobody", path, "{", kind="body", caller="")
        yield self._case("an empty object", path, {}, caller=caller)
        yield self._case("keys that nobody knows", path, {"no_such_field": 1}, caller=caller)

    def _fields(self) -> Iterator[GeneratedCase]:
        """Each field at its edges, the others fine; and each left out."""
        for label, value in WRONG_TYPES:
            path, caller = self._places.place()
            body = {each.name: value for each in self._operation.body}
            yield self._case(f"everywhere {label}", path, body, caller=caller)
        for field in self._operation.body:
            edges = list(self._edges(field))
            if not self._is_first or field.name in self._secrets:
                # The same body elsewhere: some of them, other ones with another seed.
                most = _SIGN_INS if self._signs_in else _SAMPLED
                edges = self._world.random(self._operation.method, self._operation.path, field.name).sample(
                    edges, min(most, len(edges))
                )
            elif field.fields or (field.items and field.items.fields):
                random = self._world.random("nested", self._operation.method, self._operation.path, field.name)
                edges = random.sample(edges, min(_NESTED, len(edges)))
            for label, value in edges:
                path, caller = self._places.place()
                yield self._case(f"{field.name}: {label}", path, self._with(field, value), caller=caller)
            if self._is_whole:
                path, caller = self._places.place()
                whole = self._body() if field.name in self._secrets else self._cheap_body()
                body = {name: each for name, each in whole.items() if name != field.name}
                yield self._case(f"without {field.name}", path, body, caller=caller)

    def _edges(self, field: SchemaField) -> Iterator[LabelledValue]:
        yield from body_values(field, self._valid)
        found = own_column(field.name, self._operation.table, self._world.contract)
        facts = self._world.contract.tables[found[0]].columns[found[1]] if found else None
        if found and facts and facts.unique and not field.rows:
            for stored in self._world.stored.samples(*found)[:2]:
                text = str(stored)
                yield f"{text}, which is taken", stored if isinstance(stored, int) else text
                if field.is_text:
                    yield f"{text} in other case", text.swapcase()
                    yield f"{text} with blanks around", f" {text} "
        yield from self._rows(field)

    def _rows(self, field: SchemaField) -> Iterator[LabelledValue]:
        """Rows that a field mustn't name, or needn't."""
        if field.items:
            yield from ((label, [key]) for label, key in self._rows(field.items))
        if field.rows is None:
            return
        every, allowed = self._world.named(field.rows, every=True), self._world.named(field.rows)
        numbers = [key for key in every if isinstance(key, int)]
        if numbers:
            yield "a row that is not there", max(numbers) + 1000
        if self._world.callers.other:
            others = self._world.named(field.rows, owner=self._world.callers.other)
            yield from (("another's row", key) for key in others[:1] if key not in allowed)
        # One that a filter leaves out, or that another row points at already.
        yield from [("another row", key) for key in every if key not in allowed][:1]

    def _taken(self) -> Iterator[GeneratedCase]:
        """Bodies that are fine, in each form that a body may have."""
        forms = () if self._secrets else (each for each, media in _FORMS.items() if media in self._operation.types)
        for kind in ("json", *forms):
            path, caller = self._places.place()
            body = self._body() | {each.name: True for each in self._operation.body if each.type == "boolean"}
            yield self._case(f"as {kind}", path, body, kind=kind, caller=caller)
            if kind != "json":
                # A form can't say that a box is empty: what it leaves out is false, or left alone.
                required = self._body(optional=False)
                yield self._case(f"what is required only, as {kind}", path, required, kind=kind, caller=caller)
        yield from self._unchanged()
        yield from self._below_v2()
        path, caller = self._places.place()
        body = self._body()
        folded = {each.name: unfolded(each, body[each.name]) for each in self._operation.body if each.name in body}
        yield self._case("texts that may be folded", path, folded, caller=caller)
        if self._secrets and self._operation.method == "POST" and not self._signs_in:
            # Where a text alone is refused, since the password is left out.
            path, caller = self._places.place()
            texts = {each.name for each in self._operation.body if each.type == "string"} - self._secrets
            body = {name: each.upper() if name in texts else each for name, each in self._body().items()}
            yield self._case("texts in capitals", path, body, caller=caller)
        if not all(each.required for each in self._operation.body):
            path, caller = self._places.place()
            yield self._case("what is required only", path, self._body(optional=False), caller=caller)
        path, caller = self._places.place()
        given = {each.name: self._valid.value(each) for each in self._read_only()}
        yield self._case("with keys that aren't the client's to set", path, {**self._body(), **given}, caller=caller)

    def _at_once(self) -> Iterator[GeneratedCase]:
        """The same new row several times at once, of which something is unique."""
        if self._operation.method != "POST" or not self._is_first or self._secrets or not self._is_unique():
            return
        # With the first one both sides open their connections to the database, one after the other; the second meets.
        for label in ("the same at once", "another at once"):
            path, caller = self._places.place()
            yield replace(self._case(label, path, self._body(), caller=caller), together=_TOGETHER)

    def _is_unique(self) -> bool:
        """Whether the table takes the body's values once only."""
        key = self._operation.table
        found = {own_column(each.name, key, self._world.contract) for each in self._operation.body}
        names = {column for each in found if each for column in each[1:]}
        facts = self._world.contract.tables.get(key)
        if facts is None:
            return False
        pairs = [each.columns for each in facts.constraints if each.kind == "unique"]
        return any(facts.columns[name].unique for name in names) or any(names.intersection(each) for each in pairs)

    def _unchanged(self) -> Iterator[GeneratedCase]:
        """What a row holds that is unique, sent to that row."""
        path, caller = self._places.place()
        key = next(
            (
                key
                for (_, each), (_, key) in zip(self._world.paths(self._operation), self._places.keys, strict=False)
                if each == path
            ),
            None,
        )
        columns = [
            (each, own_column(each.name, self._operation.table, self._world.contract)) for each in self._operation.body
        ]
        held = {
            each.name: value
            for each, found in columns
            if found
            and each.is_text
            and key is not None
            and self._world.contract.tables[found[0]].columns[found[1]].unique
            for value in self._world.held(self._operation, key, found[1])
        }
        if held:
            case = self._case(
                "what it holds", path, {**self._body(), **held} if self._is_whole else held, caller=caller
            )
            # Cases before may have changed it.
            yield from (replace(case, name=name, again=True) for name in ("what it holds", "what it holds already"))

    def _below_v2(self) -> Iterator[GeneratedCase]:
        """A body below v2's prefix, whose links name it; so do those of the answer."""
        path, caller = self._places.place()
        begin, tls = self._world.prefix, {"X-Forwarded-Proto": "https"}
        linked = {each.name for each in self._operation.body if each.rows and each.rows.address}
        body = {
            name: each.replace(begin, f"{{{PREFIX}}}", 1)
            if name in linked and isinstance(each, str) and each.startswith(f"{begin}/")
            else each
            for name, each in self._cheap_body().items()
        }
        yield replace(
            self._case("below v2's prefix, behind TLS", path, body, caller=caller, headers=tls), below_v2=True
        )

    def _read_only(self) -> list[SchemaField]:
        names = {each.name for each in self._operation.body}
        return [each for each in self._operation.items if each.name not in names and each.type != "object"]

    def _callers(self) -> Iterator[GeneratedCase]:
        paths = self._places.paths()
        random = self._world.random("rows", self._operation.method, self._operation.path)
        whose = [each for each in paths if not each[0].startswith("any")]
        any_row = [each for each in paths if each[0].startswith("any")]
        chosen = (whose[1::2] or whose)[:3] + random.sample(any_row, min(1, len(any_row)))
        for label, path in chosen:
            users = self._world.callers.users
            for caller in (users[0], users[-1]) if self._secrets and not self._places.keys else users:
                who = caller or "nobody"
                body = self._body() if path == chosen[0][1] else self._cheap_body()
                yield self._case(f"{label}, by {who}".lstrip(", "), path, body, caller=caller)
        if self._operation.method == "DELETE":
            for label, path in whose[1:2]:
                yield replace(self._case(f"{label}, once more", path, {}), again=True)

    def _account(self) -> Iterator[GeneratedCase]:
        """Who has signed in leaves; that file is the last one."""
        other = self._world.callers.other
        if self._operation.method == "DELETE" and self._places.is_dangerous and other:
            path = self._world.path_with(self._operation, str(self._world.identity(other)))
            yield self._case("the own account", path, {}, caller=other)
            yield replace(self._case("the own account, which is gone", path, {}, caller=other), again=True)

    def _body(self, *, optional: bool = True) -> dict[str, Any]:
        fields = self._operation.body
        if not self._is_whole:
            # What changes the password of a caller ends its tokens.
            fields = tuple(each for each in fields if not each.is_hashed)
            optional = True
        return self._valid.body(fields, optional=optional)

    def _with(self, field: SchemaField, value: Any) -> Mapping[str, Any]:  # noqa: ANN401 - JSON's types
        if not self._is_whole:
            return {field.name: value}
        return {**(self._body() if field.name in self._secrets else self._cheap_body()), field.name: value}

    def _cheap_body(self) -> dict[str, Any]:
        """Without a password: one that is taken costs a slow hash on both sides; a refusal shows the rest as well."""
        return {name: each for name, each in self._body().items() if name not in self._secrets}

    def _case(
        self,
        name: str,
        path: str,
        value: Any,  # noqa: ANN401 - JSON's types, or a text
        *,
        kind: str = "json",
        caller: str | None = None,
        callers: tuple[str, ...] = (),
        headers: Mapping[str, str] | None = None,
    ) -> GeneratedCase:
        empty = not self._operation.body and not value
        return GeneratedCase(
            name=name,
            method=self._operation.method,
            target=path,
            callers=callers or ((self._world.callers.main if caller is None else caller),),
            kind="" if empty else kind,
            value=value,
            headers=headers or {},
        )
