import json

from strangler.compare.report.model import report_json
from tests.comparison_reports import answer, example, groups, report_of, route


def test_half_a_character_can_be_written() -> None:
    found = example(answer({"a": "\ud800 and é"}), answer({"a": "b"}))
    text = report_json(report_of(route("a", *groups(found))))
    assert "é" in text.encode().decode()
    (shown,) = {each["left"]["body"] for each in json.loads(text)["routes"][0]["groups"][0]["examples"]}
    assert shown == found.left.body
