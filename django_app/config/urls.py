"""Every address of the service."""

from django.contrib import admin
from django.contrib.staticfiles.views import serve
from django.db import transaction
from django.urls import include, path
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView

from django_app.config.health import HealthView
from strangler_django.sign_in.forms import LimitedAuthenticationForm

admin.site.login_form = LimitedAuthenticationForm
admin.site.site_header = admin.site.site_title = "Blog"

urlpatterns = [
    path("admin/", admin.site.urls),
    path("api/", include("django_app.accounts.urls")),
    path("api/", include("django_app.blog.urls")),
    path("api/health/", HealthView.as_view(), name="health"),
    path("api/schema/", SpectacularAPIView.as_view(), name="schema"),
    path("api/docs/", SpectacularSwaggerSplitView.as_view(url_name="schema"), name="docs"),
    # Only the admin and the docs page have static files, some requests a day. Serving them from the packages where they
    # lie saves a collected copy that nginx would have to share; `insecure` only means: although DEBUG is off.
    path("static/<path:path>", transaction.non_atomic_requests(serve), {"insecure": True}),
]

# JSON instead of HTML where Django itself answers, so that an API client can read it.
handler400 = "rest_framework.exceptions.bad_request"
handler500 = "rest_framework.exceptions.server_error"
