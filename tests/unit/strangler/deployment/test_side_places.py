"""Where Django keeps uploads and caches is looked at before anything is written there."""

from strangler.adoption.django_settings import DjangoSettings
from strangler.deployment.side_places import places_shared

REDIS = "django.core.cache.backends.redis.RedisCache"
FILES = "django.core.cache.backends.filebased.FileBasedCache"
LOCAL = "django.core.cache.backends.locmem.LocMemCache"


def shared(given: dict[str, str], *, uploads: bool = True, place: str = "/srv/media", **caches: tuple[str, str]) -> str:
    kept = {name: {"backend": backend, "place": where} for name, (backend, where) in caches.items()}
    settings = DjangoSettings.model_validate({"files": {"backend": "of files", "place": place}, "caches": kept})
    return "; ".join(what for what, _hint in places_shared(settings, given, has_uploads=uploads))


def test_uploads_have_to_go_to_the_sides_own_folder() -> None:
    assert shared({}) == "uploads of both sides would go to /srv/media"
    assert shared({}, place="") == "uploads of both sides would go to of files"
    assert shared({}, uploads=False) == ""
    given = {"MEDIA_ROOT": "/strangler-side/MEDIA_ROOT"}
    assert shared(given, place="/strangler-side/MEDIA_ROOT/of-shop") == ""
    # Django reads another variable.
    assert shared(given) == "uploads of both sides would go to /srv/media"


def test_a_cache_has_to_be_the_sides_own() -> None:
    assert shared({}, uploads=False, default=(LOCAL, "")) == ""
    assert shared({}, uploads=False, default=(REDIS, "redis://127.0.0.1 shop"), web=(FILES, "/var/cache")) == (
        f"both sides would share the cache default ({REDIS}); both sides would share the cache web ({FILES})"
    )
    given = {"KEY_PREFIX": "shop-strangler-side", "CACHE": "/strangler-side"}
    caches = {"default": (REDIS, "redis://127.0.0.1 shop-strangler-side"), "web": (FILES, "/strangler-side/web")}
    assert shared(given, uploads=False, **caches) == ""
