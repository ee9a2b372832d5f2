"""A name server on this machine: the addresses of the pods that are ready, as of a cluster's headless Services."""

import socket
import struct
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Final

_HEADER: Final = struct.Struct("!6H")
_ANSWERED: Final = 0x8580
_NO_SUCH_NAME: Final = 0x8583
_A: Final = 1
_SECONDS: Final = 1


@contextmanager
def name_server(names: Mapping[str, list[str]]) -> Iterator[str]:
    """Answer for these names, as they are at the moment of each question; gives its address and port."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 0))
        thread = threading.Thread(target=_serve, args=(server, names), daemon=True)
        thread.start()
        host, port = server.getsockname()
        try:
            yield f"{host}:{port}"
        finally:
            # Wakes it up.
            server.sendto(b"", (host, port))
            thread.join()


def _serve(server: socket.socket, names: Mapping[str, list[str]]) -> None:
    while True:
        packet, client = server.recvfrom(512)
        if not packet:
            return
        server.sendto(_answer(packet, names), client)


def _answer(packet: bytes, names: Mapping[str, list[str]]) -> bytes:
    number = _HEADER.unpack_from(packet)[0]
    place, labels = _HEADER.size, []
    while length := packet[place]:
        labels.append(packet[place + 1 : place + 1 + length].decode("ascii"))
        place += 1 + length
    kind, _ = struct.unpack_from("!2H", packet, place + 1)
    question = packet[_HEADER.size : place + 5]
    name = ".".join(labels)
    addresses = names.get(name, []) if kind == _A else []
    head = _HEADER.pack(number, _ANSWERED if name in names else _NO_SUCH_NAME, 1, len(addresses), 0, 0)
    # Each answer points to the name of the question.
    records = (struct.pack("!3HIH", 0xC00C, _A, 1, _SECONDS, 4) + socket.inet_aton(each) for each in addresses)
    return head + question + b"".join(records)
