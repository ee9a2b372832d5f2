"""Addresses of posts, the feed and tags, below `/api/`."""

from rest_framework.routers import SimpleRouter

from django_app.blog.views import FeedViewSet, PostViewSet, TagViewSet

router = SimpleRouter()
router.register("posts", PostViewSet, basename="posts")
router.register("feed", FeedViewSet, basename="feed")
router.register("tags", TagViewSet, basename="tags")

urlpatterns = router.urls
