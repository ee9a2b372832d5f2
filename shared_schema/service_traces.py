"""OpenTelemetry traces of a service, which both stacks send to the same collector; imported by those that trace alone.

The SDK reads environment variables of its own: OTEL_EXPORTER_OTLP_ENDPOINT, OTEL_TRACES_SAMPLER and others.
"""

from typing import Final

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import OTELResourceDetector, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

# What OpenTelemetry's conventions call the header that nginx gives each request its id in.
REQUEST_ID: Final = "http.request.header.x-request-id"


def tracer_provider(service: str) -> TracerProvider:
    """Spans of `service`, or of what OTEL_SERVICE_NAME names it; nothing is sent before `spans_send`."""
    resource = Resource.create().merge(Resource({"service.name": service})).merge(OTELResourceDetector().detect())
    return TracerProvider(resource=resource)


def spans_send(provider: TracerProvider) -> None:
    """Send all spans from now on, in a thread, by OTLP over HTTP.

    A collector that is away costs no request anything: what doesn't fit into the queue is dropped.
    """
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
