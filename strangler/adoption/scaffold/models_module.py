"""The service's `models.py`: a class for each table, with the columns that code needs."""

import ast
from collections.abc import Mapping, Sequence

from shared_schema.contract.contract import ColumnFacts, TableFacts
from strangler.adoption.scaffold.code import dictionary, quoted, statement
from strangler.adoption.scaffold.modules import import_blocks
from strangler.adoption.scaffold.tables import Tables, annotation, attribute_name, imports_of

Columns = Sequence[tuple[str, ColumnFacts]]


def models_text(tables: Tables, *, package: str, base: str, contract: str, title: str) -> str:
    """The whole module; `contract` is the expression of the contract file's path, `base` the classes' base."""
    used = list(tables.used())
    imports = {"pathlib": {"Path"}, "shared_schema.mapping": {"Mapping", "Reflected"}, "sqlalchemy.orm": {"Mapped"}}
    imports |= imports_of(annotation(facts) for _, columns in used for _, facts in columns)
    blocks = [
        f'"""The tables of {title}, as far as FastAPI needs them."""',
        *import_blocks(imports, package),
        f"MAPPING = Mapping(contract={contract})",
        f'\nclass {base}(Reflected):\n    """A table of {title}."""\n\n    __mapping__ = MAPPING',
        *(class_text(tables.class_name(facts), facts, columns, base) for facts, columns in used),
    ]
    return "\n\n".join(block.rstrip("\n") for block in blocks) + "\n"


def class_text(name: str, facts: TableFacts, columns: Columns, base: str) -> str:
    """The class of one table."""
    schema = f'    __schema__ = "{facts.schema_name}"\n' if facts.schema_name else ""
    noun = facts.verbose_name or facts.name
    lines = "".join(f"    {_attribute(each, column)}\n" for each, column in columns)
    head = f'\nclass {name}({base}):\n    """Django\'s {facts.model}: {noun}."""\n\n'
    return f'{head}    __tablename__ = "{facts.name}"\n{schema}{_renamed(columns)}\n{lines}'


def classes_there(text: str) -> dict[str, str]:
    """The names of a module's classes, by their tables; none where it is no Python."""
    try:
        found = [each for each in ast.walk(ast.parse(text)) if isinstance(each, ast.ClassDef)]
    except SyntaxError:
        return {}
    return {table: each.name for each in found for table in _table_names(each)}


def models_added(text: str, tables: Tables, *, package: str) -> str:
    """A module that is there, with the classes and the columns that it lacks; all else stays as it is.

    :raises SyntaxError: it is no Python.
    """
    module = ast.parse(text)
    classes = {name: each for each in ast.walk(module) if isinstance(each, ast.ClassDef) for name in _table_names(each)}
    lines = text.splitlines(keepends=True)
    new: list[tuple[TableFacts, Columns]] = []
    added: dict[int, list[str]] = {}
    annotations: list[str] = []
    for facts, columns in tables.used():
        found = classes.get(facts.name)
        if found is None:
            new.append((facts, columns))
            annotations += [annotation(column) for _, column in columns]
            continue
        has = {
            each.target.id
            for each in found.body
            if isinstance(each, ast.AnnAssign) and isinstance(each.target, ast.Name)
        }
        lacking = [(name, column) for name, column in columns if attribute_name(name) not in has]
        annotations += [annotation(column) for _, column in lacking]
        last = max(each.end_lineno or 0 for each in found.body if not isinstance(each, ast.FunctionDef))
        added[last] = [f"    {_attribute(name, column)}\n" for name, column in lacking]
        if lacking and (renamed := _renamed(columns)):
            before = next((each for each in found.body if "__columns__" in _assigned(each)), None)
            if before is None:
                added[last].insert(0, renamed)
            else:
                lines[before.lineno - 1 : before.end_lineno] = [
                    renamed,
                    *([""] * ((before.end_lineno or 0) - before.lineno)),
                ]
    for last in sorted(added, reverse=True):
        lines[last:last] = added[last]
    base = _base(module)
    texts = [class_text(tables.class_name(facts), facts, columns, base) for facts, columns in new]
    whole = "".join(lines).rstrip("\n") + "\n" + "".join(f"\n{each}" for each in texts)
    return _imported(whole, imports_of(annotations), package) if new or any(added.values()) else text


def _attribute(column: str, facts: ColumnFacts) -> str:
    return f"{attribute_name(column)}: Mapped[{annotation(facts)}]"


def _renamed(columns: Columns) -> str:
    """The line that says which columns have attributes of other names; empty where none has."""
    names = {attribute_name(name): name for name, _ in columns}
    others = {attribute: quoted(name) for attribute, name in names.items() if attribute != name}
    return f"{statement('__columns__', dictionary(others), indent=4)}\n" if others else ""


def _assigned(found: ast.stmt) -> set[str]:
    """The names that a statement gives values."""
    targets = found.targets if isinstance(found, ast.Assign) else ()
    return {target.id for target in targets if isinstance(target, ast.Name)}


def _table_names(found: ast.ClassDef) -> list[str]:
    """The table of a class that names one."""
    return [
        str(each.value.value)
        for each in found.body
        if isinstance(each, ast.Assign)
        and isinstance(each.value, ast.Constant)
        and any(isinstance(target, ast.Name) and target.id == "__tablename__" for target in each.targets)
    ]


def _base(module: ast.Module) -> str:
    """The class that the module's own classes derive from."""
    names = [
        base.id
        for each in module.body
        if isinstance(each, ast.ClassDef) and _table_names(each)
        for base in each.bases
        if isinstance(base, ast.Name)
    ]
    return next(iter(names), "Reflected")


def _imported(text: str, needed: Mapping[str, set[str]], package: str) -> str:
    """The text with the imports that it lacks, before its first one."""
    module = ast.parse(text)
    imports = [each for each in module.body if isinstance(each, ast.ImportFrom)]
    has = {(each.module, name.name) for each in imports for name in each.names}
    lacking = {
        place: {name for name in names if (place, name) not in has}
        for place, names in needed.items()
        if any((place, name) not in has for name in names)
    }
    if not lacking or not imports:
        return text
    lines = text.splitlines(keepends=True)
    merged = dict(lacking)
    for each in imports:
        if each.module in merged:
            names = {name.name for name in each.names} | merged.pop(each.module)
            lines[each.lineno - 1 : each.end_lineno] = [*import_blocks({str(each.module): names}, package), "\n"]
            return _imported("".join(lines), needed, package)
    first = imports[0].lineno - 1
    lines[first:first] = ["\n".join(import_blocks(merged, package)) + "\n"]
    return "".join(lines)
