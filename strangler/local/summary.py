"""What a person needs once the stack is ready: addresses, the demo users, a request to each stack."""

from strangler.local.settings import LocalSettings


def stack_summary(settings: LocalSettings) -> list[str]:
    """Lines for the terminal; the demo password is shown only where demo data is loaded."""
    url = settings.proxy_url
    lines = [
        f"front door  {url}",
        f"Django      {url}/api/docs/  {url}/admin/",
        f"FastAPI     {url}/api/v2/docs",
        f"curl -i {url}/api/feed/",
        f"curl -i {url}/api/v2/feed/",
    ]
    if settings.is_development:
        lines.insert(3, f"sign in as  admin (staff), alice or bob, password {settings.demo_password}")
    return lines
