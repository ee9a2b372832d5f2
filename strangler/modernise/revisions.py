"""A stage as a revision in Alembic's folder: for every other database, and as the record of this one."""

from dataclasses import replace
from importlib.resources import files
from pathlib import Path

from strangler.handover.schema_text import VERSION_TABLE
from strangler.handover.steps import Action, Step, Work, literal, quoted
from strangler.rollout.atomic_write import remove_durably, write_durably


def revision_name(name: str, stage: str) -> str:
    """Alembic's name of a stage."""
    return f"{name}_{stage}"


def revision_write(folder: Path, stage: Step, *, title: str, revision: str, previous: str) -> None:
    """Write the revision's file; whoever runs it elsewhere gets the same schema.

    :raises OSError: the folder isn't writable.
    """
    undo = [statement for action in reversed(stage.actions) for statement in action.undo]
    is_last = stage.kind == "contract"
    template = files("strangler.modernise").joinpath("templates", "revision.py.template").read_text(encoding="utf-8")
    values = {
        "title": _plain(title),
        "stage": stage.kind,
        "revision": revision,
        "previous": previous,
        "upgrade": _tuple([statement for action in stage.actions for statement in _statements(action)]),
        "downgrade": _tuple([] if is_last else undo),
        "does": _plain(f"{stage.title}."),
        "undoes": "What is dropped is in an archive, and not in here." if is_last else "Undo that.",
        "back": 'raise NotImplementedError("contract can\'t be undone")' if is_last else "_run(DOWNGRADE)",
    }
    for name, value in values.items():
        template = template.replace(f"{{{name}}}", value)
    write_durably(revision_file(folder, revision), template.encode())


def revision_remove(folder: Path, revision: str) -> None:
    """Remove the file of a stage that was undone."""
    remove_durably(revision_file(folder, revision))


def revision_file(folder: Path, revision: str) -> Path:
    """Where the revision is."""
    return folder / "versions" / f"{revision}.py"


def stamped(stage: Step, schema: str, *, revision: str, previous: str) -> Step:
    """The stage whose last transaction also tells Alembic that it is done."""
    table = quoted(schema, VERSION_TABLE)

    def stamp(new: str, old: str) -> str:
        update = f"UPDATE {table} SET version_num = {literal(new)} WHERE version_num = {literal(old)}"  # noqa: S608 - quoted
        refusal = f"RAISE EXCEPTION {literal(f'{VERSION_TABLE} is not at {old} any more')}"
        return f"DO $strangler$BEGIN {update}; IF NOT FOUND THEN {refusal}; END IF; END$strangler$"

    *others, last = stage.actions or (Action(table=f"{schema}.{VERSION_TABLE}"),)
    if last.work is not None or last.concurrently:
        others, last = [*others, last], Action(table=f"{schema}.{VERSION_TABLE}")
    statements = (*last.statements, stamp(revision, previous))
    both = replace(last, statements=statements, undo=(stamp(previous, revision), *last.undo))
    return replace(stage, actions=(*others, both))


def _plain(text: str) -> str:
    """Text for a docstring."""
    return text.replace("\\", "/").replace('"', "'")


def _statements(action: Action) -> list[str]:
    # As in the baseline, rights are no part of the schema: another server has other roles.
    kept = [statement for statement in action.statements if not statement.startswith("GRANT ")]
    return [*kept, *([] if action.work is None else _of_work(action.work))]


def _of_work(work: Work) -> list[str]:
    """The work in one statement, for databases where nobody waits."""
    if work.kind == "backfill":
        return [f"UPDATE {work.table} SET {work.assignment} WHERE {work.condition}"]  # noqa: S608 - quoted names
    if work.kind == "compare":
        return [_refusal(f"SELECT FROM {work.table} WHERE {work.condition}", f"{work.name} differ")]
    return []


def _refusal(rows: str, message: str) -> str:
    """A statement that fails where there are such rows."""
    return f"DO $strangler$BEGIN IF EXISTS ({rows}) THEN RAISE EXCEPTION {literal(message)}; END IF; END$strangler$"


def _tuple(statements: list[str]) -> str:
    lines = "".join(f"    {statement!r},\n" for statement in statements)
    return f"(\n{lines})" if lines else "()"
