"""The queue: what a worker does later is sent to its address by HTTP."""

import json
import os
from urllib.request import Request, urlopen


def enqueue(task: str, **arguments: object) -> None:
    """Adds a message to the queue at QUEUE_URL."""
    body = json.dumps({"task": task, "arguments": arguments}).encode()
    url = f"{os.environ['QUEUE_URL']}/messages"
    with urlopen(Request(url, body, {"Content-Type": "application/json"}), timeout=10) as answer:  # noqa: S310 - the sink's
        answer.read()
