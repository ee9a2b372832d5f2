"""What the API of the reviews answers, in the shapes that projects write their nested routes."""

# ruff: noqa: ARG002 - a permission gets what DRF gives it

from functools import cached_property
from typing import Any

from django.db.models import QuerySet
from django.http import Http404
from django.shortcuts import get_object_or_404
from django.urls import include, path
from rest_framework import exceptions, generics, permissions, serializers, viewsets
from rest_framework import pagination as pages
from rest_framework.decorators import action
from rest_framework.filters import SearchFilter
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.routers import SimpleRouter
from rest_framework.views import APIView

from tests.reviews.models import Comment, Project, Review, Task, Title


class OwnOrRead(permissions.IsAuthenticatedOrReadOnly):
    def has_object_permission(self, request: Request, view: Any, obj: Any) -> bool:
        return request.method in permissions.SAFE_METHODS or obj.author == request.user


class Pages(pages.PageNumberPagination):
    page_size = 2


class ReviewSerializer(serializers.ModelSerializer[Review]):
    author: Any = serializers.SlugRelatedField(slug_field="username", read_only=True)

    class Meta:
        model = Review
        fields = ("id", "author", "text", "score")


class OneReviewSerializer(ReviewSerializer):
    def validate(self, data: Any) -> Any:
        request = self.context["request"]
        title_id = request.parser_context["kwargs"]["title_id"]
        if request.method == "POST" and Review.objects.filter(author=request.user, title_id=title_id).exists():
            raise serializers.ValidationError("One review of each title.")
        return data


class SluggedReviewSerializer(ReviewSerializer):
    def validate(self, attrs: Any) -> Any:
        if self.instance is not None:
            return attrs
        view = self.context.get("view")
        title = get_object_or_404(Title, slug=view.kwargs.get("slug"))  # type: ignore[union-attr] # a view
        user = self.context["request"].user
        has_one = title.reviews.filter(author=user).exists()  # type: ignore[attr-defined] # a relation
        if has_one:
            raise serializers.ValidationError({"title": "Twice."})
        if user.reviews.filter(title=title, score=0).exists():
            raise serializers.ValidationError("Never.")
        return attrs


class CommentSerializer(serializers.ModelSerializer[Comment]):
    class Meta:
        model = Comment
        fields = ("id", "review", "author", "text")
        read_only_fields = ("review", "author")

    def validate(self, data: Any) -> Any:
        review = get_object_or_404(Review, id=self.context["view"].kwargs["review_id"])
        if Comment.objects.filter(review=review, text="closed").exists():
            raise serializers.ValidationError("Closed.")
        return data


class TaskSerializer(serializers.ModelSerializer[Task]):
    class Meta:
        model = Task
        fields = ("id", "name", "is_done")


class ReviewViewSet(viewsets.ModelViewSet[Review]):
    """By a helper."""

    serializer_class = OneReviewSerializer
    permission_classes = (OwnOrRead,)
    pagination_class = Pages
    filter_backends = (SearchFilter,)
    search_fields = ("text",)

    def get_title(self) -> Title:
        return get_object_or_404(Title, pk=self.kwargs.get("title_id"))

    def get_queryset(self) -> QuerySet[Review]:
        return self.get_title().reviews.select_related("author").all()  # type: ignore[attr-defined,no-any-return] # a relation

    def perform_create(self, serializer: Any) -> None:
        serializer.save(author=self.request.user, title=self.get_title())


class CommentViewSet(viewsets.ModelViewSet[Comment]):
    """By two parameters, in a row of two lookups; one is looked for before new rows that isn't before others."""

    serializer_class = CommentSerializer
    permission_classes = (OwnOrRead,)
    pagination_class = None
    filter_backends = ()

    def get_queryset(self) -> QuerySet[Comment]:
        review = get_object_or_404(Review, pk=self.kwargs["review_id"], title_id=self.kwargs["title_id"])
        return Comment.objects.filter(review=review)

    def perform_create(self, serializer: Any) -> None:
        title = get_object_or_404(Title, id=self.kwargs.get("title_id"))
        review = get_object_or_404(Review, id=self.kwargs.get("review_id"), title=title)
        serializer.save(author=self.request.user, review=review)


