"""The depot's paths, with the form that browsers sign in by beside the API."""

from django.urls import include, path

from tests.depot.urls import urlpatterns as plain

urlpatterns = [path("accounts/", include("rest_framework.urls")), *plain]
