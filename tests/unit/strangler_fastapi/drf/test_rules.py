"""Rules about several values of a body."""

import pytest

from strangler_fastapi.drf.fields.fields import Scope
from strangler_fastapi.drf.rules import UniqueTogetherValidator
from strangler_fastapi.drf.validators import Invalid


async def test_what_is_unique_together_is_required_under_the_names_of_the_body() -> None:
    rule = UniqueTogetherValidator(object, ("name", "berth_id"), keys=("name", "berth"))
    with pytest.raises(Invalid) as refused:
        await rule({"name": "x"}, Scope(session=None))  # type: ignore[arg-type] # it isn't asked
    assert refused.value.detail == {"berth": ["This field is required."]}
    assert rule.refusal == "The fields name, berth must make a unique set."
