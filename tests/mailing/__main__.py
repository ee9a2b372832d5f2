"""FastAPI's side, `python -m tests.mailing`: the same by `on_commit`, with the FAULT that its environment names."""

import os
import smtplib
from email.message import EmailMessage
from functools import partial
from typing import Any

from fastapi_app import __main__
from fastapi_app.posts import service
from strangler_fastapi.db.session import RequestSession
from tests.mailing.queue import enqueue

FAULT = os.environ.get("FAULT")


def announced(create: Any) -> Any:
    """Has each post that is written announced once it is committed."""

    async def post_create(*, session: RequestSession, **given: Any) -> int:
        post_id: int = await create(session=session, **given)
        session.on_commit(partial(sent, post_id, given["title"], given["content"]))
        return post_id

    return post_create


def sent(post_id: int, title: str, content: str) -> None:
    """Announces a post."""
    mail = EmailMessage()
    mail["Subject"] = f"{'Other' if FAULT == 'subject' else 'New'}: {title}"
    mail["From"], mail["To"] = "blog@example.com", "editors@example.com"
    mail.set_content(content)
    with smtplib.SMTP(os.environ["EMAIL_HOST"], int(os.environ["EMAIL_PORT"]), timeout=10) as client:
        client.send_message(mail)
    if FAULT != "queue":
        enqueue("index", post=post_id, title=title)


service.post_create = announced(service.post_create)
__main__.main()
