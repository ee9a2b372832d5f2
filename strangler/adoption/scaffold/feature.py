"""A feature of a service: the endpoints below one segment of the API, what each needs, and what can't be written."""

from collections.abc import Iterable, Sequence
from typing import Final

from shared_schema.contract.contract import Contract
from strangler.adoption.endpoints import DjangoApi, DjangoEndpoint, TokenAddition
from strangler.adoption.scaffold.access.access import Rule, permission_by_method, permission_of
from strangler.adoption.scaffold.access.authenticators import Authenticators
from strangler.adoption.scaffold.access.own_permissions import OwnPermissions
from strangler.adoption.scaffold.access.throttles import Throttles
from strangler.adoption.scaffold.code import Code, call, quoted
from strangler.adoption.scaffold.column_kinds import is_known_callable
from strangler.adoption.scaffold.effects import WrittenEffect, effects_of, gaps_along
from strangler.adoption.scaffold.feature_resources import FeatureResources
from strangler.adoption.scaffold.fields.serializers import Serializers
from strangler.adoption.scaffold.fields.written_serializer import WrittenSerializer
from strangler.adoption.scaffold.gaps import (
    ACTIONS,
    BODILESS,
    WRITES,
    handler_gaps,
    options_remarks,
    request_gaps,
    saving_gaps,
)
from strangler.adoption.scaffold.handlers import as_action
from strangler.adoption.scaffold.tables import Tables, UnreadableError
from strangler.adoption.scaffold.written_endpoint import WrittenEndpoint, WrittenLink, WrittenResource
from strangler.adoption.serializer_facts import SerializerFacts, SerializerField
from strangler.routes.route import Route

# Views that a docstring names.
_NAMED: Final = 2


