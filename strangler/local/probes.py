"""Asks a service whether it is ready."""

import http.client

from strangler.local.services import Probe


def probe_answers(probe: Probe, *, timeout: float = 1.0) -> bool:
    """Whether the service answers 200 within `timeout` seconds."""
    connection = http.client.HTTPConnection(probe.host, probe.port, timeout=timeout)
    try:
        connection.request("GET", probe.path, headers={"Host": probe.host_header, "Connection": "close"})
        return connection.getresponse().status == http.client.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
