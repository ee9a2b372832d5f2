"""What Django calls when rows are written is written, or a gap."""

from shared_schema.contract.contract import Contract
from strangler.adoption.endpoints import DjangoEndpoint
from strangler.adoption.scaffold.feature_modules import FeatureModules
from strangler.adoption.scaffold.gaps import handler_gaps
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


def test_links_whose_writes_django_tells_somebody_of_are_a_gap() -> None:
    links = {
        "boat_tags": {"name": "boat_tags", "model": "harbour.Boat_tags", "columns": {"id": ID}, "auto_created": True}
    }
    links["boat_tags"]["receivers"] = ["m2m_changed harbour.signals.tagged", "post_save harbour.signals.all"]
    relation = {"table": "boat_tags", "source_column": "boat_id", "target_column": "tag_id", "target": "tag"}
    tagged = {"boat": TABLES["boat"] | {"many_to_many": {"tags": relation}}}
    contract = Contract.model_validate({"format": 2, "tables": TABLES | links | tagged})
    for action, read_only, gaps in (
        ("create", False, ["signal m2m_changed harbour.signals.tagged"]),
        ("create", True, []),
        ("destroy", False, []),
        ("list", False, []),
    ):
        tags = {"name": "labels", "kind": "ManyRelatedField", "source": "tags", "read_only": read_only, "changed": {}}
        serializer = SERIALIZER | {"fields": [NAME, tags]}
        endpoint = DjangoEndpoint.model_validate(LIST | {"action": action, "serializer": serializer})
        assert list(handler_gaps(endpoint, contract)) == gaps
