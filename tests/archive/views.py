"""What the API of the archive answers: rows that views save and mark in the ways of most projects."""

import logging
from typing import Any

from django.shortcuts import get_object_or_404
from django.urls import include, path
from django.utils import timezone
from rest_framework import generics, permissions, serializers, status, viewsets
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.routers import SimpleRouter
from rest_framework.views import APIView

from django_app.accounts.models import User
from tests.archive.models import Folder, Paper

logger = logging.getLogger(__name__)


class PaperSerializer(serializers.ModelSerializer[Paper]):
    class Meta:
        model = Paper
        fields = ("id", "folder", "name", "state", "number", "made_by", "edited_by", "is_active", "gone_by")
        read_only_fields = ("folder", "made_by", "edited_by", "gone_by")


class Papers(viewsets.ModelViewSet[Paper]):
    serializer_class: Any = PaperSerializer
    permission_classes = (permissions.IsAuthenticated,)
    pagination_class = None
    filter_backends = ()
    queryset = Paper.objects.all()


class EditedViewSet(Papers):
    """By its caller, at a time; in place of its end a row is marked."""

    queryset = Paper.objects.filter(is_active=True)

    def perform_update(self, serializer: Any) -> None:
        logger.info("changed")
        serializer.save(edited_by=self.request.user, edited_at=timezone.now(), state=Paper.State.CHECKED)

    def perform_destroy(self, instance: Paper) -> None:
        instance.is_active = False
        instance.save()


class FolderPapers(Papers):
    """Of a folder that the path names, and which is looked for again before a change is saved."""

    def get_folder(self) -> Folder:
        return get_object_or_404(Folder, pk=self.kwargs["folder_pk"], owner=self.request.user)

    def perform_create(self, serializer: Any) -> None:
        user = self.request.user
        serializer.save(made_by=user, edited_by_id=user.pk, folder=self.get_folder(), number=7, edited_at=None)

    def perform_update(self, serializer: Any) -> None:
        serializer.save(folder=self.get_folder(), edited_by_id=self.request.user.id)

    def perform_destroy(self, instance: Any) -> None:
        now = timezone.now()
        instance.gone_at = now
        instance.gone_by = self.request.user
        instance.is_active = False
        instance.save(update_fields=["gone_at", "gone_by", "is_active", "changed_at"])


class NamedSerializer(PaperSerializer):
    folder: Any = serializers.SlugRelatedField(slug_field="name", read_only=True)


class HiddenSerializer(PaperSerializer):
    """Fields that are read, and never shown."""

    folder: Any = serializers.PrimaryKeyRelatedField(queryset=Folder.objects.all(), write_only=True)
    gone_by: Any = serializers.SlugRelatedField(slug_field="username", queryset=User.objects.all(), write_only=True)

    class Meta(PaperSerializer.Meta):
        fields = ("id", "folder", "name", "gone_by")
        read_only_fields = ()


class HiddenPapers(Papers):
    serializer_class = HiddenSerializer


class HiddenFolders(Papers):
    class serializer_class(HiddenSerializer):  # noqa: N801 - as DRF names it
        gone_by = None

        class Meta(HiddenSerializer.Meta):
            fields = ("id", "folder", "name")


class NamedPapers(Papers):
    """By the key of the path alone; a row is deleted as by DRF."""

    serializer_class = NamedSerializer

    def perform_create(self, serializer: Any) -> None:
        serializer.save(folder_id=self.kwargs["folder_pk"], state="checked")

    def perform_update(self, serializer: Any) -> None:
        super().perform_update(serializer)

    def perform_destroy(self, instance: Any) -> None:
        logger.info("deleted %s", instance.pk)
        super().perform_destroy(instance)


class OnePaper(generics.RetrieveUpdateDestroyAPIView[Paper]):
    serializer_class = PaperSerializer
    permission_classes = (permissions.IsAuthenticated,)
    filter_backends = ()
    queryset = Paper.objects.all()

    def perform_update(self, serializer: Any) -> None:
        folder = get_object_or_404(Folder, name="taxes", pk=self.kwargs["folder_pk"])
        serializer.save(folder=folder, number=3)

    def perform_destroy(self, instance: Any) -> None:
        print("gone", instance.pk)  # noqa: T201 - as projects do
        instance.delete()


def gone_by(paper: Paper) -> Any:
    return paper.edited_by


class Others(Papers):
    """What isn't read."""

    def perform_create(self, serializer: Any) -> None:
        serializer.save(folder_id=1, number=len(self.request.data))

    def perform_update(self, serializer: Any) -> None:
        paper = serializer.save(edited_by=self.request.user)
        paper.number += 1
        paper.save()

    def perform_destroy(self, instance: Any) -> None:
        instance.gone_by = gone_by(instance)
        instance.save()


class OtherOne(generics.RetrieveUpdateDestroyAPIView[Paper]):
    """Nor these."""

    serializer_class = PaperSerializer
    permission_classes = (permissions.IsAuthenticated,)
    filter_backends = ()
    queryset = Paper.objects.all()

    def perform_update(self, serializer: Any) -> None:
        serializer.save(name="paper")

    def perform_destroy(self, instance: Any) -> None:
        if instance.state == "draft":
            return
        instance.delete()


