"""A collector of OpenTelemetry traces: what is sent to it by OTLP over HTTP, and nothing else of one."""

import gzip
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import KeyValue


class Span:
    """A span with its service, attributes as text."""

    def __init__(self, service: str, trace: str, parent: str, name: str, attributes: dict[str, str]) -> None:
        self.service = service
        self.trace = trace
        self.parent = parent
        self.name = name
        self.attributes = attributes


class Collector:
    """The spans that were sent so far."""

    def __init__(self) -> None:
        self.spans: list[Span] = []

    def of(self, trace: str) -> list[Span]:
        return [span for span in self.spans if span.trace == trace]

    def take(self, body: bytes) -> None:
        for found in ExportTraceServiceRequest.FromString(body).resource_spans:
            service = _texts(found.resource.attributes)["service.name"]
            self.spans += [
                Span(
                    service,
                    span.trace_id.hex(),
                    span.parent_span_id.hex(),
                    span.name,
                    _texts(span.attributes),
                )
                for scope in found.scope_spans
                for span in scope.spans
            ]


@contextmanager
def collector() -> Iterator[tuple[str, Collector]]:
    """A collector that listens; gives what OTEL_EXPORTER_OTLP_ENDPOINT is set to."""
    made = Collector()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            assert self.path == "/v1/traces"
            made.take(gzip.decompress(body) if self.headers.get("Content-Encoding") == "gzip" else body)
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_arguments: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", made
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _texts(attributes: "Iterator[KeyValue]") -> dict[str, str]:
    found = {}
    for each in attributes:
        values = each.value.array_value.values
        texts = [value.string_value or str(value.int_value) for value in values or [each.value]]
        found[each.key] = ",".join(texts)
    return found
