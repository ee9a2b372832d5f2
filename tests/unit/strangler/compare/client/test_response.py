"""A body without its content coding."""

import gzip
import zlib

import pytest

from strangler.compare.client.response import body_decoded

BODY = b'{"count":1}' * 100
RAW = zlib.compressobj(wbits=-zlib.MAX_WBITS)


@pytest.mark.parametrize(
    ("coding", "sent"),
    [
        ("gzip", gzip.compress(BODY)),
        ("X-GZIP ", gzip.compress(BODY)),
        ("gzip", gzip.compress(BODY[:50]) + gzip.compress(BODY[50:])),
        ("deflate", zlib.compress(BODY)),
        ("deflate", RAW.compress(BODY) + RAW.flush()),
        ("", BODY),
        ("br", BODY),
    ],
)
def test_a_body_is_compared_without_the_coding_that_it_was_sent_in(coding: str, sent: bytes) -> None:
    assert body_decoded(sent, coding, limit=len(BODY)) == BODY


@pytest.mark.parametrize("coding", ["gzip", "deflate"])
def test_an_answer_without_a_body_has_none_in_any_coding(coding: str) -> None:
    assert body_decoded(b"", coding, limit=1) == b""


def test_a_bomb_is_read_no_further_than_the_limit() -> None:
    assert len(body_decoded(gzip.compress(b" " * 10_000_000), "gzip", limit=1000)) == 1001


@pytest.mark.parametrize(
    ("coding", "sent"), [("gzip", gzip.compress(BODY)[:-1]), ("deflate", zlib.compress(BODY)[:-9])]
)
def test_half_a_body_is_refused(coding: str, sent: bytes) -> None:
    with pytest.raises(zlib.error):
        body_decoded(sent, coding, limit=len(BODY))
