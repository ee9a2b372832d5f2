"""Handlers over makers, labels and parts: APIViews, functions, a ViewSet, and generic views that override one."""

# ruff: noqa: ARG002 - a handler gets what DRF gives it

import logging
from typing import Any

from django.http import Http404
from django.shortcuts import get_object_or_404
from django.urls import path
from rest_framework import filters, generics, pagination, serializers, status, viewsets
from rest_framework.decorators import action, api_view, authentication_classes, permission_classes
from rest_framework.exceptions import NotFound
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from tests.generated_rows.tables import Label, Maker, Part

logger = logging.getLogger(__name__)


class MakerSerializer(serializers.ModelSerializer[Maker]):
    class Meta:
        model = Maker
        fields = ("id", "name", "rank")


class LabelSerializer(serializers.ModelSerializer[Label]):
    class Meta:
        model = Label
        fields = ("word", "shade")


class PartSerializer(serializers.ModelSerializer[Part]):
    class Meta:
        model = Part
        fields = ("id", "thing", "name", "pieces")


class Open(APIView):
    authentication_classes = ()
    permission_classes = (AllowAny,)


class MakerList(Open):
    """List all makers, or add a new one."""

    def get(self, request: Request, format: str | None = None) -> Response:
        makers = Maker.objects.all()
        serializer = MakerSerializer(makers, many=True)
        return Response(serializer.data)

    def post(self, request: Request, format: str | None = None) -> Response:
        serializer = MakerSerializer(data=request.data)
        if serializer.is_valid():
            serializer.save()
            return Response(serializer.data, status=status.HTTP_201_CREATED)
        return Response(serializer.errors, status=status.HTTP_400_BAD_REQUEST)


class MakerDetail(Open):
    def get_object(self, pk: Any) -> Maker:
        try:
            return Maker.objects.get(pk=pk)
        except Maker.DoesNotExist:
            raise Http404  # noqa: B904 - as the tutorial has it

    def get(self, request: Request, pk: int, format: str | None = None) -> Response:
        maker = self.get_object(pk)
        serializer = MakerSerializer(maker)
        return Response(serializer.data)

    def put(self, request: Request, pk: int) -> Response:
        maker = self.get_object(pk)
        serializer = MakerSerializer(maker, data=request.data)
        if serializer.is_valid():
            serializer.save()
            return Response(serializer.data)
        return Response(serializer.errors, status=status.HTTP_400_BAD_REQUEST)

    def patch(self, request: Request, pk: int) -> Response:
        maker = self.get_object(pk)
        serializer = MakerSerializer(maker, data=request.data, partial=True)
        serializer.is_valid(raise_exception=True)
        serializer.save()
        return Response(serializer.data)

    def delete(self, request: Request, pk: int) -> Response:
        maker = self.get_object(pk)
        maker.delete()
        return Response(status=status.HTTP_204_NO_CONTENT)


@api_view(["GET", "POST"])  # noqa: RET503 - as the tutorial has it
@authentication_classes([])
@permission_classes([AllowAny])
def label_list(request: Request) -> Response:
    """Labels, the darkest last."""
    if request.method == "GET":
        labels = Label.objects.exclude(shade="dark").order_by("-shade")
        return Response(LabelSerializer(labels, many=True).data)
    elif request.method == "POST":  # noqa: RET505 - as the tutorial has it
        serializer = LabelSerializer(data=request.data)
        if not serializer.is_valid():
            return Response({"success": False, "errors": serializer.errors}, status=422)
        serializer.save()
        return Response({"success": True, "message": "Made.", "label": serializer.data, "tags": ["a", 1, None]})


@api_view(["GET", "PUT", "PATCH", "DELETE"])  # noqa: RET503 - the same
@authentication_classes([])
@permission_classes([AllowAny])
def label_detail(request: Request, word: str) -> Response:
    try:
        label = Label.objects.get(word=word)
    except Label.DoesNotExist:
        logger.info("no label %s", word)
        return Response(status=status.HTTP_404_NOT_FOUND)

    if request.method == "GET":
        serializer = LabelSerializer(label)
        return Response({"data": serializer.data})
    elif request.method == "PUT":  # noqa: RET505 - as the tutorial has it
        return Response(label.word)
    elif request.method == "PATCH":
        serializer = LabelSerializer(label, data=request.data)
        if serializer.is_valid():
            serializer.save()
            return Response(serializer.data, status=202)
        return Response(serializer.errors, status=400)
    elif request.method == "DELETE":
        label.delete()
        return Response({"message": "Gone."}, status=status.HTTP_200_OK)


class ByShade(Open):
    def get(self, request: Request, shade: str) -> Response:
        label = Label.objects.filter(shade=shade).first()
        if label is None:
            return Response({"error": "No such label."}, status=404)
        return Response(LabelSerializer(label).data)

    def post(self, request: Request, shade: str) -> Response:
        label = get_object_or_404(Label, shade=shade)
        serializer = LabelSerializer(label, data=request.data, partial=True)
        serializer.is_valid(raise_exception=True)
        serializer.save()
        return Response(serializer.data)


