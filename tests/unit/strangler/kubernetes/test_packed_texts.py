"""What a ConfigMap holds: small texts as they are, large ones packed, and no more than the API server takes."""

import base64
import random

import pytest

from strangler.errors import UsageError
from strangler.kubernetes.packed_texts import MOST_BYTES, pack, require_room, texts_of, unpack, with_texts

LARGE = "location = /päth/ { }\n" * 10_000


def test_a_large_text_is_packed_beside_a_small_one() -> None:
    written = with_texts({"kind": "ConfigMap", "data": {"old": "gone"}}, {"small": "a\n", "large": LARGE})
    assert written["data"] == {"small": "a\n"}
    assert list(written["binaryData"]) == ["large.gz"]
    assert len(written["binaryData"]["large.gz"]) < len(LARGE) / 20
    assert texts_of(written) == {"small": "a\n", "large": LARGE}
    assert "binaryData" not in with_texts(written, {"small": "b"})


def test_equal_texts_are_packed_alike() -> None:
    assert with_texts({}, {"large": LARGE}) == with_texts({}, {"large": LARGE})


def test_what_is_not_packed_is_an_error() -> None:
    packed = base64.b64decode(pack(b"changed since" * 99))
    changed = base64.b64encode(packed[:12] + b"\xff" * 3 + packed[15:]).decode()
    for broken in ("no base64", base64.b64encode(b"no gzip").decode(), pack(b"cut off" * 99)[:20], changed):
        with pytest.raises(ValueError, match=r".+"):
            unpack(broken)


def test_more_than_a_config_map_holds_is_refused_with_what_to_do() -> None:
    noise = random.Random(1).randbytes(MOST_BYTES).hex()  # noqa: S311 - no secret
    require_room(with_texts({}, {"large": LARGE}), "this")
    with pytest.raises(UsageError, match=r"^this has 1,.* bytes, packed, and a ConfigMap holds 1,048,576") as said:
        require_room(with_texts({}, {"noise": noise}), "this")
    assert said.value.hint.startswith("name fewer routes")
