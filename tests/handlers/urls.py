"""The views of all handlers."""

from tests.handlers import refusals, views

urlpatterns = [*views.urlpatterns, *refusals.urlpatterns]