class SluggedViewSet(viewsets.ModelViewSet[Comment]):
    """By a column of the parent's own parent, among rows of its own choice."""

    serializer_class = CommentSerializer
    permission_classes = (OwnOrRead,)
    pagination_class = None
    filter_backends = ()

    @cached_property
    def review(self) -> Review:
        shown = Review.objects.filter(title__is_hidden=False)
        return get_object_or_404(shown, title__slug=self.kwargs["slug"], pk=self.kwargs["review_id"])

    def get_queryset(self) -> QuerySet[Comment]:
        return self.review.comments.all()  # type: ignore[attr-defined,no-any-return] # a relation

    def perform_create(self, serializer: Any) -> None:
        serializer.save(author_id=self.request.user.pk, review=self.review)


class BySlug(generics.ListCreateAPIView[Review]):
    """By a column that is no key, which is told in other words."""

    serializer_class = SluggedReviewSerializer
    permission_classes = (permissions.IsAuthenticated,)
    pagination_class = None
    filter_backends = ()

    def get_title(self) -> Title:
        try:
            return Title.objects.get(slug=self.kwargs["slug"])
        except Title.DoesNotExist:
            raise exceptions.NotFound("No such title.")  # noqa: B904 - as projects write it

    def get_queryset(self) -> QuerySet[Review]:
        title = self.get_title()
        return Review.objects.filter(title=title.pk, title__is_hidden=False)

    def perform_create(self, serializer: Any) -> None:
        title = self.get_title()
        serializer.save(author=self.request.user, title_id=title.id)


class BySlugOne(generics.RetrieveUpdateDestroyAPIView[Review]):
    serializer_class = SluggedReviewSerializer
    permission_classes = (permissions.IsAuthenticated,)
    pagination_class = None
    filter_backends = ()
    lookup_url_kwarg = "number"

    def get_queryset(self) -> QuerySet[Review]:
        try:
            title = Title.objects.get(slug=self.kwargs["slug"])
        except (Title.DoesNotExist, ValueError):
            raise Http404  # noqa: B904 - as above
        return title.reviews.all()  # type: ignore[attr-defined,no-any-return] # a relation


class TaskViewSet(viewsets.ModelViewSet[Task]):
    """Of the caller's own, by a text that is no UUID."""

    serializer_class = TaskSerializer
    permission_classes = (permissions.IsAuthenticated,)
    pagination_class = None
    filter_backends = ()

    def get_queryset(self) -> QuerySet[Task]:
        project = generics.get_object_or_404(Project, pk=self.kwargs["project_pk"], owner=self.request.user)
        return Task.objects.filter(project=project).order_by("-id")

    @action(detail=True, methods=["post"])
    def finish(self, request: Request, project_pk: str, pk: str) -> Response:
        task = self.get_object()
        task.is_done = True
        task.save()
        return Response(self.get_serializer(task).data)

    @action(detail=False)
    def done(self, request: Request, project_pk: str) -> Response:
        tasks = self.get_queryset().filter(is_done=True)
        return Response(self.get_serializer(tasks, many=True).data)

    def perform_create(self, serializer: Any) -> None:
        project = generics.get_object_or_404(
            Project.objects.all(), pk=self.kwargs["project_pk"], owner=self.request.user
        )
        serializer.save(project=project)


class Unlooked(generics.CreateAPIView[Task]):
    """Whose parent is there or not."""

    serializer_class = TaskSerializer
    permission_classes = (permissions.IsAuthenticated,)

    def perform_create(self, serializer: Any) -> None:
        serializer.save(project_id=self.kwargs["project_pk"])


class Looked(generics.ListAPIView[Comment]):
    """A row that is looked for and not used, and one that Django fails without."""

    serializer_class = CommentSerializer
    permission_classes = (permissions.AllowAny,)
    pagination_class = None
    filter_backends = ()

    def get_queryset(self) -> QuerySet[Comment]:
        get_object_or_404(Title, slug=self.kwargs["slug"])
        review = Review.objects.get(pk=self.kwargs["review_id"])
        return review.comments.exclude(text="yes")  # type: ignore[attr-defined,no-any-return] # a relation


