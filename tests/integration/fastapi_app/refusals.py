"""What a running application answers and logs when its database is not what it needs."""

import httpx

from tests.databases import PASSWORD
from tests.integration.fastapi_app.running import JWT_KEY, USER_PASSWORD, Running


def check_refused(response: httpx.Response) -> str:
    """503 with a sentence and when to come back, and nothing of the inner workings."""
    assert response.status_code == 503, response.text
    assert int(response.headers["Retry-After"]) > 0
    if response.request.method == "HEAD":
        return ""
    assert [*response.json()] == ["detail"]
    sentence: str = response.json()["detail"]
    assert "\n" not in sentence
    assert "Traceback" not in sentence
    return sentence


def check_no_secret(running: Running, *secrets: str) -> None:
    log = running.log.getvalue()
    never = (JWT_KEY, PASSWORD, PASSWORD.replace(" ", "%20"), USER_PASSWORD, *secrets)
    assert [secret for secret in never if secret in log] == []
