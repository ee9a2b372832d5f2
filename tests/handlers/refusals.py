"""Handlers that catch what may be a refusal too, or answer it otherwise, and permissions that are shown rows."""

# ruff: noqa: ARG002, BLE001, B904 - a handler gets what DRF gives it, and is written as projects have it

from typing import Any

from django.http import Http404
from django.shortcuts import get_object_or_404
from django.urls import path
from rest_framework import generics
from rest_framework.exceptions import NotFound
from rest_framework.permissions import SAFE_METHODS, AllowAny, BasePermission
from rest_framework.request import Request
from rest_framework.response import Response

from tests.generated_rows.tables import Maker
from tests.handlers.views import MakerSerializer, Open, ShortMakerSerializer


class Reads(BasePermission):
    message = "Only to be read."

    def has_object_permission(self, request: Request, view: Any, obj: Any) -> bool:
        return request.method in SAFE_METHODS


class Nobody(BasePermission):
    def has_object_permission(self, request: Request, view: Any, obj: Any) -> bool:
        return False


class OneMaker(generics.GenericAPIView[Maker]):
    queryset = Maker.objects.all()
    serializer_class = MakerSerializer
    authentication_classes = ()
    permission_classes: Any = (AllowAny,)
    filter_backends = ()


class Read(OneMaker, generics.RetrieveUpdateDestroyAPIView[Maker]):
    permission_classes = (Reads,)


class ReadByMany(OneMaker, generics.RetrieveUpdateDestroyAPIView[Maker]):
    permission_classes = (Nobody | Reads,)


class Caught(OneMaker):
    """What is refused isn't what is missing."""

    def get(self, request: Request, pk: int) -> Response:
        try:
            maker = self.get_object()
        except Exception:
            return Response({"error": "None."}, status=404)
        return Response(self.get_serializer(maker).data)

    def put(self, request: Request, pk: int) -> Response | None:
        try:
            maker = self.get_object()
            serializer = self.get_serializer(maker, data=request.data)
            if serializer.is_valid(raise_exception=True):
                serializer.save()
                return Response(serializer.data)
        except Http404:
            return Response({"error": "None."}, status=410)
        return None


class Refused(Caught):
    permission_classes = (Nobody,)


class Made(OneMaker, generics.CreateAPIView[Maker]):
    def create(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        try:
            return super().create(request, *args, **kwargs)
        except Http404:
            return Response({"error": "None."}, status=410)


class Raised(Open):
    def find(self, pk: int) -> Maker:
        try:
            return Maker.objects.get(pk=pk)
        except Maker.DoesNotExist:
            raise NotFound("None.")

    def find_or_404(self, pk: int) -> Maker:
        try:
            return Maker.objects.get(pk=pk)
        except Maker.DoesNotExist:
            raise Http404

    def get(self, request: Request, pk: int) -> Response:
        try:
            maker = self.find(pk)
        except Http404:
            return Response({"error": "None."}, status=410)
        return Response(MakerSerializer(maker).data)

    def delete(self, request: Request, pk: int) -> Response:
        try:
            maker = self.find_or_404(pk)
        except Http404:
            return Response({"error": "None."}, status=410)
        maker.delete()
        return Response(status=204)

    def put(self, request: Request, pk: int) -> Response:
        maker = get_object_or_404(Maker, pk=pk)
        serializer = MakerSerializer(maker, data=request.data)
        if serializer.is_valid():
            serializer.save()
            return Response(serializer.data)
        # As it was.
        return Response(MakerSerializer(maker).data)

    def post(self, request: Request, pk: int) -> Response:
        serializer: Any = MakerSerializer(get_object_or_404(Maker, pk=pk), data=request.data)
        serializer.is_valid(raise_exception=True)
        maker = serializer.save()
        data = serializer.data
        serializer = ShortMakerSerializer(maker)
        return Response(data)

    def patch(self, request: Request, pk: int) -> Response:
        try:
            maker = Maker.objects.filter(pk=pk).first()
            if not maker:
                raise Http404
        except Http404:
            return Response({"error": "None."}, status=410)
        serializer = MakerSerializer(maker, data=request.data, partial=True)
        serializer.is_valid(raise_exception=True)
        serializer.save()
        return Response(serializer.data)


class Named(generics.ListAPIView[Maker]):
    queryset = Maker.objects.filter(name__in=["Ann", "Bob"], rank__in=(1, 2)).order_by("name")
    serializer_class = MakerSerializer
    authentication_classes = ()
    permission_classes = (AllowAny,)
    pagination_class = None
    filter_backends = ()


urlpatterns = [
    path("named/", Named.as_view()),
    path("read/<int:pk>/", Read.as_view()),
    path("many/<int:pk>/", ReadByMany.as_view()),
    path("caught/<int:pk>/", Caught.as_view()),
    path("refused/<int:pk>/", Refused.as_view()),
    path("made/", Made.as_view()),
    path("raised/<int:pk>/", Raised.as_view()),
]