class CommentsOf(APIView):
    """By hand."""

    permission_classes = (permissions.IsAuthenticatedOrReadOnly,)

    def get(self, request: Request, review_id: int) -> Response:
        review = get_object_or_404(Review, pk=review_id)
        return Response(CommentSerializer(review.comments.all(), many=True).data)  # type: ignore[attr-defined] # a relation

    def post(self, request: Request, review_id: int) -> Response:
        review = get_object_or_404(Review, pk=review_id)
        serializer = ReviewSerializer(data=request.data)
        if serializer.is_valid():
            serializer.save(author=request.user, title=review.title)
            return Response(serializer.data, status=201)
        return Response(serializer.errors, status=400)


class CommentsCaught(APIView):
    """What is answered without the row is its own."""

    def get(self, request: Request, review_id: int) -> Response:
        try:
            review = get_object_or_404(Review, pk=review_id)
        except Http404:
            return Response({"error": "No review."}, status=404)
        return Response(CommentSerializer(review.comments.all(), many=True).data)  # type: ignore[attr-defined] # a relation


class CommentsOfGood(APIView):
    def get(self, request: Request, review_id: int) -> Response:
        review = get_object_or_404(Review, pk=review_id)
        comments = review.comments.all()  # type: ignore[attr-defined] # a relation
        if review.score < 5:
            comments = comments.none()
        return Response(CommentSerializer(comments, many=True).data)


class Chosen(generics.ListAPIView[Comment]):
    """What is asked of a parent's columns isn't read."""

    serializer_class = CommentSerializer
    pagination_class = None
    filter_backends = ()

    def get_queryset(self) -> QuerySet[Comment]:
        review = get_object_or_404(Review, pk=self.kwargs["review_id"])
        if review.score > 4:
            return Comment.objects.filter(review=review)
        return Comment.objects.none()

    def perform_create(self, serializer: Any) -> None:
        """Nobody calls it."""


class Modelled(generics.ListCreateAPIView[Comment]):
    """Permissions by Django's tables look for the parent before they refuse."""

    serializer_class = CommentSerializer
    permission_classes = (permissions.DjangoModelPermissionsOrAnonReadOnly,)
    pagination_class = None
    filter_backends = ()

    def get_queryset(self) -> QuerySet[Comment]:
        return Comment.objects.filter(review=get_object_or_404(Review, pk=self.kwargs["review_id"]))

    def perform_create(self, serializer: Any) -> None:
        review = get_object_or_404(Review, pk=self.kwargs["review_id"])
        serializer.save(author=self.request.user, review=review)


router = SimpleRouter()
router.register(r"titles/(?P<title_id>\d+)/reviews", ReviewViewSet, basename="reviews")
router.register(r"titles/(?P<title_id>\d+)/reviews/(?P<review_id>\d+)/comments", CommentViewSet, basename="comments")
router.register(r"slugged/(?P<slug>[^/.]+)/(?P<review_id>\d+)/comments", SluggedViewSet, basename="slugged")
router.register(r"projects/(?P<project_pk>[^/.]+)/tasks", TaskViewSet, basename="tasks")
urlpatterns = [
    path("", include(router.urls)),
    path("by/<slug:slug>/reviews/", BySlug.as_view()),
    path("by/<slug:slug>/reviews/<int:number>/", BySlugOne.as_view()),
    path("unlooked/<uuid:project_pk>/", Unlooked.as_view()),
    path("looked/<slug:slug>/<int:review_id>/", Looked.as_view()),
    path("hand/<int:review_id>/", CommentsOf.as_view()),
    path("caught/<int:review_id>/", CommentsCaught.as_view()),
    path("good/<int:review_id>/", CommentsOfGood.as_view()),
    path("chosen/<int:review_id>/", Chosen.as_view()),
    path("modelled/<int:review_id>/", Modelled.as_view()),
]
