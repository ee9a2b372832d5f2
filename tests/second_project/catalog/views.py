"""The shop's API."""

from typing import Any

from django.contrib.auth import authenticate
from rest_framework import generics, permissions, serializers
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView
from rest_framework_simplejwt.tokens import AccessToken

from tests.second_project.catalog.models import Customer, Product


class ProductSerializer(serializers.ModelSerializer):
    class Meta:
        model = Product
        fields = ["sku", "name", "price", "stock"]


class CustomerSerializer(serializers.ModelSerializer):
    class Meta:
        model = Customer
        fields = ["id", "email"]


class LoginSerializer(serializers.Serializer):
    email = serializers.EmailField()
    secret = serializers.CharField()


class LoginView(APIView):
    authentication_classes = ()
    serializer_class = LoginSerializer

    def post(self, request: Request) -> Response:
        """A token for an address and its secret."""
        given = LoginSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        customer: Any = authenticate(email=given.validated_data["email"], password=given.validated_data["secret"])
        if customer is None:
            raise AuthenticationFailed
        return Response({"data": {"jwt": str(AccessToken.for_user(customer))}})


class CustomerView(generics.RetrieveAPIView):
    serializer_class = CustomerSerializer
    permission_classes = (permissions.IsAuthenticated,)

    def get_object(self) -> Customer:
        return self.request.user


class ProductList(generics.ListCreateAPIView):
    queryset = Product.objects.all()
    serializer_class = ProductSerializer
    permission_classes = (permissions.IsAuthenticatedOrReadOnly,)


class ProductView(generics.RetrieveAPIView):
    queryset = Product.objects.all()
    serializer_class = ProductSerializer
    lookup_field = "sku"