class NoMaker(Open):
    def get_object(self, pk: int) -> Maker | None:
        try:
            return Maker.objects.get(pk=pk)
        except Maker.DoesNotExist:
            return None

    def get(self, request: Request, pk: int) -> Response:
        maker = self.get_object(pk)
        if not maker:
            return Response({"detail": "Maker not found."}, status=status.HTTP_404_NOT_FOUND)
        return Response(MakerSerializer(maker).data)

    def put(self, request: Request, pk: int) -> Response:
        maker = self.get_object(pk)
        if maker is None:
            return Response({"detail": "Maker not found."})
        serializer = MakerSerializer(maker, data=request.data)
        if serializer.is_valid():
            serializer.save()
            return Response({"msg": "Changed."})
        return Response(serializer.errors)

    def delete(self, request: Request, pk: int) -> Response:
        maker: Any = self.get_object(pk)
        maker.delete()
        return Response({"msg": "Gone."})


class MaybeMaker(Open):
    """One class for a list and for a row."""

    def get(self, request: Request, name: str | None = None) -> Response:
        if name is not None:
            try:
                maker: Maker = Maker.objects.get(name=name)
            except Exception:  # noqa: BLE001 - as projects have it
                return Response({"error": "No maker."}, status=status.HTTP_404_NOT_FOUND)
            return Response(MakerSerializer(maker).data)
        makers = Maker.objects.order_by("name")
        return Response({"makers": MakerSerializer(makers, many=True).data})

    def delete(self, request: Request, name: str | None = None) -> Response:
        if not name:
            return Response(self.allowed_methods)
        maker = Maker.objects.filter(name=name).first()
        if not maker:
            return Response("No maker.", status=404)
        maker.delete()
        return Response({"message": "Gone."}, status=status.HTTP_204_NO_CONTENT)


class Parts(viewsets.ViewSet):
    authentication_classes = ()
    permission_classes = (AllowAny,)

    def list(self, request: Request, thing_pk: int) -> Response:
        queryset = Part.objects.filter(thing_id=thing_pk)
        serializer = PartSerializer(queryset, many=True)
        return Response(serializer.data)

    def retrieve(self, request: Request, thing_pk: int, pk: int) -> Response:
        queryset = Part.objects.all()
        part = get_object_or_404(queryset, pk=pk, thing=thing_pk)
        serializer = PartSerializer(part)
        return Response(serializer.data)

    def create(self, request: Request, thing_pk: int) -> Response:
        serializer = PartSerializer(data=request.data, context={"request": request})
        serializer.is_valid(raise_exception=True)
        serializer.save()
        return Response(serializer.data, status=status.HTTP_201_CREATED)

    def destroy(self, request: Request, thing_pk: int, pk: int) -> Response:
        try:
            part = Part.objects.get(pk=pk, thing_id=thing_pk)
        except Part.DoesNotExist:
            raise NotFound("There is no such part.") from None
        part.delete()
        return Response(status=status.HTTP_204_NO_CONTENT)


