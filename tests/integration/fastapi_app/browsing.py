"""Somebody before the pages of the admin."""

from typing import Any

import httpx
from fastapi import FastAPI

from tests.integration.fastapi_app.running import USER_PASSWORD

CSRF_COOKIE = "starlette_admin_csrftoken"


class Browser:
    """Somebody's browser: it keeps cookies, and sends the token of a form along."""

    def __init__(self, app: FastAPI, *, scheme: str = "http") -> None:
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        self.client = httpx.AsyncClient(
            transport=transport,
            base_url=f"{scheme}://testserver/admin",
            headers={"X-Forwarded-Proto": scheme, "Referer": f"{scheme}://testserver/admin/"},
        )

    async def get(self, path: str, **params: str) -> httpx.Response:
        return await self.client.get(path, params=params)

    async def post(self, path: str, *, params: dict[str, str] | None = None, **fields: Any) -> httpx.Response:
        token = self.client.cookies.get(CSRF_COOKIE, "")
        return await self.client.post(path, params=params, data={"csrftoken": token, **fields})

    async def act(self, table: str, name: str, pk: int) -> httpx.Response:
        """An action of a row, as the page's script asks for it."""
        headers = {"X-CSRFToken": self.client.cookies.get(CSRF_COOKIE, "")}
        return await self.client.post(
            f"/_api/{table}/row-action", params={"pk": str(pk), "name": name}, headers=headers
        )

    async def sign_in(self, name: str, password: str = USER_PASSWORD, **fields: str) -> httpx.Response:
        await self.get("/login/")
        return await self.post("/login/", username=name, password=password, **fields)
