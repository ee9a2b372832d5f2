"""Addresses of tokens and users, below `/api/`."""

from django.urls import include, path
from rest_framework.routers import SimpleRouter
from rest_framework_simplejwt.views import TokenBlacklistView, TokenObtainPairView, TokenRefreshView, TokenVerifyView

from django_app.accounts.views import UserPostsView, UserViewSet

router = SimpleRouter()
router.register("users", UserViewSet, basename="user")

urlpatterns = [
    path("auth/token/", TokenObtainPairView.as_view(), name="token-obtain"),
    path("auth/token/refresh/", TokenRefreshView.as_view(), name="token-refresh"),
    path("auth/token/verify/", TokenVerifyView.as_view(), name="token-verify"),
    path("auth/token/blacklist/", TokenBlacklistView.as_view(), name="token-blacklist"),
    path("users/<str:pk>/posts/", UserPostsView.as_view(), name="user-posts"),
    path("", include(router.urls)),
]