class Makers(viewsets.ModelViewSet[Maker]):
    queryset = Maker.objects.order_by("id")
    serializer_class = MakerSerializer
    authentication_classes = ()
    permission_classes = (AllowAny,)
    pagination_class = None
    filter_backends = ()

    def create(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        serializer = self.get_serializer(data=request.data)
        if serializer.is_valid():
            serializer.save()
            return Response({"maker": serializer.data}, status=status.HTTP_201_CREATED)
        return Response({"problems": serializer.errors}, status=status.HTTP_400_BAD_REQUEST)

    def destroy(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        instance = self.get_object()
        self.perform_destroy(instance)
        return Response({"message": "Gone."}, status=status.HTTP_200_OK)

    @action(detail=False)
    def unranked(self, request: Request) -> Response:
        makers = self.get_queryset().filter(rank__isnull=True)
        serializer = self.get_serializer(makers, many=True)
        return Response(serializer.data)


class Fours(pagination.PageNumberPagination):
    page_size = 2


class CopiedMakers(viewsets.ModelViewSet[Maker]):
    """What DRF's own handlers do, written again."""

    queryset = Maker.objects.order_by("id")
    serializer_class = MakerSerializer
    authentication_classes = ()
    permission_classes = (AllowAny,)
    pagination_class = Fours
    filter_backends = (filters.SearchFilter,)
    search_fields = ("name",)

    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        queryset = self.filter_queryset(self.get_queryset())
        page = self.paginate_queryset(queryset)
        if page is not None:
            serializer = self.get_serializer(page, many=True)
            return self.get_paginated_response(serializer.data)
        serializer = self.get_serializer(queryset, many=True)
        return Response(serializer.data)

    def create(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        serializer = self.get_serializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        self.perform_create(serializer)
        headers = self.get_success_headers(serializer.data)
        return Response({"made": serializer.data}, status=status.HTTP_201_CREATED, headers=headers)

    def update(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        partial = kwargs.pop("partial", False)
        instance = self.get_object()
        serializer = self.get_serializer(instance, data=request.data, partial=partial)
        serializer.is_valid(raise_exception=True)
        self.perform_update(serializer)

        if getattr(instance, "_prefetched_objects_cache", None):
            instance._prefetched_objects_cache = {}
        return Response({"changed": serializer.data})

    def destroy(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        super().destroy(request, *args, **kwargs)
        return Response({"gone": True})

    @action(detail=False)
    def ranked(self, request: Request) -> Response:
        makers = self.filter_queryset(Maker.objects.filter(rank__isnull=False).order_by("-rank"))
        page = self.paginate_queryset(makers)
        serializer = self.get_serializer(page, many=True)
        return self.get_paginated_response(serializer.data)


class WrappedMakers(viewsets.ModelViewSet[Maker]):
    queryset = Maker.objects.order_by("id")
    serializer_class = MakerSerializer
    authentication_classes = ()
    permission_classes = (AllowAny,)
    pagination_class = Fours
    filter_backends = ()

    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        response = super().list(request, *args, **kwargs)
        return Response({"status": "ok", "makers": response.data})

    def retrieve(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        response = super().retrieve(request, *args, **kwargs)
        response.data = {"maker": response.data}
        response.status_code = status.HTTP_203_NON_AUTHORITATIVE_INFORMATION
        return response

    def create(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        super().create(request, *args, **kwargs)
        return Response({"message": f"Made."}, status=200)  # noqa: F541 - as projects have it


class ShortMakerSerializer(serializers.ModelSerializer[Maker]):
    class Meta:
        model = Maker
        fields = ("name",)


class MakerNumber(Open):
    def get(self, request: Request, pk: int | None = None) -> Response:
        if pk:
            maker = Maker.objects.get(pk=pk)
            return Response(MakerSerializer(maker).data)
        return Response(MakerSerializer(Maker.objects.all(), many=True).data)

    def put(self, request: Request, pk: int) -> Response | None:
        maker = get_object_or_404(Maker, id=pk)
        serializer = MakerSerializer(maker, data=request.data)
        if serializer.is_valid():
            serializer.save()
            return Response(status=status.HTTP_201_CREATED)
        return None

    def patch(self, request: Request, pk: int) -> Response | None:
        serializer = MakerSerializer(get_object_or_404(Maker, id=pk), data=request.data, partial=True)
        if serializer.is_valid(raise_exception=True):
            maker = serializer.save()
            return Response(MakerSerializer(maker).data)
        return None

    def post(self, request: Request) -> Response:
        serializer = MakerSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        maker = serializer.save()
        return Response(ShortMakerSerializer(maker).data)


class MakerNames(generics.ListCreateAPIView[Maker]):
    queryset = Maker.objects.all()
    serializer_class = MakerSerializer
    authentication_classes = ()
    permission_classes = (AllowAny,)

    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        queryset = self.get_queryset()
        name = request.query_params.get("name")
        if name:
            queryset = queryset.filter(name__icontains=name)
        serializer = MakerSerializer(queryset, many=True)
        return Response({"count": 0, "makers": serializer.data})


CHANGED = {"get": "retrieve", "put": "update", "patch": "partial_update", "delete": "destroy"}
ONE = {"get": "retrieve", "delete": "destroy"}
urlpatterns = [
    path("makers/", MakerList.as_view()),
    path("makers/<int:pk>/", MakerDetail.as_view()),
    path("labels/", label_list),
    path("labels/<str:word>/", label_detail),
    path("shades/<str:shade>/", ByShade.as_view()),
    path("things/<int:thing_pk>/parts/", Parts.as_view({"get": "list", "post": "create"})),
    path("things/<int:thing_pk>/parts/<int:pk>/", Parts.as_view(ONE)),
    path("sets/", Makers.as_view({"get": "list", "post": "create"})),
    path("sets/unranked/", Makers.as_view({"get": "unranked"})),
    path("sets/<int:pk>/", Makers.as_view({"get": "retrieve", "put": "update", "delete": "destroy"})),
    path("none/<int:pk>/", NoMaker.as_view()),
    path("maybe/", MaybeMaker.as_view()),
    path("maybe/<str:name>/", MaybeMaker.as_view()),
    path("copied/", CopiedMakers.as_view({"get": "list", "post": "create"})),
    path("copied/ranked/", CopiedMakers.as_view({"get": "ranked"})),
    path("copied/<int:pk>/", CopiedMakers.as_view(CHANGED)),
    path("wrapped/", WrappedMakers.as_view({"get": "list", "post": "create"})),
    path("wrapped/<int:pk>/", WrappedMakers.as_view({"get": "retrieve"})),
    path("numbers/", MakerNumber.as_view()),
    path("numbers/<int:pk>/", MakerNumber.as_view()),
    path("names/", MakerNames.as_view()),
]
