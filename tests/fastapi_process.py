"""A FastAPI process of a test's own, before the database of the running stack."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from strangler.local.services import Probe
from tests.shared_stack import SIGN_IN_FAILURES, StackAddresses

_READY_SECONDS = 30
_POLL_SECONDS = 0.05


@contextmanager
def fastapi_process(stack: StackAddresses, *, port: int, **environment: str) -> Iterator[str]:
    """Starts `python -m fastapi_app` with one worker and these settings; gives its address once it is ready."""
    settings = {
        "FASTAPI_DATABASE_URL": stack.fastapi_dsn,
        "FASTAPI_PORT": str(port),
        "FASTAPI_WORKERS": "1",
        "JWT_SIGNING_KEY": stack.jwt_signing_key,
        "PATH": os.environ["PATH"],
        "SIGN_IN_FAILURES": str(SIGN_IN_FAILURES),
    }
    probe = Probe(host="127.0.0.1", port=port, path="/api/v2/health/ready", host_header="localhost")
    with subprocess.Popen([sys.executable, "-m", "fastapi_app"], env=settings | environment) as process:
        try:
            deadline = time.monotonic() + _READY_SECONDS
            while not probe.answers():
                if process.poll() is not None or time.monotonic() > deadline:
                    raise RuntimeError("FastAPI did not become ready")
                time.sleep(_POLL_SECONDS)
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()
