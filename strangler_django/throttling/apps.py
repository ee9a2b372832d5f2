"""The app's configuration."""

from django.apps import AppConfig


class ThrottlingConfig(AppConfig):
    """One table, which both stacks count in."""

    name = "strangler_django.throttling"
    label = "strangler_throttling"
    verbose_name = "Throttling"

    def ready(self) -> None:
        """Have the throttles count there, but for those that a project has given a cache of their own."""
        from rest_framework.throttling import SimpleRateThrottle

        from strangler_django.throttling.histories import HistoryCache

        SimpleRateThrottle.cache = HistoryCache()  # type: ignore[assignment] # it has what they call of a cache
