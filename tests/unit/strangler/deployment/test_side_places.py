"""Where Django keeps uploads and caches is looked at before anything is written there."""

from pathlib import Path

import pytest

from shared_schema.contract.contract import Contract
from strangler.adoption.django_settings import DjangoSettings, KeptPlace
from strangler.adoption.endpoints import DjangoApi
from strangler.deployment.side_places import places_require, places_shared
from strangler.errors import UnsafeError
from strangler.schema.django_side import ManageCommand
from strangler.sections import CopiesSection

REDIS = "django.core.cache.backends.redis.RedisCache"
FILES = "django.core.cache.backends.filebased.FileBasedCache"
LOCAL = "django.core.cache.backends.locmem.LocMemCache"


def shared(*, uploads: bool = True, place: str = "/srv/media", **caches: tuple[str, str]) -> str:
    kept = {name: {"backend": backend, "place": where} for name, (backend, where) in caches.items()}
    settings = DjangoSettings.model_validate({"files": {"backend": "of files", "place": place}, "caches": kept})
    return "; ".join(what for what, _hint in places_shared(settings, has_uploads=uploads))


def test_uploads_have_to_go_to_the_sides_own_folder() -> None:
    assert shared() == "uploads of both sides would go to /srv/media"
    assert shared(place="") == "uploads of both sides would go to of files"
    assert shared(uploads=False) == ""
    assert shared(place="/strangler-side/MEDIA_ROOT/of-shop") == ""


def test_a_cache_has_to_be_the_sides_own() -> None:
    assert shared(uploads=False, default=(LOCAL, "")) == ""
    assert shared(uploads=False, default=(REDIS, "redis://127.0.0.1 shop"), web=(FILES, "/var/cache")) == (
        f"both sides would share the cache default ({REDIS}); both sides would share the cache web ({FILES})"
    )
    caches = {"default": (REDIS, "redis://127.0.0.1 shop-strangler-side"), "web": (FILES, "/strangler-side/web")}
    assert shared(uploads=False, **caches) == ""


def test_a_variable_that_is_the_same_for_both_makes_no_place_a_sides_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """Such as the number of another database of Redis, which both would have."""
    kept = KeptPlace(backend=REDIS, place="redis://127.0.0.1:6379/1 ")
    api = DjangoApi(format=1, settings=DjangoSettings(caches={"default": kept}), endpoints=())
    monkeypatch.setattr(DjangoApi, "read", lambda _project: api)
    project = ManageCommand(argv=("python", "manage.py"), cwd=Path("/"), env={})
    with pytest.raises(UnsafeError, match="both sides would share the cache default"):
        places_require(CopiesSection(own={"CACHE_DB": "1"}), project, Contract(format=2, tables={}))
