"""Addresses of tokens and users, below `/api/`."""

from django.db import transaction
from django.urls import include, path
from rest_framework.routers import SimpleRouter
from rest_framework_simplejwt.views import TokenBlacklistView, TokenObtainPairView, TokenRefreshView, TokenVerifyView

from django_app.accounts.views import UserPostsView, UserViewSet

router = SimpleRouter()
router.register("users", UserViewSet, basename="users")

urlpatterns = [
    # What a refused request has written stays: an attempt that counts, tokens that end.
    path("auth/token/", transaction.non_atomic_requests(TokenObtainPairView.as_view()), name="auth-token"),
    path("auth/token/refresh/", transaction.non_atomic_requests(TokenRefreshView.as_view()), name="auth-refresh"),
    path("auth/token/verify/", TokenVerifyView.as_view(), name="auth-verify"),
    path("auth/token/blacklist/", TokenBlacklistView.as_view(), name="auth-blacklist"),
    path("users/<str:pk>/posts/", UserPostsView.as_view(), name="users-posts"),
    path("", include(router.urls)),
]
