"""What the code of a view does with the rows of a request, as facts: which it narrows, and which it looks for first."""

from types import SimpleNamespace
from typing import Any

from strangler_django.endpoints.code.databases import other_databases
from strangler_django.endpoints.code.own_models import model_facts
from strangler_django.endpoints.code.read_querysets import ReadParent, ReadQueryset
from strangler_django.endpoints.lists.lists import facts_of_queryset
from strangler_django.endpoints.own_saving import ReadSaving
from strangler_django.endpoints.own_validation import read_validation


def rows_facts(read: ReadQueryset) -> dict[str, Any]:
    """What the code of a queryset does with a request."""
    within = dict(read.within)
    filters = {name: each.facts for name, each in read.filters.items()}
    found = {"owner": read.owner, "unless": read.unless, "within": within, "parameters": list(read.parameters)}
    found |= {"filters": filters, "backends": list(read.backends)}
    return found | {"parents": [parent_facts(each) for each in read.parents]}


def saving_facts(creation: ReadSaving | None, change: ReadSaving | None) -> dict[str, Any]:
    """What the code that saves a new row gives it, and what the code does that saves a changed one."""
    saving: dict[str, Any] = {}
    found: dict[str, Any] = {"creator": None, "creation": None}
    if creation is not None:
        fields = {name: creation.parents.index(each) for name, each in creation.fields.items()}
        parents = [parent_facts(each) for each in creation.parents]
        found = {"creator": creation.caller, "creation": {"parents": parents, "fields": fields} if parents else None}
        # Of what saves the caller, or parents, these say that it was read.
        if creation.given or not any(found.values()):
            saving["perform_create"] = {"given": creation.given}
    if change is not None:
        of_parents = {name: ["parent", change.parents.index(each)] for name, each in change.fields.items()}
        parents = [parent_facts(each) for each in change.parents]
        saving["perform_update"] = {"given": change.given | of_parents, "parents": parents}
    return found | {"saving": saving}


def parent_facts(read: ReadParent) -> dict[str, Any]:
    """A row of another table that is looked for first."""
    rows = read.rows
    return {
        "model": model_facts(read.model),
        "queryset": facts_of_queryset(rows.queryset, SimpleNamespace(queryset=None)),
        "owner": rows.owner,
        "within": dict(rows.within),
        "fails": read.fails,
        "detail": read.detail,
        "http404": read.http404,
        "elsewhere": other_databases(read.model, rows.queryset, None),
    }


def validated(serializer: Any, view: Any, facts: dict[str, Any]) -> dict[str, Any]:  # noqa: ANN401 - of any project
    """The facts of a serializer that a view has, with what its `validate` asks of rows, if it does no more."""
    single = getattr(serializer, "child", serializer)
    read = read_validation(view, type(single)) if "validate" in facts["overridden"] else None
    if read is None:
        return facts
    rows = [{"row": parent_facts(each.row), "refused": each.refused, "of_new": each.of_new} for each in read]
    return {**facts, "rows": rows, "overridden": [name for name in facts["overridden"] if name != "validate"]}
