"""The shop's paths: the API has no prefix."""

from django.http import HttpResponse
from django.urls import path
from drf_spectacular.views import SpectacularJSONAPIView

from tests.second_project.catalog.views import CustomerView, LoginView, ProductList, ProductView

urlpatterns = [
    path("up", lambda _request: HttpResponse("up")),
    path("schema/", SpectacularJSONAPIView.as_view()),
    path("login/", LoginView.as_view()),
    path("me/", CustomerView.as_view()),
    path("products/", ProductList.as_view()),
    path("products/<str:sku>/", ProductView.as_view()),
]
