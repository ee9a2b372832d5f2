"""The sinks of messages, as the clients of services reach them: smtplib, which Django sends with, and HTTP."""

import smtplib
from email.message import EmailMessage

import httpx
import pytest

from strangler.compare.writes.sinks import sinks_run
from strangler.sections import SinkAnswer, SinksSection

SECTION = SinksSection(
    mail={"EMAIL_HOST": "{host}", "EMAIL_PORT": "{port}"},
    http={"PAYMENT_URL": "http://{host}:{port}/payment"},
    answers={"POST /payment/charges": SinkAnswer(status=201, body='{"id": "c1"}')},
)


def mail(text: str) -> EmailMessage:
    message = EmailMessage()
    message["Subject"] = "Wïllkommen"
    message["From"] = "shop@example.com"
    message["To"] = "Ann <ann@example.com>"
    message["Message-ID"] = f"<{id(message)}@here>"
    message.set_content(text)
    message.add_alternative(f"<p>{text}</p>", subtype="html")
    message.add_attachment(b"\x00\x01", maintype="application", subtype="pdf", filename="bill.pdf")
    return message


@pytest.mark.parametrize("login", [True, False])
def test_a_mail_is_kept_by_what_counts(login: bool) -> None:
    with sinks_run(SECTION, 2) as (left, right):
        address = left.environment["EMAIL_HOST"], int(left.environment["EMAIL_PORT"])
        assert left.environment["EMAIL_PORT"] != right.environment["EMAIL_PORT"]
        with smtplib.SMTP(*address, timeout=10) as client:
            if login:
                client.login("shop", "any password")
            client.send_message(mail(".\n..dots\nand a long line " + "x" * 2_000))
            client.send_message(mail("second"), to_addrs=["b@example.com", "a@example.com"])
        first, second = left.take()
        assert (len(left), len(right)) == (0, 0)
    assert first.kind == "mail"
    assert first.content["sender"] == "shop@example.com"
    assert first.content["recipients"] == ["ann@example.com"]
    assert first.content["headers"] == {
        "subject": "Wïllkommen",
        "from": "shop@example.com",
        "to": "Ann <ann@example.com>",
    }
    plain, html, bill = first.content["parts"]
    assert plain == {"type": "text/plain", "text": ".\n..dots\nand a long line " + "x" * 2_000 + "\n"}
    assert html["type"] == "text/html"
    assert (bill["file"], len(bill["sha256"])) == ("bill.pdf", 64)
    assert second.content["recipients"] == ["a@example.com", "b@example.com"]


def test_a_request_is_kept_and_answered_as_the_project_file_says() -> None:
    with sinks_run(SECTION, 1) as (sink,):
        base = sink.environment["PAYMENT_URL"]
        with httpx.Client(trust_env=False) as client:
            charged = client.post(f"{base}/charges?a=1&a=2", json={"cents": 5}, headers={"Authorization": "Bearer k"})
            other = client.put(f"{base}/other", data={"x": "ä"})
            client.get(base)
        taken = [each.content for each in sink.take()]
    assert (charged.status_code, charged.json()) == (201, {"id": "c1"})
    assert (other.status_code, other.json()) == (200, {})
    assert taken[0] == {
        "method": "POST",
        "path": "/payment/charges",
        "query": [["a", "1"], ["a", "2"]],
        "type": "application/json",
        "authorization": "Bearer k",
        "body": {"cents": "5"},
    }
    assert [taken[1]["method"], taken[1]["body"]] == ["PUT", [["x", "ä"]]]
    assert [taken[2]["method"], taken[2]["type"], taken[2]["body"]] == ["GET", "", ""]


def test_without_variables_nothing_is_started() -> None:
    with sinks_run(SinksSection(), 2) as sinks:
        assert [sink.environment for sink in sinks] == [{}, {}]
