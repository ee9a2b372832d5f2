"""Renderers as projects have them, which put each answer into an envelope."""

from typing import Any

from rest_framework import status
from rest_framework.renderers import BrowsableAPIRenderer, JSONRenderer

OK = 200


class EnvelopeRenderer(JSONRenderer):
    """What went well, and what didn't."""

    charset = "utf-8"

    def render(self, data: Any, accepted_media_type: Any = None, renderer_context: Any = None) -> Any:
        response = renderer_context.get("response") if renderer_context else None
        code = response.status_code if response else OK
        message = data["detail"] if isinstance(data, dict) and "detail" in data else _title(code)
        envelope: dict[str, Any] = {"status": "success", "code": code, "message": message, "data": data}
        if code >= status.HTTP_400_BAD_REQUEST:
            envelope["status"] = "error"
            envelope["errors"] = data
            del envelope["data"]
        return super().render(envelope, accepted_media_type, renderer_context)


def _title(code: int) -> str:
    return "Created" if code == status.HTTP_201_CREATED else "Done"


class WrappedRenderer(JSONRenderer):
    def render(self, data: Any, accepted_media_type: Any = None, renderer_context: Any = None) -> Any:
        if renderer_context["response"].status_code == status.HTTP_204_NO_CONTENT:
            return b""
        return super().render({"result": data}, accepted_media_type, renderer_context)


class PathRenderer(JSONRenderer):
    def render(self, data: Any, accepted_media_type: Any = None, renderer_context: Any = None) -> Any:
        path = renderer_context["request"].path
        return super().render({"path": path, "data": data}, accepted_media_type, renderer_context)


class TextRenderer(JSONRenderer):
    def render(self, data: Any, accepted_media_type: Any = None, renderer_context: Any = None) -> Any:
        text: bytes = super().render(data, accepted_media_type, renderer_context)
        return b")]}'," + text


class EncodedRenderer(JSONRenderer):
    encoder_class = JSONRenderer.encoder_class
    ensure_ascii = True


class AgainRenderer(EnvelopeRenderer):
    pass


class PagesRenderer(BrowsableAPIRenderer):
    pass


GAPS = {
    PathRenderer: "PathRenderer.render looks at renderer_context['request']",
    TextRenderer: 'TextRenderer.render: return b")]}\'," + text',
    EncodedRenderer: "EncodedRenderer.encoder_class is your own",
    AgainRenderer: "it derives from EnvelopeRenderer",
}
