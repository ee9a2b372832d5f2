"""The run's FastAPI behind a fault, for tests of what a ramp does then."""

import http.client
from collections.abc import Iterable
from urllib.parse import urlsplit

from tests.bad_servers import http as answer_of


class Fastapi:
    """The run's FastAPI, with a fault that can be switched on."""

    def __init__(self, url: str) -> None:
        self.address = urlsplit(url)
        self.failing = False

    def answer(self, head: bytes) -> Iterable[bytes]:
        path = head.split(b" ", 2)[1].decode()
        if self.failing and "health" not in path:
            return [answer_of(b'{"detail":"planted"}', status="500 Internal Server Error")]
        connection = http.client.HTTPConnection(self.address.hostname or "", self.address.port, timeout=10)
        try:
            connection.request("GET", path, headers={"Host": "localhost"})
            response = connection.getresponse()
            return [answer_of(response.read(), status=f"{response.status} {response.reason}")]
        finally:
            connection.close()