class TextPapers(Papers):
    """Django answers the path's text for a key, "02"."""

    def perform_create(self, serializer: Any) -> None:
        serializer.save(folder_id=self.kwargs["folder_pk"])


class AnyonesPapers(Papers):
    """Whoever asks: of nobody Django fails as it saves the row."""

    permission_classes = (permissions.AllowAny,)
    serializer_class = NamedSerializer
    queryset = Paper.objects.filter(state="draft")

    def perform_create(self, serializer: Any) -> None:
        serializer.save(folder_id=self.kwargs["folder_pk"], made_by=self.request.user)

    def perform_update(self, serializer: Any) -> None:
        serializer.save(edited_by=self.request.user)

    def perform_destroy(self, instance: Any) -> None:
        instance.is_active = False
        instance.gone_by = self.request.user
        instance.save()


class ByHand(APIView):
    """A row is looked for before the body is read."""

    permission_classes = (permissions.IsAuthenticated,)

    def get(self, request: Request, folder_pk: int) -> Response:
        folder = get_object_or_404(Folder, pk=folder_pk, owner=request.user)
        return Response(PaperSerializer(folder.papers.all(), many=True).data)  # type: ignore[attr-defined] # a relation

    def post(self, request: Request, folder_pk: int) -> Response:
        folder = get_object_or_404(Folder, pk=folder_pk, owner=request.user)
        serializer = PaperSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        serializer.save(folder=folder, made_by=request.user, state=Paper.State.CHECKED, number=4)
        return Response(serializer.data, status=status.HTTP_201_CREATED)


class ByHandOne(APIView):
    permission_classes = (permissions.IsAuthenticated,)

    def put(self, request: Request, pk: int) -> Response:
        paper = get_object_or_404(Paper, pk=pk)
        serializer = PaperSerializer(paper, data=request.data)
        if serializer.is_valid():
            serializer.save(edited_by=request.user, edited_at=timezone.now())
            return Response(serializer.data)
        return Response(serializer.errors, status=400)

    def patch(self, request: Request, pk: int) -> Response:
        paper = get_object_or_404(Paper, pk=pk)
        serializer = PaperSerializer(paper, data=request.data, partial=True)
        serializer.is_valid(raise_exception=True)
        serializer.save(number=8)
        return Response(serializer.data)

    def post(self, request: Request, pk: int) -> Response:
        paper = get_object_or_404(Paper, pk=pk)
        serializer = PaperSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        serializer.save(folder=paper.folder)
        return Response(serializer.data)


class Elsewhere(APIView):
    """The row is looked for twice, or once the body is validated."""

    permission_classes = (permissions.IsAuthenticated,)

    def post(self, request: Request, folder_pk: int) -> Response:
        serializer = PaperSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        folder = get_object_or_404(Folder, pk=folder_pk)
        serializer.save(folder=folder)
        return Response(serializer.data, status=201)


class BodyFirst(APIView):
    """A body is read before the row is looked for, and validated after it."""

    permission_classes = (permissions.IsAuthenticated,)

    def post(self, request: Request, folder_pk: int) -> Response:
        serializer = PaperSerializer(data=request.data)
        folder = get_object_or_404(Folder, pk=folder_pk)
        serializer.is_valid(raise_exception=True)
        serializer.save(folder=folder)
        return Response(serializer.data, status=201)

    def put(self, request: Request, folder_pk: int) -> Response:
        data = request.data
        paper = get_object_or_404(Paper, pk=folder_pk)
        serializer = PaperSerializer(paper, data=data)
        serializer.is_valid(raise_exception=True)
        serializer.save(number=2)
        return Response(serializer.data)


router = SimpleRouter()
router.register(r"edited", EditedViewSet, basename="edited")
router.register(r"folders/(?P<folder_pk>\d+)/papers", FolderPapers, basename="papers")
router.register(r"named/(?P<folder_pk>\d+)/papers", NamedPapers, basename="named")
router.register(r"texts/(?P<folder_pk>\d+)/papers", TextPapers, basename="texts")
router.register(r"anyone/(?P<folder_pk>\d+)/papers", AnyonesPapers, basename="anyone")
router.register(r"hidden", HiddenPapers, basename="hidden")
router.register(r"hidden-folders", HiddenFolders, basename="hidden_folders")
router.register(r"others", Others, basename="others")
urlpatterns = [
    path("", include(router.urls)),
    path("one/<int:folder_pk>/<int:pk>/", OnePaper.as_view()),
    path("hand/<int:folder_pk>/", ByHand.as_view()),
    path("hands/<int:pk>/", ByHandOne.as_view()),
    path("elsewhere/<int:folder_pk>/", Elsewhere.as_view()),
    path("body-first/<int:folder_pk>/", BodyFirst.as_view()),
    path("other/<int:pk>/", OtherOne.as_view()),
]
