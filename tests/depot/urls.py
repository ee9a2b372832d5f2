"""The depot's paths."""

from django.http import HttpResponse
from django.urls import include, path
from drf_spectacular.views import SpectacularJSONAPIView
from rest_framework.authtoken.views import ObtainAuthToken
from rest_framework.routers import SimpleRouter
from rest_framework.throttling import AnonRateThrottle
from rest_framework_simplejwt.views import TokenObtainPairView

from tests.depot.stock.views import ItemViewSet, LabelViewSet, PaperViewSet, PlaceViewSet, WishViewSet

router = SimpleRouter()
router.register("items", ItemViewSet)
router.register("labels", LabelViewSet)
router.register("papers", PaperViewSet)
router.register("places", PlaceViewSet)
router.register("wishes", WishViewSet, basename="wish")
urlpatterns = [
    path("api/health/", lambda _request: HttpResponse("up")),
    path("api/schema/", SpectacularJSONAPIView.as_view()),
    path("api/key/", ObtainAuthToken.as_view()),
    path("api/token/", TokenObtainPairView.as_view(throttle_classes=[AnonRateThrottle])),
    path("api/", include((router.urls, "stock"), namespace="v1")),
]
