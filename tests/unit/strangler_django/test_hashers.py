"""Hashing leaves threads to other requests, and a stored hash that is none is a wrong password."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.contrib.auth import hashers as djangos
from django.contrib.auth.hashers import check_password, make_password
from django.test import RequestFactory

from strangler_django import hashers
from strangler_django.hashers import HashingBusy, HashingBusyMiddleware, hashing_admit
from tests.unit.shared_schema.test_passwords import DJANGO, GARBAGE, PASSWORD, UNUSABLE


@pytest.fixture
def two_places(monkeypatch: pytest.MonkeyPatch) -> None:
    """One hashes and one waits."""
    monkeypatch.setattr(hashers, "_places", threading.BoundedSemaphore(1))
    monkeypatch.setattr(hashers, "_entrance", threading.BoundedSemaphore(2))


@pytest.mark.usefixtures("two_places")
@pytest.mark.parametrize("algorithm", DJANGO)
def test_one_hashes_one_waits_and_a_third_is_refused(algorithm: str, monkeypatch: pytest.MonkeyPatch) -> None:
    entered, go = threading.Semaphore(0), threading.Event()
    place = hashers._places

    class Slow:
        def __enter__(self) -> None:
            entered.release()
            place.acquire()
            go.wait(10)

        def __exit__(self, *_: object) -> None:
            place.release()

    monkeypatch.setattr(hashers, "_places", Slow())
    hasher = djangos.get_hasher(algorithm)
    with ThreadPoolExecutor(2) as pool:
        results = [pool.submit(hasher.verify, PASSWORD, DJANGO[algorithm]) for _ in range(2)]
        for _ in results:
            assert entered.acquire(timeout=10)
        try:
            for refused in (
                hashing_admit,
                lambda: hasher.verify(PASSWORD, DJANGO[algorithm]),
                lambda: make_password("x"),
            ):
                with pytest.raises(HashingBusy, match="Too many passwords"):
                    refused()
        finally:
            go.set()
        assert [result.result() for result in results] == [True, True]
    hashing_admit()


@pytest.mark.parametrize("encoded", [UNUSABLE, *GARBAGE])
def test_what_is_no_hash_is_a_wrong_password(encoded: str) -> None:
    assert not check_password(PASSWORD, encoded)


@pytest.mark.parametrize(
    "encoded", ["argon2$argon2id$v=19$m=8,t=1,p=1$c2FsdHNhbHQ$AAAA", "argon2$é", "pbkdf2_sha256$x"]
)
def test_a_malformed_hash_takes_the_time_of_a_good_one(encoded: str, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[str] = []
    monkeypatch.setattr(djangos, "make_password", made.append)
    assert not djangos.get_hasher(encoded.partition("$")[0]).verify(PASSWORD, encoded)
    assert len(made) == 1


def test_a_refusal_outside_rest_framework_is_a_503() -> None:
    middleware = HashingBusyMiddleware(lambda _request: pytest.fail("not called"))
    answer = middleware.process_exception(RequestFactory().get("/admin/login/"), HashingBusy())
    assert answer is not None
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
    assert middleware.process_exception(RequestFactory().get("/"), ValueError()) is None
