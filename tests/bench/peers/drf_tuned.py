"""DRF as somebody tunes it who wants to stay: `.values()` without a serializer, orjson, kept connections, Granian.

No serializer is faster than none: drf-fastserializers' own page has plain dictionaries at nearly twice its speed.
simplejwt is left as it is. What it leaves out: pages, filters, orders, other methods and Django's middleware.
"""

import django
from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.urls import path

django.setup()
settings.ROOT_URLCONF = __name__

from rest_framework.exceptions import NotFound  # noqa: E402
from rest_framework.request import Request  # noqa: E402
from rest_framework.response import Response  # noqa: E402
from rest_framework.views import APIView  # noqa: E402

from tests.bench.peers import shared  # noqa: E402
from tests.bench.peers.django_posts import item, own_posts  # noqa: E402


class Posts(APIView):
    """The caller's newest posts."""

    def get(self, request: Request) -> Response:
        """See the class."""
        count = request.user.posts.count()
        rows = own_posts(request.user).order_by("-created_at", "-id")[: shared.PAGE_SIZE]
        return Response(shared.page(request.get_host(), count, [item(row, count) for row in rows]))


class OnePost(APIView):
    """One of the caller's posts."""

    def get(self, request: Request, pk: int) -> Response:
        """See the class."""
        if (row := own_posts(request.user).filter(pk=pk).first()) is None:
            raise NotFound
        return Response(item(row, request.user.posts.count()))


urlpatterns = [
    path(f"{shared.PREFIX.strip('/')}/posts/", Posts.as_view()),
    path(f"{shared.PREFIX.strip('/')}/posts/<int:pk>/", OnePost.as_view()),
]
application = get_wsgi_application()