class FeatureScaffold:
    """What a feature is made of, and its gaps.

    Args:
        name: the feature's folder.
        package: the service's package.
        endpoints: the selected ones, each with its route.
        tables: learns which tables and columns the feature needs.
    """

    def __init__(
        self,
        name: str,
        package: str,
        endpoints: Sequence[tuple[DjangoEndpoint, Route]],
        *,
        api: DjangoApi,
        contract: Contract,
        tables: Tables,
        prefix: str,
        authenticators: Authenticators,
        throttles: Throttles,
    ) -> None:
        self.name = name
        self.package = package
        self.contract = contract
        self._tables = tables
        self.prefix = prefix
        self.api = api
        self.authenticators = authenticators
        self.throttles = throttles
        self.serializers = Serializers(tables, api.settings, authenticators, prefix)
        self.own_permissions = OwnPermissions(package, tables, authenticators)
        self.endpoints = [WrittenEndpoint(as_action(each), route) for each, route in endpoints]
        self.resources = FeatureResources(
            name, self.endpoints, api=api, tables=tables, authenticators=authenticators, serializers=self.serializers
        )
        self.paths: dict[str, list[WrittenEndpoint]] = {}
        self._caller_links: dict[tuple[str, str, str], WrittenLink] = {}
        for each in self.endpoints:
            self.paths.setdefault(each.endpoint.path, []).append(each)
            self._prepare(each)
        self.rules = {
            path: permission_by_method({each.endpoint.method: each.rule for each in found}, self._unoffered(found[0]))
            for path, found in self.paths.items()
        }

    @property
    def answers(self) -> list[WrittenSerializer]:
        """The serializers that endpoints answer with."""
        shown = [each.answers or each.serializer for each in self.endpoints]
        return list({each.constant: each for each in shown if each}.values())

    @property
    def views(self) -> str:
        """Django's views, as a docstring names them."""
        names = sorted({each.endpoint.view.rpartition(".")[2] for each in self.endpoints})
        more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
        return f"{', '.join(names[:_NAMED])}{more}"

    def _unoffered(self, one: WrittenEndpoint) -> dict[str, Rule]:
        """The rules of the other methods of an endpoint's path, and of OPTIONS, where those have their own."""
        return {
            method: self._rule(one.endpoint.model_copy(update={**dict(permissions), "method": method, "action": None}))
            for method, permissions in one.endpoint.unoffered.items()
        }

    def _rule(self, endpoint: DjangoEndpoint) -> Rule:
        """Whom an endpoint lets in."""
        return permission_of(endpoint, self.authenticators.account_tables, self._tables, self.own_permissions)

    def _prepare(self, each: WrittenEndpoint) -> None:
        """Finds the gaps of an endpoint, and writes its serializer and its resource."""
        endpoint = each.endpoint
        if endpoint.model is not None and endpoint.model.table not in self.contract.tables:
            each.gaps.append(f"table {endpoint.model.table} is not in the contract")
            return
        each.rule = self._rule(endpoint)
        each.gaps += self.throttles.gaps(endpoint)
        if (worded := self.api.settings.error_gap) is not None:
            each.functions.append(worded)
        if (token_view := self.authenticators.account_tables.token_action(endpoint)) is not None:
            self._prepare_token_view(each, token_view)
            each.gaps += each.rule.gaps
            return
        if self.authenticators.account_tables.is_auth_token_view(endpoint):
            gap = self.authenticators.account_tables.auth_token_gap()
            each.gaps += [*request_gaps(endpoint), *self.authenticators.gaps(endpoint), *([gap] if gap else [])]
            each.functions += self.authenticators.unported(endpoint)
            each.gives_token = not each.gaps
            return
        if endpoint.root is not None:
            self._prepare_root(each, endpoint.root)
            return
        each.gaps += handler_gaps(endpoint)
        each.remarks += options_remarks(endpoint)
        each.gaps += self.authenticators.gaps(endpoint)
        each.functions += [*self.authenticators.unported(endpoint), *each.rule.gaps]
        action = endpoint.action or ""
        each.functions += self.effect_gaps(endpoint)
        if action == "destroy":
            each.saves = [*saving_gaps(endpoint)]
            each.functions += each.saves
        try:
            # What marks a row in place of its end shows none.
            is_shown = action != "destroy" and (action, endpoint.method) != ("assign", "DELETE")
            if endpoint.serializer is not None and is_shown:
                self._write_serializers(each, endpoint.serializer, action)
                self._describe(each)
                if action == "create":
                    self._fill(each, endpoint.serializer)
            elif action in ACTIONS and action not in BODILESS:
                raise UnreadableError("there is no serializer")
            if action == "assign":
                self._assign(each)
            if action == "link":
                self._link(each)
            if not each.gaps:
                self.resources.use(each, action)
        except UnreadableError as gap:
            each.gaps.append(str(gap))

    def effect_gaps(self, endpoint: DjangoEndpoint) -> list[str]:
        """What else Django does when the rows of an action are written."""
        if endpoint.model is None:
            return []
        action, table = endpoint.action or "", endpoint.model.table
        along = gaps_along(self.contract, table) if action == "destroy" else ()
        effects = effects_of(self.contract, table, (action,), endpoint.serializer)
        return [*(each.gap for each in effects), *along]

    def effects(self, resource: WrittenResource) -> list[WrittenEffect]:
        """What else Django does when a resource's rows are written."""
        facts = resource.serializer.facts
        return effects_of(self.contract, facts.table or "", resource.actions, facts)

    def _assign(self, each: WrittenEndpoint) -> None:
        """Uses the columns that a handler gives constants."""
        endpoint = each.endpoint
        assert endpoint.model is not None and endpoint.handler is not None  # noqa: PT018, S101 - there is its row
        for field, (kind, *_) in endpoint.handler.changes.items():
            name, facts = self._tables.column_of(endpoint.model.table, field)
            if facts.written_by:
                each.gaps.append(f"column {name}: written by {facts.written_by[0]}")
            self._tables.use(endpoint.model.table, name)
            each.performed.append(self._tables.attribute_of(endpoint.model.table, name))
            each.counted += each.performed[-1:] if kind in ("toggle", "add") else []

    def _link(self, each: WrittenEndpoint) -> None:
        """Uses the table whose rows link those of the path to callers."""
        endpoint = each.endpoint
        assert endpoint.handler is not None and endpoint.handler.links is not None  # noqa: PT018, S101 - it was read so
        links = endpoint.handler.links
        row, facts = self._tables.column_of(links.table, links.row)
        if endpoint.model is None or facts.references is None or facts.references.table != endpoint.model.table:
            raise UnreadableError(f"{links.table}.{links.row} points at other rows")
        caller = self.authenticators.caller_column(links.table, links.caller)
        if caller is None:
            raise UnreadableError("the service can't tell callers apart")
        made = self._tables.use(links.table, row)
        link = WrittenLink(made, self._tables.attribute_of(links.table, row), caller)
        key = (link.model, link.row, link.caller)
        each.link = self._caller_links.setdefault(key, link)
        each.link.writes |= links.writes
        actions = [{"add": "create", "remove": "destroy"}[what] for what in sorted(links.writes)]
        each.gaps += [effect.gap for effect in effects_of(self.contract, links.table, actions)]
        each.gaps += [*gaps_along(self.contract, links.table)] if "remove" in links.writes else []
        table = self._tables.facts(links.table)
        each.gaps += [f"signal {receiver}" for receiver in table.link_receivers]
        for name, column in table.columns.items():
            is_unknown = not is_known_callable(column.default_callable or "")
            is_given = name in (row, self._tables.column_of(links.table, links.caller)[0])
            if "add" in links.writes and not is_given and (column.must_be_given or is_unknown or column.written_by):
                each.gaps.append(f"column {name} of {links.table} gets no value that is known here")

    def _fill(self, each: WrittenEndpoint, serializer: SerializerFacts) -> None:
        """Finds the columns that no body fills: what saves it does, or nothing, so that Django answers 500."""
        if serializer.table is None:
            return
        # Rows within are written by what saves it.
        plain = [field for field in serializer.fields if not (field.read_only or field.serializer)]
        creation = each.endpoint.creation
        given = {field.source for field in plain} | {each.endpoint.creator, *(creation.fields if creation else ())}
        saving = each.endpoint.saving.get("perform_create")
        given |= {*saving.given} if saving else set()
        if each.nested is not None:
            given |= {field.source for field in serializer.fields if field.serializer and not field.read_only}
        table = self._tables.facts(serializer.table)
        for name, facts in table.columns.items():
            # Of a `pre_save` that is with the receivers there is an effect.
            path = facts.default_callable or ""
            is_unknown = not is_known_callable(path) and f"pre_save {path}" not in table.receivers
            if not (facts.must_be_given or is_unknown) or not given.isdisjoint({name, facts.field}):
                continue
            if each.saves:
                self._tables.use(serializer.table, name)
                each.performed.append(self._tables.attribute_of(serializer.table, name))
            elif is_unknown:
                each.gaps.append(f"column {name}: its default is {path}")
            else:
                each.gaps.append(f"column {name} gets no value, so Django fails with 500")

    def _write_serializers(self, each: WrittenEndpoint, facts: SerializerFacts, action: str) -> None:
        """What reads the body of an endpoint, and what it answers by."""
        annotated, shown = self.resources.annotated(each.endpoint), facts.answering(action)
        taken = facts if action in WRITES else shown
        each.serializer = self.serializers.write(taken, annotated=annotated)
        written = [each.serializer]
        if shown is not taken:
            each.answers = self.serializers.write(shown, annotated=annotated)
            written.append(each.answers)
        for one in written:
            each.gaps += one.reads
            each.functions += one.function_gaps()
        if action in WRITES and each.endpoint.describes and (others := each.serializer.undescribed()):
            each.remarks.append(f"OPTIONS describes rows within otherwise: {'; '.join(others)}")
        saving = each.serializer.saving_gap(action)
        each.saves = [*saving_gaps(each.endpoint)]
        each.nested = None if each.saves else self._nested(each.serializer, action)
        each.saves += [saving] if saving and each.nested is None else []
        each.functions += each.saves
        each.gaps += each.serializer.write_gaps(action, is_saved=bool(each.saves or each.nested))

    def _nested(self, written: WrittenSerializer, action: str) -> Code | None:
        """What writes the rows within a body as a method of the project's own does; None where that is unknown."""
        found = written.rows_saved(action)
        if found is None:
            return None
        for field in (each for each in written.facts.fields if each.name in written.taken):
            is_known = field.pointing is not None or (field.link in ("many_to_one", "one_to_one") and not found.bulk)
            if not is_known or field.serializer is None or self._calls_for(field, bulk=found.bulk):
                return None
        bulk = {"bulk": "True"} if found.bulk else {}
        if action == "create":
            return call("NestedCreate", **bulk)
        return call("NestedUpdate", when=quoted(found.when), **bulk)

    def _calls_for(self, field: SerializerField, *, bulk: bool) -> bool:
        """Whether code of the project's own has a part in writing rows within: of models, or of columns."""
        assert field.serializer is not None  # noqa: S101 - the caller has looked
        table = field.pointing["table"] if field.pointing else field.serializer.table or ""
        if field.many:
            actions: tuple[str, ...] = ("destroy",) if bulk else ("create", "destroy")
            deleted = gaps_along(self.contract, table)
        else:
            actions, deleted = ("create", "update"), iter(())
        if effects_of(self.contract, table, actions) or any(deleted):
            return True
        taken = [each for each in field.serializer.fields if not each.read_only]
        given = {each.source for each in taken} | ({field.pointing["field"]} if field.pointing else set())
        # Rows within these, links, and files of which Django keeps none in bulk.
        others = (each.serializer or each.many or "File" in each.kind or "Image" in each.kind for each in taken)
        if any(others):
            return True
        columns = self._tables.facts(table).columns.items()
        return any(
            facts.must_be_given or not is_known_callable(facts.default_callable or "")
            for name, facts in columns
            if given.isdisjoint({name, facts.field})
        )

    def _describe(self, each: WrittenEndpoint) -> None:
        """Finds what OPTIONS says of the body, as far as it can be said."""
        if each.endpoint.described is None:
            return
        try:
            written = self.serializers.write(each.endpoint.described, annotated=self.resources.annotated(each.endpoint))
        except UnreadableError as gap:
            each.remarks.append(f"OPTIONS describes another body: {gap}")
            return
        if written.reads or written.writes:
            each.remarks.append(f"OPTIONS describes another body: {'; '.join((*written.reads, *written.writes))}")
        else:
            each.described = written

    def _prepare_root(self, each: WrittenEndpoint, root: Iterable[tuple[str, str]]) -> None:
        """Has the root of a router list its paths."""
        each.gaps += [*request_gaps(each.endpoint), *self.authenticators.gaps(each.endpoint)]
        each.functions += [*self.authenticators.unported(each.endpoint), *each.rule.gaps]
        outside = [path for _name, path in root if not path.startswith(f"{self.prefix}/")]
        each.gaps += [f"the root lists {path}, which isn't below the API's prefix" for path in outside]

    def _added(self, each: WrittenEndpoint, additions: Iterable[TokenAddition]) -> list[tuple[str | None, Code]]:
        """What a sign-in adds, each as a resource that shows the user, or as a constant."""
        shown = ((one.name, one.serializer, one.value) for one in additions)
        return [
            (name, quoted(value) if facts is None else f"{self.resources.show(each, facts).constant}.show")
            for name, facts, value in shown
        ]

    def _prepare_token_view(self, each: WrittenEndpoint, token_view: str) -> None:
        """Has `token_router` answer a view of simplejwt, which has one of each kind."""
        each.gaps += request_gaps(each.endpoint)
        tables = self.authenticators.account_tables
        each.gaps += [gap for gap in (tables.token_gap(), tables.caller_gap(token_view)) if gap is not None]
        facts = each.endpoint.token_view
        each.gaps += [facts.gap] if facts and facts.gap else []
        try:
            if facts is not None and not each.gaps:
                each.additions = {name: self._added(each, getattr(facts, name)) for name in ("claims", "answer")}
        except UnreadableError as gap:
            each.gaps.append(str(gap))
        if any(other.token_view == token_view for other in self.endpoints):
            each.gaps.append(f"a second view of {each.endpoint.view.rpartition('.')[2]}")
        if not each.gaps:
            each.token_view = token_view
