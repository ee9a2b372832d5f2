"""Fields that stand for other rows, as code: by their keys, by a column, by their addresses."""

from typing import Final

from strangler.adoption.scaffold.code import Code, call, quoted
from strangler.adoption.scaffold.fields.column_fields import SHOWN
from strangler.adoption.scaffold.fields.declared_fields import labels, own_messages
from strangler.adoption.scaffold.fields.written_serializer import MODEL_FIELDS, WrittenSerializer
from strangler.adoption.scaffold.links import RowLinks, use_through
from strangler.adoption.scaffold.tables import Tables, UnreadableError
from strangler.adoption.serializer_facts import SerializerField

_HYPERLINKS: Final = "strangler_fastapi.drf.fields.hyperlinks"
_RELATIONS: Final = "strangler_fastapi.drf.fields.relations"
_LINKS: Final = "strangler_fastapi.drf.links"
# Fields that show the key in the row's own column, and no more of the row that it points at.
_KEYS: Final = frozenset({"PrimaryKeyRelatedField", "HyperlinkedRelatedField"})


class RelationFields:
    """Writes them; `tables` learns which columns they need. Addresses begin with Django's `prefix`."""

    def __init__(self, tables: Tables, prefix: str) -> None:
        self._tables = tables
        self._prefix = prefix

    def hyperlink(self, made: WrittenSerializer, table: str, each: SerializerField) -> Code:
        """The address of the row, or of those that it is linked to."""
        prefix = self._prefix
        if each.address is None or not each.address.startswith(f"{prefix}/"):
            raise UnreadableError(f"a {each.kind} to a path that isn't below the API's prefix")
        path = quoted(each.address.removeprefix(prefix))
        if not each.read_only and each.lookup == "pk" and each.path.startswith("rest_framework."):
            return self._taken(made, table, each, path)
        if not each.read_only:
            made.writes.append(f"field {each.name}: taken by its address")
        if each.many:
            if each.lookup != "pk":
                raise UnreadableError(f"addresses of rows by {each.lookup}")
            link, _ = self.link(made, table, each)
            made.imports.setdefault(_HYPERLINKS, set()).add("HyperlinksField")
            return call("HyperlinksField", path=path, link=link, **labels(each))
        made.imports.setdefault(_HYPERLINKS, set()).add("HyperlinkedField")
        if each.kind == "HyperlinkedIdentityField":
            column, facts = self._tables.column_of(table, each.lookup or "pk")
        else:
            column, facts = self._tables.column_of(table, each.source)
            if each.lookup != "pk" or facts.references is None:
                raise UnreadableError(f"the address of a row by {each.lookup}")
            self._tables.use(facts.references.table, facts.references.column)
        self._tables.use(table, column)
        null = "True" if facts.null else None
        source = quoted(self._tables.attribute_of(table, column))
        return call("HyperlinkedField", path=path, source=source, allow_null=null, **labels(each))

    def _taken(self, made: WrittenSerializer, table: str, each: SerializerField, path: Code) -> Code:
        """A field that takes the addresses of rows."""
        if each.write_only:
            raise UnreadableError("addresses of rows that are never shown")
        if each.many:
            return self.many(made, table, each, path=path)
        self.link(made, table, each)
        column, facts = self._tables.column_of(table, each.source)
        made.writes += self._taken_gaps(each)
        made.imports.setdefault(_HYPERLINKS, set()).add("HyperlinkedRelatedField")
        made.imports.setdefault(MODEL_FIELDS, set()).add("model_field")
        flags: dict[str, Code] = {"required": str(each.required), "allow_null": str(each.allow_null)}
        texts = labels(each, facts) | own_messages(each)
        given = {"into": "HyperlinkedRelatedField", "path": path, **flags, **texts}
        return call("model_field", made.model, quoted(column), **given)

    @staticmethod
    def _taken_gaps(each: SerializerField) -> list[str]:
        gaps = {
            "takes some rows only": each.narrowed,
            "has a default of its own": each.default is not None,
            f"checked by {', '.join(each.validators)}": bool(each.validators),
        }
        return [f"field {each.name}: {gap}" for gap, is_there in gaps.items() if is_there and not each.read_only]

    def related(self, made: WrittenSerializer, table: str, each: SerializerField) -> Code:
        """A declared field that stands for the row which a foreign key points at, or for several by their keys."""
        if not each.path.startswith("rest_framework."):
            raise UnreadableError(f"a {each.kind} of your own")
        if each.write_only and (each.many or each.kind != "PrimaryKeyRelatedField"):
            raise UnreadableError(f"a {each.kind} that is never shown")
        made.writes += self._taken_gaps(each)
        if each.many:
            return self.many(made, table, each)
        link, _ = self.link(made, table, each)
        column, facts = self._tables.column_of(table, each.source)
        flags: dict[str, Code] = {"read_only": "True"} if each.read_only else {}
        if each.kind == "PrimaryKeyRelatedField":
            flags |= {} if each.read_only else {"required": str(each.required), "allow_null": str(each.allow_null)}
            flags |= {"write_only": "True"} if each.write_only else {}
            made.imports.setdefault(MODEL_FIELDS, set()).add("model_field")
            return call("model_field", made.model, quoted(column), **flags, **labels(each, facts), **own_messages(each))
        assert facts.references is not None  # noqa: S101 - a link has them
        shown = self._shown(facts.references.table, each)
        made.imports.setdefault(_RELATIONS, set()).add(each.kind)
        own: dict[str, Code] = {"link": link, "source": quoted(self._tables.attribute_of(table, column))}
        if each.kind == "StringRelatedField":
            return call(each.kind, **own, text=f"lambda row: row.{shown}", **labels(each))
        flags |= {} if each.required or each.read_only else {"required": "False"}
        flags |= {"allow_null": "True"} if each.allow_null and not each.read_only else {}
        return call(each.kind, **own, slug_field=quoted(shown), **flags, **labels(each), **own_messages(each))

    def many(self, made: WrittenSerializer, table: str, each: SerializerField, *, path: Code | None = None) -> Code:
        """The keys of several rows, or their addresses by the path of one.

        :raises UnreadableError: they are shown by something else, or aren't read plainly.
        """
        if each.kind == "SlugRelatedField" and each.slug_field and path is None:
            return self._many_slugs(made, table, each, each.slug_field)
        if each.kind == "StringRelatedField" and path is None:
            return self._many_slugs(made, table, each, self._text_of_rows(table, each))
        if each.kind != "PrimaryKeyRelatedField" and path is None:
            raise UnreadableError(f"many of {each.kind}")
        if each.managed:
            raise UnreadableError(f"keys of {each.source} by a manager of your own")
        if path is not None or each.narrowed:
            made.writes += self._taken_gaps(each)
        if each.pointing is not None and path is not None:
            raise UnreadableError("addresses of rows that point at this one are written")
        if each.pointing is not None:
            if not each.read_only:
                made.writes.append(f"field {each.name}: rows that point at this one are written")
            made.imports.setdefault(_RELATIONS, set()).add("PointingKeysField")
            links = RowLinks(made.model, table, self._tables, made.imports)
            link = links.pointing(each.pointing["table"], each.pointing["field"])
            return call("PointingKeysField", link=link, **labels(each))
        if each.other_end is not None:
            if not each.read_only:
                made.writes.append(f"field {each.name}: links are written from their other end")
            made.imports.setdefault(_RELATIONS, set()).add("PointingKeysField")
            link, _ = self.link(made, table, each)
            return call("PointingKeysField", link=link, **labels(each))
        if each.link != "many_to_many":
            raise UnreadableError(f"keys of {each.source} ({each.link or 'no relation'})")
        return self._linked(made, table, each, **({} if path is None else {"path": path}))

    def _linked(self, made: WrittenSerializer, table: str, each: SerializerField, **named: Code) -> Code:
        """Rows at the other end of a relation, by their keys or by what `named` says."""
        use_through(self._tables, table, each.source)
        made.imports.setdefault(MODEL_FIELDS, set()).add("many_related_field")
        changed: dict[str, Code] = {"allow_empty": "False"} if not each.allow_empty else {}
        flags: dict[str, Code] = {"read_only": "True"} if each.read_only else {}
        flags |= {} if each.required or each.read_only else {"required": "False"}
        source: dict[str, Code] = {} if each.source == each.name else {"source": quoted(each.source)}
        given = {**flags, **changed, **source, **named, **labels(each), **own_messages(each)}
        return call("many_related_field", made.model, quoted(each.source), **given)

    def link(self, made: WrittenSerializer, table: str, each: SerializerField) -> tuple[Code, bool]:
        """What leads from the row to those within, and whether there may be none."""
        if each.managed and each.kind not in _KEYS:
            raise UnreadableError(f"rows of {each.source} by a manager of your own")
        if each.link == "one_to_one" and each.pointing is not None:
            if not (each.required or each.allow_null or each.method):
                raise UnreadableError("Django leaves it out where there is no such row")
            links = RowLinks(made.model, table, self._tables, made.imports)
            return links.pointing(each.pointing["table"], each.pointing["field"], is_one=True), each.allow_null
        if each.link in ("many_to_one", "one_to_one"):
            name, facts = self._tables.column_of(table, each.source)
            if facts.references is None:
                raise UnreadableError(f"{each.source} is no column")
            self._tables.use(table, name)
            self._tables.use(facts.references.table, facts.references.column)
            made.imports.setdefault(_LINKS, set()).add("foreign_key")
            return call("foreign_key", made.model, quoted(facts.field)), facts.null
        links = RowLinks(made.model, table, self._tables, made.imports)
        if each.other_end is not None:
            return links.other_end(each.other_end["table"], each.other_end["field"]), False
        if each.link == "many_to_many":
            return links.many_to_many(each.source), False
        if each.pointing is not None:
            return links.pointing(each.pointing["table"], each.pointing["field"]), False
        raise UnreadableError(f"rows of {each.source} ({each.link or 'no relation'})")

    def table_of_many(self, table: str, each: SerializerField) -> str:
        """The table of the several rows that a field stands for."""
        back = each.pointing or each.other_end
        return back["table"] if back else self._tables.facts(table).many_to_many[each.source].target

    def _shown(self, table: str, each: SerializerField) -> str:
        """The column by which a field shows a row of the table."""
        name = each.slug_field or each.text
        if name is None:
            raise UnreadableError("shown by a __str__ of your own")
        column, facts = self._tables.column_of(table, name)
        texts, numbers = SHOWN["CharField"][1], SHOWN["IntegerField"][1]
        is_text = each.kind == "StringRelatedField"
        if facts.references is not None or facts.kind not in (texts if is_text else texts | numbers):
            raise UnreadableError(f"a {each.kind} of a {facts.kind}")
        if is_text and facts.null:
            raise UnreadableError(f"shown by {name}, which may be null")
        if not (facts.unique or facts.primary_key or each.read_only):
            made_of = f"{self._tables.facts(table).model}.{name}"
            raise UnreadableError(f"found by {made_of}, which isn't unique")
        self._tables.use(table, column)
        return self._tables.attribute_of(table, column)

    def _text_of_rows(self, table: str, each: SerializerField) -> str:
        """The column that `__str__` of several rows returns.

        :raises UnreadableError: it does something else, or may return null.
        """
        if each.text is None:
            raise UnreadableError("shown by a __str__ of your own")
        _, facts = self._tables.column_of(self.table_of_many(table, each), each.text)
        if facts.kind not in SHOWN["CharField"][1] or facts.null:
            raise UnreadableError(f"shown by {each.text}, which may be no text")
        return each.text

    def _many_slugs(self, made: WrittenSerializer, table: str, each: SerializerField, slug_field: str) -> Code:
        """A column of several rows."""
        back = each.pointing or each.other_end
        is_slug = each.kind == "SlugRelatedField"
        is_written = (
            is_slug and not each.read_only and back is None and each.link == "many_to_many" and not each.managed
        )
        link = "" if is_written else self.link(made, table, each)[0]
        related = self.table_of_many(table, each)
        column, facts = self._tables.column_of(related, slug_field)
        if facts.references is not None or facts.kind not in SHOWN["CharField"][1] | SHOWN["IntegerField"][1]:
            raise UnreadableError(f"many of a {facts.kind}")
        self._tables.use(related, column)
        if is_written and not (facts.unique or facts.primary_key):
            made.writes.append(f"field {each.name}: rows are found by {slug_field}, which isn't unique")
        if is_written:
            return self._linked(made, table, each, slug_field=quoted(self._tables.attribute_of(related, column)))
        if not each.read_only:
            why = f"rows are found by {slug_field}" if is_slug else "no text names a row, so Django fails with 500"
            made.writes.append(f"field {each.name}: {why}")
        made.imports.setdefault(_RELATIONS, set()).add("ManySlugRelatedField")
        name = quoted(self._tables.attribute_of(related, slug_field))
        return call("ManySlugRelatedField", link=link, slug_field=name, **labels(each))
