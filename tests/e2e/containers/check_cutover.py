"""The profile `cutover`, there and back: no container, image or package of Django, and the same rows."""

import re

import httpx

from tests.e2e.containers.engine import Containers, wait_for

POST = {"title": "written without Django", "content": "text", "tags": ["zeta"]}


def test_without_django_and_back(containers: Containers, front: httpx.Client, tokens: dict[str, str]) -> None:
    alice = {"Authorization": f"Bearer {tokens['django']}"}
    routes = containers.routes_file.read_text()
    containers.routes_file.write_text(re.sub(r'stage = "(legacy|parallel)"', 'stage = "migrated"', routes))
    containers.run("stop", "nginx", "django", "shadow")
    try:
        containers.run("--profile", "cutover", "up", "--detach", "nginx-cutover", "worker")
        wait_for("FastAPI on both paths", lambda: by_fastapi(containers))
        assert containers.inside("nginx-cutover", "bash", "-c", "exec 3<>/dev/tcp/django/8001", check=False).returncode
        # A token that Django gave, a write, and the job of a worker.
        assert front.get("/api/users/me/", headers=alice).json()["username"] == "alice"
        assert front.post("/api/posts/", json=POST, headers=alice).headers["X-Served-By"] == "fastapi"
        assert front.get("/admin/login/").headers["X-Served-By"] == "fastapi"
        command = ("python", "-m", "fastapi_app", "prune-drafts", "--older-than", "9999", "--later")
        wait_for("the command", lambda: containers.inside("worker", *command, check=False).returncode == 0)
        wait_for("the job", lambda: job_statuses(containers) == {"succeeded"})
    finally:
        containers.routes_file.write_text(routes)
        containers.run("--profile", "cutover", "stop", "nginx-cutover")
        containers.run("up", "--detach")
        containers.wait_until_ready()
    v1, v2 = (front.get(f"{path}/posts/?search=written+without", headers=alice) for path in ("/api", "/api/v2"))
    assert [v1.headers["X-Served-By"], v2.headers["X-Served-By"]] == ["django", "fastapi"]
    assert v1.json() == v2.json()
    assert v1.json()["count"] == 1


def by_fastapi(containers: Containers) -> bool:
    return {containers.served_by(path) for path in ("/api/feed/", "/api/v2/feed/")} == {"fastapi"}


def job_statuses(containers: Containers) -> set[str]:
    query = "SELECT DISTINCT status FROM procrastinate_jobs WHERE task_name = 'prune_drafts'"
    psql = ("psql", "--username=postgres", "--dbname=strangler", "--tuples-only", "--no-align", "--command", query)
    return set(containers.inside("postgres", *psql).stdout.split())
