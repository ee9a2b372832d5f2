"""Sign-ins as projects have them, by serializers of their own that derive from simplejwt's."""

from typing import Any, ClassVar

from django.contrib.auth import get_user_model
from django.urls import path
from django.utils.translation import gettext_lazy
from rest_framework import generics, permissions, serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework_simplejwt import views
from rest_framework_simplejwt.authentication import JWTAuthentication
from rest_framework_simplejwt.serializers import (
    TokenObtainPairSerializer,
    TokenObtainSlidingSerializer,
    TokenVerifySerializer,
)

User: Any = get_user_model()


class UserSerializer(serializers.ModelSerializer[Any]):
    name = serializers.SerializerMethodField()

    class Meta:
        model = User
        fields = ("id", "username", "email", "last_login", "date_joined", "name")

    def get_name(self, obj: Any) -> str:
        return f"{obj.first_name} {obj.last_name}".strip() or str(obj.username)


class ClaimsSerializer(TokenObtainPairSerializer):
    """Claims alone."""

    @classmethod
    def get_token(cls, user: Any) -> Any:
        token = super().get_token(user)
        # What clients show.
        token["username"] = user.username
        token["is_staff"] = user.is_staff
        token["name"] = user.get_full_name()
        token["email"] = getattr(user, "email", "nobody@example.org")
        token["role"] = "admin" if user.is_superuser else "user"
        token["issued_by"] = "shop"
        return token


class AnswerSerializer(ClaimsSerializer):
    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        data: Any = super().validate(attrs)
        data["user"] = UserSerializer(self.user).data
        data.update({"email": self.user.email, "message": "Welcome", "is_admin": self.user.is_superuser})
        data.update(UserSerializer(self.user, context=self.context).data)
        return data


class SlidingSerializer(TokenObtainSlidingSerializer):
    @classmethod
    def get_token(cls, user: Any) -> Any:
        token = super().get_token(user)
        token["key"] = str(user.id)
        return token

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        data: Any = super().validate(attrs)
        data["username"] = self.user.username
        return data


class ClaimsView(views.TokenObtainPairView):
    """Signs a user in."""

    serializer_class = ClaimsSerializer
    permission_classes = (permissions.AllowAny,)


class AnswerView(views.TokenObtainPairView):
    serializer_class = AnswerSerializer


class SlidingView(views.TokenObtainSlidingView):
    serializer_class = SlidingSerializer


class Me(generics.RetrieveAPIView[Any]):
    serializer_class = UserSerializer
    authentication_classes = (JWTAuthentication,)
    permission_classes = (permissions.IsAuthenticated,)

    def get_object(self) -> Any:
        return self.request.user


class GroupsSerializer(TokenObtainPairSerializer):
    @classmethod
    def get_token(cls, user: Any) -> Any:
        token = super().get_token(user)
        token["groups"] = [each.name for each in user.groups.all()]
        return token


class JoinedSerializer(TokenObtainPairSerializer):
    @classmethod
    def get_token(cls, user: Any) -> Any:
        token = super().get_token(user)
        token["joined"] = user.date_joined
        return token


class EndSerializer(TokenObtainPairSerializer):
    @classmethod
    def get_token(cls, user: Any) -> Any:
        token = super().get_token(user)
        token["exp"] = 0
        return token


class LowerSerializer(TokenObtainPairSerializer):
    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        attrs["username"] = attrs["username"].lower()
        return super().validate(attrs)


class EmailSerializer(TokenObtainPairSerializer):
    username_field = "email"


class FieldSerializer(TokenObtainPairSerializer):
    device = serializers.CharField()


class SecondSerializer(TokenObtainPairSerializer):
    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        data: Any = super().validate(attrs)
        refresh = self.get_token(self.user)
        data["refresh"] = str(refresh)
        return data


class VerifySerializer(TokenVerifySerializer):
    def validate(self, attrs: Any) -> Any:
        super().validate(attrs)
        return {"valid": True}


class RefusalSerializer(ClaimsSerializer):
    default_error_messages: ClassVar = {"no_active_account": "Wrong name or password."}


class MessagesSerializer(TokenObtainPairSerializer):
    default_error_messages: ClassVar = {"no_active_account": gettext_lazy("No such user.")}


class CookieView(views.TokenObtainPairView):
    def post(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        response = super().post(request, *args, **kwargs)
        response.set_cookie("access", response.data["access"])
        return response


class VerifyView(views.TokenVerifyView):
    serializer_class = VerifySerializer


class RefusalView(views.TokenObtainPairView):
    serializer_class = RefusalSerializer


class LowerView(views.TokenObtainPairView):
    serializer_class = LowerSerializer


GAPS: dict[Any, str] = {
    GroupsSerializer: "GroupsSerializer.get_token: groups is [each.name for each in user.groups.all()]",
    JoinedSerializer: "JoinedSerializer.get_token: joined is user.date_joined",
    EndSerializer: "EndSerializer gives tokens another exp",
    LowerSerializer: "LowerSerializer.validate is your own",
    EmailSerializer: "EmailSerializer signs in by email",
    FieldSerializer: "FieldSerializer has fields of its own",
    SecondSerializer: "SecondSerializer.validate: refresh = self.get_token(self.user)",
    MessagesSerializer: "MessagesSerializer.default_error_messages is your own",
}
urlpatterns = [
    path("me/", Me.as_view()),
    path("claims/token/", ClaimsView.as_view()),
    path("answer/token/", AnswerView.as_view()),
    path("refusal/token/", RefusalView.as_view()),
    path("sliding/token/", SlidingView.as_view()),
    path("claims/refresh/", views.TokenRefreshView.as_view()),
    path("cookie/token/", CookieView.as_view()),
    path("verify/token/", VerifyView.as_view()),
    path("lower/token/", LowerView.as_view()),
]
