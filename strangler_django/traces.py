"""OpenTelemetry traces of the service: a span for each request, with its id, by Django's instrumentation."""

from typing import Any

from django.http import HttpRequest

from shared_schema.service_metrics import PATH


def traces_begin(service: str) -> None:
    """Trace every request from now on; to be called in each process of a server, before the application is made."""
    # Here, since the SDK takes a quarter of a second, and a service without traces does without it.
    from opentelemetry.instrumentation.django import DjangoInstrumentor

    from shared_schema.service_traces import REQUEST_ID, spans_send, tracer_provider

    def name_request(span: Any, request: HttpRequest) -> None:  # noqa: ANN401 - OpenTelemetry's own
        if request_id := request.headers.get("X-Request-ID"):
            span.set_attribute(REQUEST_ID, [request_id])

    provider = tracer_provider(service)
    spans_send(provider)
    DjangoInstrumentor().instrument(
        tracer_provider=provider, request_hook=name_request, excluded_urls=f"^[^/]+//[^/]+{PATH}$"
    )
