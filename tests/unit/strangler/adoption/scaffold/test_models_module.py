"""The module of the tables' classes, which grows."""

from shared_schema.contract.contract import Contract
from strangler.adoption.scaffold.models_module import classes_there, models_added, models_text
from strangler.adoption.scaffold.tables import Tables
from tests.unit.strangler.adoption.scaffold.harbour import CONTRACT, TABLES


def test_models_grow_by_what_is_lacking_and_by_nothing_else() -> None:
    tables = Tables(CONTRACT)
    tables.use("boat", "name")
    before = models_text(tables, package="harbour", base="Table", contract="FILE", title="harbour")
    assert models_added(before, tables, package="harbour") == before
    tables.use("boat", "built_at")
    tables.use("berth", "place")
    after = models_added(before, tables, package="harbour")
    assert "    name: Mapped[str]\n    built_at: Mapped[datetime | None]\n" in after
    assert 'class Berth(Table):\n    """Django\'s harbour.Berth: berth."""\n' in after
    assert after.startswith(
        '"""The tables of harbour, as far as FastAPI needs them."""\n\nfrom datetime import datetime\n'
    )
    compile(after, "models.py", "exec")
    assert models_added(after, tables, package="harbour") == after


def test_models_of_one_name_in_two_apps_are_two_classes() -> None:
    of_crews = TABLES["berth"] | {"name": "crew_berth", "model": "crew_quarters.Berth"}
    contract = Contract.model_validate({"format": 2, "tables": TABLES | {"crew_berth": of_crews}})
    tables = Tables(contract)
    assert [tables.use(name) for name in ("berth", "crew_berth", "boat")] == [
        *("HarbourBerth", "CrewQuartersBerth", "Boat"),
    ]
    text = models_text(tables, package="harbour", base="Table", contract="FILE", title="harbour")
    assert "class HarbourBerth(Table):" in text
    assert "class CrewQuartersBerth(Table):" in text
    # One that is there keeps its name.
    there = classes_there(text.replace("HarbourBerth", "Berth"))
    assert Tables(contract, there).use("berth") == "Berth"


def test_a_column_whose_name_is_none_of_pythons_has_an_attribute_of_another() -> None:
    tables = Tables(CONTRACT)
    tables.use("crate", "key", "Unit Price")
    before = models_text(tables, package="harbour", base="Table", contract="FILE", title="harbour")
    assert '    __columns__ = {"Unit_Price": "Unit Price"}\n' in before
    assert "    key: Mapped[str]\n" in before
    tables.use("crate", "class")
    after = models_added(before, tables, package="harbour")
    assert '"class_": "class"' in after
    assert after.count("__columns__") == 1
    compile(after, "models.py", "exec")
