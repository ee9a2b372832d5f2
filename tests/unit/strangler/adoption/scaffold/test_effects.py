"""What Django calls when rows are written is written, or a gap."""

from shared_schema.contract.contract import Contract
from strangler.adoption.scaffold.effects import effects_of
from strangler.adoption.scaffold.feature_modules import FeatureModules
from strangler.adoption.serializer_facts import SerializerFacts
from tests.unit.strangler.adoption.scaffold.harbour import CREATE, ID, LIST, NAME, SERIALIZER, TABLES, feature, text_of


def test_what_django_calls_when_rows_are_written_is_a_function_to_fill_in() -> None:
    place = {"name": "place", "kind": "CharField", "source": "place", "required": True, "changed": {}}
    berths = {"class": "harbour.api.BerthSerializer", "model": "harbour.Berth", "table": "berth", "fields": [place]}
    of_berths = {"model": {"label": "harbour.Berth", "table": "berth"}, "serializer": berths, "queryset": {}}
    destroy = {"method": "DELETE", "action": "destroy", "path": "/api/boats/{pk}/"}
    made = feature(LIST | of_berths, CREATE | of_berths, LIST | of_berths | destroy)
    count, saved, gone = "signal post_save harbour.signals.count", "harbour.Berth.save is your own", "signal pre_delete"
    assert [(each.gaps, each.functions) for each in made.endpoints] == [
        ([], []),
        ([], [saved, count]),
        ([], [f"{gone} harbour.signals.count", "signal post_delete harbour.signals.left"]),
    ]
    effects = text_of(made, "effects.py")
    assert f'@unported("{saved}")\nasync def berth_save(session: RequestSession, write: RowWrite) -> None:' in effects
    assert 'Effect("harbour.Berth.save", before=berth_save),' in effects
    # One function is called at either time, for either action.
    assert effects.count("async def count(") == 1
    assert 'Effect("harbour.signals.count", after=count, before=count),' in effects
    assert "effects=BOATS_EFFECTS," in text_of(made, "serializers.py")
    router = text_of(made, "router.py")
    assert '.post(status=201, gaps=BOATS.unported("create"))' in router
    assert '.delete(gaps=BOATS.unported("destroy"))' in router
    assert "gaps" not in router.partition("def boats_list")[0].rpartition("@")[2]
    assert "effects.py" not in dict(FeatureModules(feature(LIST | of_berths)).modules())


def test_one_function_of_several_signals_is_called_at_each_time_whichever_action_is_written() -> None:
    """The service refuses to start with an effect that is half of what Django calls."""
    contract = Contract.model_validate({"format": 2, "tables": TABLES})
    for action in ("create", "destroy"):
        (count,) = (each for each in effects_of(contract, "berth", (action,)) if each.name == "harbour.signals.count")
        assert sorted(count.times) == ["after", "before"]


def test_what_django_calls_when_links_are_written_is_a_function_to_fill_in() -> None:
    key = {"kind": "ForeignKey", "type": "bigint", "null": False}
    columns = {
        f"{name}_id": key | {"field": name, "references": {"table": name, "column": "id", "on_delete": "CASCADE"}}
        for name in ("boat", "berth")
    }
    links = {"name": "boat_berths", "model": "harbour.Boat_berths", "columns": {"id": ID} | columns}
    links |= {
        "auto_created": True,
        "receivers": ["m2m_changed harbour.signals.moored", "post_save harbour.signals.all"],
    }
    relation = {"table": "boat_berths", "source_column": "boat_id", "target_column": "berth_id", "target": "berth"}
    boat = TABLES["boat"] | {"many_to_many": {"berths": relation}, "receivers": ["post_save harbour.signals.moored"]}
    contract = Contract.model_validate({"format": 2, "tables": TABLES | {"boat_berths": links, "boat": boat}})
    saved, moored = "signal post_save harbour.signals.moored", "signal m2m_changed harbour.signals.moored"
    for action, read_only, receivers, gaps in (
        ("create", False, ["post_save harbour.signals.moored"], [saved]),
        ("create", False, [], [moored]),
        ("partial_update", False, [], [moored]),
        ("create", True, [], []),
        ("destroy", False, [], []),
        ("list", False, [], []),
    ):
        tables = contract.tables | {"boat": contract.tables["boat"].model_copy(update={"receivers": receivers})}
        berths = {"name": "berths", "kind": "PrimaryKeyRelatedField", "source": "berths", "link": "many_to_many"}
        berths |= {"many": True, "read_only": read_only, "changed": {}}
        serializer = SerializerFacts.model_validate(SERIALIZER | {"fields": [NAME, berths]})
        effects = effects_of(contract.model_copy(update={"tables": tables}), "boat", (action,), serializer)
        assert [each.gap for each in effects] == gaps
        assert {each.times for each in effects} <= {("after",)}
