"""The page of the API's documentation: Swagger UI from this origin, and from no other."""

import base64
import hashlib
import re
from typing import Final

from fastapi import FastAPI
from fastapi.openapi.docs import get_swagger_ui_html
from starlette.requests import Request
from starlette.responses import HTMLResponse

_SCRIPT: Final = re.compile(r"<script>(.*?)</script>", re.DOTALL)


def add_docs_page(app: FastAPI, path: str, assets: str) -> None:
    """Serves the page at `path`; `assets` is the URL of a folder with `swagger-ui-bundle.js` and `swagger-ui.css`.

    The browser runs nothing but that script and the page's own, whose digest is in the policy (CSP level 2).
    """
    page = get_swagger_ui_html(
        openapi_url=app.openapi_url or "",
        title=app.title,
        swagger_js_url=f"{assets}/swagger-ui-bundle.js",
        swagger_css_url=f"{assets}/swagger-ui.css",
        swagger_favicon_url="data:,",
    )
    text = bytes(page.body).decode()
    digests = [hashlib.sha256(script.encode()).digest() for script in _SCRIPT.findall(text)]
    scripts = " ".join(f"'sha256-{base64.b64encode(digest).decode()}'" for digest in digests)
    headers = {
        "Content-Security-Policy": f"default-src 'none'; script-src 'self' {scripts}; connect-src 'self'; "
        "style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "same-origin",
    }

    async def docs(_request: Request) -> HTMLResponse:
        return HTMLResponse(text, headers=headers)

    app.add_route(path, docs, include_in_schema=False)
