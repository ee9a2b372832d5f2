"""The resources of a feature: which endpoints share one, and what each is made of."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from strangler.adoption.endpoints import DjangoApi, DjangoEndpoint
from strangler.adoption.list_facts import QuerysetFacts, SavingFacts
from strangler.adoption.scaffold.access.authenticators import Authenticators
from strangler.adoption.scaffold.code import Code, Items, dictionary, prefixed, quoted
from strangler.adoption.scaffold.conditions import RowConditions
from strangler.adoption.scaffold.fields.serializers import Serializers
from strangler.adoption.scaffold.fields.written_serializer import WrittenSerializer
from strangler.adoption.scaffold.gaps import ACTIONS, is_callers, needs_no_queryset, reads_context
from strangler.adoption.scaffold.handlers import MODULE as HANDLER
from strangler.adoption.scaffold.handlers import assigned, handled_key, handled_list
from strangler.adoption.scaffold.lists.lists import write_list
from strangler.adoption.scaffold.lists.written_list import WrittenList
from strangler.adoption.scaffold.numbers import RowNumbers
from strangler.adoption.scaffold.parents import RowParents, failing
from strangler.adoption.scaffold.tables import Tables, UnreadableError, snake
from strangler.adoption.scaffold.written_endpoint import WrittenEndpoint, WrittenResource
from strangler.adoption.serializer_facts import MatchedRows, SerializerFacts, SerializerField

_OTHER: Final = "its serializer is of another model than its rows"
# Constants of strangler_fastapi that stand in a module of resources.
_LIBRARY: Final = frozenset(
    {
        *("BOOLEAN", "DATE", "DATETIME", "DURATION", "EMAIL", "FLAG", "FLOAT", "IDENTIFIER", "INTEGER", "JSON"),
        *("NUMBER", "TEXT", "TIME", "URL", "CALLER", "GIVEN", "MISSING", "NOW", "TOGGLED"),
    }
)


class FeatureResources:
    """Those of the endpoints that `use` was called with; endpoints of equal rows, serializers and filters share one."""

    def __init__(
        self,
        name: str,
        endpoints: Sequence[WrittenEndpoint],
        *,
        api: DjangoApi,
        tables: Tables,
        authenticators: Authenticators,
        serializers: Serializers,
    ) -> None:
        self._name = name
        self._endpoints = endpoints
        self._api = api
        self._tables = tables
        self._authenticators = authenticators
        self._serializers = serializers
        self._resources: dict[tuple[str, ...], WrittenResource] = {}
        self._shown: list[tuple[WrittenEndpoint, WrittenResource]] = []

    def use(self, each: WrittenEndpoint, action: str) -> None:
        """Has a resource do the action."""
        resource = self._resource(each)
        known = [*resource.actions]
        if ACTIONS[action] not in known:
            resource.actions.append(ACTIONS[action])
        try:
            self._do(each, action, resource)
        except UnreadableError:
            # What rows within it takes is written by what isn't there.
            resource.actions[:] = known
            raise

    def _do(self, each: WrittenEndpoint, action: str, resource: WrittenResource) -> None:
        resource.checked |= each.rule.checked
        model, lists = resource.serializer.model, resource.lists
        for path in each.rule.checked:
            # Of a row that it points at; no attribute of its own has such a name (Django's fields.E002).
            if "__" in path and each.endpoint.model:
                self._row_attribute(each.endpoint.model.table, path, lists)
        for name, rows in each.rule.matched.items():
            lists.numbers[name] = self._matched(
                rows, model, each.endpoint.model.table if each.endpoint.model else "", lists
            )
        if action == "create" and each.endpoint.creator and each.endpoint.model:
            # A handler says so of new rows alone.
            creator = self._authenticators.caller_column(each.endpoint.model.table, each.endpoint.creator)
            resource.callers = {"creator": quoted(creator), **resource.callers}
        self._belong(each, action, resource)
        self._give(each, action, resource)
        if each.link is not None and each.link not in resource.links:
            resource.links.append(each.link)
        if each.nested is not None:
            resource.nested[ACTIONS[action]] = each.nested
        if each.saves:
            resource.saves[ACTIONS[action]] = each.saves
        if each.performed:
            known = resource.performed.get(ACTIONS[action], [])
            resource.performed[ACTIONS[action]] = [*dict.fromkeys((*known, *each.performed))]
        if each.counted:
            resource.performed["count"] = [*dict.fromkeys((*resource.performed.get("count", []), *each.counted))]
        if action == "list":
            each.limits += resource.lists.gaps
            each.remarks += resource.lists.remarks

    def show(self, each: WrittenEndpoint, facts: SerializerFacts) -> WrittenResource:
        """The resource that shows rows by their key, whoever asks.

        Raises:
            UnreadableError: what it shows can't be written, or is another for each caller.
        """
        if reads_context(facts):
            raise UnreadableError(f"serializer {facts.path.rpartition('.')[2]} looks at the request")
        serializer = self._serializers.write(facts, taken=False)
        each.functions += serializer.function_gaps()
        if serializer.reads:
            raise UnreadableError("; ".join(serializer.reads))
        for _, known in self._shown:
            if known.serializer is serializer:
                self._shown.append((each, known))
                return known
        arguments: dict[str, Code] = {"ordering": "()", "ordering_fields": "()", "pagination": "None"}
        constant = serializer.constant.removesuffix("_SERIALIZER")
        made = WrittenResource(constant, serializer, WrittenList(arguments), ("pk", "pk"), {}, actions=["retrieve"])
        self._shown.append((each, made))
        return made

    def _belong(self, each: WrittenEndpoint, action: str, resource: WrittenResource) -> None:
        """Has the resource look for the rows of other tables that its own belong to."""
        endpoint, of = each.endpoint, self._with_rows(each.endpoint)
        if action == "create":
            resource.creation = endpoint.creation
            each.remarks += failing(endpoint.creation.parents if endpoint.creation else ())
        else:
            each.remarks += failing(endpoint.rows.parents if endpoint.rows else ())
        if each.rule.model and endpoint.rows and endpoint.rows.parents:
            # They ask the view for its queryset.
            raise UnreadableError(f"permissions look for {endpoint.rows.parents[0].model.name} before they refuse")
        of_rows = of.rows.parents if of.rows and resource.actions != ["create"] else ()
        parents = RowParents(
            resource.serializer.facts.table or "", self._tables, self._authenticators, resource.lists.imports
        )
        resource.parents = tuple(parents.codes(of_rows, resource.creation))

    def _give(self, each: WrittenEndpoint, action: str, resource: WrittenResource) -> None:
        """Has the resource give columns what the code does that saves a row."""
        saved = ACTIONS[action]
        if saved not in ("create", "update"):
            return
        found = each.endpoint.saving.get(f"perform_{saved}") or SavingFacts()
        table = resource.serializer.facts.table or ""
        parents = RowParents(table, self._tables, self._authenticators, resource.lists.imports)
        given: dict[str, Code] = {}
        for field, (kind, *value) in found.given.items():
            name, facts = self._tables.column_of(table, field)
            if facts.written_by:
                raise UnreadableError(f"column {name}: written by {facts.written_by[0]}")
            self._tables.use(table, name)
            attribute = self._tables.attribute_of(table, name)
            if kind == "caller":
                self._authenticators.caller_column(table, field)
            is_parent = kind == "parent"
            given[attribute] = parents.value(field, found.parents[value[0]]) if is_parent else assigned([kind, *value])
        if given and each.nested is not None and saved == "update":
            raise UnreadableError(f"{', '.join(given)} may be saved, or not, with the rows within")
        if resource.given.setdefault(saved, given) != given:
            raise UnreadableError("another endpoint of its view saves other columns")
        each.remarks += failing(found.parents)
        names = {"NOW": HANDLER, "CALLER": "strangler_fastapi.drf.caller_rows"}
        for word in names.keys() & {str(code) for code in given.values()}:
            resource.lists.imports.setdefault(names[word], set()).add(word)

    def _matched(self, rows: MatchedRows, model: str, table: str, lists: WrittenList) -> Code:
        """What a permission sees of a row where it asks for rows of another table."""
        if self._authenticators.users_table is None:
            raise UnreadableError("the service can't tell callers apart")
        facts = ["matches", rows.model_dump(), False]
        return prefixed("lambda: ", RowNumbers(model, table, self._tables, lists.imports).code(facts))

    def _resource(self, each: WrittenEndpoint) -> WrittenResource:
        endpoint = each.endpoint
        if endpoint.model is None:
            raise UnreadableError("there is no serializer" if each.serializer is None else _OTHER)
        serializer = each.serializer or self._serializer_of_view(endpoint)
        shown = each.answers or serializer
        if {serializer.facts.table, shown.facts.table} != {endpoint.model.table}:
            raise UnreadableError(_OTHER)
        key = self._key(each, serializer)
        if key not in self._resources:
            # An action may begin with other rows than the list does.
            of = self._with_rows(endpoint)
            rows = {"queryset": of.queryset, "rows": of.rows}
            listed = self._list_of_view(endpoint).model_copy(update=rows)
            made = write_list(listed, serializer.model, self._tables, time_zone=self._api.settings.zone)
            self._narrow(made, endpoint, serializer.model)
            taken = {resource.constant for resource in self._resources.values()} | self._tables.class_names() | _LIBRARY
            names = (self._name, snake(serializer.title), *(f"{self._name}_{number}" for number in range(2, 100)))
            constants = (name.upper() for name in names)
            constant = next(name for name in constants if name not in taken and not name.endswith("_SERIALIZER"))
            self._resources[key] = WrittenResource(
                constant, serializer, made, self._lookup(endpoint), self._callers(endpoint, made), each.answers
            )
            if self._tables.facts(endpoint.model.table).model != endpoint.model.label:
                self._resources[key].model_name = endpoint.model.name
        return self._resources[key]

    def _serializer_of_view(self, endpoint: DjangoEndpoint) -> WrittenSerializer:
        """The serializer of what is deleted: any of its view."""
        for other in self._endpoints:
            if other.serializer and (other.endpoint.view, other.endpoint.model) == (endpoint.view, endpoint.model):
                return other.serializer
        if endpoint.serializer is None:
            return self._serializers.write(self._key_alone(endpoint))
        return self._serializers.write(endpoint.serializer, annotated=self.annotated(endpoint))

    def _key_alone(self, endpoint: DjangoEndpoint) -> SerializerFacts:
        """A serializer that shows no more than the key, for rows that nobody is shown."""
        assert endpoint.model is not None  # noqa: S101 - the caller has looked
        facts = self._tables.facts(endpoint.model.table)
        key = facts.columns[facts.primary_key[0]]
        if key.references is not None:
            raise UnreadableError("there is no serializer, and its key is that of another row")
        field = SerializerField(name=key.field, kind=key.kind, source=key.field, read_only=True, changed={})
        named = {"class": f"{endpoint.model.name}KeySerializer"}
        return SerializerFacts(model=endpoint.model.label, table=endpoint.model.table, fields=(field,), **named)

    def annotated(self, endpoint: DjangoEndpoint) -> Mapping[str, list[Any]]:
        """What the rows of a view have besides their columns."""
        return (self._with_rows(endpoint).queryset or QuerysetFacts()).annotations

    def _with_rows(self, endpoint: DjangoEndpoint) -> DjangoEndpoint:
        """The endpoint whose rows one is about: a new row is one of its view's list."""
        return self._list_of_view(endpoint) if needs_no_queryset(endpoint) else endpoint

    def _list_of_view(self, endpoint: DjangoEndpoint) -> DjangoEndpoint:
        """The list whose filters a view has; the endpoint itself where it has no list, or one that can't be read."""
        if endpoint.handler is not None and (not endpoint.handler.filtered or endpoint.action == "list"):
            return handled_list(endpoint, self._api.endpoints)
        if endpoint.action == "list" and endpoint.model:
            return endpoint
        same = [
            each
            for each in self._api.endpoints
            if each.view == endpoint.view and each.action == "list" and each.model
            if endpoint.model is None or each.model == endpoint.model
        ]
        # Several paths may have a view of that name, each with settings of its own.
        above = (each for each in same if endpoint.path.startswith(each.path))
        return next(above, same[0] if same else endpoint)

    def _lookup(self, endpoint: DjangoEndpoint) -> tuple[str, str]:
        """The field and the parameter by which a path names a row."""
        lookup = endpoint.lookup or {"field": "pk", "parameter": "pk"}
        field_name, parameter = str(lookup["field"]), str(lookup["parameter"])
        if endpoint.model and field_name != "pk":
            facts = self._tables.compared(endpoint.model.table, [field_name])
            field_name = "pk" if facts.primary_key else self._tables.attribute_of(endpoint.model.table, field_name)
        return field_name, parameter

    def _callers(self, endpoint: DjangoEndpoint, lists: WrittenList) -> Mapping[str, Code | None]:
        """The columns in which rows have their maker, the caller that may see them, and what the path names."""
        assert endpoint.model is not None  # noqa: S101 - the caller has looked
        table, column = endpoint.model.table, self._authenticators.caller_column
        named: dict[str, Code | None] = {}
        if endpoint.creator:
            named["creator"] = quoted(column(table, endpoint.creator))
        if endpoint.of_caller and is_callers(endpoint):
            if not self._authenticators.is_of_users(table):
                raise UnreadableError("the caller is of another model than its serializer")
            return named | {"of_caller": "True"}
        if endpoint.callers_row is not None and is_callers(endpoint):
            if endpoint.callers_row["table"] != table:
                raise UnreadableError("the row of the caller is of another model than its serializer")
            return named | {"of_caller": quoted(column(table, endpoint.callers_row["field"]))}
        if endpoint.rows is None:
            return named
        if (path := endpoint.rows.owner) is not None:
            named["owner"] = quoted(self._row_attribute(table, path, lists))
            *way, last = path.split("__")
            column(self._tables.table_at(table, way), last)
        if endpoint.rows.unless:
            if not self._authenticators.has_attribute(endpoint.rows.unless):
                raise UnreadableError(f"rows depend on {endpoint.rows.unless} of callers")
            named["owner_except"] = quoted(endpoint.rows.unless)
        within = {self._row_attribute(table, name, lists): each for name, each in endpoint.rows.within.items()}
        if within:
            named["within"] = dictionary({name: quoted(parameter) for name, parameter in within.items()})
        return named

    def _row_attribute(self, table: str, path: str, lists: WrittenList) -> str:
        """The attribute of a row at the end of a path of foreign keys; one of another row is an annotation."""
        self._tables.follow(table, path.split("__"))
        if "__" in path:
            lists.annotations[path] = path
            return path
        return self._tables.attribute_of(table, path)

    def used(self) -> list[WrittenResource]:
        """The resources that an endpoint without gaps uses."""
        shown = {id(each): each for endpoint, each in self._shown if not endpoint.gaps}
        return [each for each in self._resources.values() if each.actions and self._works(each)] + [*shown.values()]

    def _works(self, resource: WrittenResource) -> bool:
        return any(self.resource_of(each) is resource for each in self._endpoints)

    def resource_of(self, each: WrittenEndpoint) -> WrittenResource | None:
        """What answers an endpoint; None where it has gaps, or is none of a resource's."""
        if each.gaps or each.endpoint.root is not None or each.token_view or each.gives_token:
            return None
        serializer = each.serializer or self._serializer_of_view(each.endpoint)
        return self._resources.get(self._key(each, serializer))

    def _key(self, each: WrittenEndpoint, serializer: WrittenSerializer) -> tuple[str, ...]:
        """What endpoints of one resource have in common."""
        shown = (each.answers or serializer).constant
        of = self._with_rows(each.endpoint)
        numbers = of.queryset.annotations if of.queryset else {}
        rows = self._where(each.endpoint), numbers, of.rows, handled_key(each.endpoint, of), is_callers(each.endpoint)
        listed = self._list_of_view(each.endpoint)
        lists = listed.filters, listed.pagination, each.endpoint.lookup, of.model
        return each.endpoint.view, serializer.constant, shown, str((rows, lists))

    def _where(self, endpoint: DjangoEndpoint) -> tuple[list[Any], ...]:
        """The conditions of the rows."""
        of = self._with_rows(endpoint)
        return of.queryset.where if of.queryset and not needs_no_queryset(of) else ()

    def _narrow(self, lists: WrittenList, endpoint: DjangoEndpoint, model: str) -> None:
        """Writes the conditions that the rows meet."""
        where = self._where(endpoint)
        if endpoint.model is None or not where:
            return
        conditions = RowConditions(model, endpoint.model.table, self._tables, lists.imports)
        codes = tuple(map(conditions.code, where))
        lists.arguments["where"] = Items("()", codes, prefix="lambda: ")
